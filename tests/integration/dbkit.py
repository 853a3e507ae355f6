"""Databases for the tests: made, crashed, damaged and compared without liteinit's help, and
liteinit run as a tool on them.

    answer = tool(box, "prepare")
    assert answer.status == 0, answer.err
    answer.only("migrate.done")["applied"]
"""

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from signal import SIGKILL

import harness

NOBODY = 65534


class Answer:
    """What one run of liteinit said."""

    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout.decode("utf-8", "replace")
        self.err = done.stderr.decode("utf-8", "replace")
        self.events = []
        for line in self.err.splitlines():
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict) and "event" in event:
                    self.events.append(event)

    @property
    def names(self):
        return [event["event"] for event in self.events]

    def named(self, name):
        return [event for event in self.events if event["event"] == name]

    def only(self, name):
        """The one event of this name."""
        found = self.named(name)
        assert len(found) == 1, f"{len(found)} events {name}:\n{self.err}"
        return found[0]

    def document(self):
        """The one JSON document that is all of stdout."""
        return json.loads(self.out)


def run(words, env, cwd, timeout=60, program=None, **popen):
    """popen may hold user=, to run as somebody else."""
    if "user" in popen:
        popen.setdefault("group", popen["user"])
        popen.setdefault("extra_groups", [])
    return Answer(subprocess.run([str(program or harness.BIN), *map(str, words)], env=env, cwd=cwd,
                                 stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                                 check=False, **popen))


def tool(box, *words, env=None, cwd=None, **more):
    """Runs one of liteinit's commands on the box, as a plain process."""
    return run(words, box.environment(**(env or {})), cwd or box.folder,
               program=getattr(box, "program", None), **more)


def must(answer):
    """An answer that has to be good."""
    assert answer.status == 0, answer.err
    return answer


@contextlib.contextmanager
def public_box():
    """A box that another user can reach, with a binary that another user can execute."""
    with tempfile.TemporaryDirectory(prefix="liteinit-") as folder:
        os.chmod(folder, 0o755)
        box = harness.Box(folder)
        box.program = Path(folder) / "liteinit"
        shutil.copy(harness.BIN, box.program)
        os.chmod(box.program, 0o755)
        try:
            yield box
        finally:
            box.end()


def plain_user():
    """Arguments of tool() for a user whom permissions hold back: nobody, or who we are."""
    return {"user": NOBODY} if os.geteuid() == 0 else {}


def plain_uid():
    return NOBODY if os.geteuid() == 0 else os.geteuid()


def make(path, script, journal="delete"):
    """A database that is closed in order."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA journal_mode = {journal}")
        db.executescript(script)


def dump(path):
    """All that is in a database, as SQL; read without leaving a trace."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as db:
        return list(db.iterdump())


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def state_of(folder, ignored=(".liteinit.lock", ".liteinit.state")):
    """Name → content of every file in a folder, but for liteinit's own."""
    return {str(path.relative_to(folder)): sha256(path) for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.endswith(tuple(ignored))}


def manifests(folder):
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def backups(box):
    """The paths of the backups in the usual folder, the oldest name first."""
    folder = box.data / "backups"
    return sorted(path for path in folder.glob("*") if path.suffix != ".json") \
        if folder.is_dir() else []


class Child:
    """A Python child with a database open, which says a word when it is ready."""

    def __init__(self, script, *arguments):
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [sys.executable, "-c", script, *map(str, arguments)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        word = self.process.stdout.readline().strip()
        if word != "ready":
            self.end()
            raise AssertionError(f"the child said {word!r}")

    @property
    def pid(self):
        return self.process.pid

    def tell(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def hear(self):
        return self.process.stdout.readline().strip()

    def end(self):
        """As a crash does it."""
        self.process.send_signal(SIGKILL)
        self.process.wait(30)
        self.process.stdin.close()
        self.process.stdout.close()


@contextlib.contextmanager
def child(script, *arguments):
    it = Child(script, *arguments)
    try:
        yield it
    finally:
        it.end()


HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]:
    db.execute(statement).fetchall()
print("ready", flush=True)
sys.stdin.readline()
"""


def holding(path, *statements):
    """Somebody who has executed the statements and stays connected."""
    return child(HOLD, path, *statements)


def crash(path, *statements):
    """Executes the statements in a process that is killed without closing the database."""
    with holding(path, *statements):
        pass


def crash_wal(path, rows=300, commit=True):
    """A database in WAL mode, and a WAL with `rows` rows that a kill has left. Nothing of the WAL
    is in the main file."""
    insert = ("INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
              f"WHERE i < {rows}) SELECT hex(randomblob(200)) FROM n")
    make(path, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)", "wal")
    crash(path, "PRAGMA wal_autocheckpoint = 0", "PRAGMA cache_size = 5", "BEGIN IMMEDIATE",
          insert, "COMMIT" if commit else "SELECT 1")


def crash_journal(path):
    """A database of 300 rows with a hot rollback journal: a kill came when half of an update was
    in the file."""
    make(path, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);"
               "INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
               " WHERE i < 300) SELECT printf('%0500d', i) FROM n")
    crash(path, "PRAGMA cache_size = 5", "BEGIN IMMEDIATE",
          "UPDATE t SET v = printf('%0500d', -id)")
