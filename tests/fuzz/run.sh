#!/bin/sh
# Fuzzes each target for a while: sh tests/fuzz/run.sh [SECONDS [TARGET…]]   (60 seconds each)
#
# Builds with clang, libFuzzer and the sanitizers in build/fuzz. What it learns on the way stays in
# build/fuzz/corpus; an input that breaks something lands in build/fuzz/found, and the exit status
# is 1 then. Such an input, mended, belongs into tests/fuzz/corpus, which ctest replays.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${LITEINIT_BUILD_DIR:-$top/build/fuzz}
seconds=${1:-60}
[ $# -eq 0 ] || shift
case $seconds in
'' | *[!0-9]*)
    echo "usage: run.sh [SECONDS [TARGET…]]" >&2
    exit 64
    ;;
esac

sh "$top/docker/setup.sh" build fuzz
cmake -S "$top" --preset fuzz -B "$build" >/dev/null </dev/null

if [ $# -eq 0 ]; then
    for folder in "$top"/tests/fuzz/corpus/*/; do
        set -- "$@" "$(basename "$folder")"
    done
fi
status=0
for target in "$@"; do
    cmake --build "$build" --target "fuzz_$target" >"$build/build.log" 2>&1 || {
        cat "$build/build.log" >&2
        exit 1
    }
    mkdir -p "$build/corpus/$target" "$build/found"
    echo "fuzz.$target, $seconds s"
    # A statement that computes for long is no fault, hence the generous time for one input.
    "$build/tests/fuzz_$target" -max_total_time="$seconds" -max_len=4096 -timeout=30 \
        -rss_limit_mb=2048 -dict="$top/tests/fuzz/sql.dict" -verbosity=0 -print_final_stats=1 \
        -artifact_prefix="$build/found/$target-" \
        "$build/corpus/$target" "$top/tests/fuzz/corpus/$target" >"$build/$target.log" 2>&1 || {
        status=1
        tail -n 40 "$build/$target.log"
    }
    sed -n 's/^stat::number_of_executed_units: */  inputs tried: /p' "$build/$target.log"
done
exit $status
