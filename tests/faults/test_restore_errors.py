"""Every system call of a restore that touches a file fails once, with each error that a disk or a
volume can give: the old or the new database is there, whole, the reason is said, and the next start
is a normal one."""

import pytest

from faults import LONG, fast_folder, inject, moments, need_strace, prepare
from test_restore_kill import CHANGING, COMMAND, Newer, asides, expect_restored, look
from test_syscall_errors import LIES, expect_reason, is_the_loader

ERRORS = ["EIO", "ENOSPC", "EACCES", "EINTR"]


@pytest.fixture(name="newer", params=["wal", "crashed", "delete"])
def a_newer_database(request, tmp_path):
    need_strace()
    with fast_folder(tmp_path) as folder:
        yield Newer(folder, request.param)


def try_one(newer, prefix, where, call=""):
    """The version that is there then."""
    box = newer.case()
    done = prepare(box, prefix=prefix, command=COMMAND)
    if is_the_loader(done):
        return 0
    try:
        # The event itself may be what could not be written.
        if call != "write":
            expect_reason(done, where)
        version = look(newer, box)
        if done.returncode == 0:
            assert version == 1
        elif version == 1 and call != "write":
            # Restored all the same: it failed after that, and nobody was told that nothing changed.
            assert "restore.done" in done.stderr or "is in the place of" in done.stderr
        if "nothing was changed" in done.stderr:
            assert version == 2
            assert asides(box.data) == [] or call in ("unlink", "link")
        expect_restored(newer, box)
    except AssertionError as failed:
        raise AssertionError(f"{where} ({newer.mode}): {failed}\n{done.stderr}") from failed
    return version


def test_each_call_fails_once(newer):
    seen = {0: 0, 1: 0, 2: 0}
    for i, (call, number) in enumerate(moments(newer, CHANGING, 2, COMMAND)):
        for k, error in enumerate(ERRORS):
            if LONG or (i + k) % len(ERRORS) == 0:
                where = f"{call} number {number} gives {error}"
                seen[try_one(newer, inject(call, f"error={error}", number), where, call)] += 1
    print(f"{newer.mode}: the newer database stayed {seen[2]} times, the backup came {seen[1]} times")
    assert seen[1] > 10
    assert seen[2] > 5


@pytest.mark.parametrize("lie", LIES)
def test_a_copy_that_is_cut_short(newer, lie):
    call, what, when = lie.rsplit(":", 2)
    try_one(newer, inject(call, what, when.partition("=")[2]), lie)


def test_a_volume_without_links_keeps_a_copy(newer):
    """As exFAT and some FUSE volumes are."""
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "signal=none",
              "-e", "trace=renameat2,link,linkat", "-e", "inject=renameat2:error=EINVAL",
              "-e", "inject=link,linkat:error=EPERM"]
    assert try_one(newer, strace, "no links") == 1
