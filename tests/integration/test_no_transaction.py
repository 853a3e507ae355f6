"""Files that ask for no transaction: killed, failed or stopped anywhere, the next start goes on
behind the last statement that stays, and every effect is there exactly once."""

import pytest

import dbkit
from dbkit import make, must
from harness import SIGTERM

# A rehearsal would meet what is to be met here on its copy.
PLAIN = {"LITEINIT_REHEARSE": "never"}

HEAD = "-- liteinit: no-transaction\n"

# Each leaves a trace that shows when it has run twice, or not at all.
STATEMENTS = [
    "CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT);",
    "INSERT INTO log (what) VALUES ('first; not ''last''');",
    "PRAGMA user_version = 3;",
    "UPDATE counter SET n = n + 1;",
    "VACUUM;",
    "CREATE TRIGGER tr AFTER INSERT ON log BEGIN\n  UPDATE counter SET n = n + 10; SELECT 1;\nEND;",
    "BEGIN;\nINSERT INTO log (what) VALUES ('second');\nUPDATE counter SET n = n + 100;\nCOMMIT;",
    "PRAGMA foreign_keys = ON;",
    "DELETE FROM parent WHERE id = 1; -- and its children\n",
    "INSERT INTO log (what) VALUES ('last');",
]
START = """CREATE TABLE counter (n INTEGER); INSERT INTO counter VALUES (0);
CREATE TABLE parent (id INTEGER PRIMARY KEY);
CREATE TABLE child (p REFERENCES parent (id) ON DELETE CASCADE);
INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1), (2), (2);
CREATE TABLE big (v TEXT);"""

# Says where it is by a notice (busy_timeout is passed over), then runs for ever.
BLOCK = """PRAGMA busy_timeout = 1;
INSERT INTO big WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
    SELECT 'x' FROM n WHERE i < 0;
"""


def tool(box, *words):
    return dbkit.tool(box, *words, env=PLAIN)


def effects(box):
    return (box.rows("SELECT what FROM log"), box.value("SELECT n FROM counter"),
            box.value("PRAGMA user_version"), box.rows("SELECT p FROM child"),
            box.value("SELECT count(*) FROM big"))


EXPECTED = ([("first; not 'last'",), ("second",), ("last",)], 121, 3, [(2,), (2,)], 0)


def write(box, statements):
    # The child rows that a cascade takes are named, as the guard wants it.
    box.migration("001_it", HEAD + "-- child\nSELECT count(*) FROM child;\n" +
                  "\n".join(statements))


def notes(box):
    return box.rows("SELECT status, CAST(resume AS INTEGER) FROM migration_history ORDER BY id")


def finish(box):
    """The next start goes on, and one more has nothing to do."""
    must(tool(box, "prepare"))
    assert effects(box) == EXPECTED
    assert box.applied() == [1]
    assert box.integrity() == "ok"
    assert box.attempts()[-1] == (1, "success")
    must(tool(box, "prepare"))
    assert effects(box) == EXPECTED


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_undisturbed(liteinit, journal):
    make(liteinit.db, START, journal)
    write(liteinit, STATEMENTS)
    finish(liteinit)


@pytest.mark.parametrize("how", ["kill", "stop"])
@pytest.mark.parametrize("after", range(len(STATEMENTS) + 1))
def test_ended_behind_each_statement(liteinit, after, how):
    make(liteinit.db, START, "wal")
    write(liteinit, [*STATEMENTS[:after], BLOCK, *STATEMENTS[after:]])
    life = liteinit("echo", "never", env=PLAIN)
    life.wait_event("migrate.notice")
    if how == "kill":
        life.kill()
    else:
        life.signal(SIGTERM)
        assert life.wait() == 143
    write(liteinit, STATEMENTS)
    finish(liteinit)
    assert [status for status, _ in notes(liteinit)] == ["interrupted", "success"]


