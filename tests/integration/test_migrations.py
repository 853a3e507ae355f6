"""What one migration file may do, what it may not, and that a failure leaves nothing of it."""

import pytest

from dbkit import dump, make, must, sha256, tool

KEPT = """CREATE TABLE kept (id INTEGER PRIMARY KEY, v TEXT);
INSERT INTO kept VALUES (1, 'one'), (2, 'two');"""
OURS = ("schema_migrations", "migration_history")


def content(path):
    """The dump without liteinit's own tables."""
    return [line for line in dump(path) if not any(name in line for name in OURS)]


def failed(box, words=(), status=65, options=()):
    """Runs a preparation that must fail in its migration and leave the app's data as it is."""
    before = content(box.db) if box.db.exists() else None
    answer = tool(box, "prepare", *options)
    assert answer.status == status, answer.err
    said = answer.only("migrate.failed")
    assert all(word in said["error"] for word in words), said
    if before is not None:
        assert content(box.db) == before
    return said


def place(said):
    return said["file"], said["line"], said["column"]


def prepared(box, sql, before=KEPT):
    """A database with `before` in it, then one migration file."""
    make(box.db, before, "wal")
    box.migration("001_it", sql)
    return must(tool(box, "prepare"))


def test_a_syntax_error_in_the_third_statement(liteinit):
    make(liteinit.db, KEPT, "wal")
    liteinit.migration("001_good", "INSERT INTO kept VALUES (3, 'three');")
    liteinit.migration("002_bad", "CREATE TABLE a (x);\nUPDATE kept SET v = 'gone';\n\n"
                       "  CREATE TABEL b (x);\nDROP TABLE kept;")
    life = liteinit("echo", "never", env={"LITEINIT_REHEARSE": "never"})
    assert life.wait() == 65
    said = life.named("migrate.failed")[0]
    assert place(said) == ("002_bad.sql", 4, 10)
    assert said["msg"] == 'Migration failed: 002_bad.sql:4:10: near "TABEL": syntax error'
    assert said["statement"].startswith("CREATE TABEL")
    assert life.out == "" and life.named("app.start") == []
    assert liteinit.rows("SELECT * FROM kept") == [(1, "one"), (2, "two"), (3, "three")]
    assert liteinit.rows("SELECT name FROM sqlite_master WHERE name IN ('a', 'b')") == []
    assert liteinit.applied() == [1]
    assert liteinit.attempts() == [(1, "success"), (2, "failed")]
    error, began, ended = liteinit.rows("SELECT error_message, started_at, completed_at "
                                        "FROM migration_history WHERE version = 2")[0]
    assert error == '002_bad.sql:4:10: near "TABEL": syntax error'
    assert began <= ended
    assert liteinit.leftovers() == []


@pytest.mark.parametrize("sql, line, column", [
    ("CREATE TABEL a (x);", 1, 8),
    ("\n\n\tCREATE TABEL a (x);", 3, 9),
    ("-- é\n/* ü */ CREATE TABEL a (x);", 2, 16),
    ("CREATE TABLE a (x);\nINSERT INTO a VALUES ('žluťoučký 数据 🦀'); INSRET INTO a;", 2, 42),
    ("\ufeffCREATE TABEL a (x);", 1, 8),
    ("CREATE TABLE a (x);\r\nCREATE TABEL b (x);\r\n", 2, 8),
    ("CREATE TABLE a (x);\nCREATE TRIGGER t AFTER INSERT ON a BEGIN\n  SELECT 1; SELECT 2;\n"
     "END;\nSELEKT 1;", 5, 1),
    ("CREATE TABLE a (x);\nINSERT INTO a\nVALUES (1),\n       (2) nonsense;", 4, 12),
    ("CREATE TABLE a (x); -- one; two\nSELECT nothing FROM a;", 2, 8),
    ("SELECT ';';\n/* ; */ SELECT * FROM nowhere;", 2, 9),
    ("CREATE TABLE a (x UNIQUE);\nINSERT INTO a VALUES (1);\n  INSERT INTO a VALUES (1);", 3, 3),
    ("SELECT 1;\nSELECT 'never closed;\n", 2, 8),
    ("SELECT 1;\nCREATE TRIGGER t AFTER INSERT ON kept BEGIN\n  SELECT 1;\n", 2, 1),
])
def test_the_place_of_an_error(liteinit, sql, line, column):
    """Columns count characters, as an editor shows them."""
    make(liteinit.db, KEPT, "wal")
    liteinit.migration("001_it", sql)
    said = failed(liteinit)
    assert place(said) == ("001_it.sql", line, column), said


