#!/bin/sh
# Gets the SQLite amalgamation once, and prints the folder that holds sqlite3.c and sqlite3.h.
#
# It is the one inside the npm package better-sqlite3 (Debian 12's SQLite is older than 3.51.3 and
# has the WAL-reset bug, https://sqlite.org/wal.html#walresetbug). Trust rests on the hashes here
# and on nothing that the network says. To take another version: change the four values below.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=docker/common.sh
. "$here/common.sh"

sqlite=3.53.2
package=better-sqlite3@12.11.1
integrity=dq9AtApgg5PGFtBzPFSBl3HZQjHok5gaQCM6zh2Yk0aSmDCs1CbnVI8/HgASQkNKsWFpseIO9beg5xxpYhbIfA==
files="60d2f39a3726cd6b9021da6f4e868608d66fbb6528a9f513dc8ffcc640493422  sqlite3.c
9e69a1353a4288450b0d5239ede11fc7f1f4c8e5eb07491fc8317eacb5b7de7e  sqlite3.h"

cache=$(cache_dir)
folder=$cache/sqlite-$sqlite

# genuine DIR: DIR holds exactly the two pinned files' contents.
genuine() { (cd "$1" && printf '%s\n' "$files" | sha256sum -c --status --strict) 2>/dev/null; }

if [ -d "$folder" ]; then
    genuine "$folder" || die "$folder is damaged: remove it and run this again"
    printf '%s\n' "$folder"
    exit 0
fi

command -v npm >/dev/null 2>&1 ||
    die "npm is missing, which fetches the SQLite sources: run sh docker/setup.sh build," \
        "or give the folder of an amalgamation to CMake: -DLITEINIT_SQLITE_DIR=…"

mkdir -p "$cache" || die "cannot make $cache: set LITEINIT_CACHE to a folder that can be written"
temp=$(mktemp -d "$cache/.sqlite.XXXXXX")
trap 'rm -rf "$temp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "Fetching SQLite $sqlite"
cd "$temp"
quietly npm.log npm pack --loglevel=error --no-update-notifier --cache "$temp/npm" "$package" ||
    die "npm could not fetch $package: is the network there?"
archive=$(printf '%s' *.tgz)
expected=$(printf %s "$integrity" | base64 -d | od -An -v -tx1 | tr -d ' \n')
[ "$(sha512sum "$archive" | cut -d' ' -f1)" = "$expected" ] ||
    die "$package does not have its pinned integrity hash; nothing of it is used"

mkdir out
tar -xzf "$archive" -C out --strip-components=3 --no-same-owner \
    package/deps/sqlite3/sqlite3.c package/deps/sqlite3/sqlite3.h
genuine out || die "the SQLite sources in $package do not have their pinned hashes"
chmod 755 out
# Another build may have been faster: its folder holds the same files, so keep that one.
mv -T out "$folder" 2>/dev/null || genuine "$folder" || die "cannot make $folder"
printf '%s\n' "$folder"
