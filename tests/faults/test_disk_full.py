"""A volume that fills up at every moment: with one page more of free space each time, and with one
inode more. Nothing of the app's is lost, no half backup has a final name, and with room again the
next start is a normal one."""

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3

import pytest

from disks import volume
from faults import (App, LONG, backups_of, expect_normal_start, expect_unharmed, litter, prepare,
                    rows_of)
from harness import Box

PAGE = 4096

pytestmark = pytest.mark.usefixtures("mounts")


def leave_free(folder, pages):
    """Fills the volume but for so many pages."""
    free = os.statvfs(folder).f_bavail
    assert free >= pages
    with open(folder / "filler", "wb") as filler:
        filler.write(b"\xff" * (free - pages) * PAGE)
    assert os.statvfs(folder).f_bavail == pages


def leave_inodes(folder, count):
    box = folder / "fillers"
    box.mkdir()
    n = 0
    while os.statvfs(folder).f_ffree > count:
        (box / str(n)).touch()
        n += 1


def fill_up(folder):
    """To the last byte."""
    with open(folder / "filler", "ab", buffering=0) as filler:
        with contextlib.suppress(OSError):
            while True:
                filler.write(b"\xff" * PAGE)


def sum_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def events(done, name):
    said = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    return [e for e in said if e["event"] == name]


def put(app, folder):
    """A fresh copy of the app on the volume."""
    box = app.case()
    box.data = folder / "data"
    shutil.copytree(box.folder / "data", box.data)
    box.db = box.data / "app.db"
    return box


def expect_survival(app, box, done, before):
    assert done.returncode in (0, 65, 73, 74), done.stderr
    if done.returncode != 0:
        last = [json.loads(line) for line in done.stderr.splitlines()][-1]
        assert last["level"] == "error"
        assert "No space left" in last["msg"] or "full" in last["msg"], last
        assert last.get("hint"), last
    if done.returncode == 73 and app.mode != "crashed":
        assert sum_of(box.db) == before, "the database is as it was, byte for byte"
    for name, manifest in backups_of(box.data / "backups").items():
        assert manifest["content"] == app.rows, name
    assert litter(box) == []
    copy = box.folder / "looked-at"
    shutil.copytree(box.data, copy)
    looked_at = object.__new__(Box)
    looked_at.db = copy / "app.db"
    expect_unharmed(app, looked_at, migrated=True if done.returncode == 0 else None)


@pytest.mark.parametrize("mode", ["wal", "crashed", "delete"])
def test_a_little_more_room_each_time(tmp_path, mode):
    app = App(tmp_path, mode)
    seen = {}
    for pages in range(0, 160, 1 if LONG else 6):
        with volume(tmp_path / "volume", "4m") as folder:
            box = put(app, folder)
            before = sum_of(box.db)
            leave_free(folder, pages)
            done = prepare(box, "--min-free=1")
            try:
                expect_survival(app, box, done, before)
                (folder / "filler").unlink()
                expect_normal_start(app, box)
            except AssertionError as failed:
                raise AssertionError(f"with {pages} pages free: {failed}\n{done.stderr}"
                                     ) from failed
            seen.setdefault(done.returncode, []).append(pages)
            app.drop(box)
    print(mode, {status: len(cases) for status, cases in seen.items()})
    assert 73 in seen, "the backup never failed"
    assert 65 in seen, "the migration never failed"
    assert 0 in seen, "there never was enough"


@pytest.mark.parametrize("mode", ["wal", "crashed", "delete"])
def test_an_inode_more_each_time(tmp_path, mode):
    app = App(tmp_path, mode)
    seen = {}
    for count in range(0, 9):
        with volume(tmp_path / "volume", "8m", 64) as folder:
            box = put(app, folder)
            before = sum_of(box.db)
            (box.data / "app.db.liteinit.lock").unlink()
            leave_inodes(folder, count)
            done = prepare(box)
            try:
                expect_survival(app, box, done, before)
                shutil.rmtree(folder / "fillers")
                expect_normal_start(app, box)
            except AssertionError as failed:
                raise AssertionError(f"with {count} inodes free: {failed}\n{done.stderr}"
                                     ) from failed
            seen.setdefault(done.returncode, []).append(count)
            app.drop(box)
    print(mode, seen)
    assert 0 in seen and len(seen) > 1


