"""SIGKILL and SIGTERM at every system call of a rehearsal, and each call failing once: the real files
stay as they are, and the next start is a normal one that clears what was left."""

import hashlib

import pytest

from faults import (App, CALLS, STATUSES, expect_normal_start, fast_folder, inject, moments,
                    need_strace, prepare)
from test_syscall_errors import is_the_loader

DRY = ("up", "--dry-run")
REHEARSING = ("prepare", "--rehearse=always")


@pytest.fixture(name="app", params=["wal", "crashed", "delete"])
def an_app(request, tmp_path):
    need_strace()
    with fast_folder(tmp_path) as folder:
        yield App(folder, request.param)


def sums(box):
    """The real files but the shared memory, which every reader may write to."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in box.data.iterdir()
            if path.is_file() and path.name.startswith("app.db") and
            not path.name.endswith(("-shm", ".lock"))}


def rehearsals(box):
    return [path for path in box.data.iterdir() if path.name.startswith(".liteinit-rehearsal-")]


def kept(before, box):
    """A reader of a WAL database makes an empty WAL where there is none."""
    after = {name: value for name, value in sums(box).items()
             if name in before or (box.data / name).stat().st_size > 0}
    return after == before


@pytest.mark.parametrize("signal, statuses", [("KILL", {-9, 137}), ("TERM", {0, 143, -15})])
def test_end_the_dry_run(app, signal, statuses):
    count = left = 0
    for call, number in moments(app, CALLS, 9, DRY):
        box = app.case()
        before = sums(box)
        hit = prepare(box, prefix=inject(call, f"signal={signal}", number), command=DRY)
        what = f"{signal} at {call} number {number} ({app.mode})"
        assert hit.returncode in statuses, f"{what}: {hit.returncode}\n{hit.stderr}"
        assert kept(before, box), what
        left += len(rehearsals(box))
        assert signal == "KILL" or rehearsals(box) == [], what
        expect_normal_start(app, box)
        assert rehearsals(box) == [], what
        app.drop(box)
        count += 1
    print(f"{signal} {app.mode}: {count} moments, {left} left a folder behind")
    assert count > 10
    assert (left > 0) == (signal == "KILL")


def test_kill_a_start_that_rehearses(app):
    count = 0
    for call, number in moments(app, CALLS, 11, REHEARSING):
        box = app.case()
        hit = prepare(box, prefix=inject(call, "signal=KILL", number), command=REHEARSING)
        assert hit.returncode in (-9, 137), hit.stderr
        try:
            expect_normal_start(app, box)
            assert rehearsals(box) == []
        except AssertionError as failed:
            raise AssertionError(f"{call} number {number} ({app.mode}): {failed}") from failed
        app.drop(box)
        count += 1
    assert count > 15


def test_each_call_of_a_dry_run_fails_once(app):
    failed = 0
    errors = ["EIO", "ENOSPC", "EACCES", "EINTR"]
    for i, (call, number) in enumerate(moments(app, CALLS, 9, DRY)):
        error = errors[i % len(errors)]
        box = app.case()
        before = sums(box)
        done = prepare(box, prefix=inject(call, f"error={error}", number), command=DRY)
        what = f"{call} number {number} gives {error} ({app.mode})"
        if not is_the_loader(done):
            assert done.returncode in STATUSES - {70}, f"{what}: {done.returncode}\n{done.stderr}"
            assert kept(before, box), what
            failed += done.returncode != 0
        app.drop(box)
    assert failed > 3
