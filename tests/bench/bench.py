"""Figures of liteinit beside its peers, measured in turns in one run.

    sh tests/bench/run.sh [--quick]

These machines are noisy: look at the ratios, not at the milliseconds. Nothing here passes or
fails; a target that is missed is marked so that a person looks at it.
"""

import argparse
import contextlib
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
MB = 1 << 20


def say(text=""):
    print(text, flush=True)


def row(name, value, note=""):
    say(f"  {name:<34} {value:>12}  {note}")


def target(met, text):
    return f"target: {text}: {'met' if met else 'MISSED'}"


def median(values):
    return statistics.median(values)


def run(argv, **options):
    return subprocess.run([str(a) for a in argv], check=True, **options)


def fresh_database(folder, migrations=1):
    """A folder with an app.db that is up to date, and its migrations."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "m").mkdir(exist_ok=True)
    for n in range(1, migrations + 1):
        (folder / "m" / f"{n:04}_t.sql").write_text(f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY);\n")
    return folder


def flags(folder):
    return ["--db", folder / "app.db", "--migrations", folder / "m", "--log-level", "error"]


class Inits:
    """The commands that start an app under each init; None for one that is not installed."""

    def __init__(self, liteinit, folder):
        self.commands = {
            "liteinit, nothing to prepare": [liteinit, "--prepare", "never", "--"],
            "liteinit, database up to date": [liteinit, *flags(folder), "--"],
        }
        for name, command in {
            "tini": ["tini", "-s", "--"],
            "dumb-init": ["dumb-init", "--"],
            "catatonit": ["catatonit", "--"],
        }.items():
            if shutil.which(name):
                self.commands[name] = [shutil.which(name), *command[1:]]


def bench_start(liteinit, work, rounds):
    say(f"Start and end of an app ({rounds} rounds in turns, medians)")
    stamp = work / "stamp"
    run([os.environ.get("CC", "cc"), "-O2", "-static", "-o", stamp, HERE / "stamp.c"])
    folder = fresh_database(work / "start")
    run([liteinit, "prepare", *flags(folder)])
    inits = Inits(liteinit, folder)
    began = {name: [] for name in inits.commands}
    ended = {name: [] for name in inits.commands}
    for _ in range(rounds):
        for name, command in inits.commands.items():
            argv = [str(a) for a in (*command, stamp)]
            start = time.monotonic_ns()
            process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            output = process.stdout.read()
            process.wait()
            end = time.monotonic_ns()
            process.stdout.close()
            began[name].append((int(output) - start) / 1e6)
            ended[name].append((end - int(output)) / 1e6)
    tini = median(began["tini"]) if "tini" in began else None
    for name, values in began.items():
        note = ""
        if tini is not None:
            more = median(values) - tini
            note = f"{more:+.2f} ms against tini"
            if name == "liteinit, database up to date":
                note += "; " + target(more <= 2, "at most 2 ms more")
        row(name, f"{median(values):.2f} ms", note)
    say("  From the app's end to the init's end:")
    for name, values in ended.items():
        note = ""
        if name == "liteinit, database up to date":
            note = target(median(values) <= 10, "at most 10 ms with an empty WAL")
        row(name, f"{median(values):.2f} ms", note)


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        for line in lines:
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return None


def image(work, programs):
    """A root folder with these programs and their libraries, as an image has them: copies, that no
    process outside shares."""
    root = work / "image"
    for program in programs:
        (root / program.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(program, root / program.lstrip("/"))
        found = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
        for word in found.stdout.split():
            if word.startswith("/"):
                (root / word.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(word, root / word.lstrip("/"))
    return root


def idle_pss(argv):
    """The Pss of the process that argv becomes, once it has stopped changing."""
    process = subprocess.Popen([str(a) for a in argv], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    last = None
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        time.sleep(0.1)
        size = pss(process.pid)
        if size is not None and size == last:
            break
        last = size
    process.send_signal(signal.SIGTERM)
    process.wait()
    return last


def bench_memory(liteinit, work, rounds):
    folder = fresh_database(work / "memory")
    run([liteinit, "prepare", *flags(folder)])
    inits = Inits(liteinit, folder).commands
    sleep = os.path.realpath(shutil.which("sleep"))
    places = [("on the host, its libc shared with all that runs there", inits, sleep)]
    if os.geteuid() == 0:
        names = [os.path.realpath(command[0]) for command in inits.values()]
        root = image(work, [*names, sleep])
        inside = fresh_database(root / "data")
        run([liteinit, "prepare", *flags(inside)])
        moved = {name: ["chroot", root, os.path.realpath(command[0]),
                        *[str(a).replace(str(folder), "/data") for a in command[1:]]]
                 for name, command in inits.items()}
        places.append(("in a root of its own, as in a container", moved, sleep))
    for place, commands, app in places:
        say(f"Idle memory of the init while an app runs, {place} (Pss, median of {rounds})")
        sizes = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                sizes[name].append(idle_pss([*command, app, "60"]))
        for name, values in sizes.items():
            note = ""
            if "tini" in sizes and name == "liteinit, database up to date":
                note = target(median(values) <= median(sizes["tini"]), "at most tini's")
            row(name, f"{median(values):.0f} kB", note)
    if shutil.which("s6-svscan"):
        (work / "scan").mkdir(exist_ok=True)
        row("s6-svscan on the host (no app)", f"{idle_pss(['s6-svscan', work / 'scan']):.0f} kB")


def fill(path, size):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("CREATE TABLE data (id INTEGER PRIMARY KEY, word TEXT, body BLOB)")
    rows = size // 1050
    connection.executemany("INSERT INTO data (word, body) VALUES (?, ?)",
                           ((f"word {n}", os.urandom(1000)) for n in range(rows)))
    connection.commit()
    connection.close()


def timed(action):
    os.sync()
    start = time.monotonic()
    action()
    return (time.monotonic() - start) * 1000


def cold_backup(liteinit, folder):
    """Copy and verification of liteinit's cold backup, in ms, as its own event tells them."""
    import json

    shutil.rmtree(folder / "backups", ignore_errors=True)
    os.sync()
    done = subprocess.run(
        [str(a) for a in (liteinit, "prepare", "--db", folder / "app.db", "--backup", "always",
                          "--log-format", "json")],
        check=True, stderr=subprocess.PIPE, text=True)
    for line in done.stderr.splitlines():
        event = json.loads(line)
        if event["event"] == "backup.done":
            return event["copy_ms"], event["verify_ms"]
    raise AssertionError("no backup was made")