def test_the_file_runs_again_when_it_is_mended(liteinit):
    make(liteinit.db, KEPT, "wal")
    liteinit.migration("001_it", "CREATE TABLE a (x); CREATE TABEL b (x);")
    failed(liteinit)
    liteinit.migration("001_it", "CREATE TABLE a (x); CREATE TABLE b (x);")
    must(tool(liteinit, "prepare"))
    assert liteinit.attempts() == [(1, "failed"), (1, "success")]
    assert liteinit.rows("SELECT name FROM sqlite_master WHERE name IN ('a', 'b')") == [
        ("a",), ("b",)]


@pytest.mark.parametrize("sql, notices", [
    ("BEGIN; INSERT INTO kept VALUES (3, 'x'); COMMIT;", ["BEGIN", "COMMIT"]),
    ("BEGIN IMMEDIATE TRANSACTION; INSERT INTO kept VALUES (3, 'x'); END TRANSACTION;",
     ["BEGIN", "COMMIT"]),
    ("begin exclusive;\ninsert into kept values (3, 'x');\nend;", ["BEGIN", "COMMIT"]),
    ("COMMIT; INSERT INTO kept VALUES (3, 'x');", ["COMMIT"]),
    ("COMMIT; BEGIN; INSERT INTO kept VALUES (3, 'x'); COMMIT; BEGIN;",
     ["COMMIT", "BEGIN", "COMMIT", "BEGIN"]),
    ("/* go */ BEGIN /* now */; INSERT INTO kept VALUES (3, 'x');", ["BEGIN"]),
    ("PRAGMA journal_mode = WAL; INSERT INTO kept VALUES (3, 'x');", ["PRAGMA journal_mode"]),
    ("PRAGMA journal_mode('wal'); INSERT INTO kept VALUES (3, 'x');", ["PRAGMA journal_mode"]),
    ("PRAGMA busy_timeout = 1; INSERT INTO kept VALUES (3, 'x'); PRAGMA mmap_size = 1;",
     ["PRAGMA busy_timeout", "PRAGMA mmap_size"]),
])
def test_what_is_skipped(liteinit, sql, notices):
    answer = prepared(liteinit, sql)
    said = answer.named("migrate.notice")
    assert [e["msg"].split(": ", 1)[1].split(" is ")[0].split(" = ")[0] for e in said] == notices
    assert all(e["file"] == "001_it.sql" and e["line"] >= 1 for e in said)
    assert liteinit.value("SELECT count(*) FROM kept") == 3
    assert liteinit.applied() == [1]


def test_many_skipped_statements_do_not_fill_the_log(liteinit):
    answer = prepared(liteinit, "BEGIN; INSERT INTO kept (v) VALUES ('x'); COMMIT;\n" * 500)
    said = answer.named("migrate.notice")
    assert len(said) == 21 and "not told one by one" in said[-1]["msg"]
    assert liteinit.value("SELECT count(*) FROM kept") == 502


def test_a_commit_of_the_files_own_does_not_commit(liteinit):
    make(liteinit.db, KEPT, "wal")
    liteinit.migration("001_it", "BEGIN; DELETE FROM kept; COMMIT; SELEKT 1;")
    failed(liteinit, ["SELEKT"])
    assert liteinit.value("SELECT count(*) FROM kept") == 2


