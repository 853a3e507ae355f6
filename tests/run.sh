#!/bin/sh
# Everything from one command: installs what is missing, builds, and runs all tests.
# sh tests/run.sh [CTEST ARG…]   for example: sh tests/run.sh -R integration.stop
#
# Builds in build/dev, or in LITEINIT_BUILD_DIR. Ends with ctest's summary and its status.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
build=${LITEINIT_BUILD_DIR:-$top/build/dev}

sh "$top/docker/setup.sh" build test release
mkdir -p "$build"
log=$build/run.log
{ cmake -S "$top" --preset dev -B "$build" && cmake --build "$build"; } >"$log" 2>&1 </dev/null || {
    cat "$log" >&2
    echo "run.sh: the build failed, see above" >&2
    exit 1
}
grep -- '-- SQLite' "$log" || true

exec ctest --test-dir "$build" --output-on-failure -j2 --no-tests=error "$@" </dev/null
