# Shared by the scripts of this folder, which read it with `.`; it is not run by itself.
# shellcheck shell=sh
#
# Promises: messages go to stderr, so that a script's stdout holds its answer alone; what is kept
# between runs lies in one cache outside the source tree, and appears there by a rename, whole or
# not at all, so that two builds may run at the same time.

# say TEXT…: a line for the person who watches.
say() { printf '%s\n' "$*" >&2; }

# die TEXT…: says what is wrong, and how to mend it, and ends the script.
die() {
    say "${0##*/}: $*"
    exit 1
}

# home_dir: the home folder, of the user's entry where HOME is unset (as in some CI).
home_dir() {
    if [ -n "${HOME:-}" ]; then
        printf '%s\n' "$HOME"
    else
        getent passwd "$(id -u)" | cut -d: -f6
    fi
}

# cache_dir: where downloads and libraries built from source are kept.
cache_dir() {
    if [ -n "${LITEINIT_CACHE:-}" ]; then
        printf '%s\n' "$LITEINIT_CACHE"
    else
        printf '%s\n' "${XDG_CACHE_HOME:-$(home_dir)/.cache}/liteinit"
    fi
}

# quietly LOG COMMAND…: runs COMMAND with its noise in LOG, which is shown only when it fails.
quietly() {
    quietly_log=$1
    shift
    if "$@" >"$quietly_log" 2>&1 </dev/null; then
        return 0
    fi
    say "failed: $*"
    tail -n 40 "$quietly_log" >&2
    return 1
}
