"""`down` and `redo`: the way back by hand. In the order in which it came, by the right script, after a
verified backup, and refused before anything is changed when any part of the way is missing."""

import json
import subprocess

import pytest

import harness
from dbkit import backups, make, manifests, must, state_of, tool
from harness import until

ONE = ("CREATE TABLE one (id INTEGER PRIMARY KEY);", "DROP TABLE one;")
TWO = ("CREATE TABLE two (id INTEGER PRIMARY KEY);", "DROP TABLE two;")
THREE = ("CREATE TABLE three (id INTEGER PRIMARY KEY);", "DROP TABLE three;")
NO_FOLDER = {"LITEINIT_MIGRATIONS": "none"}


def put(box, number, up, down=None):
    """Migration `number` in the folder; no `down`: without a way back."""
    box.migration(f"{number:03}_m{number}", up)
    if down is not None:
        box.migration(f"{number:03}_m{number}_down", down)


@pytest.fixture(name="box")
def box_at_three(liteinit):
    """Applied one by one, so that each has a backup from just before it."""
    make(liteinit.db, "CREATE TABLE kept (x); INSERT INTO kept VALUES (1), (2);", "wal")
    for number, (up, down) in enumerate((ONE, TWO, THREE), 1):
        put(liteinit, number, up, down)
        must(tool(liteinit, "prepare"))
    return liteinit


def tables(box):
    return [row[0] for row in box.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name"
                                       " IN ('one', 'two', 'three', 'late') ORDER BY rowid")]


def backup_of(box, version):
    """The backup of the schema with this version."""
    return next(path for path in backups(box) if json.loads(
        (path.parent / f"{path.name}.json").read_text(encoding="utf-8"))["schema_version"] == version)


def refused(box, *words, status=66, env=None):
    """The answer of one that changes nothing at all: neither the database nor the backups."""
    before = state_of(box.data)
    answer = tool(box, *words, env=env)
    assert answer.status == status, answer.err
    assert "nothing was changed" in answer.err or "see: liteinit status" in answer.err or \
        "see which versions are" in answer.err or status == 64, answer.err
    assert state_of(box.data) == before
    assert "backup.done" not in answer.names
    return answer


def test_the_last_one(box):
    answer = must(tool(box, "down"))
    assert "Schema at version 2" in answer.out and "1 rolled back" in answer.out
    assert box.applied() == [1, 2]
    assert tables(box) == ["one", "two"]
    assert box.rows("SELECT version, direction, status FROM migration_history ORDER BY id")[-1] == \
        (3, "down", "success")
    assert answer.only("migrate.rolled_back")["version"] == 3
    assert box.integrity() == "ok"
    assert box.leftovers() == []


@pytest.mark.parametrize("target, left", [("2", [1, 2]), ("1", [1]), ("001", [1]), ("0", [])])
def test_down_to_a_version(box, target, left):
    answer = must(tool(box, "down", target))
    assert [e["version"] for e in answer.named("migrate.rolled_back")] == [3, 2, 1][:3 - len(left)]
    assert box.applied() == left
    assert tables(box) == ["one", "two", "three"][:len(left)]
    assert box.rows("SELECT x FROM kept") == [(1,), (2,)]
    # And up again, as if it had never been.
    must(tool(box, "up"))
    assert box.applied() == [1, 2, 3]


def test_down_to_where_it_is(box):
    before = state_of(box.data)
    answer = must(tool(box, "down", "3"))
    assert "Nothing is to be taken back" in answer.err
    assert state_of(box.data) == before


def test_a_version_of_flyway(liteinit):
    for name, sql in (("V1.1__a", ONE[0]), ("U1.1__a", ONE[1]), ("V1.2__b", TWO[0]),
                      ("U1.2__b", TWO[1]), ("V2__c", THREE[0]), ("U2__c", THREE[1])):
        liteinit.migration(name, sql)
    must(tool(liteinit, "prepare"))
    must(tool(liteinit, "down", "1.2"))
    assert tables(liteinit) == ["one", "two"]
    must(tool(liteinit, "down", "1.1"))
    assert tables(liteinit) == ["one"]
    assert tool(liteinit, "down", "1.9").status == 64