@pytest.mark.parametrize("statement, word", [
    ("ROLLBACK", "ROLLBACK"), ("ROLLBACK TO a", "ROLLBACK"), ("ATTACH 'other.db' AS other", "ATTACH"), ("DETACH main", "DETACH"),
    ("PRAGMA journal_mode = DELETE", "journal_mode"), ("PRAGMA synchronous = OFF", "synchronous"),
    ("PRAGMA main.synchronous = 0", "synchronous"),
    ("PRAGMA locking_mode = NORMAL", "locking_mode"),
    ("PRAGMA writable_schema = ON", "writable_schema"),
    ("PRAGMA schema_version = 7", "schema_version"), ("PRAGMA wal_checkpoint", "wal_checkpoint"),
    ("PRAGMA wal_checkpoint(TRUNCATE)", "wal_checkpoint"), ("VACUUM", "VACUUM"),
    ("VACUUM INTO 'other.db'", "VACUUM"),
    ("PRAGMA ignore_check_constraints = 1", "ignore_check_constraints"),
    ("PRAGMA hard_heap_limit = 1", "hard_heap_limit"),
])
def test_what_is_refused(liteinit, statement, word):
    make(liteinit.db, KEPT, "wal")
    liteinit.migration("001_it", f"DELETE FROM kept;\n  {statement};\nSELECT 1;")
    said = failed(liteinit, [word])
    assert said["line"] == 2 and said["column"] >= 3
    assert not (liteinit.folder / "other.db").exists()
    assert liteinit.attempts() == [(1, "failed")]


def test_reading_a_pragma_is_no_offence(liteinit):
    prepared(liteinit, "PRAGMA journal_mode; PRAGMA synchronous; PRAGMA table_info(kept);"
                       "PRAGMA user_version = 7; PRAGMA application_id = 99;"
                       "PRAGMA foreign_keys = OFF; PRAGMA foreign_key_check;")
    assert liteinit.value("PRAGMA user_version") == 7


@pytest.mark.parametrize("sql", [
    "INSERT OR ROLLBACK INTO kept VALUES (3, 'x'), (1, 'twice');",
    "CREATE TRIGGER t BEFORE DELETE ON kept BEGIN SELECT RAISE(ROLLBACK, 'no'); END;"
    "INSERT INTO kept VALUES (3, 'x'); DELETE FROM kept;",
    "INSERT INTO kept VALUES (3, 'x'); INSERT OR FAIL INTO kept VALUES (4, 'x'), (1, 'twice');",
])
def test_a_conflict_that_rolls_back_or_keeps_half(liteinit, sql):
    make(liteinit.db, KEPT, "wal")
    liteinit.migration("001_it", sql)
    failed(liteinit, ["001_it.sql"])
    assert liteinit.attempts() == [(1, "failed")]
    assert liteinit.applied() == []


def test_savepoints_are_skipped(liteinit):
    answer = prepared(liteinit, "SAVEPOINT a; INSERT INTO kept VALUES (3, 'x'); RELEASE a;")
    assert [e["msg"].split(": ", 1)[1].split(" is ")[0] for e in answer.named("migrate.notice")] == [
        "SAVEPOINT", "RELEASE"]
    assert liteinit.rows("SELECT id FROM kept") == [(1,), (2,), (3,)]


def test_semicolons_that_end_nothing(liteinit):
    prepared(liteinit, """
CREATE TABLE "a;b" (x TEXT DEFAULT ';', [y;z] TEXT, `w;` TEXT);
CREATE TRIGGER log AFTER INSERT ON kept BEGIN
  INSERT INTO "a;b" (x) VALUES (NEW.v || ';'); -- here; too
  UPDATE "a;b" SET [y;z] = CASE WHEN x = 'x;' THEN 'yes; ''it is''' ELSE 'no' END;
END;
/* a comment; with 'quotes
   and lines */ INSERT INTO kept VALUES (3, 'x')--the end;
;;
INSERT INTO kept VALUES (4, '-- no comment; /* none */')""")
    assert liteinit.rows('SELECT x, "y;z" FROM "a;b"') == [
        ("x;", "yes; 'it is'"), ("-- no comment; /* none */;", "no")]


