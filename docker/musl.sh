#!/bin/sh
# Makes, once, what a static liteinit is linked from, and prints its folder:
#   bin/cc      a compiler for musl that knows -static-pie and finds the kernel's headers
#   include/    headers, lib/ static libraries and lib/pkgconfig/ of libuv, cJSON and nettle
#   VERSIONS    the Debian source packages that they were built from
#
# Debian has no musl build of these libraries (nor a static cJSON), so they are built from Debian's
# own source packages: apt checks their signatures, and the security fixes of the release are in.
# The machine's apt configuration is only read; lists and downloads have folders of their own, so
# no root is needed. To take other versions: change the lines below.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=docker/common.sh
. "$here/common.sh"

# Upstream versions; and for each source package the Debian version that is taken if it is there.
libuv=1.44.2
cjson=1.7.15
nettle=3.8.1
libraries="libuv1 $libuv $libuv-1+deb12u1
cjson $cjson $cjson-1+deb12u4
nettle $nettle $nettle-2"

cache=$(cache_dir)
recipe=$(sha256sum "$here/musl.sh" | cut -c1-12)
folder=$cache/musl-libuv$libuv-cjson$cjson-nettle$nettle-$recipe
if [ -f "$folder/VERSIONS" ]; then
    printf '%s\n' "$folder"
    exit 0
fi

for tool in gcc musl-gcc dpkg-source apt-get cmake ninja make m4; do
    command -v "$tool" >/dev/null 2>&1 ||
        die "$tool is missing: run sh docker/setup.sh build release"
done
cpu=$(gcc -dumpmachine | cut -d- -f1)
musl=/usr/lib/$cpu-linux-musl
[ -f "$musl/musl-gcc.specs" ] || die "$musl/musl-gcc.specs is missing: is musl-tools installed?"

mkdir -p "$cache" || die "cannot make $cache: set LITEINIT_CACHE to a folder that can be written"
temp=$(mktemp -d "$cache/.musl.XXXXXX")
trap 'rm -rf "$temp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
log=$temp/log
out=$temp/out
mkdir -p "$out/bin" "$out/include/cjson" "$out/kernel" "$out/lib/pkgconfig" "$temp/src"

# --- The compiler. Debian's musl-gcc knows neither -static-pie nor the kernel's headers.
for name in linux asm-generic; do
    ln -s "/usr/include/$name" "$out/kernel/$name"
done
if [ -d "/usr/include/$(gcc -print-multiarch)/asm" ]; then
    ln -s "/usr/include/$(gcc -print-multiarch)/asm" "$out/kernel/asm"
else
    ln -s /usr/include/asm "$out/kernel/asm"
fi
sed -e "s|%{!shared: *$musl/Scrt1.o}|%{static-pie:$musl/rcrt1.o; !shared:$musl/Scrt1.o}|" \
    -e 's|%{static:-static}|%{static:-static} %{static-pie:-static -pie --no-dynamic-linker -z text}|' \
    -e 's|^-dynamic-linker \([^ ]*\)|%{!static-pie:-dynamic-linker \1}|' \
    "$musl/musl-gcc.specs" >"$out/lib/musl.specs"
if [ "$(grep -cE 'rcrt1.o|static-pie:-static' "$out/lib/musl.specs")" != 2 ]; then
    die "$musl/musl-gcc.specs is not the one this script knows how to extend"
fi
cat >"$out/bin/cc" <<'CC'
#!/bin/sh
exec gcc "$@" -specs "${0%/*}/../lib/musl.specs" -idirafter "${0%/*}/../kernel"
CC
chmod 755 "$out/bin/cc"

# --- The sources: the machine's own Debian sources, as deb-src.
sources=
if [ -f /etc/apt/sources.list.d/debian.sources ]; then
    sources=$temp/src.sources
    sed 's/^Types:.*/Types: deb-src/' /etc/apt/sources.list.d/debian.sources >"$sources"
elif grep -qs '^deb ' /etc/apt/sources.list; then
    sources=$temp/src.list
    sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$sources"
else
    die "neither /etc/apt/sources.list nor sources.list.d/debian.sources names Debian's archive"
fi
mkdir -p "$temp/apt/lists/partial" "$temp/apt/cache/archives/partial"

