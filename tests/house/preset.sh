#!/bin/sh
# Builds everything with another preset, and runs its unit tests and the fuzz corpora: preset.sh PRESET SOURCE BUILD ARG…
set -eu
preset=$1
source=$2
build=$3
shift 3
cmake -S "$source" --preset "$preset" -B "$build" -DLITEINIT_WERROR=ON "$@"
cmake --build "$build"
ctest --test-dir "$build" -R '^(unit|fuzz)\.' --output-on-failure
