"""A stop, a kill or a crash at any moment of the preparation: the database is as it was or wholly
migrated, liteinit is gone at once, and the next start is a normal one."""

import os
import random
import signal
import time

import pytest

from dbkit import crash, state_of
from harness import SLOW_SQL, is_alive, until

NOTES = """
CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL);
INSERT INTO notes (text) VALUES ('first');
"""


def slow_life(liteinit, **kwargs):
    """A liteinit in the middle of a migration that would not end; the one before is applied."""
    liteinit.migration("001_notes", NOTES)
    assert liteinit("true").wait() == 0
    liteinit.migration("002_slow", SLOW_SQL)
    kwargs["options"] = [*kwargs.get("options", ()), "--rehearse=never"]
    life = liteinit("sh", "-c", "echo the app runs", **kwargs)
    life.wait_event("migrate.apply", version=2)
    return life


def expect_as_before(liteinit, status="interrupted"):
    assert liteinit.applied() == [1]
    assert liteinit.value("SELECT count(*) FROM sqlite_schema WHERE name = 'slow'") == 0
    assert liteinit.rows("SELECT text FROM notes") == [("first",)]
    assert liteinit.integrity() == "ok"
    if status:
        assert liteinit.attempts()[-1] == (2, status)


def expect_normal_start(liteinit):
    """The same migration, now one that ends."""
    liteinit.migration("002_slow", "CREATE TABLE slow (n INTEGER);\nINSERT INTO slow VALUES (7);\n")
    life = liteinit("sh", "-c", "echo the app runs")
    assert life.wait() == 0, life.log()
    assert "the app runs" in life.out
    assert liteinit.leftovers() == []
    assert liteinit.applied() == [1, 2]
    assert liteinit.rows("SELECT n FROM slow") == [(7,)]
    return life


@pytest.mark.parametrize("pid1", [True, False])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT,
                                    signal.SIGRTMIN + 3])
def test_stop_signal_rolls_the_migration_back(liteinit, number, pid1):
    life = slow_life(liteinit, pid1=pid1)
    status, seconds = life.stop(number)
    assert status == 128 + number
    assert seconds < 3, "gone well within the grace"
    assert "the app runs" not in life.out
    assert not life.named("app.start")
    assert not life.named("worker.died"), "it was asked to end"
    assert "the app was not started" in life.wait_event("init.exit")["msg"]
    expect_as_before(liteinit)
    next_life = expect_normal_start(liteinit)
    assert not next_life.named("last_stop.unclean")


def test_other_signals_do_not_disturb_the_preparation(liteinit):
    life = slow_life(liteinit)
    worker = life.worker_pid("prepare")
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGWINCH, signal.SIGCONT):
        life.signal(number)
    # They are in order of arrival before this one.
    status, _ = life.stop()
    assert status == 143
    assert not is_alive(worker)
    expect_as_before(liteinit)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_worker_that_is_killed_or_crashes(liteinit, number):
    # A build with sanitizers would make an exit of the crash.
    life = slow_life(liteinit, env={"ASAN_OPTIONS": "handle_segv=0"})
    os.kill(life.worker_pid("prepare"), number)
    crash = number != signal.SIGKILL
    assert life.wait() == (70 if crash else 75)
    event = life.wait_event("worker.died")
    assert event["level"] == "error"
    assert event["signal"] == signal.Signals(number).name
    assert ("bug" if crash else "memory") in event["hint"]
    assert "failed" in event["msg"]
    assert "the app runs" not in life.out
    expect_as_before(liteinit, status=None)
    expect_normal_start(liteinit)


def test_liteinit_that_is_killed_during_a_migration(liteinit):
    """SIGKILL to PID 1, as Docker after its grace: the whole namespace is gone with it."""
    life = slow_life(liteinit)
    worker = life.worker_pid("prepare")
    life.kill()
    until(lambda: not is_alive(worker), "the worker is gone too")
    expect_as_before(liteinit, status=None)
    expect_normal_start(liteinit)
    assert (2, "interrupted") in liteinit.attempts()


def test_worker_does_not_outlive_a_killed_parent(liteinit):
    """Without a namespace nobody takes it along: it hears of the death, and rolls back."""
    life = slow_life(liteinit, pid1=False)
    worker = life.worker_pid("prepare")
    life.kill()
    until(lambda: not is_alive(worker), "the worker has ended", timeout=5)
    expect_as_before(liteinit)
    expect_normal_start(liteinit)


