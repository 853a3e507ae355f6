"""The guards over rows, on the real binary: what a migration may not take along unseen."""

import pytest

from dbkit import dump, make, must, tool

SHOP = """CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE purchase (id INTEGER PRIMARY KEY,
    customer REFERENCES customer (id) ON DELETE CASCADE, what TEXT);
CREATE TABLE audit (id INTEGER PRIMARY KEY, what TEXT);
CREATE TABLE note (id INTEGER PRIMARY KEY, body TEXT);
CREATE VIEW customers AS SELECT id, name FROM customer;
CREATE TRIGGER forget INSTEAD OF DELETE ON customers BEGIN
    DELETE FROM customer WHERE id = OLD.id; END;
CREATE TRIGGER tidy AFTER UPDATE ON note BEGIN DELETE FROM audit WHERE id < 3; END;
INSERT INTO customer VALUES (1, 'Ann'), (2, 'Bob');
INSERT INTO purchase VALUES (10, 1, 'bread'), (11, 2, 'milk');
INSERT INTO audit (what) VALUES ('a'), ('b'), ('c');
INSERT INTO note VALUES (1, 'x');"""
OURS = ("schema_migrations", "migration_history")


def content(path):
    return [line for line in dump(path) if not any(name in line for name in OURS)]


def refused(box, sql, *words):
    make(box.db, SHOP, "wal")
    before = content(box.db)
    box.migration("001_it", sql)
    answer = tool(box, "prepare")
    assert answer.status == 65, answer.err
    said = answer.only("migrate.failed")
    assert all(word in said["error"] for word in words), said
    assert content(box.db) == before
    assert box.attempts() == [(1, "failed")]
    return said


def passes(box, sql):
    make(box.db, SHOP, "wal")
    box.migration("001_it", sql)
    answer = must(tool(box, "prepare"))
    assert box.applied() == [1]
    return answer


@pytest.mark.parametrize("sql, words", [
    ("UPDATE note SET body = 'y';", ("audit", "had 3", "have 1")),
    ("-- liteinit: foreign-keys=on\nDELETE FROM customer WHERE id = 1;",
     ("purchase", "had 2", "have 1")),
    ("-- liteinit: foreign-keys=on\nREPLACE INTO customer VALUES (1, 'Eve');", ("purchase",)),
    ("-- liteinit: foreign-keys=on\nDELETE FROM customers WHERE id = 2;", ("customer", "have 1")),
    ("-- liteinit: foreign-keys=on\nDROP VIEW customers; CREATE TABLE c2 (id INTEGER PRIMARY KEY, name TEXT, age);"
     "INSERT INTO c2 SELECT id, name, 0 FROM customer; DROP TABLE customer;"
     "ALTER TABLE c2 RENAME TO customer;", ("purchase", "had 2", "have 0")),
    ("-- audit\nUPDATE note SET body = 'not the audit';", ("audit",)),
])
def test_a_table_that_the_sql_does_not_name(liteinit, sql, words):
    said = refused(liteinit, sql, "which its SQL does not name", *words)
    assert "-- liteinit: allow-row-loss" in said["hint"]


@pytest.mark.parametrize("sql", [
    "-- liteinit: allow-row-loss\nUPDATE note SET body = 'y';",
    "UPDATE note SET body = 'y'; SELECT count(*) FROM \"Audit\";",
    "DELETE FROM [audit];", "DROP TABLE `audit`;", "DELETE FROM 'audit' WHERE id = 1;",
    "-- liteinit: foreign-keys=on\nDELETE FROM customer; DELETE FROM purchase;",
    "INSERT INTO note (body) VALUES ('more'); REPLACE INTO note VALUES (1, 'z');",
])
def test_what_is_named_may_go(liteinit, sql):
    passes(liteinit, sql)


def test_keys_that_break(liteinit):
    said = refused(liteinit, "DELETE FROM customer WHERE id = 2;", "row 11 of purchase",
                   "row of customer", "1 new violation")
    assert "foreign-keys=warn" in said["hint"]


