"""What a preparation says while it goes on: `migrate.progress`, and `status` and `health` beside it,
as text and JSON, so that nobody takes a container that migrates for dead."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from dbkit import make, must, tool
from harness import BIN, SIGTERM, until

# Never ends by itself; writes pages first.
ENDLESS = """CREATE TABLE numbers (n);
INSERT INTO numbers WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
  SELECT hex(randomblob(50)) FROM n;
INSERT INTO numbers WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
  WHERE i < 100000000000) SELECT count(*) FROM n;
SELECT 1;
"""


def status_json(box):
    return must(tool(box, "status", "--json")).document()


def progress(box):
    return status_json(box).get("progress", {})


@pytest.fixture(name="slow")
def a_slow_migration(liteinit):
    """The second of two, which runs until it is stopped."""
    make(liteinit.db, "CREATE TABLE item (id);", "wal")
    liteinit.migration("001_quick", "SELECT 1;")
    liteinit.migration("002_slow", ENDLESS)
    return liteinit


def start(box, rehearse="never"):
    return box("echo", "never", pid1=False, env={"LITEINIT_REHEARSE": rehearse})


def test_a_long_migration(slow):
    life = start(slow)
    life.wait_event("migrate.apply", version=2)
    # At once, before the first word of progress: the file, and which of how many.
    seen = until(lambda: progress(slow) if progress(slow).get("file") == "002_slow.sql" else None,
                 "status names the file")
    assert (seen["phase"], seen["number"], seen["of"]) == ("migrating", 2, 2)
    assert status_json(slow)["app"] == "preparing"
    text = must(tool(slow, "status")).out
    assert "not started yet: migrating 002_slow.sql (2 of 2)" in text
    begun = life.wait_event("migrate.apply", version=2)["seen"]

    event = life.wait_event("migrate.progress", timeout=20)
    assert 4 < event["seen"] - begun < 15
    assert (event["version"], event["file"], event["direction"]) == (2, "002_slow.sql", "up")
    assert (event["number"], event["of"]) == (2, 2)
    assert (event["statement_number"], event["statements"]) == (3, 4)
    assert event["pages"] > 100 and 4000 < event["duration_ms"] < 15000
    assert "statement 3 of 4" in event["msg"]

    seen = until(lambda: progress(slow) if "statement" in progress(slow) else None,
                 "status tells the statement")
    assert (seen["statement"], seen["statements"]) == (3, 4)
    assert seen["pages"] > 100 and seen["elapsed_ms"] > 4000
    health = tool(slow, "health")
    assert health.status == 0
    assert health.out.count("\n") == 1
    assert "preparing: migrating 002_slow.sql (2 of 2), statement 3 of 4, for " in health.out
    document = must(tool(slow, "health", "--json")).document()
    assert document["ok"] and document["state"] == "preparing"
    assert document["progress"]["file"] == "002_slow.sql"

    second = life.wait_for(lambda: life.named("migrate.progress")[1:2], "more progress", 20)[0]
    assert 4 < second["seen"] - event["seen"] < 10
    assert life.stop(SIGTERM)[0] == 143
    # Nothing of it is left, and nothing stale is told.
    assert "progress" not in status_json(slow)
    assert status_json(slow)["app"] == "down"


def test_a_long_rehearsal(slow):
    life = start(slow, "always")
    seen = until(lambda: progress(slow) if progress(slow).get("file") == "002_slow.sql" else None,
                 "status names the file")
    assert seen["phase"] == "rehearsing"
    assert "preparing: rehearsing 002_slow.sql (2 of 2)" in must(tool(slow, "health")).out
    event = life.wait_event("migrate.progress", timeout=20)
    assert "Rehearsal" in event["msg"]
    assert life.stop(SIGTERM)[0] == 143


def test_the_way_back(liteinit):
    liteinit.migration("001_it", "SELECT 1;")
    must(tool(liteinit, "prepare"))
    liteinit.migration("002_new", "SELECT 1;")
    liteinit.migration("002_new_down", ENDLESS)
    must(tool(liteinit, "prepare"))
    for path in liteinit.migrations.glob("002_*"):
        path.unlink()
    life = liteinit("echo", "never", pid1=False, env={"LITEINIT_ON_NEWER_SCHEMA": "rollback",
                                                      "LITEINIT_REHEARSE": "never"})
    seen = until(lambda: progress(liteinit) if "file" in progress(liteinit) else None,
                 "status names the file")
    assert (seen["phase"], seen["number"], seen["of"]) == ("rolling back", 1, 1)
    assert "preparing: rolling back 2_new_down.sql (1 of 1)" in must(tool(liteinit, "health")).out
    assert life.stop()[0] == 143
    assert liteinit.applied() == [1, 2]


def locks_of(pid):
    with open("/proc/locks", encoding="ascii") as file:
        return [line for line in file if f" {pid} " in line]


def stop_between_tries(process, db):
    """Halts a command that waits for the database, at a moment when it holds no lock itself."""
    until(lambda: any(os.path.realpath(f"/proc/{process.pid}/fd/{fd}") == str(db)
                      for fd in os.listdir(f"/proc/{process.pid}/fd")), "it has the database open")

    def halted():
        process.send_signal(signal.SIGSTOP)
        until(lambda: ") T " in Path(f"/proc/{process.pid}/stat").read_text("ascii"),
              "it is halted")
        if not locks_of(process.pid):
            return True
        process.send_signal(signal.SIGCONT)
        return False
    until(halted, "it is halted without a lock")


def test_status_that_came_before_the_preparation(slow):
    """It finds nobody, and then a closed database: it looks again who has closed it."""
    with contextlib.closing(sqlite3.connect(slow.db)) as db:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("BEGIN EXCLUSIVE")
        with subprocess.Popen([BIN, "status", "--json", "--db", slow.db], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as status:
            stop_between_tries(status, slow.db)
            db.rollback()
            db.close()
            life = start(slow)
            life.wait_event("migrate.apply", version=2)
            status.send_signal(signal.SIGCONT)
            out, err = status.communicate(timeout=30)
    assert status.returncode == 0, err
    assert json.loads(out)["progress"]["file"] == "002_slow.sql"
    assert life.stop(SIGTERM)[0] == 143


def test_a_holder_that_was_killed_leaves_no_stale_line(slow):
    life = start(slow)
    until(lambda: progress(slow).get("file") == "002_slow.sql", "status names the file")
    life.kill()
    until(lambda: "progress" not in status_json(slow), "nobody prepares")
    health = tool(slow, "health")
    assert health.status == 1 and health.out.startswith("down:")
    # Whoever holds the lock next without a preparation does not inherit it.
    life = slow("sleep", "60", pid1=False, env={"LITEINIT_PREPARE": "never"})
    life.wait_event("app.start")
    health = must(tool(slow, "health"))
    assert health.out == "running: the app is up\n"
    assert status_json(slow)["app"] == "up"
    assert life.stop()[0] == 143


def test_one_that_waits_for_the_lock_does_not_wipe_the_line(slow):
    life = start(slow)
    until(lambda: progress(slow).get("file") == "002_slow.sql", "status names the file")
    assert tool(slow, "prepare", "--lock-timeout", "0").status == 75
    assert tool(slow, "down", "--lock-timeout", "50ms").status == 75
    assert progress(slow)["file"] == "002_slow.sql"
    assert life.stop()[0] == 143


def test_beside_the_app_and_after_it(liteinit):
    liteinit.migration("001_it", "CREATE TABLE it (x);")
    health = tool(liteinit, "health", "--json")
    assert health.status == 1 and health.document()["state"] == "down"
    life = liteinit("sleep", "60", pid1=False)
    life.wait_event("app.start")
    health = must(tool(liteinit, "health", "--json")).document()
    assert health == {"ok": True, "state": "running", "message": "the app is up"}
    document = status_json(liteinit)
    assert document["app"] == "up" and "progress" not in document
    assert "App         up since" in must(tool(liteinit, "status")).out
    assert life.stop()[0] == 143
    health = tool(liteinit, "health")
    assert (health.status, health.out) == (1, "down: no liteinit looks after the database\n")
    assert not health.err


def test_health_is_fast(slow):
    life = start(slow)
    until(lambda: progress(slow).get("file") == "002_slow.sql", "status names the file")
    best = 9.0
    for _ in range(5):
        begin = time.monotonic()
        must(tool(slow, "health"))
        best = min(best, time.monotonic() - begin)
    assert best < 0.5
    assert life.stop()[0] == 143


def test_health_without_a_database_is_named(liteinit):
    answer = tool(liteinit, "health", env={"LITEINIT_DB": None})
    assert answer.status == 1
    assert tool(liteinit, "health", env={"LITEINIT_DB": "/nowhere/x.db"}).status == 1


def test_health_leaves_no_trace(liteinit):
    tool(liteinit, "health")
    assert list(liteinit.data.iterdir()) == []