@pytest.mark.parametrize("mode", ["wal", "crashed", "delete"])
def test_too_little_room_is_said_before_anything_is_done(tmp_path, mode):
    app = App(tmp_path, mode)
    with volume(tmp_path / "volume", "4m") as folder:
        box = put(app, folder)
        before = sum_of(box.db)
        leave_free(folder, 30)
        done = prepare(box)
        assert done.returncode == 73, done.stderr
        assert "free" in events(done, "disk.low")[0]["msg"]
        assert not (box.data / "backups").exists()
        if mode != "crashed":
            assert sum_of(box.db) == before
        assert expect_unharmed(app, box) == [1]


@pytest.mark.parametrize("mode", ["wal", "crashed", "delete"])
def test_the_backups_have_a_volume_of_their_own_and_it_is_full(tmp_path, mode):
    app = App(tmp_path, mode)
    with volume(tmp_path / "backups", "4m") as folder:
        box = app.case()
        before = sum_of(box.db)
        for pages in range(0, 19, 1 if LONG else 4):
            leave_free(folder, pages)
            done = prepare(box, f"--backup-dir={folder}")
            assert done.returncode == 73, done.stderr
            assert [path.name for path in folder.iterdir()] == ["filler"]
            if mode != "crashed":
                assert sum_of(box.db) == before
            (folder / "filler").unlink()
        assert expect_unharmed(app, box) == [1]
        done = prepare(box, f"--backup-dir={folder}")
        assert done.returncode == 0, done.stderr
        expect_unharmed(app, box, migrated=True)
        assert len(backups_of(folder)) == 1


# Writes until the disk has no room, as an app that is killed then: its WAL stays.
WRITER = """
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA wal_autocheckpoint = 0")
for i in range(60):
    db.execute("INSERT INTO note (text) VALUES (?)", ("n" * 3000,))
    print("written", i, flush=True)
with open(sys.argv[2], "ab", buffering=0) as filler:
    try:
        while True:
            filler.write(b"x" * 4096)
    except OSError:
        pass
os._exit(3)
"""


def test_no_room_for_the_checkpoint_at_the_stop(tmp_path):
    app = App(tmp_path, "wal")
    with volume(tmp_path / "volume", "4m") as folder:
        box = put(app, folder)
        assert prepare(box).returncode == 0
        done = prepare(box, command=("run", "--", "python3", "-c", WRITER, str(box.db),
                                     str(folder / "filler")))
        assert done.returncode == 3, done.stderr
        acknowledged = done.stdout.count("written")
        assert acknowledged == 60
        failed = events(done, "wal.checkpoint")[-1]
        assert failed["level"] == "error" and "full" in failed["msg"], failed
        assert (box.data / "app.db-wal").stat().st_size > 0
        # Full still: there is nothing to start from, and nothing gets lost by trying.
        again = prepare(box)
        assert again.returncode in (65, 73), again.stderr
        (folder / "filler").unlink()
        assert prepare(box).returncode == 0
        with contextlib.closing(sqlite3.connect(box.db)) as db:
            assert db.execute("SELECT count(*) FROM note").fetchall() == [(1 + acknowledged,)]
            assert rows_of(db) == app.rows
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert box.leftovers() == []


def test_no_room_for_the_lock_and_the_record_of_a_life(tmp_path):
    """With nothing to prepare, a full disk is the app's business: it starts."""
    app = App(tmp_path, "wal")
    with volume(tmp_path / "volume", "4m") as folder:
        box = put(app, folder)
        assert prepare(box).returncode == 0
        for path in box.data.glob("*.liteinit.*"):
            path.unlink()
        fill_up(folder)
        done = prepare(box, command=("run", "--", "sh", "-c", "echo the app runs; exit 4"))
        assert "the app runs" in done.stdout, done.stderr
        assert done.returncode == 4, done.stderr
        assert litter(box) == []
        (folder / "filler").unlink()
        expect_unharmed(app, box, migrated=True)
        assert prepare(box, command=("run", "--", "true")).returncode == 0


def test_a_new_database_on_a_full_disk(tmp_path):
    """Nothing half made is in the way of the next start."""
    with volume(tmp_path / "volume", "1m") as folder:
        box = Box(tmp_path)
        box.data = folder
        box.db = folder / "app.db"
        box.migration("001_first", "CREATE TABLE t (n INTEGER);\nINSERT INTO t VALUES (1);")
        for pages in range(0, 24, 1 if LONG else 3):
            leave_free(folder, pages)
            done = prepare(box, "--min-free=1")
            assert done.returncode in (0, 65, 73, 74), done.stderr
            (folder / "filler").unlink()
            assert prepare(box).returncode == 0, done.stderr
            assert box.rows("SELECT n FROM t") == [(1,)]
            assert box.applied() == [1]
            for path in folder.glob("app.db*"):
                path.unlink()
