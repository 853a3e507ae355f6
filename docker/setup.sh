#!/bin/sh
# Installs what the build, the tests and the demo need: sh docker/setup.sh GROUP…
#
# Groups: build test fuzz release bench demo docker. Only Debian packages, only those that are missing, and
# nothing at all is touched (no package lists read either) when all of them are there. Needs root,
# or sudo; without either it says what to install. Messages go to stderr.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=docker/common.sh
. "$here/common.sh"

usage="usage: setup.sh GROUP…   (groups: build test fuzz release bench demo docker)"
[ $# -gt 0 ] || die "$usage"

wanted=
for group in "$@"; do
    case $group in
    build)
        wanted="$wanted gcc libc6-dev cmake ninja-build pkg-config"
        wanted="$wanted libuv1-dev libcjson-dev nettle-dev"
        # npm fetches the SQLite sources; any npm will do, Debian's or one from elsewhere.
        command -v npm >/dev/null 2>&1 || wanted="$wanted npm"
        ;;
    test)
        wanted="$wanted libcmocka-dev python3 python3-pytest strace util-linux procps file"
        wanted="$wanted clang clang-tidy clang-format shellcheck e2fsprogs xfsprogs btrfs-progs"
        ;;
    # The runtime of the sanitizers and of libFuzzer belongs to one version of clang: Debian 12's.
    fuzz) wanted="$wanted clang-14 clang libclang-rt-14-dev" ;;
    release) wanted="$wanted musl-tools binutils linux-libc-dev dpkg-dev make m4 file" ;;
    demo) wanted="$wanted python3 util-linux" ;;
    bench) wanted="$wanted tini dumb-init catatonit s6 sqlite3 alembic btrfs-progs xfsprogs" ;;
    docker) wanted="$wanted docker.io debootstrap" ;;
    *) die "unknown group \"$group\"; $usage" ;;
    esac
done

if ! command -v dpkg-query >/dev/null 2>&1; then
    say "This is not a Debian system; the build needs what these Debian packages hold:$wanted"
    exit 0
fi

missing=
# shellcheck disable=SC2086 # a list of words
for package in $(printf '%s\n' $wanted | sort -u); do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1; then
    as_root=sudo
else
    die "packages are missing; as root, run: apt-get install$missing"
fi

say "Installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# apt_get ARG…: a run that asks nothing, and waits for another package manager to finish.
apt_get() {
    # shellcheck disable=SC2086 # as_root is empty or one word
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 \
        -o DPkg::Lock::Timeout=300 "$@"
}

# The lock of the package lists is not one that apt waits for: so try again. A source of the
# machine's own that does not answer is no obstacle as long as the packages are found.
tries=0
until apt_get update >"$log" 2>&1 </dev/null; do
    tries=$((tries + 1))
    if [ $tries -ge 3 ]; then
        say "apt-get update had errors; trying with the lists that are there"
        break
    fi
    sleep 3
done

# shellcheck disable=SC2086 # a list of words
quietly "$log" apt_get install --no-install-recommends $missing ||
    die "cannot install the packages above; see apt's messages"
