"""Each file begins on a fresh connection, as it were: what one leaves there does not reach the
next."""

import pytest

from dbkit import make, must, tool

PAIR = """CREATE TABLE a (id INTEGER PRIMARY KEY, n INT CHECK (n > 0));
CREATE TABLE b (id INTEGER PRIMARY KEY, a INT REFERENCES a (id));
CREATE TRIGGER again AFTER INSERT ON a WHEN NEW.id < 3 BEGIN
  INSERT INTO a (id, n) VALUES (NEW.id + 1, 1);
END;"""


def test_a_temporary_table_does_not_swallow_the_next_files_rows(liteinit):
    """SQLite looks for a name among the temporary tables first."""
    liteinit.migration("001_first", "CREATE TEMP TABLE notes (body); INSERT INTO notes VALUES (1);")
    liteinit.migration("002_next", "CREATE TABLE notes (body); INSERT INTO notes VALUES ('kept');")
    must(tool(liteinit, "prepare"))
    assert liteinit.rows("SELECT body FROM notes") == [("kept",)]


def test_the_same_temporary_names_in_every_file(liteinit):
    make(liteinit.db, "CREATE TABLE t (x); INSERT INTO t VALUES (1)", "wal")
    for number in (1, 2, 3):
        liteinit.migration(f"{number}_copy", "CREATE TEMP TABLE copy AS SELECT x + 1 AS x FROM t;"
                           "CREATE INDEX temp.i ON copy (x); CREATE TEMP VIEW v AS SELECT 1;"
                           "CREATE TEMP TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;"
                           "DELETE FROM t; INSERT INTO t SELECT x FROM copy;")
    must(tool(liteinit, "prepare"))
    assert liteinit.rows("SELECT x FROM t") == [(4,)]


def test_a_temporary_trigger_has_no_name_under_which_it_stays(liteinit):
    make(liteinit.db, "CREATE TABLE t (x); INSERT INTO t VALUES (1)", "wal")
    liteinit.migration("001_first", "CREATE TEMP TRIGGER liteinit_x AFTER INSERT ON t BEGIN"
                                    " DELETE FROM t; END;")
    liteinit.migration("002_next", "INSERT INTO t VALUES (2);")
    must(tool(liteinit, "prepare"))
    assert liteinit.rows("SELECT x FROM t") == [(1,), (2,)]


@pytest.mark.parametrize("first, second, check, rows", [
    ("PRAGMA legacy_alter_table = ON;", "ALTER TABLE a RENAME TO c;",
     "SELECT sql LIKE '%REFERENCES \"c\"%' FROM sqlite_master WHERE name = 'b'", [(1,)]),
    ("PRAGMA recursive_triggers = ON;", "INSERT INTO a VALUES (1, 1);",
     "SELECT count(*) FROM a", [(2,)]),
    ("PRAGMA query_only = ON;", "INSERT INTO b VALUES (1, NULL);", "SELECT id FROM b", [(1,)]),
    ("PRAGMA case_sensitive_like = ON;", "CREATE TABLE r AS SELECT 'A' LIKE 'a' AS same;",
     "SELECT same FROM r", [(1,)]),
])
def test_a_pragma_ends_with_its_file(liteinit, first, second, check, rows):
    make(liteinit.db, PAIR, "wal")
    liteinit.migration("001_first", first)
    liteinit.migration("002_next", second)
    must(tool(liteinit, "prepare"))
    assert liteinit.rows(check) == rows


def test_checks_cannot_be_put_off(liteinit):
    make(liteinit.db, PAIR, "wal")
    liteinit.migration("001_first", "PRAGMA ignore_check_constraints = ON;"
                                    "INSERT INTO a VALUES (7, -1);")
    answer = tool(liteinit, "prepare")
    assert answer.status == 65
    assert "ignore_check_constraints is refused" in answer.only("migrate.failed")["error"]
