"""A down script without a statement, as a template leaves it, takes nothing back: it is no way back."""

import pytest

from dbkit import backups, must, tool


@pytest.mark.parametrize("down", ["", "-- The way back.\n\n", " ;; \n/* later */"])
def test_it_is_refused(liteinit, down):
    liteinit.migration("001_made", "CREATE TABLE made (x);")
    liteinit.migration("001_made_down", down)
    must(tool(liteinit, "prepare"))
    assert liteinit.rows("SELECT down_sql FROM schema_migrations") == [(None,)]
    for words in (["down"], ["redo"]):
        answer = tool(liteinit, *words)
        assert answer.status == 66
        assert "no statement" in answer.only("migrate.failed")["error"]
    assert "no down script" in tool(liteinit, "down", "--migrations",
                                    "none").only("migrate.failed")["error"]
    assert liteinit.applied() == [1]
    assert backups(liteinit) == []


def test_one_that_does_nothing_on_purpose(liteinit):
    liteinit.migration("001_made", "CREATE TABLE IF NOT EXISTS made (x);")
    liteinit.migration("001_made_down", "SELECT 1;")
    must(tool(liteinit, "prepare"))
    must(tool(liteinit, "down"))
    assert liteinit.applied() == []
