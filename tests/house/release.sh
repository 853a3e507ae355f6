#!/bin/sh
# Builds the release binary and looks at it: release.sh SOURCE BUILD
# shellcheck disable=SC2317 # expect() calls the functions
set -eu
source=$1
build=$2
binary=$build/out/liteinit
LITEINIT_BUILD_DIR=$build sh "$source/docker/build.sh" "$binary"

failed=0
expect() { # expect WHAT COMMAND…
    what=$1
    shift
    if "$@" >/dev/null 2>&1; then
        echo "ok      $what"
    else
        echo "FAILED  $what"
        failed=1
    fi
}
says() { readelf "$1" "$binary" | grep -qE "$2"; }
says_not() { ! readelf "$1" "$binary" | grep -qE "$2"; }
runs_elsewhere() { # with no other file at all in reach
    root=$build/out/root
    rm -rf "$root"
    mkdir "$root"
    cp "$binary" "$root/liteinit"
    chroot "$root" /liteinit --version
}
size=$(wc -c <"$binary")

expect "at most 1.5 MB: $size bytes" [ "$size" -le 1500000 ]
expect "static: no interpreter" says_not -lW INTERP
expect "static: no shared library" says_not -dW NEEDED
expect "position independent" says -dW 'FLAGS_1.*PIE'
expect "relocations read-only (RELRO)" says -lW GNU_RELRO
expect "all of them at start (BIND_NOW)" says -dW 'FLAGS.*NOW'
expect "no text relocations" says_not -dW TEXTREL
expect "stack not executable" says -lW 'GNU_STACK.* RW +0'
expect "stripped" says_not -SW '\.symtab'
if [ "$(id -u)" = 0 ]; then
    expect "runs in an empty root" runs_elsewhere
else
    expect "runs" "$binary" --version
fi
exit $failed
