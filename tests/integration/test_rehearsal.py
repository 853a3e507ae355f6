"""Rehearsals: migrations run on a private copy of the real data first. What they report, that the
real files stay as they are byte for byte, and that no rehearsal leaves anything behind."""

import contextlib
import os
import sqlite3
import subprocess
from signal import SIGKILL, SIGTERM

import pytest

from dbkit import make, must, sha256, state_of, tool
from harness import SLOW_SQL, need_root, until

ITEMS = """CREATE TABLE item (id INTEGER PRIMARY KEY, text TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
INSERT INTO item SELECT i, 'text ' || i FROM n;
CREATE TABLE left_alone (x);"""

REBUILD = """BEGIN;
CREATE TABLE item_new (id INTEGER PRIMARY KEY, text TEXT, more TEXT DEFAULT '-');
INSERT INTO item_new (id, text) SELECT id, text FROM item;
DROP TABLE item;
ALTER TABLE item_new RENAME TO item;
CREATE INDEX item_text ON item (text);
COMMIT;"""


def rehearsals(box):
    return [path for path in box.data.iterdir() if path.name.startswith(".liteinit-rehearsal-")]


@pytest.fixture(name="box")
def box_with_items(liteinit):
    make(liteinit.db, ITEMS, "wal")
    return liteinit


def table_of(item, name):
    found = [table for table in item["tables"] if table["name"] == name]
    assert len(found) == 1, item
    return found[0]


def test_the_report_tells_what_each_migration_does(box):
    box.migration("001_notes", "CREATE TABLE note (id INTEGER PRIMARY KEY, text);"
                               "INSERT INTO note (text) VALUES ('a'), ('b');"
                               "CREATE VIEW notes AS SELECT text FROM note;")
    box.migration("002_rebuild", REBUILD)
    box.migration("003_less", "DELETE FROM item WHERE id > 400; DROP TABLE left_alone;")
    before = state_of(box.folder)
    report = must(tool(box, "up", "--dry-run", "--json")).document()
    assert state_of(box.folder) == before
    assert report["ok"]
    first, second, third = report["migrations"]
    assert [item["version"] for item in report["migrations"]] == [1, 2, 3]
    assert [item["file"] for item in report["migrations"]] == \
        ["001_notes.sql", "002_rebuild.sql", "003_less.sql"]
    assert {item["direction"] for item in report["migrations"]} == {"up"}
    note = table_of(first, "note")
    assert (note["change"], note["rows_after"]) == ("created", 2)
    assert "rows_before" not in note
    assert first["views"]["created"] == 1
    item = table_of(second, "item")
    assert (item["change"], item["rows_before"], item["rows_after"]) == ("changed", 500, 500)
    assert len(second["tables"]) == 1
    assert second["indexes"]["created"] == 1
    assert len(second["notices"]) == 2  # its BEGIN and its COMMIT
    assert second["notices"][0]["line"] == 1
    assert second["wal_bytes"] > 8192
    item = table_of(third, "item")
    assert (item["change"], item["rows_before"], item["rows_after"]) == ("written", 500, 400)
    gone = table_of(third, "left_alone")
    assert (gone["change"], gone["rows_before"]) == ("dropped", 0)
    assert report["wal_bytes"] == max(m["wal_bytes"] for m in report["migrations"])
    assert report["space_bytes"] >= report["wal_bytes"]
    text = must(tool(box, "up", "--dry-run")).out
    assert "002_rebuild.sql" in text and "500 -> 400" in text
    assert state_of(box.folder) == before


def test_violations_that_a_migration_may_make_are_counted(box):
    box.migration("001_child", "CREATE TABLE child (item REFERENCES item (id));")
    box.migration("002_orphans", "-- liteinit: foreign-keys=warn\n"
                                 "INSERT INTO child VALUES (1), (7777), (8888);")
    report = must(tool(box, "up", "--dry-run", "--json")).document()
    assert [item["new_violations"] for item in report["migrations"]] == [0, 2]


def test_only_up_to_the_version_that_is_asked_for(box):
    box.migration("001_a", "CREATE TABLE a (x);")
    box.migration("002_b", "CREATE TABEL b (x);")
    report = must(tool(box, "up", "1", "--dry-run", "--json")).document()
    assert [item["version"] for item in report["migrations"]] == [1]


def test_the_way_back_is_rehearsed_too(box):
    box.migration("001_a", "CREATE TABLE a (x);")
    box.migration("001_a_down", "DROP TABLE a;")
    must(tool(box, "prepare"))
    before = state_of(box.data)
    report = must(tool(box, "down", "--dry-run", "--json")).document()
    assert state_of(box.data) == before
    back, = report["migrations"]
    assert (back["version"], back["direction"]) == (1, "down")
    assert table_of(back, "a")["change"] == "dropped"


def test_a_failing_one_is_said_with_its_place(box):
    box.migration("001_good", "CREATE TABLE a (x);")
    box.migration("002_bad", "CREATE TABLE b (x);\n  CREATE TABEL c (x);")
    before = state_of(box.folder)
    answer = tool(box, "up", "--dry-run", "--json")
    assert answer.status == 65
    assert state_of(box.folder) == before
    report = answer.document()
    assert not report["ok"]
    assert [item["version"] for item in report["migrations"]] == [1]
    error = report["error"]
    assert (error["file"], error["line"]) == ("002_bad.sql", 2)
    assert "untouched" in error["hint"]
    event = answer.only("migrate.failed")
    assert (event["file"], event["line"], event["column"]) == ("002_bad.sql", 2, 10)


