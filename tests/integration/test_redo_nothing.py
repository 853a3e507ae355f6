"""redo where nothing that has a number is applied."""

from dbkit import must, tool


def test_only_repeatable_migrations_are_applied(liteinit):
    liteinit.migration("V1__made", "CREATE TABLE made (x);")
    liteinit.migration("U1__made", "DROP TABLE made;")
    liteinit.migration("R__seen", "CREATE VIEW IF NOT EXISTS seen AS SELECT 1;")
    must(tool(liteinit, "prepare"))
    must(tool(liteinit, "down"))
    answer = tool(liteinit, "redo")
    assert answer.status == 66
    assert "only repeatable migrations" in answer.only("migrate.failed")["error"]
