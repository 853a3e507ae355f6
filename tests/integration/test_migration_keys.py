"""Foreign keys: a table rebuild keeps its children, a new violation aborts, an old one stays."""

import pytest

from dbkit import make, must, tool

FAMILY = """
CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE child (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent (id) ON DELETE CASCADE);
INSERT INTO parent VALUES (1, 'a'), (2, 'b');
INSERT INTO child VALUES (10, 1), (11, 1), (12, 2);
"""
REBUILD = """
CREATE TABLE parent_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL, n INT DEFAULT 0);
INSERT INTO parent_new (id, name) SELECT id, name FROM parent;
DROP TABLE parent;
ALTER TABLE parent_new RENAME TO parent;
"""
CASCADE = "-- liteinit: foreign-keys=on\n-- liteinit: allow-row-loss\n"
ORPHAN = "INSERT INTO child VALUES (99, 77);"


def migrate(box, sql, before=FAMILY):
    make(box.db, before, "wal")
    box.migration("001_it", sql)
    return tool(box, "prepare")


def aborted(box, answer, *words):
    assert answer.status == 65, answer.err
    said = answer.only("migrate.failed")
    assert all(word in said["error"] for word in words), said
    assert said["hint"]
    assert box.attempts() == [(1, "failed")]
    assert box.applied() == []
    return said


@pytest.mark.parametrize("head", ["", "PRAGMA foreign_keys = ON;\n", "PRAGMA foreign_keys = OFF;\n",
                                  "BEGIN;\n", "PRAGMA defer_foreign_keys = ON;\n"])
def test_a_table_rebuild_keeps_the_children(liteinit, head):
    must(migrate(liteinit, head + REBUILD))
    assert liteinit.rows("SELECT * FROM child") == [(10, 1), (11, 1), (12, 2)]
    assert liteinit.rows("SELECT * FROM parent") == [(1, "a", 0), (2, "b", 0)]
    assert "parent_new" not in liteinit.value("SELECT sql FROM sqlite_master WHERE name = 'child'")
    assert liteinit.rows("PRAGMA foreign_key_check") == []


def test_the_directive_enforces_them(liteinit):
    """The proof that the rebuild above is in danger: with foreign keys on the children go, if the
    guard over rows lets them."""
    must(migrate(liteinit, CASCADE + REBUILD))
    assert liteinit.rows("SELECT * FROM child") == []


def test_the_guard_over_rows_holds_a_cascade_up(liteinit):
    aborted(liteinit, migrate(liteinit, "-- liteinit: foreign-keys=on\n" + REBUILD),
            "take rows from the table child", "had 3", "would have 0")
    assert liteinit.value("SELECT count(*) FROM child") == 3


def test_the_directive_cascades_a_delete(liteinit):
    must(migrate(liteinit, CASCADE + "DELETE FROM parent WHERE id = 1;"))
    assert liteinit.rows("SELECT * FROM child") == [(12, 2)]


def test_the_directive_is_for_one_file(liteinit):
    liteinit.migration("002_next", REBUILD)
    must(migrate(liteinit, CASCADE + "DELETE FROM parent WHERE id = 1;"))
    assert liteinit.rows("SELECT * FROM child") == [(12, 2)]


def test_a_delete_that_leaves_orphans_aborts(liteinit):
    said = aborted(liteinit, migrate(liteinit, "DELETE FROM parent WHERE id = 1;"),
                   "001_it.sql", "child", "parent", "2 new violations")
    assert "row 10 of child" in said["error"]
    assert liteinit.value("SELECT count(*) FROM parent") == 2


def test_a_dropped_parent_aborts(liteinit):
    aborted(liteinit, migrate(liteinit, "DROP TABLE parent;"), "001_it.sql", "parent")
    assert liteinit.value("SELECT count(*) FROM parent") == 2


def test_an_old_violation_is_tolerated(liteinit):
    answer = must(migrate(liteinit, REBUILD, FAMILY + ORPHAN))
    assert liteinit.rows("SELECT * FROM child WHERE id = 99") == [(99, 77)]
    warned = [e for e in answer.named("check.ok") if e["level"] == "warn"]
    assert warned and warned[0]["foreign_key_violations"] == 1


def test_an_old_violation_does_not_hide_a_new_one(liteinit):
    answer = migrate(liteinit, "INSERT INTO child VALUES (100, 78);", FAMILY + ORPHAN)
    said = aborted(liteinit, answer, "row 100 of child", "1 new violation")
    assert "violations" not in said["error"]


def test_a_violation_of_the_first_file_does_not_become_old(liteinit):
    """The baseline is the database before the run."""
    liteinit.migration("002_next", "SELECT 1;")
    answer = migrate(liteinit, ORPHAN)
    aborted(liteinit, answer, "row 99 of child")


def test_a_violation_that_is_mended_may_go(liteinit):
    must(migrate(liteinit, "DELETE FROM child WHERE id = 99;", FAMILY + ORPHAN))
    assert liteinit.rows("PRAGMA foreign_key_check") == []


def test_a_row_that_breaks_two_keys_counts_twice(liteinit):
    before = FAMILY + ("CREATE TABLE both (id INTEGER PRIMARY KEY, p REFERENCES parent (id),"
                       " q REFERENCES parent (id)); INSERT INTO both VALUES (1, 77, 2);")
    answer = migrate(liteinit, "UPDATE both SET q = 78;", before)
    aborted(liteinit, answer, "row 1 of both")


def test_without_rowid(liteinit):
    before = FAMILY + ("CREATE TABLE w (k TEXT PRIMARY KEY, p REFERENCES parent (id))"
                       " WITHOUT ROWID; INSERT INTO w VALUES ('old', 77);")
    answer = migrate(liteinit, "INSERT INTO w VALUES ('new', 78);", before)
    aborted(liteinit, answer, "a row of w")


MISMATCH = "CREATE TABLE odd (id INTEGER PRIMARY KEY, p REFERENCES parent (name));"


def test_a_new_mismatch_aborts(liteinit):
    answer = migrate(liteinit, MISMATCH)
    said = aborted(liteinit, answer, "001_it.sql", "foreign key mismatch")
    assert "UNIQUE" in said["hint"]


def test_an_old_mismatch_is_tolerated(liteinit):
    must(migrate(liteinit, REBUILD, FAMILY + MISMATCH))
    assert liteinit.value("SELECT count(*) FROM child") == 3


def test_an_old_mismatch_does_not_hide_a_new_violation(liteinit):
    """One table that SQLite cannot check does not blind the check of the others."""
    answer = migrate(liteinit, "DELETE FROM parent WHERE id = 1;", FAMILY + MISMATCH)
    aborted(liteinit, answer, "row 10 of child")
    assert liteinit.value("SELECT count(*) FROM parent") == 2


def test_a_key_that_points_nowhere_may_stay_unused(liteinit):
    """A parent table that is not there, and no row that uses the key."""
    must(migrate(liteinit, "CREATE TABLE lone (id INTEGER PRIMARY KEY, p REFERENCES nowhere);"))
    liteinit.migration("002_use", "INSERT INTO lone VALUES (1, 5);")
    answer = tool(liteinit, "prepare")
    assert answer.status == 65
    assert "row 1 of lone" in answer.only("migrate.failed")["error"]


def test_a_table_may_be_renamed_with_its_old_violation(liteinit):
    """The same broken row under another name is no new one."""
    must(migrate(liteinit, "ALTER TABLE child RENAME TO kid;", FAMILY + ORPHAN))
    assert liteinit.rows("SELECT p FROM kid WHERE id = 99") == [(77,)]
