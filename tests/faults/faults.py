"""What the fault campaigns share: an app's database with migrations waiting for it, the system
calls of a preparation, and what must be true after whatever was done to it.

Each campaign has a short form, for every test run, and a long one that leaves no moment out:

    LITEINIT_LONG=1 LITEINIT_BIN=build/dev/liteinit python3 -m pytest tests/faults
"""

import collections
import contextlib
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import BIN, Box

LONG = os.environ.get("LITEINIT_LONG", "") not in ("", "0")

# What changes a file, or decides whether it may be changed.
CALLS = ("openat", "pwrite64", "write", "fdatasync", "fsync", "rename", "renameat2", "unlink",
         "unlinkat", "ftruncate", "fcntl", "flock", "copy_file_range", "ioctl", "mkdir", "fchmod",
         "fchown", "sync_file_range", "pread64", "newfstatat", "link")

# Exit statuses of the contract.
STATUSES = {0, 64, 65, 66, 70, 73, 74, 75, 77, 78, 143}

ROWS = 400

FIRST = """
CREATE TABLE shelf (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE item (id INTEGER PRIMARY KEY,
                   shelf INTEGER NOT NULL REFERENCES shelf (id) ON DELETE CASCADE,
                   text TEXT NOT NULL);
CREATE TABLE counter (name TEXT PRIMARY KEY, n INTEGER NOT NULL);
INSERT INTO counter VALUES ('runs', 0);
"""

# A rebuild of the parent under foreign keys: done wrong, every item is gone.
SECOND = """
CREATE TABLE shelf_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL, room TEXT NOT NULL DEFAULT '-');
INSERT INTO shelf_new (id, name) SELECT id, name FROM shelf;
DROP TABLE shelf;
ALTER TABLE shelf_new RENAME TO shelf;
CREATE INDEX item_by_text ON item (text);
"""

# What shows when a migration has run twice.
THIRD = """
UPDATE counter SET n = n + 1 WHERE name = 'runs';
CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT);
INSERT INTO note (text) VALUES ('once');
"""


def need_strace():
    """Skips where no program may be traced."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(["strace", "-o", "/dev/null", "-e", "inject=fsync:error=EIO",
                               "true"], capture_output=True, timeout=20, check=False)
        if done.returncode == 0:
            return
    pytest.skip("needs strace, and the right to trace")


@contextlib.contextmanager
def fast_folder(otherwise):
    """A folder where a sync costs nothing; what is tested survives the process, not the power."""
    shm = Path("/dev/shm")
    if not (shm.is_dir() and os.access(shm, os.W_OK)):
        yield otherwise
        return
    with tempfile.TemporaryDirectory(prefix="liteinit-faults-", dir=shm) as folder:
        yield Path(folder)


def rows_of(db):
    """What the app has written, in one value."""
    return (db.execute("SELECT id, name FROM shelf ORDER BY id").fetchall(),
            db.execute("SELECT id, shelf, text FROM item ORDER BY id").fetchall())


def fill(db, first, last):
    db.executemany("INSERT INTO shelf VALUES (?, ?)",
                   [(i, f"shelf {i}") for i in range(first, last) if i % 10 == 0])
    db.executemany("INSERT INTO item VALUES (?, ?, ?)",
                   [(i, i - i % 10, f"item {i} " + "x" * (i % 200)) for i in range(first, last)])


class Copies:
    """Boxes that are copies of one, `original`, which is made once and stays as it was left."""

    def __init__(self, folder, mode="wal"):
        self.folder = Path(folder)
        self.mode = mode
        self.template = self.folder / "template"
        self.template.mkdir()
        self.count = 0
        self.original = Box(self.template)
        self.original.mode = mode

    def case(self):
        """A Box over a fresh copy."""
        self.count += 1
        folder = self.folder / f"case{self.count}"
        shutil.copytree(self.template, folder)
        box = object.__new__(Box)
        box.folder, box.data, box.migrations = folder, folder / "data", folder / "migrations"
        box.db, box.lives = box.data / "app.db", []
        box.mode = self.mode
        return box

    @staticmethod
    def drop(box):
        shutil.rmtree(box.folder)


class App(Copies):
    """An app's database at version 1 with two migrations pending. `mode` is wal, delete (a rollback
    journal), or crashed (a WAL that nobody folded in)."""

    def __init__(self, folder, mode):
        super().__init__(folder, mode)
        box = self.original
        box.migration("001_first", FIRST)
        done = prepare(box)
        assert done.returncode == 0, done.stderr
        with contextlib.closing(sqlite3.connect(box.db)) as db:
            db.execute(f"PRAGMA journal_mode = {'DELETE' if mode == 'delete' else 'WAL'}")
            fill(db, 0, ROWS // 2)
            db.commit()
            if mode == "crashed":
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                db.execute("PRAGMA wal_autocheckpoint = 0")
            fill(db, ROWS // 2, ROWS)
            db.commit()
            self.rows = rows_of(db)
            assert len(self.rows[1]) == ROWS
            crash = self.folder / "crash"
            shutil.copytree(box.data, crash)  # as a kill leaves it, while the app has it open
        if mode == "crashed":
            shutil.rmtree(box.data)
            crash.rename(box.data)
        else:
            shutil.rmtree(crash)
        assert (box.data / "app.db-wal").exists() == (mode == "crashed")
        box.migration("002_second", SECOND)
        box.migration("003_third", THIRD)


def put_back(folder, template):
    """The folder as the template is; it stays the same folder."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    shutil.copytree(template, folder, dirs_exist_ok=True)


