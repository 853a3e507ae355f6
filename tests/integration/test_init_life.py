"""How a life ended is on record, and the next start says so when it was not in order."""

import contextlib
import json
import os
import signal
import subprocess
import sys

import pytest

from harness import BIN, children_of, need_root, until

PYTHON = sys.executable
TABLE = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL);\n"
WRITER = """
import os, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
db.execute("PRAGMA wal_autocheckpoint=0")
for i in range(200):
    db.execute("INSERT INTO notes (text) VALUES (?)", (f"row {i}",))
print("written", flush=True)
time.sleep(300)
"""


def state_path(liteinit):
    return liteinit.data / "app.db.liteinit.state"


def test_record_of_a_life(liteinit):
    life = liteinit("sleep", "60", options=["--app-version=1.2.3"])
    life.wait_event("app.start")
    record = liteinit.record()
    assert record["state"] == "running"
    assert record["pid"] == 1
    assert record["app_version"] == "1.2.3"
    assert state_path(liteinit).stat().st_mode & 0o777 == 0o600
    assert life.stop()[0] == 143
    record = liteinit.record()
    assert record["state"] == "ended"
    assert record["exit_code"] == 143
    assert record["signal"] == signal.SIGTERM
    assert record["killed"] is False
    assert record["wal"] == "folded"
    assert record["started"] < record["ended"]


def test_killed_life_is_told_once_at_the_next_start(liteinit):
    """SIGKILL with a full WAL: the rows are there, and the log says what happened."""
    liteinit.migration("001_notes", TABLE)
    life = liteinit(PYTHON, "-c", WRITER, str(liteinit.db))
    life.wait_out("written")
    began = liteinit.record()["started"]
    life.kill()
    assert liteinit.record()["state"] == "running"
    assert liteinit.leftovers() != [], "the WAL was left behind"

    life = liteinit("true")
    assert life.wait() == 0
    event = life.wait_event("last_stop.unclean")
    assert event["level"] == "warn"
    assert event["started"] == began
    assert began in event["msg"]
    assert "stop_grace_period" in event["hint"]
    assert life.order("init.start", "last_stop.unclean", "app.start")
    assert liteinit.value("SELECT count(*) FROM notes") == 200
    assert liteinit.integrity() == "ok"
    assert liteinit.leftovers() == []

    life = liteinit("true")
    assert life.wait() == 0
    assert not life.named("last_stop.unclean")


def test_clean_stops_are_not_talked_about(liteinit):
    for _ in range(2):
        life = liteinit("sleep", "60")
        life.wait_event("app.start")
        assert life.stop()[0] == 143
        assert not life.named("last_stop.unclean")


def test_failed_preparation_does_not_hide_an_unclean_stop(liteinit):
    liteinit.migration("001_notes", TABLE)
    life = liteinit("sleep", "60")
    life.wait_event("app.start")
    life.kill()
    liteinit.migration("002_wrong", "CREATE TABLE x (a);\nTHIS IS NO SQL;\n")
    life = liteinit("true")
    assert life.wait() == 65
    assert life.named("last_stop.unclean")
    liteinit.migration("002_wrong", "CREATE TABLE x (a);\n")
    life = liteinit("true")
    assert life.wait() == 0
    assert life.named("last_stop.unclean")


@pytest.mark.parametrize("rubbish", [b"", b"\0" * 100, b"{", b"[]", b'{"state":"what"}',
                                     b"\xff" * 5000])
def test_record_that_makes_no_sense(liteinit, rubbish):
    """As after a power cut. It counts as unclean, and is put right."""
    assert liteinit("true").wait() == 0
    state_path(liteinit).write_bytes(rubbish)
    life = liteinit("true")
    assert life.wait() == 0
    assert "cannot be read" in life.wait_event("last_stop.unclean")["msg"]
    assert liteinit.record()["state"] == "ended"
    assert not liteinit("true").wait()


def test_record_that_cannot_be_written_is_only_a_warning(liteinit):
    state_path(liteinit).mkdir()
    life = liteinit("sh", "-c", "exit 3")
    assert life.wait() == 3
    assert life.wait_event("volume.warning")["level"] == "warn"


def test_killed_app_is_on_record(liteinit):
    life = liteinit("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done",
                    options=["--stop-timeout=300ms"])
    life.wait_out("ready")
    assert life.stop()[0] == 137
    record = liteinit.record()
    assert record["killed"] is True
    assert record["signal"] == signal.SIGKILL
    assert record["wal"] == "folded"


def test_record_follows_the_link_to_the_database(liteinit):
    """A database reached through a link has its record beside the real file."""
    need_root()
    real = liteinit.folder / "volume"
    real.mkdir()
    os.symlink(real / "real.db", liteinit.db)
    (real / "real.db").touch()
    life = liteinit("sh", "-c", "exit 2")
    assert life.wait() == 2, life.log()
    record = json.loads((real / "real.db.liteinit.state").read_text(encoding="utf-8"))
    assert record["exit_code"] == 2


def fill(pipe):
    os.set_blocking(pipe, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(pipe, b"x" * 4096)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(pipe, b"x")
    os.set_blocking(pipe, True)


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_log_that_nobody_reads_holds_nothing_up(liteinit, when):
    """A full pipe at stderr: signals are still passed on, the WAL is folded in, liteinit ends."""
    liteinit.migration("001_notes", TABLE)
    reader, writer = os.pipe()
    if when == "before":
        fill(writer)
    process = subprocess.Popen([BIN, "--", PYTHON, "-c", WRITER, liteinit.db], stderr=writer,
                               stdout=subprocess.PIPE, env=liteinit.environment())
    try:
        assert process.stdout.readline() == b"written\n"
        if when == "meanwhile":
            fill(writer)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 128 + signal.SIGTERM
        assert liteinit.leftovers() == []
        assert liteinit.rows("SELECT count(*) FROM notes") == [(200,)]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        os.close(reader)
        os.close(writer)


def test_the_app_gets_no_variable_of_the_workers(liteinit):
    life = liteinit(PYTHON, "-c", "import os; print([k for k in os.environ if 'INTERNAL' in k])",
                    env={"LITEINIT_INTERNAL_LOCK_FD": "9"})
    assert life.wait() == 0
    life.wait_out("[]")