def test_the_shapes_of_the_tables(liteinit):
    prepared(liteinit, "CREATE TABLE a (x)")
    columns = "SELECT name, type, pk FROM pragma_table_info(?)"
    assert liteinit.rows(columns, "schema_migrations") == [
        ("version", "INTEGER", 1), ("name", "TEXT", 0), ("applied_at", "TEXT", 0),
        ("checksum", "TEXT", 0), ("duration_ms", "INTEGER", 0), ("app_version", "TEXT", 0),
        ("backup", "TEXT", 0), ("down_sql", "TEXT", 0)]
    assert [row[0] for row in liteinit.rows(columns, "migration_history")] == [
        "id", "version", "direction", "status", "backup_path", "error_message", "started_at",
        "completed_at", "resume"]
    version, name, applied_at, *rest = liteinit.rows("SELECT * FROM schema_migrations")[0]
    assert (version, name) == (1, "it")
    assert applied_at[:2] == "20" and applied_at[-1] == "Z" and len(applied_at) == 24
    assert rest[0].startswith("t1:") and rest[1] >= 0 and rest[4] is None
    assert rest[3].startswith(str(liteinit.data / "backups"))
    row = liteinit.rows("SELECT * FROM migration_history")[0]
    assert row[1:4] == (1, "up", "success")
    assert row[4] == rest[3] and row[5] is None
    assert row[6] <= row[7]


def test_the_apps_version_is_recorded(liteinit):
    liteinit.migration("001_a", "CREATE TABLE a (x)")
    must(tool(liteinit, "prepare", env={"APP_VERSION": "1.2.3-β"}))
    assert liteinit.value("SELECT app_version FROM schema_migrations") == "1.2.3-β"


def test_the_way_back_is_stored_as_it_is(liteinit):
    down = "-- back\nDROP TABLE a; -- ünd\r\n  SELECT 'x;y';\n"
    liteinit.migration("001_a", "CREATE TABLE a (x)")
    (liteinit.migrations / "001_a_down.sql").write_bytes(down.encode())
    liteinit.migration("002_b", "-- liteinit: irreversible\nCREATE TABLE b (x)")
    liteinit.migration("002_b_down", "DROP TABLE b")
    liteinit.migration("003_c", "CREATE TABLE c (x)")
    must(tool(liteinit, "prepare"))
    assert liteinit.rows("SELECT down_sql FROM schema_migrations ORDER BY version") == [
        (down,), (None,), (None,)]


@pytest.mark.parametrize("head, words", [
    ("-- liteinit: irreversable\n", ["001_it.sql:1:", "irreversable"]),
    ("-- first\n--liteinit: foreign-keys=off\n", ["001_it.sql:2:", "foreign-keys=off"]),
    ("/* x */\n\n  -- liteinit: irreversible, nonsense\n", ["001_it.sql:3:", "nonsense"])])
def test_an_unknown_directive(liteinit, head, words):
    make(liteinit.db, KEPT, "wal")
    liteinit.migration("001_it", head + "DROP TABLE kept;")
    said = failed(liteinit, words)
    assert "irreversible" in said["hint"]


def test_a_directive_after_the_first_statement_is_a_comment(liteinit):
    prepared(liteinit, "SELECT 1;\n-- liteinit: nonsense\nSELECT 2;")