def test_a_late_one_came_last_and_goes_first(liteinit):
    for number, (up, down) in ((1, ONE), (3, THREE)):
        put(liteinit, number, up, down)
    must(tool(liteinit, "prepare"))
    put(liteinit, 2, "CREATE TABLE late AS SELECT * FROM three;", "DROP TABLE late;")
    must(tool(liteinit, "prepare"))
    answer = must(tool(liteinit, "down"))
    assert answer.only("migrate.rolled_back")["version"] == 2
    assert tables(liteinit) == ["one", "three"]
    must(tool(liteinit, "up"))
    answer = must(tool(liteinit, "down", "1"))
    assert [e["version"] for e in answer.named("migrate.rolled_back")] == [2, 3]


def test_a_verified_backup_is_made_first(box):
    before = len(backups(box))
    answer = must(tool(box, "down", "--json"))
    document = answer.document()
    assert document["ok"] and document["rolled_back"] == 1 and document["applied"] == 0
    assert document["schema_version"] == 2
    assert len(backups(box)) == before + 1
    manifest = next(m for m in manifests(box.data / "backups") if m["reason"] == "rollback")
    assert manifest["schema_version"] == 3
    assert document["backup"] in map(str, backups(box))
    assert box.rows("SELECT name FROM sqlite_master WHERE name = 'three'",
                    path=document["backup"]) == [("three",)]
    assert box.rows("SELECT backup_path FROM migration_history WHERE direction = 'down'") == \
        [(document["backup"],)]
    assert answer.names.index("backup.done") < answer.names.index("migrate.apply")


def test_without_a_backup_on_request(box):
    before = len(backups(box))
    answer = must(tool(box, "down", "--backup", "never"))
    assert answer.only("backup.skipped")
    assert len(backups(box)) == before


@pytest.mark.parametrize("words", [("down",), ("down", "1"), ("down", "--dry-run")])
def test_one_that_has_no_way_back(box, words):
    put(box, 4, "CREATE TABLE four (x);")
    must(tool(box, "prepare"))
    before_four = backup_of(box, 3)
    answer = refused(box, *words)
    assert "version 4 (m4) cannot be taken back" in answer.err
    assert "no down script of it" in answer.err
    assert str(before_four) in answer.err


def test_one_that_is_irreversible(box):
    put(box, 4, "-- liteinit: irreversible\nCREATE TABLE four (x);", "DROP TABLE four;")
    must(tool(box, "prepare"))
    assert "it is marked irreversible" in refused(box, "down").err
    # And an image that has no files knows it, too.
    refused(box, "down", env=NO_FOLDER)


def test_one_in_between_has_no_way_back(liteinit):
    put(liteinit, 1, *ONE)
    put(liteinit, 2, TWO[0])
    put(liteinit, 3, *THREE)
    must(tool(liteinit, "prepare"))
    answer = refused(liteinit, "down", "1")
    assert "version 2" in answer.err
    assert tables(liteinit) == ["one", "two", "three"]
    must(tool(liteinit, "down", "2"))


def test_a_backup_that_is_gone_is_not_named(box):
    put(box, 4, "CREATE TABLE four (x);")
    must(tool(box, "prepare"))
    gone = backup_of(box, 3)
    gone.unlink()
    answer = refused(box, "down")
    assert str(gone) not in answer.err and "liteinit backups" in answer.err


@pytest.mark.parametrize("target, status, word", [
    ("7", 66, "version 7 is not applied"), ("x", 64, "is no version"), ("-1", 64, ""),
    ("99999999999999999999", 64, "is no version")])
def test_what_is_no_target(box, target, status, word):
    assert word in refused(box, "down", target, status=status).err


def test_nothing_is_applied(liteinit):
    make(liteinit.db, "CREATE TABLE kept (x);", "wal")
    answer = refused(liteinit, "down")
    assert "no migration is applied" in answer.err
    assert tool(liteinit, "redo").status == 66


@pytest.mark.parametrize("words", [("down",), ("redo",), ("down", "--dry-run")])
def test_no_database(liteinit, words):
    assert tool(liteinit, *words).status == 66
    assert not liteinit.db.exists()


@pytest.mark.parametrize("elsewhere", ["none", "other"])
def test_an_image_without_the_files(box, elsewhere):
    """The database has kept the way back."""
    (box.folder / "other").mkdir()
    env = {"LITEINIT_MIGRATIONS": "none" if elsewhere == "none" else box.folder / "other"}
    must(tool(box, "down", "1", env=env))
    assert box.applied() == [1]
    assert tables(box) == ["one"]
    must(tool(box, "down", "0", env=env))
    assert tables(box) == []