def bench_backup(liteinit, work, sizes, rounds):
    for size in sizes:
        say(f"Cold verified backup of {size // MB} MB ({rounds} rounds in turns, medians)")
        folder = fresh_database(work / f"backup{size}")
        fill(folder / "app.db", size)
        target_file = folder / "copy"
        copies, verifications, plain, shell = [], [], [], []

        def cp_and_sync():
            run(["cp", folder / "app.db", target_file])
            run(["sync", target_file])

        def sqlite_shell():
            run(["sqlite3", folder / "app.db", f".backup {target_file}"])

        # With the page cache warm for all, as it is right after the checks at start.
        run(["cat", folder / "app.db"], stdout=subprocess.DEVNULL)
        for _ in range(rounds):
            target_file.unlink(missing_ok=True)
            plain.append(timed(cp_and_sync))
            target_file.unlink(missing_ok=True)
            copy, verify = cold_backup(liteinit, folder)
            copies.append(copy)
            verifications.append(verify)
            if shutil.which("sqlite3"):
                shell.append(timed(sqlite_shell))
                target_file.unlink(missing_ok=True)
        ratio = median(copies) / median(plain)
        row("cp + sync", f"{median(plain):.0f} ms")
        row("liteinit: copying, summed and synced", f"{median(copies):.0f} ms",
            f"{ratio:.2f} x cp + sync; " + target(ratio <= 1.1, "at most 1.1 x"))
        row("liteinit: verification", f"{median(verifications):.0f} ms",
            "quick_check, row counts")
        if shell:
            row("sqlite3 .backup (unverified)", f"{median(shell):.0f} ms")
        shutil.rmtree(folder)


def bench_migrations(liteinit, work, count, rounds):
    say(f"{count} small migrations from empty ({rounds} rounds in turns, medians)")
    folder = fresh_database(work / "migrations", count)
    files = sorted((folder / "m").iterdir())
    script = folder / "all.sql"
    script.write_text("".join(f"BEGIN;\n{f.read_text()}COMMIT;\n" for f in files))
    ours, one, wal, each = [], [], [], []

    def clean():
        for path in folder.glob("app.db*"):
            path.unlink()

    def with_liteinit():
        run([liteinit, "prepare", *flags(folder)], stderr=subprocess.DEVNULL)

    def with_one(prefix=""):
        with open(script, encoding="utf-8") as text:
            run(["sqlite3", folder / "app.db"], input=(prefix + text.read()).encode(),
                stdout=subprocess.DEVNULL)

    def with_each():
        for file in files:
            with open(file, "rb") as text:
                run(["sqlite3", folder / "app.db"], stdin=text)

    for number in range(rounds):
        clean()
        ours.append(timed(with_liteinit))
        if not shutil.which("sqlite3"):
            continue
        clean()
        one.append(timed(with_one))
        clean()
        wal.append(timed(lambda: with_one("PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;\n")))
        if number == 0:
            clean()
            each.append(timed(with_each))
    row("liteinit", f"{median(ours):.0f} ms", "each with its records and checks")
    if one:
        row("one sqlite3, a transaction each", f"{median(one):.0f} ms",
            target(median(ours) <= 1.5 * median(one), "liteinit at most 1.5 x this"))
        row("the same in WAL, synchronous NORMAL", f"{median(wal):.0f} ms",
            f"liteinit takes {median(ours) / median(wal):.2f} x this")
        row("sqlite3 called for each (one round)", f"{median(each):.0f} ms",
            target(median(ours) < median(each), "liteinit faster"))


def bench_size(liteinit):
    say("Size of the binary")
    size = os.path.getsize(liteinit)
    row("liteinit, static and stripped", f"{size / MB:.2f} MiB",
        target(size <= 1.5 * 1e6, "at most 1.5 MB"))
    for name in ("tini", "dumb-init", "catatonit"):
        path = shutil.which(name)
        if path:
            row(f"{name} (dynamic)", f"{os.path.getsize(path) / 1024:.0f} KiB")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--liteinit", required=True)
    parser.add_argument("--folder", help="where the databases are made: a real disk")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no 1 GB backup")
    options = parser.parse_args()
    liteinit = Path(options.liteinit).resolve()
    rounds = 20 if options.quick else 100
    for name in ("LITEINIT_DB", "LITEINIT_MIGRATIONS", "DATABASE_PATH", "DATABASE_URL"):
        os.environ.pop(name, None)
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.folder)))
        bench_size(liteinit)
        say()
        bench_start(liteinit, work, rounds)
        say()
        bench_memory(liteinit, work, 3 if options.quick else 7)
        say()
        bench_migrations(liteinit, work, 1000, 3 if options.quick else 7)
        say()
        bench_backup(liteinit, work, [100 * MB] if options.quick else [100 * MB, 1024 * MB],
                     3 if options.quick else 7)
    return 0


if __name__ == "__main__":
    sys.exit(main())
