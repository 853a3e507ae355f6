"""Many pending migrations, from an empty database and from an app's."""

import shutil
import sqlite3
import subprocess

from measure import (flags, fresh_database, have, in_turns, median, ratio, row, run, say, spread,
                     target, timed)


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


def bench_rehearsed(liteinit, work, count, rounds):
    """From a small database with an app's data, which rehearse=auto copies and rehearses on."""
    say(f"{count} small migrations of an app's small database ({rounds} rounds in turns, medians)")
    folder = fresh_database(work / "rehearsed", count)
    script = "PRAGMA synchronous=NORMAL;\n" + "".join(
        f"BEGIN;\n{file.read_text()}COMMIT;\n" for file in sorted((folder / "m").iterdir()))

    def renew():
        for path in folder.glob("app.db*"):
            path.unlink()
        with sqlite3.connect(folder / "app.db") as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)")
            connection.executemany("INSERT INTO users (name) VALUES (?)",
                                   ((f"name {n}",) for n in range(1000)))
        connection.close()

    def up(*more):
        run([liteinit, "up", *flags(folder), "--backup", "never", *more], stdout=subprocess.DEVNULL)

    actions = {
        "never": lambda: up("--rehearse", "never"),
        "auto": lambda: up("--rehearse", "auto"),
        "dry": lambda: up("--dry-run"),
    }
    if have("sqlite3"):
        actions["shell"] = lambda: run(["sqlite3", folder / "app.db"], input=script.encode())
    times = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            renew()
            times[name].append(timed(action))
    never = times["never"]
    row("liteinit up, rehearse=never", f"{median(never):.0f} ms", spread(never))
    row("liteinit up, rehearse=auto", f"{median(times['auto']):.0f} ms",
        f"{ratio(times['auto'], never, 'that')}; "
        + target(median(times["auto"]) <= 2.5 * median(never), "at most 2.5 x"))
    row("liteinit up --dry-run, its report", f"{median(times['dry']):.0f} ms",
        ratio(times["dry"], never, "that"))
    if "shell" in times:
        row("one sqlite3, a transaction each", f"{median(times['shell']):.0f} ms",
            f"up takes {ratio(never, times['shell'], 'this')} without a rehearsal, "
            f"{ratio(times['auto'], times['shell'], 'this')} with it")
    shutil.rmtree(folder)
