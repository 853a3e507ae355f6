"""What the measurements share: rows of the table, folders with databases, time and bytes."""

import os
import shutil
import sqlite3
import statistics
import subprocess
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


def spread(values):
    """Of so many rounds, from the quickest to the slowest."""
    return f"{min(values):.0f} to {max(values):.0f} ms"


def ratio(values, peer, name):
    return f"{median(values) / median(peer):.2f} x {name}"


def in_turns(rounds, actions):
    """Runs the actions of a dict in turns; each has its times in ms in the result."""
    times = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            times[name].append(timed(action))
    return times


def run_and_look(argv, **options):
    """Runs a command. Its time in ms, and the bytes that it and its children asked read() for, from
    the page cache or not."""
    os.sync()
    start = time.monotonic()
    with subprocess.Popen([str(a) for a in argv], **options) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        spent = (time.monotonic() - start) * 1000
        with open(f"/proc/{process.pid}/io", encoding="ascii") as lines:
            count = int(next(line for line in lines if line.startswith("rchar:")).split()[1])
        if process.wait() != 0:
            raise subprocess.CalledProcessError(process.returncode, process.args)
    return spent, count


def have(program):
    return shutil.which(program) is not None
