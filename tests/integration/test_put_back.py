"""Backups that take the database's place at a start: for an older image (on_newer_schema), and after
an update that failed (on_failure)."""

import contextlib
import json
import os
import sqlite3

import pytest

from dbkit import backups, dump, make, manifests, must, state_of, tool

FIRST = "CREATE TABLE item (id INTEGER PRIMARY KEY, text); INSERT INTO item VALUES (1, 'old');"
SECOND = "ALTER TABLE item ADD COLUMN more; UPDATE item SET more = 'by 2';"
SECOND_DOWN = "ALTER TABLE item DROP COLUMN more;"


def asides(box):
    return sorted(path for path in box.data.iterdir() if ".aside-" in path.name)


def write(box, sql):
    with contextlib.closing(sqlite3.connect(box.db)) as db:
        db.execute(sql)
        db.commit()


@pytest.fixture(name="newer")
def a_newer_database(liteinit):
    """At version 2, in use since; the image that starts now knows version 1."""
    liteinit.migration("001_first", FIRST)
    must(tool(liteinit, "prepare"))
    write(liteinit, "INSERT INTO item VALUES (2, 'before the update')")
    liteinit.migration("002_second", SECOND)
    must(tool(liteinit, "prepare"))
    write(liteinit, "INSERT INTO item VALUES (3, 'after the update', NULL)")
    (liteinit.migrations / "002_second.sql").unlink()
    return liteinit


def test_a_newer_database_is_refused_and_stays_as_it_is(newer):
    before = state_of(newer.data)
    answer = tool(newer, "prepare")
    assert answer.status == 78
    event = answer.only("schema.newer")
    assert "version 2" in event["error"] and "up to 1" in event["error"]
    assert "--on-newer-schema restore" in event["hint"]
    assert state_of(newer.data) == before


def test_the_fitting_backup_takes_its_place_and_the_newer_one_is_kept(newer):
    os.chmod(newer.db, 0o640)
    answer = must(tool(newer, "prepare", "--on-newer-schema", "restore"))
    done = answer.only("restore.done")
    assert newer.rows("SELECT id, text FROM item ORDER BY id") == \
        [(1, "old"), (2, "before the update")]
    assert newer.rows("SELECT version FROM schema_migrations") == [(1,)]
    assert oct(newer.db.stat().st_mode & 0o777) == "0o640"
    aside, = asides(newer)
    assert done["aside"] == str(aside)
    assert aside.name.startswith("app.db.aside-") and aside.name.endswith("-newer")
    assert any("after the update" in line for line in dump(aside))
    # And from here on it is a start like any other.
    answer = must(tool(newer, "prepare", "--on-newer-schema", "restore"))
    assert "restore.done" not in answer.names
    assert asides(newer) == [aside]


def test_the_newer_image_can_come_again(newer):
    """Its migration runs again, and the backup from before is used again."""
    must(tool(newer, "prepare", "--on-newer-schema", "restore"))
    newer.migration("002_second", SECOND)
    answer = must(tool(newer, "prepare"))
    assert answer.only("backup.reused")
    assert len(backups(newer)) == 1
    assert newer.rows("SELECT more FROM item ORDER BY id") == [("by 2",), ("by 2",)]


def test_a_fitting_backup_that_has_rotted_is_refused(newer):
    backup, = backups(newer)
    content = bytearray(backup.read_bytes())
    content[-100] ^= 1
    backup.write_bytes(content)
    before = state_of(newer.data)
    answer = tool(newer, "prepare", "--on-newer-schema", "restore")
    assert answer.status == 65
    assert "is damaged" in answer.only("restore.failed")["error"]
    assert state_of(newer.data) == before


def test_without_a_fitting_backup_it_says_so(newer):
    backup, = backups(newer)
    backup.unlink()
    before = state_of(newer.data)
    answer = tool(newer, "prepare", "--on-newer-schema", "restore")
    assert answer.status == 78
    assert "finds no verified backup" in answer.only("schema.newer")["error"]
    assert state_of(newer.data) == before