# apt_private COMMAND ARG…: apt with folders of its own; nothing of the machine's is written.
apt_private() {
    apt_tool=$1
    shift
    "$apt_tool" -q -o Dir::Etc::sourcelist="$sources" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::lists="$temp/apt/lists" -o Dir::Cache="$temp/apt/cache" \
        -o APT::Sandbox::User= -o Acquire::Retries=3 -o Acquire::Languages=none "$@"
}
say "Building libuv, cJSON and nettle for musl (once)"
quietly "$log" apt_private apt-get update || die "cannot read Debian's lists of source packages"

# fetch PACKAGE UPSTREAM DEBIAN: unpacks the exact Debian version, else one of the same upstream.
fetch() {
    offered=$(apt_private apt-cache showsrc "$1" | sed -n 's/^Version: //p' | sort -uV)
    if printf '%s\n' "$offered" | grep -qxF "$3"; then
        version=$3
    else
        version=$(printf '%s\n' "$offered" | grep -F "$2-" | tail -n 1) || version=
    fi
    [ -n "$version" ] || die "Debian here offers no $1 $2, only: $(echo "$offered" | xargs)"
    (cd "$temp/src" && quietly "$log" apt_private apt-get source "$1=$version") ||
        die "cannot get the source package $1 $version"
    mv "$temp/src/$1-$2" "$temp/src/$1" || die "the source package $1 unpacks to an unknown folder"
    say "  $1 $version"
    printf '%s %s\n' "$1" "$version" >>"$temp/VERSIONS"
}
while read -r package upstream debian; do
    fetch "$package" "$upstream" "$debian"
done <<LIBRARIES
$libraries
LIBRARIES

# --- The libraries. Sections of their own, so that the linker can drop what nobody calls.
flags="-O2 -fPIE -ffunction-sections -fdata-sections -fstack-protector-strong"
flags="$flags -fstack-clash-protection -fno-asynchronous-unwind-tables"

quietly "$log" cmake -S "$temp/src/libuv1" -B "$temp/uv" -G Ninja -DCMAKE_BUILD_TYPE=None \
    -DCMAKE_C_COMPILER="$out/bin/cc" -DCMAKE_C_FLAGS="$flags" -DLIBUV_BUILD_TESTS=OFF ||
    die "cannot configure libuv"
quietly "$log" cmake --build "$temp/uv" --target uv_a || die "cannot build libuv"
cp "$temp/uv/libuv_a.a" "$out/lib/libuv.a"
cp -R "$temp/src/libuv1/include/." "$out/include/"

# shellcheck disable=SC2086 # a list of flags
quietly "$log" "$out/bin/cc" $flags -c "$temp/src/cjson/cJSON.c" -o "$temp/cJSON.o" ||
    die "cannot build cJSON"
ar rcs "$out/lib/libcjson.a" "$temp/cJSON.o"
cp "$temp/src/cjson/cJSON.h" "$out/include/cjson/"

# nettle's "fat" build asks the processor at its first use, through function pointers (no ifunc,
# which musl has not), and then hashes with SHA-NI where there is one.
(
    cd "$temp/src/nettle"
    quietly "$log" ./configure CC="$out/bin/cc" CFLAGS="$flags" --prefix="$out" \
        --libdir="$out/lib" --disable-shared --disable-public-key --disable-openssl \
        --disable-documentation --enable-fat &&
        quietly "$log" make -j2 libnettle.a && quietly "$log" make install-headers
) || die "cannot build nettle"
cp "$temp/src/nettle/libnettle.a" "$out/lib/"

# pc NAME VERSION LIBS: pkg-config's description, true wherever the folder stands.
pc() {
    cat >"$out/lib/pkgconfig/$1.pc" <<PC
prefix=\${pcfiledir}/../..
Name: $1
Description: $1 for musl
Version: $2
Cflags: -I\${prefix}/include
Libs: -L\${prefix}/lib $3
PC
}
pc libuv $libuv -luv
pc libcjson $cjson -lcjson
pc nettle $nettle -lnettle

mv "$temp/VERSIONS" "$out/VERSIONS"
# Another build may have been faster: its folder holds the same, so keep that one.
mv -T "$out" "$folder" 2>/dev/null || [ -f "$folder/VERSIONS" ] || die "cannot make $folder"
printf '%s\n' "$folder"
