#!/bin/sh
# Runs a test that needs tools: optional.sh NAME TOOL… -- COMMAND…
#
# TOOL is a command's name or path, or python:MODULE. A missing one skips the test (status 77),
# says so, and names it. With CI=true that is a failure, unless expected-skips.txt lists NAME.
set -eu
name=$1
shift

missing=
while [ "$1" != -- ]; do
    case $1 in
    python:*) /usr/bin/python3 -c "import ${1#python:}" 2>/dev/null || missing="$missing $1" ;;
    *) command -v "$1" >/dev/null 2>&1 || missing="$missing $1" ;;
    esac
    shift
done
shift

[ -n "$missing" ] || exec "$@"

echo "SKIPPED $name: missing$missing (sh docker/setup.sh build test release installs it)"
if [ "${CI:-}" = true ] && ! grep -qxF "$name" "$(dirname "$0")/expected-skips.txt"; then
    echo "FAILED: in CI this skip is not expected; tests/expected-skips.txt does not list $name"
    exit 1
fi
exit 77