def test_the_folders_own_text_counts_beside_the_applied_file(box):
    put(box, 3, THREE[0] + " -- a comment is no change", THREE[1] + "UPDATE kept SET x = 7;")
    must(tool(box, "down"))
    assert box.rows("SELECT x FROM kept") == [(7,), (7,)]


def test_beside_a_changed_file_the_kept_text_counts(box):
    put(box, 3, THREE[0] + "CREATE TABLE more (x);", "DROP TABLE three; DROP TABLE more;")
    must(tool(box, "down"))
    assert tables(box) == ["one", "two"]


def test_one_that_fails_half_way_changes_nothing(box):
    put(box, 3, THREE[0], "DROP TABLE three;\nDELETE FROM kept;\nSELEKT 1;")
    answer = tool(box, "down", "--json")
    assert answer.status == 65
    document = answer.document()
    assert not document["ok"] and document["error"]["exit_code"] == 65
    assert document["error"]["file"] == "003_m3_down.sql" and document["error"]["line"] == 3
    assert "nothing of it was taken back" in document["error"]["hint"]
    assert "the app is not started" not in document["error"]["hint"]
    assert tables(box) == ["one", "two", "three"]
    assert box.rows("SELECT x FROM kept") == [(1,), (2,)]
    assert box.applied() == [1, 2, 3]
    version, direction, status, error = box.rows(
        "SELECT version, direction, status, error_message FROM migration_history ORDER BY id")[-1]
    assert (version, direction, status) == (3, "down", "failed")
    assert "SELEKT" in error
    # Mended, it goes, and the backup from before is used again.
    put(box, 3, *THREE)
    answer = must(tool(box, "down"))
    assert answer.only("backup.reused")


def test_those_before_the_one_that_fails_stay_taken_back(box):
    put(box, 2, TWO[0], "DROP TABLE nowhere;")
    assert tool(box, "down", "0").status == 65
    assert box.applied() == [1, 2]
    assert tables(box) == ["one", "two"]


def test_foreign_keys_on_the_way_down(liteinit):
    make(liteinit.db, "CREATE TABLE parent (id INTEGER PRIMARY KEY);"
                      "CREATE TABLE child (p REFERENCES parent (id) ON DELETE CASCADE);"
                      "INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1), (2);", "wal")
    put(liteinit, 1, "SELECT 1;", "DELETE FROM parent WHERE id = 2;")
    must(tool(liteinit, "prepare"))
    answer = tool(liteinit, "down")
    assert answer.status == 65
    assert "foreign key" in answer.only("migrate.failed")["error"]
    assert liteinit.rows("SELECT count(*) FROM parent") == [(2,)]
    assert liteinit.rows("SELECT count(*) FROM child") == [(2,)]
    # A rebuild with the parent dropped takes no child along.
    put(liteinit, 1, "SELECT 1;", "CREATE TABLE p2 (id INTEGER PRIMARY KEY, more);"
        "INSERT INTO p2 (id) SELECT id FROM parent; DROP TABLE parent;"
        "ALTER TABLE p2 RENAME TO parent;")
    must(tool(liteinit, "down"))
    assert liteinit.rows("SELECT p FROM child") == [(1,), (2,)]


def test_rows_of_others_are_guarded_on_the_way_down(liteinit):
    make(liteinit.db, "CREATE TABLE kept (x); INSERT INTO kept VALUES (1);"
                      "CREATE TABLE it (x); INSERT INTO it VALUES (1);"
                      "CREATE TRIGGER away AFTER DELETE ON it BEGIN DELETE FROM kept; END;", "wal")
    put(liteinit, 1, "SELECT 1;", "DELETE FROM it;")
    must(tool(liteinit, "prepare"))
    assert tool(liteinit, "down").status == 65
    assert liteinit.rows("SELECT x FROM kept") == [(1,)]


def test_the_rehearsal_of_it(box):
    before = state_of(box.data)
    answer = must(tool(box, "down", "1", "--dry-run", "--json"))
    assert [(m["version"], m["direction"]) for m in answer.document()["migrations"]] == \
        [(3, "down"), (2, "down")]
    assert state_of(box.data) == before
    put(box, 3, THREE[0], "DROP TABLE nowhere;")
    answer = tool(box, "down", "--dry-run")
    assert answer.status == 65
    assert state_of(box.data) == before