@pytest.mark.parametrize("sql, check", [
    ("CREATE VIRTUAL TABLE f USING fts5 (body); INSERT INTO f VALUES ('the quick fox');",
     "SELECT body FROM f WHERE f MATCH 'quick'"),
    ("CREATE TABLE g (a INT, b INT GENERATED ALWAYS AS (a * 2) STORED, c AS (a + 1) VIRTUAL);"
     "INSERT INTO g (a) VALUES (21);", "SELECT b FROM g WHERE c = 22"),
    ("CREATE TABLE w (k TEXT PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO w VALUES ('a', 1);",
     "SELECT v FROM w"),
    ("CREATE TABLE s (n INTEGER, t TEXT) STRICT; INSERT INTO s VALUES (1, 'a');", "SELECT t FROM s"),
    ("CREATE VIEW v AS SELECT count(*) AS n FROM kept;", "SELECT n FROM v"),
    ("CREATE TABLE r AS SELECT json_extract('{\"a\": [1, 2]}', '$.a[1]') AS j;",
     "SELECT j FROM r WHERE j = 2"),
    ("CREATE VIRTUAL TABLE t USING rtree (id, x0, x1); INSERT INTO t VALUES (1, 0, 5);",
     "SELECT id FROM t WHERE x0 < 1"),
    ("CREATE INDEX i ON kept (lower(v)) WHERE v IS NOT NULL;",
     "SELECT 1 FROM sqlite_master WHERE name = 'i'"),
    ("ALTER TABLE kept ADD COLUMN n INT NOT NULL DEFAULT 7; ALTER TABLE kept RENAME COLUMN v TO w;"
     "ALTER TABLE kept DROP COLUMN n; ALTER TABLE kept RENAME TO held;",
     "SELECT w FROM held WHERE id = 1"),
])
def test_what_apps_use(liteinit, sql, check):
    prepared(liteinit, sql)
    assert liteinit.rows(check)
    assert liteinit.integrity() == "ok"
    # A second change makes a backup of it, which is verified.
    liteinit.migration("002_more", "CREATE TABLE more (x)")
    must(tool(liteinit, "prepare"))


@pytest.mark.parametrize("columns, row", [
    ("id INTEGER PRIMARY KEY, name TEXT, applied_at TEXT", "1, 'init', '2024-01-01'"),
    ("version TEXT PRIMARY KEY, migrated_at TEXT", "'20240101', '2024-01-01'"),
    ("version TEXT PRIMARY KEY", "'20240101'"),
    ("version uint64, dirty bool", "3, 0")])
def test_a_history_of_another_tool(liteinit, columns, row):
    make(liteinit.db, f"CREATE TABLE schema_migrations ({columns});"
                      f"INSERT INTO schema_migrations VALUES ({row}); {KEPT}", "wal")
    before = sha256(liteinit.db)
    liteinit.migration("001_it", "DROP TABLE kept;")
    answer = tool(liteinit, "prepare")
    assert answer.status == 78
    said = answer.only("migrate.failed")
    assert "schema_migrations" in said["error"] and "migration tool" in said["error"]
    assert "LITEINIT_MIGRATIONS=none" in said["hint"]
    assert sha256(liteinit.db) == before
    # With no folder of its own liteinit takes care of the rest.
    life = liteinit("echo", "runs", env={"LITEINIT_MIGRATIONS": "none"})
    assert life.wait() == 0, life.log()
    assert life.out == "runs\n"
    assert sha256(liteinit.db) == before


def test_liteinits_own_tables_roll_back_too(liteinit):
    """The bookkeeping is in the migration's transaction, whatever the file does to it."""
    prepared(liteinit, "CREATE TABLE a (x);")
    liteinit.migration("002_bad", "DELETE FROM schema_migrations; DROP TABLE migration_history;"
                                  "SELEKT 1;")
    answer = tool(liteinit, "prepare")
    assert answer.status == 65
    assert liteinit.applied() == [1]
    assert liteinit.attempts() == [(1, "success"), (2, "failed")]
