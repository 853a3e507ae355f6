"""A migration that needs more room than the volume has: in the rehearsal, in the real run, on the way
back, and one without a transaction. The rows stay, the message says that the disk is full, and with
room again the same command ends it."""

import contextlib
import json
import shutil
import sqlite3
import subprocess

import pytest

from disks import volume
from faults import prepare
from harness import Box

pytestmark = pytest.mark.usefixtures("mounts")

START = "CREATE TABLE kept (id INTEGER PRIMARY KEY, v TEXT);"
FILL = """CREATE TABLE big AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
  WHERE i < 6000) SELECT i, printf('%01000d', i) AS v FROM n;"""
STEPS = "-- liteinit: no-transaction\nCREATE TABLE first (x);\n" + FILL + "\nCREATE TABLE last (x);"


def box_on(folder, tmp_path, mode):
    box = Box(tmp_path)
    box.mode = mode
    box.data = folder / "data"
    box.data.mkdir()
    box.db = box.data / "app.db"
    box.migration("001_start", START)
    assert prepare(box).returncode == 0
    with contextlib.closing(sqlite3.connect(box.db)) as db:
        db.execute(f"PRAGMA journal_mode = {'DELETE' if mode == 'delete' else 'WAL'}")
        db.executemany("INSERT INTO kept VALUES (?, ?)", [(i, "x" * 50) for i in range(500)])
        db.commit()
    return box


def remount(folder):
    """Room again."""
    subprocess.run(["mount", "-o", "remount,size=64m", folder], check=True)


def expect_full(box, done, status):
    assert done.returncode in status, done.stderr
    said = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    errors = [e for e in said if e["level"] == "error"]
    assert len(errors) == 1, done.stderr
    assert any(word in errors[0]["msg"] for word in ("full", "No space", "room")), errors[0]
    assert errors[0].get("hint"), errors[0]
    copy = box.folder / "copy"
    shutil.copytree(box.data, copy)
    with contextlib.closing(sqlite3.connect(copy / "app.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("SELECT count(*) FROM kept").fetchall() == [(500,)]
        names = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
    shutil.rmtree(copy)
    assert not [path for path in box.data.iterdir() if path.name.startswith(".liteinit-")]
    return names, errors[0]


@pytest.mark.parametrize("mode", ["wal", "delete"])
@pytest.mark.parametrize("how", ["never", "always"])
def test_up(tmp_path, mode, how):
    with volume(tmp_path / "volume", "4m") as folder:
        (tmp_path / "box").mkdir()
        box = box_on(folder, tmp_path / "box", mode)
        box.migration("002_fill", FILL)
        command = ("up", f"--rehearse={how}", "--min-free=1")
        for _ in range(2):
            names, _ = expect_full(box, prepare(box, command=command), (65, 73, 74))
            assert "big" not in names
        assert box.applied() == [1]
        assert {status for version, status in box.attempts() if version == 2} <= \
            {"failed", "interrupted", "running"}
        remount(folder)
        assert prepare(box, command=command).returncode == 0
        assert box.applied() == [1, 2]


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_the_way_back(tmp_path, mode):
    with volume(tmp_path / "volume", "4m") as folder:
        (tmp_path / "box").mkdir()
        box = box_on(folder, tmp_path / "box", mode)
        box.migration("002_small", "CREATE TABLE small (x);")
        box.migration("002_small_down", FILL + "DROP TABLE small;")
        assert prepare(box, "--min-free=1").returncode == 0
        names, _ = expect_full(box, prepare(box, "--min-free=1", command=("down",)), (65, 73, 74))
        assert "small" in names and "big" not in names
        assert box.applied() == [1, 2]
        remount(folder)
        assert prepare(box, command=("down",)).returncode == 0
        assert box.applied() == [1]


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_without_a_transaction(tmp_path, mode):
    """What came before stays, and with room it goes on there."""
    with volume(tmp_path / "volume", "4m") as folder:
        (tmp_path / "box").mkdir()
        box = box_on(folder, tmp_path / "box", mode)
        box.migration("002_steps", STEPS)
        command = ("up", "--rehearse=never", "--min-free=1")
        names, _ = expect_full(box, prepare(box, command=command), (65,))
        assert "first" in names and "big" not in names and "last" not in names
        remount(folder)
        done = prepare(box, command=command)
        assert done.returncode == 0, done.stderr
        assert box.applied() == [1, 2]
        assert box.value("SELECT count(*) FROM big") == 6000


@pytest.mark.parametrize("command", [("up", "--dry-run"), ("down", "--dry-run")], ids=" ".join)
def test_a_rehearsal_by_hand(tmp_path, command):
    with volume(tmp_path / "volume", "4m") as folder:
        (tmp_path / "box").mkdir()
        box = box_on(folder, tmp_path / "box", "wal")
        box.migration("002_small", "CREATE TABLE small (x);")
        box.migration("002_small_down", FILL)
        assert prepare(box).returncode == 0
        if command[0] == "up":
            box.migration("003_fill", FILL)
        before = sorted(path.name for path in box.data.iterdir())
        done = prepare(box, command=command)
        assert done.returncode in (65, 73, 74), done.stderr
        assert "full" in done.stderr + done.stdout or "room" in done.stderr, done.stderr
        assert [name for name in sorted(path.name for path in box.data.iterdir())
                if not name.endswith(("-wal", "-shm"))] == \
            [name for name in before if not name.endswith(("-wal", "-shm"))]
        assert box.applied() == [1, 2]