def test_worker_that_does_not_answer_is_killed_when_the_grace_is_over(liteinit):
    life = slow_life(liteinit, options=["--stop-timeout=500ms"])
    os.kill(life.worker_pid("prepare"), signal.SIGSTOP)
    status, seconds = life.stop()
    assert status == 143
    assert 0.5 <= seconds < 4
    assert "did not stop within" in life.wait_event("worker.killed")["msg"]
    expect_as_before(liteinit, status=None)
    expect_normal_start(liteinit)


def test_who_will_not_wait_for_the_worker_is_obeyed(liteinit):
    life = slow_life(liteinit, options=["--stop-timeout=60s"])
    os.kill(life.worker_pid("prepare"), signal.SIGSTOP)
    life.signal_and_see(signal.SIGTERM)
    life.signal(signal.SIGQUIT)
    assert life.wait(10) == 143
    assert life.wait_event("worker.killed")
    expect_normal_start(liteinit)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_any_moment_of_the_preparation(liteinit, number):
    """Twenty starts, each ended a little later than the one before; then a normal one."""
    for version in range(1, 13):
        liteinit.migration(f"{version:03}_step",
                           f"CREATE TABLE t{version} (n INTEGER PRIMARY KEY, text TEXT);\n"
                           f"INSERT INTO t{version} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
                           "SELECT i + 1 FROM n WHERE i < 2000) SELECT i, hex(i) FROM n;\n")
    apps = []
    moments = random.Random(number)
    for i in range(20):
        life = liteinit("sleep", "60", pid1=i % 2 == 0)
        life.wait_until_blocked()
        end = time.perf_counter() + i * 0.002 + moments.random() * 0.002
        while time.perf_counter() < end:
            pass
        if number == signal.SIGKILL:
            life.kill()
            # Nobody ends the app of a plain child for it: it is ours to end.
            life.end_family()
        else:
            status, seconds = life.stop(number)
            assert status == 128 + number, life.log()
            assert seconds < 5
        apps.append(bool(life.named("app.start")))
    assert not all(apps), "no start was ended before its app was there"
    life = liteinit("sh", "-c", "echo the app runs")
    assert life.wait() == 0, life.log()
    assert liteinit.applied() == list(range(1, 13))
    for version in range(1, 13):
        assert liteinit.value(f"SELECT count(*) FROM t{version}") == 2000
    assert liteinit.integrity() == "ok"
    assert liteinit.leftovers() == []
    assert [name for name in os.listdir(liteinit.data) if "tmp" in name] == []


def test_stop_during_the_last_check(liteinit):
    """The migrations are applied by then: they stay, and no WAL is left for the next start."""
    liteinit.migration("001_much", "CREATE TABLE much (id INTEGER PRIMARY KEY, v TEXT);"
                       "CREATE INDEX i ON much (v); INSERT INTO much (v)"
                       " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE"
                       " i < 200000) SELECT hex(randomblob(16)) FROM n;")
    assert liteinit("true").wait() == 0
    # Too little for SQLite to fold it in by itself.
    liteinit.migration("002_little", "CREATE TABLE little (x);")
    life = liteinit("sleep", "60")
    life.wait_event("migrate.done")
    life.signal(signal.SIGTERM)
    assert life.wait() == 143
    assert not life.named("app.start")
    assert life.wait_event("prepare.interrupted")["step"] == "check-after"
    # Looked at first: Python's own connection would fold it in.
    assert liteinit.leftovers() == []
    assert liteinit.applied() == [1, 2]


def test_stop_during_the_first_check(liteinit):
    """Whether the database is whole is not known yet: the WAL of the crash is not folded in."""
    crash(liteinit.db, "PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0",
          "CREATE TABLE much (id INTEGER PRIMARY KEY, v TEXT)", "CREATE INDEX i ON much (v)",
          "INSERT INTO much (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
          " WHERE i < 200000) SELECT hex(randomblob(16)) FROM n")
    liteinit.migration("001_more", "CREATE TABLE more (x);")
    before = state_of(liteinit.data)
    life = liteinit("sleep", "60")
    life.wait_event("db.open")
    life.signal(signal.SIGTERM)
    assert life.wait() == 143
    assert life.wait_event("prepare.interrupted")["step"] == "check"
    after = state_of(liteinit.data)
    assert after["app.db"] == before["app.db"]
    assert after["app.db-wal"] == before["app.db-wal"]
    assert liteinit("true").wait() == 0
    assert liteinit.rows("SELECT count(*) FROM much") == [(200000,)]
