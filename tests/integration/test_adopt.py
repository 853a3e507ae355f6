"""liteinit adopt takes over what another migration tool has recorded, and runs nothing again."""

import contextlib
import sqlite3

import pytest

from adopt_cases import CASES, case
from dbkit import dump, must, tool

BY_TOOL = pytest.mark.parametrize("one", CASES, ids=lambda one: one.tool)


def adopt(box, one, *words):
    return tool(box, "adopt", *one.options, *words)


def execute(box, sql):
    with contextlib.closing(sqlite3.connect(box.db)) as db:
        db.executescript(sql)


def records(box):
    """(version, applied_at, has a checksum) of liteinit's own table, wherever it is."""
    there = box.value("SELECT count(*) FROM sqlite_master WHERE name = 'liteinit_migrations'")
    table = "liteinit_migrations" if there else "schema_migrations"
    return box.rows(f"SELECT version, applied_at, checksum LIKE 't1:%' FROM {table}"
                    " WHERE version >= 0 ORDER BY applied_at, version")


def tables(box):
    return [name for (name,) in box.rows("SELECT name FROM sqlite_master WHERE type = 'table'"
                                         " AND name NOT IN ('a', 'b', 'c', 'sqlite_sequence')")]


def content(box, names):
    """The SQL and all rows of the tables, with their hidden numbers."""
    return {name: (box.value("SELECT sql FROM sqlite_master WHERE name = ?", name),
                   box.rows(f'SELECT rowid, * FROM "{name}"')) for name in names}


def refused(box, one, status, *words):
    """The error of an adoption that has to leave everything as it is."""
    before = dump(box.db)
    answer = adopt(box, one, *words)
    assert answer.status == status, answer.err
    assert dump(box.db) == before
    failed = [event for event in answer.events if event["level"] == "error"]
    assert len(failed) == 1 and failed[0]["hint"], answer.err
    return failed[0]


@BY_TOOL
def test_what_was_applied_is_not_run_again(liteinit, one):
    one.make(liteinit)
    # Without adopt nothing runs, and the hint is the command. Only the pragma stops nobody.
    if one.table is not None:
        answer = tool(liteinit, "prepare")
        assert answer.status == 78, answer.err
        failed = answer.only("migrate.failed")
        assert one.table in failed["msg"] and one.tool in failed["msg"]
        assert "liteinit adopt" in failed["hint"]
    theirs = tables(liteinit)
    before = content(liteinit, theirs)
    must(adopt(liteinit, one))
    assert content(liteinit, theirs) == before
    assert [row[2] for row in records(liteinit)] == [1, 1]
    if one.old:
        assert records(liteinit)[0][1] == one.old
    # Only what is pending runs.
    must(tool(liteinit, "prepare"))
    assert liteinit.rows("SELECT * FROM a") == [(1,)]
    assert liteinit.rows("SELECT * FROM c") == []
    assert len(records(liteinit)) == 3
    assert content(liteinit, theirs) == before
    # And nothing more at the next start, which needs the other tool's tables no more.
    if one.table is not None:
        execute(liteinit, "".join(f'DROP TABLE "{name}";' for name in theirs))
    before = dump(liteinit.db)
    must(tool(liteinit, "prepare"))
    assert dump(liteinit.db) == before
    assert liteinit.integrity() == "ok"


@BY_TOOL
def test_named_by_hand(liteinit, one):
    one.make(liteinit)
    must(adopt(liteinit, one, "--from", one.tool))
    assert len(records(liteinit)) == 2


def test_the_history_says_so(liteinit):
    one = case("goose")
    one.make(liteinit)
    must(adopt(liteinit, one))
    assert liteinit.rows("SELECT version, direction, status, backup_path FROM migration_history"
                         " ORDER BY id") == [(1, "adopt", "success", None),
                                             (2, "adopt", "success", None)]
    # The way back is kept for an image that lacks the file.
    assert liteinit.value("SELECT down_sql FROM schema_migrations WHERE version = 2") \
        .strip().endswith("DROP TABLE b;")


def test_twice(liteinit):
    one = case("sqlx")
    one.make(liteinit)
    must(adopt(liteinit, one))
    assert "records of its own already" in refused(liteinit, one, 78)["msg"]


def test_not_again_after_the_way_back(liteinit):
    """Their history still says what liteinit has taken back."""
    one = case("goose")
    one.make(liteinit)
    must(adopt(liteinit, one))
    must(tool(liteinit, "down"))
    must(tool(liteinit, "down"))
    assert liteinit.value("SELECT count(*) FROM sqlite_master WHERE name IN ('a', 'b')") == 0
    assert "took all of them back" in refused(liteinit, one, 78)["msg"]
    must(tool(liteinit, "prepare"))
    assert liteinit.rows("SELECT * FROM a") == []