def test_a_backup_of_a_still_newer_schema_does_not_fit(newer):
    newer.migration("002_second", SECOND)
    newer.migration("003_third", "CREATE TABLE third (x);")
    must(tool(newer, "prepare"))
    versions = sorted(manifest["schema_version"] for manifest in manifests(newer.data / "backups"))
    assert versions == [1, 2]
    for name in ("002_second", "003_third"):
        (newer.migrations / f"{name}.sql").unlink()
    must(tool(newer, "prepare", "--on-newer-schema", "restore"))
    assert newer.rows("SELECT version FROM schema_migrations") == [(1,)]


@pytest.fixture(name="updating")
def an_update_whose_second_half_fails(liteinit):
    make(liteinit.db, FIRST, "wal")
    liteinit.migration("001_good", "CREATE TABLE good (x); UPDATE item SET text = 'changed';")
    liteinit.migration("002_bad", "INSERT INTO nowhere VALUES (1);")
    return liteinit


def test_a_failed_update_is_put_back_as_a_whole(updating):
    answer = tool(updating, "prepare", "--rehearse", "never", "--on-failure", "restore")
    assert answer.status == 65
    assert answer.only("migrate.failed")["file"] == "002_bad.sql"
    assert answer.only("restore.done")["path"] == str(backups(updating)[0])
    assert updating.rows("SELECT text FROM item") == [("old",)]
    assert updating.rows("SELECT name FROM sqlite_master WHERE name = 'good'") == []
    assert updating.rows("SELECT version, status FROM migration_history"
                         " WHERE status = 'failed'") == [(2, "failed")]


def test_a_restart_loop_piles_nothing_up(updating):
    for _ in range(5):
        answer = tool(updating, "prepare", "--rehearse", "never", "--on-failure", "restore")
        assert answer.status == 65
    assert len(backups(updating)) == 1
    assert asides(updating) == []
    assert updating.rows("SELECT text FROM item") == [("old",)]


def test_without_it_what_was_applied_stays(updating):
    assert tool(updating, "prepare", "--rehearse", "never").status == 65
    assert updating.rows("SELECT text FROM item") == [("changed",)]


def test_the_rehearsal_spares_the_way_back(updating):
    answer = tool(updating, "prepare", "--rehearse", "always", "--on-failure", "restore")
    assert answer.status == 65
    assert "restore.done" not in answer.names
    assert updating.rows("SELECT text FROM item") == [("old",)]


def test_a_manifest_that_says_another_version_does_not_let_the_app_start(newer):
    newer.migration("002_second", SECOND)
    newer.migration("003_third", "CREATE TABLE third (x);")
    must(tool(newer, "prepare"))
    for path in (newer.data / "backups").glob("*.json"):
        manifest = json.loads(path.read_text())
        if manifest["schema_version"] == 2:
            path.write_text(json.dumps(manifest | {"schema_version": 1}))
    for name in ("002_second", "003_third"):
        (newer.migrations / f"{name}.sql").unlink()
    answer = tool(newer, "prepare", "--on-newer-schema", "restore")
    assert answer.status == 78
    assert "not what its manifest says" in answer.named("schema.newer")[-1]["error"]
    aside, = asides(newer)
    assert newer.rows("SELECT max(version) FROM schema_migrations", path=aside) == [(3,)]


def test_what_the_backup_calls_running_was_cut_off(liteinit):
    """A backup that is put back may be from between a kill and the note of it."""
    liteinit.migration("001_first", FIRST)
    must(tool(liteinit, "prepare"))
    write(liteinit, "INSERT INTO migration_history (version, direction, status, started_at)"
                    " VALUES (2, 'up', 'running', '2026-01-01T00:00:00.000Z')")
    liteinit.migration("002_second", "INSERT INTO nowhere VALUES (1);")
    answer = tool(liteinit, "prepare", "--on-failure=restore", "--rehearse=never")
    assert answer.status == 65, answer.err
    answer.only("restore.done")
    assert [status for _, status in liteinit.attempts()] == ["success", "interrupted", "failed"]
