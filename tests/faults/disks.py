"""Volumes of a test's own: one that fills up, and a disk whose power fails, whose file system is shut
down without writing out its log, so that only what was synced is left."""

import contextlib
import ctypes
import fcntl
import os
import struct
import subprocess

import pytest

from harness import need_root

CLONE_NEWNS = 0x00020000
# include/uapi/linux/ext4.h: EXT4_IOC_SHUTDOWN, which XFS began as XFS_IOC_GOINGDOWN.
SHUTDOWN = 0x8004587D
WITHOUT_LOG_FLUSH = 2
# The calls around which a power cut tells.
SYNCING = ("fdatasync", "fsync", "rename", "renameat2", "unlink", "pwrite64", "ftruncate", "mkdir")


class Disk:
    """An ext4 on a loop file, which can lose what was not synced."""

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


def own_mounts():
    """From here on the mounts are this process's alone and end with it; skips where that cannot
    be."""
    need_root()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        pytest.skip(f"needs mount namespaces: {os.strerror(ctypes.get_errno())}")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


@contextlib.contextmanager
def volume(path, size, inodes=0):
    """A tmpfs of so many bytes and inodes at path."""
    path.mkdir(parents=True, exist_ok=True)
    options = f"size={size},mode=755" + (f",nr_inodes={inodes}" if inodes else "")
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


@contextlib.contextmanager
def mounted_disk(folder):
    """A Disk; skips where there can be none."""
    try:
        disk = Disk(folder)
    except (OSError, subprocess.CalledProcessError) as failed:
        pytest.skip(f"needs loop devices and mkfs.ext4: {failed}")
    try:
        yield disk
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            disk.unmount()