def test_keys_that_may_break(liteinit):
    answer = passes(liteinit, "-- liteinit: foreign-keys=warn\nDELETE FROM customer WHERE id = 2;")
    said = answer.only("migrate.notice")
    assert said["file"] == "001_it.sql" and said["line"] == 0
    assert "row 11 of purchase" in said["msg"]
    assert liteinit.value("SELECT count(*) FROM purchase") == 2


def test_the_old_way_of_renaming(liteinit):
    """Keys that refer to a table do not follow its new name, so that a swap needs no rebuild of the
    children."""
    swap = ("ALTER TABLE customer RENAME TO old; CREATE TABLE customer (id INTEGER PRIMARY KEY,"
            "name TEXT NOT NULL); INSERT INTO customer SELECT * FROM old; DROP TABLE old;")
    make(liteinit.db, SHOP, "wal")
    liteinit.migration("001_view", "DROP VIEW customers;")
    liteinit.migration("002_swap", "-- liteinit: legacy-alter-table=on\n" + swap)
    liteinit.migration("003_next", "CREATE TABLE p2 (id INTEGER PRIMARY KEY);"
                                   "ALTER TABLE purchase RENAME COLUMN what TO item;")
    must(tool(liteinit, "prepare"))
    assert "REFERENCES customer" in liteinit.value(
        "SELECT sql FROM sqlite_master WHERE name = 'purchase'")
    # It is off again in the next file.
    liteinit.migration("004_swap", swap.replace("old", "older"))
    answer = tool(liteinit, "prepare")
    assert answer.status == 65
    assert "older" in answer.only("migrate.failed")["error"]


def test_full_text_search(liteinit):
    passes(liteinit, """CREATE VIRTUAL TABLE found USING fts5 (body, content='note',
    content_rowid='id');
CREATE TRIGGER note_i AFTER INSERT ON note BEGIN
    INSERT INTO found (rowid, body) VALUES (NEW.id, NEW.body); END;
CREATE TRIGGER note_d AFTER DELETE ON note BEGIN
    INSERT INTO found (found, rowid, body) VALUES ('delete', OLD.id, OLD.body); END;
INSERT INTO found (found) VALUES ('rebuild');""")
    liteinit.migration("002_more", "DELETE FROM note; INSERT INTO note VALUES (2, 'quick fox');")
    must(tool(liteinit, "prepare"))
    assert liteinit.rows("SELECT rowid FROM found WHERE found MATCH 'fox'") == [(2,)]


@pytest.mark.parametrize("sql", [
    "INSERT INTO schema_migrations (version) VALUES (20200101);",
    "DELETE FROM migration_history;",
    "UPDATE schema_migrations SET checksum = NULL;",
    "DROP TABLE Migration_History;",
    "ALTER TABLE schema_migrations RENAME TO mine;",
    "CREATE TRIGGER t AFTER INSERT ON schema_migrations BEGIN DELETE FROM note; END;",
    "CREATE TEMP TRIGGER t AFTER INSERT ON schema_migrations BEGIN DELETE FROM note; END;",
    "CREATE TRIGGER t AFTER UPDATE ON note BEGIN DELETE FROM schema_migrations; END;"
    " UPDATE note SET body = 'z';",
])
def test_liteinits_own_records_are_liteinits_alone(liteinit, sql):
    said = refused(liteinit, sql, "liteinit's own records")
    assert "remove the statement" in said["hint"]


def test_another_tools_table_of_that_name_is_the_apps(liteinit):
    make(liteinit.db, "CREATE TABLE schema_migrations (mine TEXT); CREATE TABLE note (x);", "wal")
    liteinit.migration("001_before", "CREATE TABLE note (x);")
    must(tool(liteinit, "baseline", "1"))
    liteinit.migration("002_it", "INSERT INTO schema_migrations VALUES ('x');")
    must(tool(liteinit, "prepare"))
    assert liteinit.rows("SELECT mine FROM schema_migrations") == [("x",)]