@pytest.mark.parametrize("name, sql, part, hint", [
    ("golang-migrate", "UPDATE schema_migrations SET dirty = 1", "migration 2", "force VERSION"),
    ("sqlx", "UPDATE _sqlx_migrations SET success = 0 WHERE version = 20240116093000",
     "migration 20240116093000", "delete its row"),
    ("prisma", "UPDATE _prisma_migrations SET finished_at = NULL WHERE rolled_back_at IS NULL",
     "migration 20240115093000_a", "migrate resolve"),
    ("flyway", "UPDATE flyway_schema_history SET success = 0 WHERE version = '1.1'",
     "migration 1.1", "flyway repair"),
    ("knex", "UPDATE knex_migrations_lock SET is_locked = 1", "knex_migrations_lock",
     "migrate:unlock"),
    ("by-status", "UPDATE migrations SET status = 'running' WHERE version = 2", "migration 2",
     "the tool that began it"),
    ("by-status", "UPDATE migrations SET status = 'failed' WHERE version = 2", "migration 2",
     "the tool that began it"),
    ("by-status", "INSERT INTO migration_history (version, status) VALUES (4, 'running')",
     "migration_history", "the tool that began it"),
])
def test_half_applied(liteinit, name, sql, part, hint):
    one = case(name)
    one.make(liteinit, sql)
    failed = refused(liteinit, one, 65)
    assert part in failed["msg"]
    assert hint in failed["hint"]


@pytest.mark.parametrize("name, file", [
    ("sqlx", "20240116093000_b.sql"), ("prisma", "20240116093000_b/migration.sql"),
    ("flyway", "V1.1__b.sql"), ("drizzle", "0001_m.sql"),
])
def test_a_changed_file(liteinit, name, file):
    one = case(name)
    one.make(liteinit)
    path = liteinit.migrations / file
    path.write_text(path.read_text(encoding="utf-8") + "CREATE TABLE more (x);\n",
                    encoding="utf-8")
    failed = refused(liteinit, one, 78)
    assert file in failed["msg"] and "changed" in failed["msg"]
    assert "bring it back" in failed["hint"]


@pytest.mark.parametrize("name", ["prisma", "flyway"])
def test_windows_line_ends_are_no_change(liteinit, name):
    one = case(name)
    one.make(liteinit)
    for path in liteinit.migrations.rglob("*.sql"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    must(adopt(liteinit, one))


def test_a_repeatable_one_that_has_changed_runs(liteinit):
    one = case("flyway")
    one.make(liteinit)
    (liteinit.migrations / "R__same.sql").write_text("CREATE TABLE again (x);\n", encoding="utf-8")
    must(adopt(liteinit, one))
    must(tool(liteinit, "prepare"))
    assert liteinit.rows("SELECT * FROM again") == []


def test_a_file_that_is_not_there(liteinit):
    one = case("dbmate")
    one.make(liteinit, "INSERT INTO schema_migrations VALUES ('20990101000000'), ('20990102000000')")
    failed = refused(liteinit, one, 78)
    assert "20990101000000" in failed["msg"] and "1 others" in failed["msg"]
    assert "right folder" in failed["hint"]


def test_several_tools(liteinit):
    one = case("goose")
    one.make(liteinit, case("alembic").sql)
    failed = refused(liteinit, one, 78)
    assert "goose_db_version" in failed["msg"] and "alembic_version" in failed["msg"]
    assert "--from goose" in failed["hint"]
    must(adopt(liteinit, one, "--from", "goose"))
    assert len(records(liteinit)) == 2


@pytest.mark.parametrize("name", ["alembic", "django"])
def test_a_head_needs_a_baseline(liteinit, name):
    one = case(name)
    one.make(liteinit)
    before = dump(liteinit.db)
    answer = tool(liteinit, "adopt")
    assert answer.status == 78, answer.err
    assert "--baseline VERSION" in answer.err
    assert dump(liteinit.db) == before
    failed = refused(liteinit, one, 66, "--baseline", "77")
    assert "77" in failed["msg"]


def test_nothing_to_take_over(liteinit):
    one = case("user_version")
    one.make(liteinit, "PRAGMA user_version = 0")
    assert "no history" in refused(liteinit, one, 66)["msg"]
    assert "no history of prisma" in refused(liteinit, one, 66, "--from", "prisma")["msg"]
    failed = refused(liteinit, one, 64, "--from", "prysma")
    assert "prisma" in failed["msg"] and "golang-migrate" in failed["hint"]
    execute(liteinit, "CREATE TABLE goose_db_version (version)")
    assert "goose_db_version" in refused(liteinit, one, 78)["msg"]


def test_an_empty_history_runs_everything(liteinit):
    liteinit.migration("001_a", "CREATE TABLE a (x);")
    execute(liteinit, "CREATE TABLE schema_migrations (version varchar(128) primary key)")
    assert tool(liteinit, "prepare").status == 78
    must(tool(liteinit, "adopt"))
    must(tool(liteinit, "prepare"))
    assert liteinit.rows("SELECT * FROM a") == []
    assert liteinit.rows("SELECT version FROM liteinit_migrations") == [(1,)]
