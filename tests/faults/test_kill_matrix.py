"""SIGKILL and SIGTERM at every system call of the preparation that touches a file: the next start
is a normal one, and nothing is lost, doubled or left half under a final name."""

import pytest

from faults import (App, CALLS, LONG, backups_of, expect_normal_start, fast_folder, inject,
                    moments, need_strace, prepare)

MODES = ["wal", "crashed", "delete"]
RUN = ("run", "--", "true")


@pytest.fixture(params=MODES)
def app(request, tmp_path):
    need_strace()
    with fast_folder(tmp_path) as folder:
        yield App(folder, request.param)


def sweep(app, signal, share, statuses, command=("prepare",)):
    """Each moment on a fresh copy. How many runs were hit, and what they ended with."""
    seen = {}
    doubled = []
    for call, number in moments(app, CALLS, share, command):
        what = f"{signal} at {call} number {number}"
        box = app.case()
        hit = prepare(box, prefix=inject(call, f"signal={signal}", number), command=command)
        seen[hit.returncode] = seen.get(hit.returncode, 0) + 1
        assert hit.returncode in statuses, f"{what}: {hit.returncode}\n{hit.stderr}"
        try:
            for manifest in backups_of(box.data / "backups").values():
                assert manifest["content"] == app.rows
            expect_normal_start(app, box)
            kept = [m["schema_version"] for m in backups_of(box.data / "backups").values()
                    if m["reason"] == "migration"]
            # Two of one state only when it came between the end of a backup and the note that it
            # is still good.
            assert max(kept.count(version) for version in kept) <= 2, what
            if len(kept) != len(set(kept)):
                doubled.append((call, number))
        except AssertionError as failed:
            raise AssertionError(f"{what} ({app.mode}), in {box.folder}: {failed}\n"
                                 f"{hit.stderr}") from failed
        app.drop(box)
    print(f"{signal} {command[0]} {app.mode}: {sum(seen.values())} moments, "
          f"statuses {seen}, two backups of one state in {doubled}")
    return seen, doubled


def test_kill_the_preparation(app):
    # strace ends itself by the signal that its tracee died of.
    seen, _ = sweep(app, "KILL", 4, {-9, 137})
    assert sum(seen.values()) >= 25


def test_stop_the_preparation(app):
    """Asked to stop it has either rolled back or finished."""
    seen, _ = sweep(app, "TERM", 7, {0, 143, -15})
    assert seen.get(143, 0) > 0


def test_kill_liteinit_or_its_worker(app):
    """The call of this number in whichever process makes it first; PID 1 says what its worker
    died of."""
    seen, _ = sweep(app, "KILL", 16, {-9, 137, 75, 0}, command=RUN)
    assert seen.get(75, 0) > 0


def test_stop_liteinit_or_its_worker(app):
    if app.mode == "crashed" and not LONG:
        return  # the short form leaves it to the other two
    # 75: a worker that was ended before it could say so; PID 1 says it.
    sweep(app, "TERM", 16, {0, 143, -15, 75}, command=RUN)


@pytest.mark.parametrize("command", ["checkpoint", "backup"])
def test_kill_the_other_workers(app, command):
    """What the stop and the operator run."""
    if app.mode != "crashed" and command == "checkpoint":
        return  # there is no WAL
    seen, _ = sweep(app, "KILL", 8, {-9, 137}, command=(command,))
    assert sum(seen.values()) >= 5
