"""Every system call of the preparation that touches a file fails once, with each error that a disk,
a volume or a signal can give: never a crash, always a reason, and never a byte too few."""

import json
import shutil
from types import SimpleNamespace

import pytest

from faults import (App, CALLS, LONG, STATUSES, backups_of, every_moment, expect_normal_start,
                    expect_unharmed, fast_folder, inject, moments, need_strace, prepare)

ERRORS = ["EIO", "ENOSPC", "EACCES", "EINTR"]
# What a copy that comes out short or wrong must not get past.
LIES = ["copy_file_range:retval=0:when=1+", "copy_file_range:retval=4096:when=1",
        "copy_file_range:error=EXDEV:when=1+", "ioctl:retval=0:when=1+"]


@pytest.fixture(params=["wal", "crashed", "delete"])
def app(request, tmp_path):
    need_strace()
    with fast_folder(tmp_path) as folder:
        yield App(folder, request.param)


def expect_database_right(app, box):
    """As it is now, looked at in a copy: opening it must not mend what the next start has to."""
    copy = box.folder / "looked-at"
    shutil.copytree(box.data, copy)
    try:
        return expect_unharmed(app, SimpleNamespace(db=copy / "app.db"))
    finally:
        shutil.rmtree(copy)


def expect_reason(done, what):
    assert done.returncode in STATUSES, f"{what}: {done.returncode}\n{done.stderr}"
    if done.returncode == 0:
        return
    assert done.returncode != 70, f"{what}: called a bug of liteinit\n{done.stderr}"
    said = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    failures = [e for e in said if e["level"] == "error" or e["event"] == "prepare.interrupted"]
    assert len(failures) == 1, f"{what}: one failure, one sentence\n{done.stderr}"
    assert len(failures[0]["msg"]) > 30 and ": " in failures[0]["msg"], done.stderr


def is_the_loader(done):
    """The dynamic loader of a development build could not read a library."""
    return done.returncode == 127 and "shared librar" in done.stderr


def try_one(app, call, what, number, seen):
    box = app.case()
    where = f"{call} number {number} gives {what} ({app.mode}, in {box.folder})"
    done = prepare(box, prefix=inject(call, what, number))
    if is_the_loader(done):
        app.drop(box)
        return
    try:
        # The event itself may be what could not be written.
        if call != "write":
            expect_reason(done, where)
        else:
            assert done.returncode in STATUSES
        applied = expect_database_right(app, box)
        if done.returncode == 0:
            assert applied == [1, 2, 3]
        if "is in the database all the same" in done.stderr:
            assert len(applied) > 1 + done.stderr.count("migrate.applied")
            seen.setdefault("stands", []).append(number)
        elif "nothing of it was applied" in done.stderr:
            assert len(applied) == 1 + done.stderr.count("migrate.applied")
        for name, manifest in backups_of(box.data / "backups").items():
            assert manifest["content"] == app.rows, name
        expect_normal_start(app, box)
    except AssertionError as failed:
        raise AssertionError(f"{where}: {failed}\n{done.stderr}") from failed
    seen.setdefault(done.returncode, []).append((call, number, what))
    app.drop(box)


def test_each_call_fails_once(app):
    seen = {}
    for i, (call, number) in enumerate(moments(app, CALLS, 5)):
        for k, error in enumerate(ERRORS):
            if LONG or (i + k) % len(ERRORS) == 0:
                try_one(app, call, f"error={error}", number, seen)
    print({status: len(cases) for status, cases in seen.items()})
    assert sum(len(cases) for cases in seen.values()) > 20
    assert 73 in seen, "no backup failed"


def test_each_sync_fails_once(app):
    """What a failed sync leaves is uncertain; what liteinit says of it must be true."""
    seen = {}
    for call, number in every_moment(app, ("fdatasync", "fsync")):
        try_one(app, call, "error=EIO", number, seen)
    assert len(seen) > 2
    if app.mode == "delete":
        # The last sync of a commit, when the journal is void already.
        assert seen["stands"], "no commit failed at its very end"


@pytest.mark.parametrize("lie", LIES)
def test_a_copy_that_is_cut_short(app, lie):
    """A file system that says less than it did, or that it did what it has not: the backup is whole
    all the same, or there is none."""
    call, what, when = lie.rsplit(":", 2)
    box = app.case()
    done = prepare(box, prefix=inject(call, what, when.partition("=")[2]))
    if done.returncode == 0:
        assert backups_of(box.data / "backups")
    expect_reason(done, lie)
    for name, manifest in backups_of(box.data / "backups").items():
        assert manifest["content"] == app.rows, name
        assert manifest["size"] == manifest["page_size"] * manifest["page_count"], name
    expect_database_right(app, box)
    expect_normal_start(app, box)


def test_a_volume_without_exclusive_renames_and_links(app):
    """As some FUSE and network volumes are: the backup gets its name by a plain rename."""
    box = app.case()
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "signal=none",
              "-e", "trace=renameat2,link,linkat", "-e", "inject=renameat2:error=EINVAL",
              "-e", "inject=link,linkat:error=EPERM"]
    done = prepare(box, prefix=strace)
    assert done.returncode == 0, done.stderr
    expect_unharmed(app, box, migrated=True)
    assert len(backups_of(box.data / "backups")) == 1
