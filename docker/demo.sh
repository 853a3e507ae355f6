#!/bin/sh
# The main job of liteinit, shown on a real app: sh docker/demo.sh
#
# On a Debian 12 machine, as root or with sudo: installs what is missing, builds the release binary
# unless build/liteinit is newer than the sources, and runs the pantry app (compose/app.py) under
# liteinit as PID 1 of a PID namespace, four times over one database: created, updated, cut off,
# recovered; then its newest migration is taken back, rehearsed and applied again. Everything that
# liteinit says is checked from outside, by docker/demo/look.py. Where a Docker engine answers, the
# same binary then runs in a container.
#
# Promises: ends by itself, with 0 only when every check held; leaves no process behind, and no file
# but build/liteinit; when a check fails, the demo's folder is kept, and its path told.
#
# Environment: LITEINIT_DEMO_BINARY names a liteinit to show instead of build/liteinit;
# LITEINIT_DEMO_DOCKER=0 leaves the container out, =1 starts an engine of the demo's own when none
# answers (installing Debian's docker.io and debootstrap).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
# shellcheck source=docker/demo/container.sh
. "$here/demo/container.sh"
seconds_allowed=100

if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
        echo "demo.sh: PID namespaces need root: run it as root, or install sudo" >&2
        exit 1
    }
    exec sudo env LITEINIT_DEMO_BINARY="${LITEINIT_DEMO_BINARY:-}" \
        LITEINIT_DEMO_DOCKER="${LITEINIT_DEMO_DOCKER:-}" sh "$here/demo.sh" "$@"
fi

work='' record='' port_file='' log='' life=0
ns='' init='' load='' watchdog='' failed=1

# --- What it says -------------------------------------------------------------------------------

title() { printf '\n%s\n' "$*"; }
tell() { printf '   %s\n' "$*"; }

# fail TEXT…: a check did not hold. What liteinit said last helps to see why.
fail() {
    printf '\ndemo.sh: FAILED: %s\n' "$*" >&2
    if [ -n "$log" ] && [ -s "$log" ]; then
        printf 'The last lines of %s:\n' "$log" >&2
        tail -n 15 "$log" >&2
    fi
    exit 1
}

# --- Leaving nothing behind ---------------------------------------------------------------------

