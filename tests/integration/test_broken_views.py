"""What a migration leaves in a schema that no longer works: views and triggers are compiled after it,
and those that it broke are told of. Nothing is refused: no row is lost by it."""

import pytest

from dbkit import make, must, tool

BASE = """
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price INTEGER);
CREATE TABLE log (text TEXT);
CREATE VIEW cheap AS SELECT name FROM item WHERE price < 10;
CREATE TRIGGER told AFTER INSERT ON item BEGIN INSERT INTO log VALUES (new.name); END;
CREATE VIEW old AS SELECT * FROM nowhere;
"""


def told(box, sql):
    make(box.db, BASE, "wal")
    box.migration("001_it", sql)
    answer = must(tool(box, "prepare", "--rehearse=never"))
    return [event["msg"] for event in answer.named("migrate.notice") if event["level"] == "warn"]


@pytest.mark.parametrize("sql, words", [
    ("DROP VIEW old; ALTER TABLE item RENAME TO thing; DROP VIEW cheap;", []),
    ("CREATE TABLE other (x);", []),
    ("PRAGMA legacy_alter_table = ON; ALTER TABLE item RENAME TO thing;", ["the view cheap"]),
    ("DROP TABLE log;", ["a trigger of the table item"]),
    ("CREATE TABLE item2 (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO item2 SELECT id, name FROM"
     " item; DROP TABLE item; ALTER TABLE item2 RENAME TO item;", None),
    ("DROP TABLE log; CREATE TABLE log (text TEXT);", []),
    ("CREATE VIEW fancy AS SELECT unknown_function(name) FROM item;", []),
])
def test_what_is_broken_is_told(liteinit, sql, words):
    if words is None:
        # SQLite itself refuses the last statement, since the view names what is not there.
        make(liteinit.db, BASE, "wal")
        liteinit.migration("001_it", sql)
        assert tool(liteinit, "prepare", "--rehearse=never").status == 65
        return
    said = told(liteinit, sql)
    assert len(said) == len(words), said
    for line, word in zip(said, words):
        assert "001_it.sql" in line and word in line and "no longer works" in line


def test_once_and_on_the_way_back_too(liteinit):
    make(liteinit.db, BASE, "wal")
    liteinit.migration("001_it", "DROP TABLE log;")
    liteinit.migration("002_more", "CREATE TABLE more (x);")
    liteinit.migration("002_more_down", "DROP TABLE more; DROP TABLE item;")
    answer = must(tool(liteinit, "prepare", "--rehearse=never"))
    assert len([e for e in answer.named("migrate.notice") if e["level"] == "warn"]) == 1
    answer = must(tool(liteinit, "down"))
    said = [e["msg"] for e in answer.named("migrate.notice") if e["level"] == "warn"]
    assert len(said) == 1 and "the view cheap" in said[0]
