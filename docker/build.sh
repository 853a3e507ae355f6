#!/bin/sh
# Builds the release binary: sh docker/build.sh [OUT]     (OUT: build/liteinit when left out)
#
# Installs what is missing, then builds a static, stripped, hardened binary that runs on any Linux
# of this processor. The sources are only read; the build tree is build/release, which git ignores,
# or a folder of the cache where the source tree cannot be written.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=docker/common.sh
. "$here/common.sh"
top=$(cd "$here/.." && pwd)

[ $# -le 1 ] || die "usage: build.sh [OUT]"
out=${1:-$top/build/liteinit}
[ ! -d "$out" ] || die "$out is a folder: name the file that is to be the binary"
folder=$(dirname "$out")
mkdir -p "$folder" || die "cannot make the folder $folder"
out=$(cd "$folder" && pwd)/$(basename "$out")

sh "$here/setup.sh" build release

build=${LITEINIT_BUILD_DIR:-$top/build/release}
if ! mkdir -p "$build" 2>/dev/null; then
    build=$(cache_dir)/build-$(printf %s "$top" | sha256sum | cut -c1-12)
    mkdir -p "$build"
fi
log=$build/build.log

say "Building liteinit in $build"
# Made first and on their own, so that their messages are seen.
sh "$here/sqlite.sh" >/dev/null
sh "$here/musl.sh" >/dev/null
configure() { cmake -S "$top" --preset release -B "$build"; }
# A build tree of another toolchain, or of other flags in musl.cmake, starts afresh.
stamp=$(cat "$here/musl.cmake" "$here/musl.sh" "$here/sqlite.sh" | sha256sum)
if [ "$(cat "$build/stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -rf "$build/CMakeCache.txt" "$build/CMakeFiles"
fi
quietly "$log" configure || die "cannot configure the build"
printf '%s\n' "$stamp" >"$build/stamp"
sqlite=$(sed -n 's/^-- SQLite \([^ ]*\) .*/\1/p' "$log")
quietly "$log" cmake --build "$build" --target liteinit || die "cannot build liteinit"

cp "$build/liteinit" "$out.new"
mv -f "$out.new" "$out"
say "$out: $(wc -c <"$out") bytes, SQLite $sqlite"
