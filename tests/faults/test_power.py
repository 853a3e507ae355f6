"""A power cut at every moment: the preparation is killed at a system call, and at once its file
system is shut down without writing out its log, so that only what was synced is left. What comes
back has every row, whole backups only, and starts normally; what was reported as done is done."""

import os
import shutil
import subprocess

import pytest

from disks import SYNCING
from faults import (App, backups_of, expect_normal_start, expect_unharmed, inject, moments,
                    prepare)
from harness import Box


def put(app, disk):
    """A fresh copy of the app on the disk, and all of it written out."""
    box = app.case()
    box.data = disk.path / "data"
    if box.data.exists():
        shutil.rmtree(box.data)
    shutil.copytree(box.folder / "data", box.data)
    box.db = box.data / "app.db"
    subprocess.run(["sync", "-f", disk.path], check=True)
    return box


def expect_survival(app, box, what):
    try:
        for name, manifest in backups_of(box.data / "backups").items():
            assert manifest["content"] == app.rows, name
        looked_at = object.__new__(Box)
        looked_at.db = box.folder / "looked-at" / "app.db"
        shutil.copytree(box.data, looked_at.db.parent)
        applied = expect_unharmed(app, looked_at)
        expect_normal_start(app, box)
    except (AssertionError, OSError) as failed:
        raise AssertionError(f"{what} ({app.mode}): {failed}") from failed
    return applied


def test_the_cut_takes_what_was_not_synced(disk):
    """Or else the other tests here prove nothing."""
    for name, synced in (("kept", True), ("lost", False)):
        with open(disk.path / name, "wb") as file:
            file.write(b"x" * 9000)
            if synced:
                os.fsync(file.fileno())
                fd = os.open(disk.path, os.O_RDONLY)
                os.fsync(fd)
                os.close(fd)
    disk.cut()
    assert (disk.path / "kept").read_bytes() == b"x" * 9000
    assert not (disk.path / "lost").exists()


@pytest.mark.parametrize("mode", ["wal", "crashed", "delete"])
def test_the_power_fails_at_any_moment(disk, tmp_path, mode):
    (tmp_path / "app").mkdir()
    app = App(tmp_path / "app", mode)
    count = 0
    for call, number in moments(app, SYNCING, 5):
        box = put(app, disk)
        prepare(box, prefix=inject(call, "signal=KILL", number))
        disk.cut()
        expect_survival(app, box, f"power cut at {call} number {number}")
        app.drop(box)
        count += 1
    print(f"power {mode}: {count} moments")
    assert count > 10


@pytest.mark.parametrize("mode", ["wal", "crashed", "delete"])
def test_what_was_reported_as_done_outlives_a_power_cut(disk, tmp_path, mode):
    (tmp_path / "app").mkdir()
    app = App(tmp_path / "app", mode)
    box = put(app, disk)
    done = prepare(box)
    assert done.returncode == 0, done.stderr
    disk.cut()
    assert len(backups_of(box.data / "backups")) == 1
    assert expect_survival(app, box, "power cut after the end") == [1, 2, 3]