@pytest.mark.parametrize("after", range(len(STATEMENTS) + 1))
def test_failed_behind_each_statement(liteinit, after):
    make(liteinit.db, START, "wal")
    write(liteinit, [*STATEMENTS[:after], "SELEKT 1;", *STATEMENTS[after:]])
    for _ in range(2):
        answer = tool(liteinit, "prepare")
        first = liteinit.value("SELECT backup_path FROM migration_history ORDER BY id")
        assert answer.status == 65, answer.err
        said = answer.only("migrate.failed")
        assert "SELEKT" in said["error"]
        assert "the next start goes on behind them" in said["hint"], said
        assert first in said["hint"]  # not the one of the half-applied schema
    write(liteinit, STATEMENTS)
    finish(liteinit)
    statuses = notes(liteinit)
    assert [status for status, _ in statuses] == ["failed", "failed", "success"]
    assert statuses[0][1] == statuses[1][1]


def test_killed_within_a_block(liteinit):
    """The block is one unit: all of it is gone, and runs again."""
    make(liteinit.db, START, "wal")
    write(liteinit, [*STATEMENTS[:6], STATEMENTS[6].replace("COMMIT;", BLOCK + "COMMIT;"),
                     *STATEMENTS[7:]])
    life = liteinit("echo", "never", env=PLAIN)
    life.wait_event("migrate.notice")
    life.kill()
    write(liteinit, STATEMENTS)
    finish(liteinit)


def test_what_was_run_has_changed(liteinit):
    make(liteinit.db, START, "wal")
    write(liteinit, [*STATEMENTS[:4], "SELEKT 1;"])
    assert tool(liteinit, "prepare").status == 65
    changed = [STATEMENTS[0], STATEMENTS[1].replace("first", "other"), *STATEMENTS[2:]]
    write(liteinit, changed)
    answer = tool(liteinit, "prepare")
    assert answer.status == 78, answer.err
    said = answer.only("migrate.failed")
    assert "its first 5 statements are run and stay" in said["error"]
    assert "put them back" in said["hint"]
    assert liteinit.value("SELECT backup_path FROM migration_history ORDER BY id") in said["hint"]
    assert liteinit.value("SELECT n FROM counter") == 1
    # Nor may they be run again in a transaction.
    liteinit.migration("001_it", "CREATE TABLE other (x);")
    answer = tool(liteinit, "prepare")
    assert answer.status == 78, answer.err
    assert "no-transaction" in answer.only("migrate.failed")["error"]
    assert liteinit.rows("SELECT name FROM sqlite_master WHERE name = 'other'") == []
    # Comments and white space may.
    write(liteinit, ["/* now */   " + STATEMENTS[0], *STATEMENTS[1:]])
    finish(liteinit)


def test_vacuum_gives_space_back(liteinit):
    make(liteinit.db, START + "INSERT INTO big WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
                              " SELECT i + 1 FROM n WHERE i < 3000) SELECT hex(randomblob(200))"
                              " FROM n;", "wal")
    before = liteinit.db.stat().st_size
    liteinit.migration("001_it", HEAD + "DELETE FROM big; VACUUM;")
    must(tool(liteinit, "prepare"))
    assert liteinit.db.stat().st_size < before / 5


@pytest.mark.parametrize("statement, word", [
    ("VACUUM INTO 'other.db';", "VACUUM INTO is refused"), ("ATTACH '' AS o;", "ATTACH is refused"),
    ("ROLLBACK;", "ROLLBACK is refused"), ("CREATE TEMP TABLE x (a);", "CREATE TEMP is refused"),
    ("PRAGMA synchronous = OFF;", "synchronous is refused"),
    ("BEGIN; DELETE FROM big;", "has no COMMIT"),
    ("DELETE FROM parent;", "would break foreign keys"),
])
def test_what_is_refused(liteinit, statement, word):
    make(liteinit.db, START, "wal")
    liteinit.migration("001_it", HEAD + "CREATE TABLE a (x);\n" + statement)
    answer = tool(liteinit, "prepare")
    assert answer.status == 65, answer.err
    assert word in answer.only("migrate.failed")["error"]
    assert not (liteinit.folder / "other.db").exists()
    assert notes(liteinit) == [("failed", 1)]
    liteinit.migration("001_it", HEAD + "CREATE TABLE a (x);\nCREATE TABLE b (x);")
    must(tool(liteinit, "prepare"))
    assert liteinit.value("SELECT count(*) FROM parent") == 2