def test_beside_a_living_app_with_rows_in_its_wal(box):
    box.migration("001_copy", "CREATE TABLE copy AS SELECT * FROM item WHERE id > 500;")
    with contextlib.closing(sqlite3.connect(box.db)) as app:
        app.execute("PRAGMA wal_autocheckpoint = 0")
        app.execute("INSERT INTO item VALUES (501, 'in the WAL'), (502, 'too')")
        app.commit()
        before = state_of(box.data, ("-shm", ".liteinit.lock"))
        app.execute("BEGIN IMMEDIATE")  # a writer neither waits nor is waited for
        app.execute("INSERT INTO item VALUES (503, 'not committed')")
        report = must(tool(box, "up", "--dry-run", "--json")).document()
        app.rollback()
        assert state_of(box.data, ("-shm", ".liteinit.lock")) == before
    assert table_of(report["migrations"][0], "copy")["rows_after"] == 2
    assert rehearsals(box) == []


def test_a_start_rehearses_before_it_changes_anything(box):
    """All of the set, so that the schema does not stay half-way."""
    box.migration("001_good", "CREATE TABLE a (x);")
    box.migration("002_bad", "INSERT INTO nowhere VALUES (1);")
    answer = tool(box, "prepare", "--rehearse", "always")
    assert answer.status == 65
    assert answer.only("migrate.failed")["file"] == "002_bad.sql"
    assert "migrate.applied" not in answer.names
    assert box.rows("SELECT name FROM sqlite_master WHERE name = 'a'") == []
    assert box.rows("SELECT count(*) FROM item") == [(500,)]
    box.migration("002_bad", "CREATE TABLE b (x);")
    answer = must(tool(box, "prepare", "--rehearse", "always"))
    assert answer.only("migrate.rehearsed")["count"] == 2
    assert answer.names.index("migrate.rehearsed") < answer.names.index("migrate.applied")
    assert box.rows("SELECT version FROM schema_migrations ORDER BY 1") == [(1,), (2,)]
    assert rehearsals(box) == []


def test_never_means_never(box):
    box.migration("001_good", "CREATE TABLE a (x);")
    box.migration("002_bad", "INSERT INTO nowhere VALUES (1);")
    answer = tool(box, "prepare", "--rehearse", "never")
    assert answer.status == 65
    assert box.rows("SELECT version FROM schema_migrations") == [(1,)]


def start_slow(box):
    box.migration("001_slow", SLOW_SQL)
    env = box.environment()
    # pylint: disable-next=consider-using-with
    process = subprocess.Popen([os.environ["LITEINIT_BIN"], "up", "--dry-run"], env=env,
                               cwd=box.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    until(lambda: any((path / "rehearsal.db-wal").exists() for path in rehearsals(box)),
          "the rehearsal writes")
    return process


def test_a_stop_signal_ends_it_and_nothing_is_left(box):
    before = sha256(box.db)
    process = start_slow(box)
    process.send_signal(SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 143, errors
    assert rehearsals(box) == []
    assert sha256(box.db) == before


def test_what_a_killed_one_left_is_cleared_by_the_next(box):
    before = sha256(box.db)
    process = start_slow(box)
    process.send_signal(SIGKILL)
    process.communicate(timeout=30)
    assert len(rehearsals(box)) == 1
    assert sha256(box.db) == before
    box.migration("001_slow", "CREATE TABLE quick (x);")
    must(tool(box, "up", "--dry-run"))
    assert rehearsals(box) == []


def test_one_at_work_is_no_leftover(box):
    process = start_slow(box)
    folder, = rehearsals(box)
    other = box.folder / "other"  # the first may not have read its file yet
    other.mkdir()
    (other / "001_quick.sql").write_text("CREATE TABLE quick (x);", encoding="utf-8")
    must(tool(box, "up", "--dry-run", "--migrations", other))
    assert rehearsals(box) == [folder]
    process.send_signal(SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert rehearsals(box) == []


@contextlib.contextmanager
def small_volume(folder, size):
    need_root()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder],
                          capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("may not mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_no_room_is_said_before_and_auto_goes_without(liteinit):
    with small_volume(liteinit.data, "1m"):
        make(liteinit.db, ITEMS + "CREATE TABLE big (x); INSERT INTO big VALUES"
                                  " (zeroblob(400000));", "wal")
        liteinit.migration("001_a", "CREATE TABLE a (x);")
        before = state_of(liteinit.data)
        answer = tool(liteinit, "up", "--dry-run", "--json")
        assert answer.status == 73
        assert "no room to rehearse" in answer.document()["error"]["message"]
        assert state_of(liteinit.data) == before
        answer = must(tool(liteinit, "prepare", "--backup", "never", "--min-free", "0"))
        assert "migrate.rehearsed" not in answer.names
        assert liteinit.rows("SELECT version FROM schema_migrations") == [(1,)]


def test_a_disk_that_fills_up_meanwhile_fails_the_rehearsal_alone(liteinit):
    with small_volume(liteinit.data, "8m"):
        make(liteinit.db, ITEMS, "wal")
        liteinit.migration("001_fill", "CREATE TABLE big (x); INSERT INTO big WITH RECURSIVE n(i)"
                           " AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
                           " SELECT zeroblob(1000000) FROM n;")
        before = state_of(liteinit.data)
        answer = tool(liteinit, "up", "--dry-run", "--json")
        assert answer.status == 65
        assert "full" in answer.document()["error"]["message"]
        assert state_of(liteinit.data) == before
        assert rehearsals(liteinit) == []