def test_while_the_app_runs(box):
    life = box("sleep", "60", pid1=False)
    life.wait_event("app.start")
    for words in (("down",), ("redo",)):
        answer = tool(box, *words, "--lock-timeout", "0", "--json")
        assert answer.status == 75, answer.err
        assert answer.document()["error"]["exit_code"] == 75
    must(tool(box, "down", "--dry-run"))
    assert box.applied() == [1, 2, 3]
    assert life.stop()[0] == 143
    must(tool(box, "down"))


def test_redo(box):
    box.rows("SELECT 1")
    put(box, 3, THREE[0] + "-- the same", THREE[1])
    must(tool(box, "redo"))
    assert box.applied() == [1, 2, 3]
    assert tables(box) == ["one", "two", "three"]
    assert box.rows("SELECT direction, status FROM migration_history ORDER BY id")[-2:] == \
        [("down", "success"), ("up", "success")]


def test_redo_takes_a_changed_file(box):
    """That is what it is for while somebody writes it; others that are pending stay so."""
    put(box, 3, "CREATE TABLE three (id INTEGER PRIMARY KEY, more);", THREE[1])
    put(box, 4, "CREATE TABLE four (x);")
    must(tool(box, "redo"))
    assert box.rows("SELECT name FROM pragma_table_info('three')") == [("id",), ("more",)]
    assert box.applied() == [1, 2, 3]
    status = must(tool(box, "status", "--json")).document()
    assert status["drift"] == [] and [p["version"] for p in status["pending"]] == [4]


def test_redo_needs_the_file(box):
    (box.migrations / "003_m3.sql").unlink()
    (box.migrations / "003_m3_down.sql").unlink()
    assert "its file is not there" in refused(box, "redo").err
    assert "there is no folder of migrations" in tool(box, "redo", env=NO_FOLDER).err


def test_redo_whose_way_forth_fails(box):
    put(box, 3, "SELEKT 1;", THREE[1])
    answer = tool(box, "redo")
    assert answer.status == 65
    hint = answer.only("migrate.failed")["hint"]
    assert "version 3 stays taken back" in hint and "liteinit up" in hint, hint
    assert box.applied() == [1, 2]
    assert box.rows("SELECT version, direction, status FROM migration_history ORDER BY id")[-2:] == \
        [(3, "down", "success"), (3, "up", "failed")]


def test_down_without_a_transaction_is_gone_on_with(box):
    head = "-- liteinit: no-transaction\n"
    put(box, 3, THREE[0], head + "DROP TABLE three;\nSELEKT 1;\nUPDATE kept SET x = 9;")
    assert tool(box, "down").status == 65
    assert tables(box) == ["one", "two"]
    # Half taken back is no schema for the app.
    answer = tool(box, "prepare")
    assert answer.status == 78
    assert "left half taken back" in answer.err and "liteinit down" in answer.err
    put(box, 3, THREE[0], head + "DROP TABLE three;\nSELECT 1;\nUPDATE kept SET x = 9;")
    must(tool(box, "down"))
    assert box.applied() == [1, 2]
    assert box.rows("SELECT x FROM kept") == [(9,), (9,)]
    must(tool(box, "prepare"))


def test_down_below_one_that_was_left_half_applied(box):
    put(box, 4, "-- liteinit: no-transaction\nCREATE TABLE four (x);\nSELEKT 1;", "DROP TABLE four;")
    assert tool(box, "prepare", "--rehearse", "never").status == 65
    answer = tool(box, "down")
    assert answer.status == 78, answer.err
    assert "migration 4" in answer.err and "half applied" in answer.err
    assert box.applied() == [1, 2, 3]


def test_stopped_on_the_way(box):
    put(box, 3, THREE[0], "DROP TABLE three; INSERT INTO kept WITH RECURSIVE n(i) AS (SELECT 1 UNION"
        " ALL SELECT i + 1 FROM n WHERE i < 100000000000) SELECT count(*) FROM n;")
    with subprocess.Popen([harness.BIN, "down"], env=box.environment(), stderr=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        events = (json.loads(line) for line in process.stderr)
        until(lambda: next(events)["event"] == "migrate.apply", "the way back begins")
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 143
    assert box.applied() == [1, 2, 3]
    assert tables(box) == ["one", "two", "three"]
    assert box.attempts()[-1] == (3, "interrupted")
