"""A failed change is put back from a backup of this very database, whatever its records say."""

import contextlib
import sqlite3

from dbkit import backups, make, must, tool

HALF = "-- liteinit: no-transaction\nINSERT INTO item VALUES (2);\nINSERT INTO nowhere VALUES (1);"


def half_applied(box):
    make(box.db, "CREATE TABLE item (id INTEGER PRIMARY KEY); INSERT INTO item VALUES (1);", "wal")
    box.migration("001_half", HALF)
    assert tool(box, "prepare", "--rehearse", "never").status == 65
    assert box.rows("SELECT id FROM item") == [(1,), (2,)]


def put_back(box):
    answer = tool(box, "prepare", "--rehearse", "never", "--on-failure", "restore")
    assert answer.status == 65
    return answer.only("restore.done")


def test_the_backup_from_before_the_first_attempt(liteinit):
    half_applied(liteinit)
    assert put_back(liteinit)["path"] == str(backups(liteinit)[0])
    assert liteinit.rows("SELECT id FROM item") == [(1,)]


def test_another_databases_backup_is_not_taken(liteinit):
    half_applied(liteinit)
    other = liteinit.folder / "other"
    other.mkdir()
    make(other / "other.db", "CREATE TABLE secret (x);", "wal")
    must(tool(liteinit, "backup", "--db", other / "other.db"))
    theirs, = (other / "backups").glob("*.db")
    with contextlib.closing(sqlite3.connect(liteinit.db)) as db:
        db.execute("UPDATE migration_history SET backup_path = ?", (str(theirs),))
        db.commit()
    assert put_back(liteinit)["path"] != str(theirs)
    assert liteinit.rows("SELECT name FROM sqlite_master WHERE name = 'secret'") == []
    assert (1,) in liteinit.rows("SELECT id FROM item")
