"""SIGKILL at every system call of a start that puts an older image's backup in the place of a newer
database: under the database's name is the one or the other, whole; the newer one is kept; and the
next start is a normal one."""

import contextlib
import shutil
import sqlite3

import pytest

from faults import (CALLS, FIRST, SECOND, backups_of, fast_folder, fill, inject, litter, moments,
                    need_strace, prepare, put_back, rows_of, waiting)
from harness import Box

COMMAND = ("prepare", "--on-newer-schema=restore")

# Who has the database open is looked up in /proc, by as many of these as processes have files.
CHANGING = [call for call in CALLS if call not in ("openat", "newfstatat", "pread64")]


class Newer:
    """A database at version 2, in use since, whose image now knows version 1 alone. It stays in one
    folder: a backup is known by the place of its database."""

    def __init__(self, folder, mode):
        self.mode = mode
        self.template = folder / "template"
        self.box = box = Box(folder)
        box.mode = mode
        box.migration("001_first", FIRST)
        assert prepare(box).returncode == 0
        with contextlib.closing(sqlite3.connect(box.db)) as db:
            db.execute(f"PRAGMA journal_mode = {'DELETE' if mode == 'delete' else 'WAL'}")
            fill(db, 0, 100)
            db.commit()
            self.old_rows = rows_of(db)
        box.migration("002_second", SECOND)
        assert prepare(box).returncode == 0
        (box.migrations / "002_second.sql").unlink()
        with contextlib.closing(sqlite3.connect(box.db)) as db:
            if mode == "crashed":
                db.execute("PRAGMA wal_autocheckpoint = 0")
            db.executemany("INSERT INTO item VALUES (?, 0, 'newest')",
                           [(i,) for i in range(1000, 1050)])
            db.commit()
            self.new_rows = self.content(db)
            if mode == "crashed":
                shutil.copytree(box.data, self.template)  # as a kill leaves it
        if mode != "crashed":
            shutil.copytree(box.data, self.template)
        assert (self.template / "app.db-wal").exists() == (mode == "crashed")

    def case(self):
        """The box as it was."""
        put_back(self.box.data, self.template)
        return self.box

    def drop(self, box):
        """For faults.every_moment()."""

    @staticmethod
    def content(db):
        return db.execute("SELECT id, shelf, text FROM item ORDER BY id").fetchall()

    def version_of(self, path):
        """1 or 2, of a database that must be whole and have the rows of this version."""
        with contextlib.closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            version, = db.execute("SELECT max(version) FROM schema_migrations").fetchone()
            if version == 1:
                assert rows_of(db) == self.old_rows
            else:
                assert version == 2
                assert self.content(db) == self.new_rows
        return version


def asides(folder):
    return [path for path in folder.glob("app.db.aside-*")
            if not path.name.endswith(("-wal", "-shm", "-journal"))]


def look(newer, box):
    """What an app would find now. In a copy: looking changes files."""
    copy = box.folder / "look"
    shutil.copytree(box.data, copy)
    version = newer.version_of(copy / "app.db")
    if version == 1:
        assert [newer.version_of(path) for path in asides(copy)] == [2]
    shutil.rmtree(copy)
    return version


def expect_restored(newer, box):
    done = prepare(box, command=COMMAND)
    assert done.returncode == 0, done.stderr
    assert waiting(box) == []
    assert newer.version_of(box.db) == 1
    assert [newer.version_of(path) for path in asides(box.data)] == [2]
    assert not [path for path in box.data.iterdir() if path.name.startswith(".liteinit-")]
    assert len(backups_of(box.data / "backups")) == 1
    # A backup tidies up what a killed note in a manifest left.
    last = prepare(box, "--reason=after", command=("backup",))
    assert last.returncode == 0, last.stderr
    assert litter(box) == []


@pytest.mark.parametrize("mode", ["wal", "crashed", "delete"])
def test_kill_the_restore(tmp_path, mode):
    need_strace()
    with fast_folder(tmp_path) as folder:
        newer = Newer(folder, mode)
        seen = {1: 0, 2: 0}
        for call, number in moments(newer, CHANGING, 3, COMMAND):
            box = newer.case()
            hit = prepare(box, prefix=inject(call, "signal=KILL", number), command=COMMAND)
            what = f"{call} number {number} ({mode}), in {box.folder}"
            # strace ends itself by the signal that its tracee died of.
            assert hit.returncode in (-9, 137), f"{what}: {hit.returncode}\n{hit.stderr}"
            try:
                seen[look(newer, box)] += 1
                expect_restored(newer, box)
            except AssertionError as failed:
                raise AssertionError(f"{what}: {failed}\n{hit.stderr}") from failed
        print(f"{mode}: the newer database was there {seen[2]} times, the backup {seen[1]} times")
        assert seen[1] > 0
        assert seen[2] > 10
