"""A redo that is killed after its way back: the backup from before holds another schema."""

import contextlib
import json
import sqlite3
import subprocess

import harness
from dbkit import backups, make, must, tool

# As long as there is a gate, it is passed only after ages.
UP = """CREATE TABLE made AS WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c
    WHERE i < (SELECT n FROM gate)) SELECT count(*) AS n FROM c;"""


def kill_during_up(box, last, *words):
    """The events until the one that is to be the last."""
    events = []
    with subprocess.Popen([str(harness.BIN), *words], env=box.environment(), cwd=box.folder,
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        for line in process.stderr:
            events.append(json.loads(line))
            if events[-1]["event"] == last:
                break
        process.kill()
    return events


def test_the_next_start_makes_a_backup_of_its_own(liteinit):
    make(liteinit.db, "CREATE TABLE gate (n); INSERT INTO gate VALUES (1);", "wal")
    liteinit.migration("001_made", UP)
    liteinit.migration("001_made_down", "DROP TABLE made;")
    must(tool(liteinit, "prepare"))
    before = len(backups(liteinit))
    with contextlib.closing(sqlite3.connect(liteinit.db)) as db:
        db.execute("UPDATE gate SET n = 1000000000000")
        db.commit()
    names = [event["event"] for event in kill_during_up(liteinit, "migrate.progress", "redo")]
    assert "migrate.rolled_back" in names and "backup.done" in names
    names = [event["event"] for event in
             kill_during_up(liteinit, "migrate.apply", "prepare", "--rehearse", "never")]
    assert "backup.reused" not in names and "backup.done" in names
    assert len(backups(liteinit)) == before + 2
