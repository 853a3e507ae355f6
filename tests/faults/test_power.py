"""A power cut at every moment: the preparation is killed at a system call, and at once its file
system is shut down without writing out its log, so that only what was synced is left. What comes
back has every row, whole backups only, and starts normally; what was reported as done is done."""

import contextlib
import ctypes
import fcntl
import os
import shutil
import struct
import subprocess

import pytest

from faults import (App, backups_of, expect_normal_start, expect_unharmed, inject, moments,
                    need_strace, prepare)
from harness import Box, need_root

CLONE_NEWNS = 0x00020000
# include/uapi/linux/ext4.h: EXT4_IOC_SHUTDOWN, which XFS began as XFS_IOC_GOINGDOWN.
SHUTDOWN = 0x8004587D
WITHOUT_LOG_FLUSH = 2
SYNCING = ("fdatasync", "fsync", "rename", "renameat2", "unlink", "pwrite64", "ftruncate", "mkdir")


class Disk:
    """An ext4 on a loop file."""

    def __init__(self, folder):
        self.image = folder / "disk.img"
        self.path = folder / "disk"
        self.path.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(24 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True)
        self.mount()

    def mount(self):
        subprocess.run(["mount", "-o", "loop", self.image, self.path], check=True)

    def unmount(self):
        subprocess.run(["umount", self.path], check=True)

    def cut(self):
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", WITHOUT_LOG_FLUSH))
        finally:
            os.close(fd)
        self.unmount()
        self.mount()


@pytest.fixture(name="disk")
def a_disk(tmp_path):
    need_root()
    need_strace()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        pytest.skip("needs mount namespaces")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    try:
        disk = Disk(tmp_path)
    except (OSError, subprocess.CalledProcessError) as failed:
        pytest.skip(f"needs loop devices and mkfs.ext4: {failed}")
    yield disk
    with contextlib.suppress(subprocess.CalledProcessError):
        disk.unmount()


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