def options_of(box):
    return ["--journal-mode=keep"] if getattr(box, "mode", "") == "delete" else []


def prepare(box, *options, prefix=(), command=("prepare",), timeout=60, program=BIN):
    """`liteinit prepare` under `prefix`; the finished process, with its text."""
    app = []
    if "--" in command:
        at = command.index("--")
        command, app = command[:at], command[at:]
    return subprocess.run([*prefix, program, *command, *options_of(box), *options, *app],
                          env=box.environment(), cwd=box.folder, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=timeout, check=False)


def inject(call, what, number):
    """strace that does `what` (signal=KILL, error=EIO) to the call of this number.

    The counting is each process's own."""
    return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "signal=none",
            "-e", f"trace={call}", "-e", f"inject={call}:{what}:when={number}"]


def count_calls(box, command=("prepare",), status=0):
    """How often the busiest process of an undisturbed run, which ends with `status`, makes each
    call."""
    trace = box.folder / "trace"
    done = prepare(box, prefix=["strace", "-f", "-qq", "-o", str(trace), "-e", "signal=none",
                                "-e", "trace=" + ",".join(CALLS)], command=command)
    assert done.returncode == status, done.stderr
    counts = collections.Counter()
    for line in trace.read_text(encoding="utf-8", errors="replace").splitlines():
        found = re.match(r"(\d+) +(\w+)\(", line)
        if found:
            counts[found.groups()] += 1
    most = {}
    for (_, call), count in counts.items():
        most[call] = max(most.get(call, 0), count)
    return most


def every_moment(app, calls, command=("prepare",), status=0):
    """(call, number) of every moment."""
    box = app.case()
    most = count_calls(box, command, status)
    app.drop(box)
    found = [(call, n) for call in calls for n in range(1, most.get(call, 0) + 1)]
    assert found, "a preparation makes none of these calls"
    return found


def moments(app, calls, share, command=("prepare",), status=0):
    """The same; in the short form one in `share`."""
    found = every_moment(app, calls, command, status)
    return found if LONG else found[::share]


def expect_unharmed(app, box, migrated=None):
    """Every row of the app is there, and each migration was applied wholly or not at all."""
    with contextlib.closing(sqlite3.connect(box.db, timeout=10)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert rows_of(db) == app.rows
        applied = [v for (v,) in db.execute("SELECT version FROM schema_migrations ORDER BY 1")]
        assert applied in ([1], [1, 2], [1, 2, 3])
        if migrated is not None:
            assert (applied == [1, 2, 3]) == migrated, applied
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
        columns = [row[1] for row in db.execute("PRAGMA table_info(shelf)")]
        assert ("room" in columns) == (2 in applied)
        assert ("item_by_text" in tables) == (2 in applied)
        assert "shelf_new" not in tables
        assert ("note" in tables) == (3 in applied)
        assert db.execute("SELECT n FROM counter").fetchall() == [(1 if 3 in applied else 0,)]
        successes = db.execute("SELECT version FROM migration_history WHERE status = 'success'"
                               " ORDER BY version").fetchall()
        assert [v for (v,) in successes] == applied
        if migrated:
            assert db.execute("SELECT count(*) FROM migration_history WHERE status = 'running'"
                              ).fetchall() == [(0,)]
            assert db.execute("SELECT text FROM note").fetchall() == [("once",)]
    return applied


def backups_of(folder):
    """The files under final names, each proved against its manifest; name -> manifest."""
    found = {}
    if not folder.is_dir():
        return found
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".liteinit-") or path.name.endswith((".json", ".tmp")):
            continue
        manifest = json.loads((folder / (path.name + ".json")).read_text(encoding="utf-8"))
        assert manifest["verdict"] == "verified"
        assert manifest["size"] == path.stat().st_size
        assert manifest["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest(), path.name
        with contextlib.closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            manifest["content"] = rows_of(db)
        found[path.name] = manifest
    return found


def waiting(box):
    """The sidecars with something in them that counts; a journal with a zeroed header does not."""
    return [name for name in box.leftovers()
            if not name.endswith("-journal") or (box.data / name).read_bytes()[:1] != b"\0"]


def litter(box):
    """What is neither the app's nor a whole backup: temporary files, manifests of nothing."""
    found = []
    folder = box.data / "backups"
    for path in [*box.data.iterdir(), *(folder.iterdir() if folder.is_dir() else [])]:
        if "tmp" in path.name:
            found.append(path.name)
        elif path.parent == folder and path.name.endswith(".json") and \
                not path.with_suffix("").exists():
            found.append(path.name)
    return found


def expect_normal_start(app, box, *options):
    """The next start: everything is applied, once, and what the fault left is gone."""
    done = prepare(box, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    expect_unharmed(app, box, migrated=True)
    assert waiting(box) == []
    for name, manifest in backups_of(box.data / "backups").items():
        assert manifest["content"] == app.rows, name
    # A backup tidies up what a killed one left.
    last = prepare(box, "--reason=after", command=("backup",))
    assert last.returncode == 0, last.stderr
    assert litter(box) == []
    return done
