#!/bin/sh
# The style checks: style.sh format|tidy|shell SOURCE [BUILD]
set -eu
check=$1
cd "$2"
case $check in
format)
    find src tests -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run -Werror
    ;;
tidy)
    # Two at a time; clang-tidy itself counts what it hid in headers on stderr, which is noise.
    find src -name '*.c' -print0 | sort -z |
        xargs -0 -n 3 -P 2 clang-tidy --quiet -p "$3" 2>"$3/tidy.err" || {
        grep -vE 'warnings? generated' "$3/tidy.err"
        exit 1
    }
    ;;
shell)
    find docker tests -name '*.sh' -print0 | xargs -0 shellcheck -x .ci/run
    ;;
esac