# Only what this script started is ended, by its number. SIGKILL for a namespace's PID 1 takes
# everything in the namespace with it; unshare, left alive, then reaps it.
clean_up() {
    trap - EXIT HUP INT TERM
    for pid in ${init:-$ns} $load $watchdog; do
        kill -KILL "$pid" 2>/dev/null || :
    done
    for pid in $ns $load $watchdog; do
        wait "$pid" 2>/dev/null || :
    done
    container_clean_up
    [ -n "$work" ] || return 0
    if [ "$failed" = 0 ]; then
        rm -rf "$work"
    else
        printf 'The demo kept its files: %s\n' "$work" >&2
    fi
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# --- One life of the container ------------------------------------------------------------------

# child_of PID: its first child, as this namespace counts.
child_of() {
    entry=$(grep -l "^PPid:[[:space:]]*$1\$" /proc/[0-9]*/status 2>/dev/null | head -n 1)
    [ -n "$entry" ] || return 1
    entry=${entry#/proc/}
    echo "${entry%/status}"
}

# until_true SECONDS COMMAND…: asks every 50 ms.
until_true() {
    tries=$(($1 * 20))
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.05
    done
}

has_child() { init=$(child_of "$ns") || ! [ -d "/proc/$ns" ]; }
app_listens() { [ -s "$port_file" ] || ! [ -d "/proc/$init" ]; }
recorded() { [ "$(wc -l <"$record")" -ge "$1" ] || ! [ -d "/proc/$load" ]; }

# become COMMAND…: this process becomes COMMAND, in the container's environment, whatever this
# shell has. No shell stays in between, so that $! is COMMAND's own number.
become() {
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
        DATABASE_PATH="$work/data/app.db" LITEINIT_MIGRATIONS="$work/migrations" \
        HOST=127.0.0.1 PORT=0 PORT_FILE="$port_file" "$@"
}

# begin_life FORMAT: a start of the container; comes back when the app listens.
begin_life() {
    life=$((life + 1))
    log=$work/life$life.log
    rm -f "$port_file"
    become LITEINIT_LOG_FORMAT="$1" \
        unshare --pid --fork --kill-child --mount-proc -- \
        "$liteinit" -- "$python" "$root/compose/app.py" \
        >"$work/app$life.log" 2>"$log" </dev/null &
    ns=$!
    until_true 5 has_child || fail "liteinit did not start"
    [ -n "$init" ] || fail "liteinit ended at once"
    echo "$init" >"$work/pid"
    until_true 20 app_listens || fail "the app did not listen within 20 s"
    [ -s "$port_file" ] || {
        status=0
        wait "$ns" || status=$?
        ns='' init=''
        fail "liteinit ended with $status before the app listened"
    }
    url=http://127.0.0.1:$(cat "$port_file")
    inside=$(sed -n 's/^NSpid:.*[[:space:]]\([0-9]*\)$/\1/p' "/proc/$init/status")
    [ "$inside" = 1 ] || fail "liteinit is not PID 1 of its namespace, but $inside"
}

# end_life SIGNAL PID STATUS: sends it, and waits for liteinit's end with that status; "killed"
# where liteinit itself gets SIGKILL, which unshare cannot hand on as a status of its own.
end_life() {
    begun=$(date +%s%N)
    kill -s "$1" "$2" || fail "process $2 is gone before its SIG$1"
    status=0
    wait "$ns" || status=$?
    took=$((($(date +%s%N) - begun) / 1000000))
    ns='' init=''
    : >"$work/pid"
    if [ "$3" = killed ]; then
        [ "$status" != 0 ] || fail "liteinit ended with 0 in spite of SIG$1"
        tell "SIG$1: liteinit and all that it ran are gone."
    else
        [ "$status" = "$3" ] || fail "liteinit ended with $status, not $3"
        tell "SIG$1; liteinit ended with $status, $took ms later."
    fi
}

# traffic NAME COUNT: that many acknowledged writes.
traffic() {
    said=$("$python" "$root/compose/load.py" "$url" "$record" --name "$1" --count "$2") ||
        fail "the load client: $said"
    tell "$said."
}

# rush NAME COUNT: writes in the background for as long as the app answers; comes back when COUNT
# of them are acknowledged.
rush() {
    lines=$(wc -l <"$record")
    "$python" "$root/compose/load.py" "$url" "$record" --name "$1" --until-gone \
        >"$work/load.log" 2>&1 </dev/null &
    load=$!
    until_true 20 recorded $((lines + $2)) || fail "the load client wrote too little"
    [ -d "/proc/$load" ] || fail "the load client ended too soon: $(cat "$work/load.log")"
}

# rush_goes_on: the clients are still at it, and their writes are acknowledged.
rush_goes_on() {
    lines=$(wc -l <"$record")
    until_true 20 recorded $((lines + 50)) || fail "no write is acknowledged any more"
    [ -d "/proc/$load" ] || fail "the load client ended too soon: $(cat "$work/load.log")"
}

# rush_is_over: the clients saw the app go away, in the middle of their work.
rush_is_over() {
    wait "$load" || fail "$(cat "$work/load.log")"
    load=''
    tell "Meanwhile, until nobody answered: $(cat "$work/load.log")."
}

look() { "$python" "$here/demo/look.py" "$@" || fail "look.py $1, see above"; }

# --- Ready --------------------------------------------------------------------------------------

began=$(date +%s)
sh "$here/setup.sh" demo
# Debian's own where there is one: a python3 of a user's home may need that user's environment.
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3) || fail "python3 is not installed"

liteinit=${LITEINIT_DEMO_BINARY:-}
if [ -z "$liteinit" ]; then
    liteinit=$root/build/liteinit
    if [ ! -x "$liteinit" ] || [ -n "$(find "$root/src" "$root/CMakeLists.txt" \
        "$root/CMakePresets.json" "$here/build.sh" -newer "$liteinit")" ]; then
        echo "Building $liteinit …"
        sh "$here/build.sh" "$liteinit"
    fi
fi
[ -x "$liteinit" ] || fail "$liteinit is not there, or cannot be executed"

ready=$(date +%s)
work=$(mktemp -d "${TMPDIR:-/var/tmp}/liteinit-demo.XXXXXX")
record=$work/record.jsonl
port_file=$work/port
mkdir "$work/data" "$work/migrations"
: >"$record" && : >"$work/pid"
cp "$root"/migrations/*.sql "$work/migrations/"
newest='' whole_schema=0
for name in "$work"/migrations/*_down.sql; do
    newest=$(basename "$name" _down.sql)
    whole_schema=$((whole_schema + 1))
done
first_schema=$((whole_schema - 1))
mkdir "$work/next"
mv "$work/migrations/$newest.sql" "$work/migrations/${newest}_down.sql" "$work/next/"

# If something hangs, the namespace is ended, and the wait above says that it was not as planned.
"$python" -c 'import os, sys, time
time.sleep(int(sys.argv[1]))
for word in open(sys.argv[2]).read().split():
    print("demo.sh: out of time, ending", word, file=sys.stderr)
    os.kill(int(word), 9)' "$seconds_allowed" "$work/pid" </dev/null &
watchdog=$!

title "0. Ready."
tell "$("$liteinit" --version | head -n 1), $(wc -c <"$liteinit") bytes: $liteinit"
tell "The app: compose/app.py on $("$python" -c 'import platform, sqlite3
print("Python", platform.python_version(), "and its SQLite", sqlite3.sqlite_version)')"

title "1. First start: there is no database; $first_schema migrations are in the folder."
begin_life json
tell "liteinit is PID 1 of its namespace (here: $init); the app answers at $url."
traffic first 400
end_life TERM "$init" 0
look events "$log" init.start db.created migrate.applied migrate.applied app.start \
    signal.forward app.exit db.close init.exit
look free "$log" backup.done migrate.failed app.killed last_stop.unclean
look data "$work/data/app.db" "$record" "$first_schema"

title "2. Second start: the update brings $newest.sql, which rebuilds a table that others point at."
cp "$work/next/"* "$work/migrations/"
begin_life pretty
copy=$(look backup "$work/data/app.db" "$work/data/backups" "$first_schema")
tell "Before the change, a backup: $copy"
tell "It opens by itself, is sound, and has schema version $first_schema."
tell "Its sha256 is the one in its manifest."
traffic second 200
rush stopping 200
# Only whole lines: the clients go on writing theirs.
sed -n '/}$/p' "$record" >"$work/by-then.jsonl"
live=$(become "$liteinit" backup --reason demo --json 2>"$work/live.log") ||
    fail "liteinit backup, while the app runs, ended with $?: $(cat "$work/live.log")"
live=$(printf '%s\n' "$live" | "$python" -c 'import json, sys; print(json.load(sys.stdin)["path"])')
tell "By hand, while the app writes, a backup: $live"
look holds "$live" "$work/by-then.jsonl"
rush_goes_on
tell "Stopped while requests come in:"
end_life TERM "$init" 0
rush_is_over
look data "$work/data/app.db" "$record" "$whole_schema"
look children "$work/data/app.db" "$copy"
update_log=$log

title "3. Third start: nothing is pending; then the plug is pulled while requests come in."
begin_life json
look events "$log" init.start app.start
look free "$log" last_stop.unclean wal.recovered backup.done migrate.applied
rush plug 200
end_life KILL "$init" killed
rush_is_over
[ -s "$work/data/app.db-wal" ] ||
    fail "no -wal is left: that was no cut"
tell "Left behind: a -wal of $(wc -c <"$work/data/app.db-wal") bytes that no one folded in."

title "4. Fourth start: liteinit notices and recovers; then the app itself crashes."
begin_life json
rush crash 200
app=$(child_of "$init") || fail "liteinit has no child"
end_life KILL "$app" 137
rush_is_over
look events "$log" init.start last_stop.unclean wal.recovered app.start app.exit wal.checkpoint \
    db.close init.exit
look data "$work/data/app.db" "$record" "$whole_schema"

title "5. What the operator sees: liteinit status, liteinit backups."
(become "$liteinit" status) >"$work/status.txt" || fail "liteinit status ended with $?"
sed 's/^/   /' "$work/status.txt"
(become "$liteinit" backups) >"$work/backups.txt" || fail "liteinit backups ended with $?"
sed 's/^/   /' "$work/backups.txt"
(become "$liteinit" status --json) >"$work/status.json" || fail "liteinit status --json"
(become "$liteinit" check) >"$work/check.txt" 2>&1 || fail "liteinit check ended with $?"
"$python" -c 'import json, sys; json.load(open(sys.argv[1]))' "$work/status.json" ||
    fail "liteinit status --json is not one JSON document"

title "6. An older image meets the newer database, takes its schema back, and the new one comes again."
rm "$work/migrations/$newest.sql" "$work/migrations/${newest}_down.sql"
status=0
(become LITEINIT_LOG_FORMAT=pretty "$liteinit" prepare) 2>"$work/older.log" || status=$?
[ "$status" = 78 ] || fail "an older image on a newer database ended with $status, not 78"
tell "It is refused, and told both ways out:"
sed -n 's/^.*ERROR /   /p; s/^ *-> /   -> /p' "$work/older.log"
by_hand() { # what it says on stdout is shown, its log is kept
    log=$work/by-hand.log
    (become "$liteinit" "$@") >"$work/by-hand.txt" 2>"$log" || fail "liteinit $1 ended with $?"
    sed 's/^/   /' "$work/by-hand.txt"
    log=
}
tell "Back, by the SQL that the newer image has left in the database (liteinit down):"
by_hand down "$first_schema"
look data "$work/data/app.db" "$record" "$first_schema"
cp "$work/next/"* "$work/migrations/"
before=$(sha256sum "$work/data/app.db")
tell "Forth again, on a copy first (liteinit up --dry-run):"
by_hand up --dry-run
[ "$before" = "$(sha256sum "$work/data/app.db")" ] || fail "a rehearsal changed the database"
tell "and in earnest (liteinit up):"
by_hand up
look data "$work/data/app.db" "$record" "$whole_schema"
tell "In CI nobody needs a database for it (liteinit validate --roundtrip):"
by_hand validate "$work/migrations" --roundtrip

title "7. The log of the second start, the update, as a person reads it:"
sed 's/^/   /' "$update_log"

title "8. In a container."
log=
sent=$(wc -l <"$record")
if engine_answers; then
    in_container
    sent=$((sent + $(wc -l <"$record")))
    container_clean_up
fi

failed=0
title "Done: every check held. $sent writes were sent, none that was acknowledged is lost.
The demo took $(($(date +%s) - ready)) s (after $((ready - began)) s of making ready); it leaves
nothing running, and none of its files."
