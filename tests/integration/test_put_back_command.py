"""migrate_command beside others: what a failed one leaves, and what others did meanwhile."""

import sys

from dbkit import backups, make, tool

ITEMS = "CREATE TABLE item (id INTEGER PRIMARY KEY, text TEXT); INSERT INTO item VALUES (1, 'old');"


def python(box, text):
    """A migrator: a program that has the database's path in `db`."""
    script = box.folder / "migrator.py"
    script.write_text(f"import sqlite3, sys\ndb = {str(box.db)!r}\n{text}\n")
    return f"{sys.executable} {script}"


def asides(box):
    return [path for path in box.data.iterdir() if ".aside-" in path.name]


def test_a_loop_of_a_command_that_changes_nothing_makes_one_backup(liteinit):
    make(liteinit.db, ITEMS, "wal")
    command = python(liteinit, "sqlite3.connect(db).execute('SELECT * FROM item').fetchall()\n"
                               "sys.exit(3)")
    for _ in range(4):
        answer = tool(liteinit, "prepare", "--migrate-command", command, "--on-failure", "restore")
        assert answer.status == 65
        assert "status 3" in answer.only("migrate.failed")["error"]
    assert len(backups(liteinit)) == 1
    # Whether an earlier start's failure has changed something nobody knows: so it is put back, and
    # what was there is kept, once.
    assert len(asides(liteinit)) <= 1
    assert liteinit.rows("SELECT text FROM item") == [("old",)]
    assert liteinit.attempts()[-1] == (0, "failed")


def test_rows_that_came_while_it_ran_are_kept_when_the_backup_is_put_back(liteinit):
    make(liteinit.db, ITEMS, "wal")
    command = python(liteinit, "c = sqlite3.connect(db)\n"
                               "c.execute(\"INSERT INTO item (text) VALUES ('an order')\")\n"
                               "c.commit()\nsys.exit(1)")
    answer = tool(liteinit, "prepare", "--migrate-command", command, "--on-failure", "restore")
    assert answer.status == 65
    assert liteinit.rows("SELECT text FROM item") == [("old",)]
    aside, = asides(liteinit)
    assert answer.only("restore.done")["aside"] == str(aside)
    assert liteinit.rows("SELECT text FROM item WHERE id = 2", path=aside) == [("an order",)]


def test_a_command_that_is_not_there_is_named_by_its_key(liteinit):
    make(liteinit.db, ITEMS, "wal")
    answer = tool(liteinit, "prepare", "--migrate-command", "nowhere --now")
    assert answer.status == 66
    said = answer.only("migrate.failed")
    assert said["error"].startswith("migrate_command: ")
    assert "the key migrate_command" in said["hint"]


def test_each_row_that_came_is_kept_and_no_file_twice(liteinit):
    """The rows of others differ from start to start; what fails in the same way each time does not."""
    make(liteinit.db, ITEMS, "wal")
    counter = liteinit.folder / "counter"
    command = python(liteinit, f"""
import os
n = os.path.getsize({str(counter)!r}) // 2 if os.path.exists({str(counter)!r}) else 0
open({str(counter)!r}, 'a').write('x')
with sqlite3.connect(db) as c:
    c.execute('INSERT INTO item (text) VALUES (?)', ('order %d' % n,))
sys.exit(1)""")
    for _ in range(6):  # orders 0, 0, 1, 1, 2, 2
        answer = tool(liteinit, "prepare", "--migrate-command", command, "--on-failure", "restore")
        assert answer.status == 65 and answer.only("restore.done")
        assert liteinit.rows("SELECT text FROM item") == [("old",)]
    found = sorted(row[0] for path in asides(liteinit)
                   for row in liteinit.rows("SELECT text FROM item WHERE id > 1", path=path))
    assert found == ["order 0", "order 1", "order 2"]
    assert len(backups(liteinit)) == 1
