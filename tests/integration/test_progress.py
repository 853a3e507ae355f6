"""A migration that runs long says every five seconds how far it is."""

from dbkit import make

# For ever; the columns of the row that is never found keep SQLite busy.
ENDLESS = """SELECT 1;
;
INSERT INTO t SELECT 'x' WHERE EXISTS (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL
    SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0);
SELECT 'never';
"""


def test_one_long_statement(liteinit):
    make(liteinit.db, "CREATE TABLE t (v TEXT)", "wal")
    liteinit.migration("001_fill", "CREATE TABLE u (v TEXT);")
    liteinit.migration("002_endless", ENDLESS)
    life = liteinit("echo", "never", env={"LITEINIT_REHEARSE": "never"})
    life.wait_event("migrate.apply", file="002_endless.sql")
    first = life.wait_event("migrate.progress", timeout=30)
    assert first["file"] == "002_endless.sql" and first["version"] == 2
    assert first["direction"] == "up" and (first["number"], first["of"]) == (2, 2)
    assert (first["statement_number"], first["statements"]) == (2, 3)
    assert 5000 <= first["duration_ms"] < 9000
    assert first["pages"] >= 0
    status, took = life.stop()
    assert status == 143 and took < 8
    assert liteinit.attempts() == [(1, "success"), (2, "interrupted")]
