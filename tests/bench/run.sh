#!/bin/sh
# Figures of liteinit beside its peers on this machine: sh tests/bench/run.sh [--quick] [PART…]
# Installs the peers from Debian's packages where they are missing, and builds the release binary.
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
sh "$top/docker/setup.sh" build bench
sh "$top/docker/build.sh" "$top/build/liteinit"
# A real disk: /tmp is often memory, where nothing needs to be synced.
exec /usr/bin/python3 "$top/tests/bench/bench.py" --liteinit "$top/build/liteinit" \
    --folder "${LITEINIT_BENCH_DIR:-/var/tmp}" "$@"
