"""A power cut at every moment of a restore, and after its end: only what was synced is left, and it
is the old or the new database, whole, with the old one kept."""

import subprocess

import pytest

from disks import SYNCING
from faults import inject, moments, prepare
from test_restore_kill import COMMAND, Newer, asides, expect_restored, look

RESTORING = [*SYNCING, "link", "fchmod", "copy_file_range"]


def put(newer, disk):
    box = newer.case()
    subprocess.run(["sync", "-f", disk.path], check=True)
    return box


@pytest.mark.parametrize("mode", ["wal", "crashed", "delete"])
def test_the_power_fails_during_a_restore(disk, mode):
    (disk.path / "box").mkdir()
    newer = Newer(disk.path / "box", mode)
    seen = {1: 0, 2: 0}
    for call, number in moments(newer, RESTORING, 3, COMMAND):
        box = put(newer, disk)
        prepare(box, prefix=inject(call, "signal=KILL", number), command=COMMAND)
        disk.cut()
        what = f"power cut at {call} number {number} ({mode})"
        try:
            seen[look(newer, box)] += 1
            expect_restored(newer, box)
        except AssertionError as failed:
            raise AssertionError(f"{what}: {failed}") from failed
    print(f"{mode}: the newer database came back {seen[2]} times, the backup {seen[1]} times")
    assert seen[1] > 0
    assert seen[2] > 5


@pytest.mark.parametrize("mode", ["wal", "crashed", "delete"])
def test_what_was_reported_as_restored_outlives_a_power_cut(disk, mode):
    (disk.path / "box").mkdir()
    newer = Newer(disk.path / "box", mode)
    box = put(newer, disk)
    done = prepare(box, command=COMMAND)
    assert done.returncode == 0, done.stderr
    disk.cut()
    assert newer.version_of(box.db) == 1
    assert [newer.version_of(path) for path in asides(box.data)] == [2]
