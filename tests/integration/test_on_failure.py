"""on_failure=restore: an update of three migrations of which the last fails is undone as a whole, the
attempt stays known, the image from before starts, and a restart loop leaves one backup and no
litter."""

import pytest

from dbkit import backups, dump, make, must, tool
from harness import SIGTERM, SLOW_SQL

START = "CREATE TABLE item (id INTEGER PRIMARY KEY, text); INSERT INTO item VALUES (1, 'old');"
RESTORE = ("prepare", "--on-failure", "restore", "--rehearse", "never")
OWN = ("migration_history", "schema_migrations")


def asides(box):
    return sorted(path.name for path in box.data.iterdir() if ".aside-" in path.name or
                  path.name.startswith((".liteinit-", "app.db.restore")))


def data(box):
    """All that is the app's, as SQL."""
    return [line for line in dump(box.db) if not any(name in line for name in OWN)]


@pytest.fixture(name="box")
def an_update_whose_third_fails(liteinit):
    make(liteinit.db, START, "wal")
    liteinit.migration("001_first", "CREATE TABLE first (x);")
    must(tool(liteinit, "prepare"))
    liteinit.migration("002_second", "UPDATE item SET text = 'changed'; CREATE TABLE second (x);")
    liteinit.migration("003_third", "ALTER TABLE item ADD COLUMN more;")
    liteinit.migration("004_bad", "DELETE FROM item;\nINSERT INTO nowhere VALUES (1);")
    return liteinit


def is_as_before(box, before):
    assert data(box) == before
    assert box.applied() == [1]
    assert box.integrity() == "ok"
    assert asides(box) == []


def previous_image_starts(box, before):
    for path in [*box.migrations.glob("00[234]_*")]:
        path.unlink()
    life = box("cat", box.migrations / "001_first.sql", pid1=False)
    assert life.wait() == 0, life.log()
    assert life.named("app.start")
    is_as_before(box, before)


def test_the_update_is_undone_as_a_whole(box):
    before = data(box)
    answer = tool(box, *RESTORE)
    assert answer.status == 65
    event = answer.only("migrate.failed")
    assert (event["file"], event["line"]) == ("004_bad.sql", 2)
    assert [e["version"] for e in answer.named("migrate.applied")] == [2, 3]
    newest = answer.only("restore.done")["path"]
    assert newest in map(str, backups(box)) and newest == answer.only("backup.done")["path"]
    is_as_before(box, before)
    previous_image_starts(box, before)


def test_the_failed_attempt_stays_known(box):
    tool(box, *RESTORE)
    version, direction, status, error, backup = box.rows(
        "SELECT version, direction, status, error_message, backup_path FROM migration_history"
        " ORDER BY id")[-1]
    assert (version, direction, status) == (4, "up", "failed")
    assert "nowhere" in error and backup in map(str, backups(box))
    recent = must(tool(box, "history", "--json")).document()["attempts"]
    assert [(a["version"], a["status"]) for a in recent] == [(4, "failed"), (1, "success")]


def test_a_rehearsal_finds_it_first(box):
    before = data(box)
    answer = tool(box, "prepare", "--on-failure", "restore", "--rehearse", "always")
    assert answer.status == 65
    assert "restore.done" not in answer.names and "migrate.applied" not in answer.names
    is_as_before(box, before)
    assert box.attempts()[-1] == (4, "failed")
    previous_image_starts(box, before)


def test_without_it_the_first_two_stay(box):
    answer = tool(box, "prepare", "--rehearse", "never")
    assert answer.status == 65
    assert "restore.done" not in answer.names
    assert box.applied() == [1, 2, 3]
    assert str(backups(box)[-1].parent) in answer.only("migrate.failed")["hint"]


@pytest.mark.parametrize("rehearse", ["never", "always"])
def test_a_restart_loop(box, rehearse):
    before = data(box)
    count = len(backups(box))
    for _ in range(5):
        life = box("echo", "never", pid1=False, env={
            "LITEINIT_ON_FAILURE": "restore", "LITEINIT_REHEARSE": rehearse})
        assert life.wait() == 65
        assert life.out == ""
        is_as_before(box, before)
    assert len(backups(box)) == count + 1
    # What is put back has the newest attempt in it; a rehearsal's leave all of them.
    assert box.attempts() == [(1, "success")] + [(4, "failed")] * (1 if rehearse == "never" else 5)
    # The mended update, with the same backup.
    box.migration("004_bad", "SELECT 1;")
    answer = must(tool(box, "prepare"))
    assert answer.only("backup.reused")
    assert box.applied() == [1, 2, 3, 4]


def test_a_file_without_a_transaction(liteinit):
    """Its statements stay when it fails; the backup takes them back, too."""
    make(liteinit.db, START, "wal")
    before = data(liteinit)
    liteinit.migration("001_a", "CREATE TABLE a (x);")
    liteinit.migration("002_b", "-- liteinit: no-transaction\nDELETE FROM item;\nVACUUM;\nSELEKT 1;")
    for _ in range(3):
        answer = tool(liteinit, *RESTORE)
        assert answer.status == 65, answer.err
        assert answer.only("restore.done")
        assert data(liteinit) == before
    assert asides(liteinit) == []
    assert len(backups(liteinit)) == 1
    # From the start again, and not behind what the backup has taken back.
    liteinit.migration("002_b", "-- liteinit: no-transaction\nUPDATE item SET text = 'b';\nVACUUM;")
    must(tool(liteinit, "prepare"))
    assert liteinit.rows("SELECT text FROM item") == [("b",)]


def test_the_first_of_them_fails(liteinit):
    make(liteinit.db, START, "wal")
    before = data(liteinit)
    liteinit.migration("001_bad", "SELEKT 1;")
    assert tool(liteinit, *RESTORE).status == 65
    assert data(liteinit) == before
    assert liteinit.attempts() == [(1, "failed")]


DAMAGE = """import os, sqlite3
path = os.environ["LITEINIT_DB"]
with sqlite3.connect(path) as db:
    db.execute("CREATE TABLE big (x)")
    db.executemany("INSERT INTO big VALUES (?)", [("x" * 900,)] * 300)
db.execute("PRAGMA wal_checkpoint(TRUNCATE)"); db.close()
with open(path, "r+b") as file:
    for page in range(6, 40):
        file.seek(page * 4096); file.write(b"\\xff" * 64)
"""


def test_the_check_afterwards_fails(liteinit):
    make(liteinit.db, START, "wal")
    before = data(liteinit)
    script = liteinit.folder / "damage.py"
    script.write_text(DAMAGE, encoding="utf-8")
    for _ in range(2):
        answer = tool(liteinit, *RESTORE, "--migrate-command", f"/usr/bin/python3 '{script}'")
        assert answer.status == 65, answer.err
        assert answer.only("restore.done")
        assert data(liteinit) == before
    # Anybody could write while the command ran: what was there is kept, and what is too damaged to be
    # compared with it, too.
    assert len(asides(liteinit)) == 2
    assert len(backups(liteinit)) == 1


def test_a_refusal_restores_nothing(box):
    box.migration("001_first", "CREATE TABLE another (x);")
    answer = tool(box, *RESTORE)
    assert answer.status == 78
    assert "restore.done" not in answer.names
    assert box.applied() == [1]


def test_a_new_database_has_nothing_to_go_back_to(liteinit):
    liteinit.migration("001_first", START)
    liteinit.migration("002_bad", "SELEKT 1;")
    answer = tool(liteinit, *RESTORE)
    assert answer.status == 65
    assert "restore.done" not in answer.names and "restore.failed" not in answer.names
    assert liteinit.applied() == [1]


def test_without_a_backup_it_stays(box):
    answer = tool(box, *RESTORE, "--backup", "never")
    assert answer.status == 65
    assert "restore.done" not in answer.names
    assert box.applied() == [1, 2, 3]


def test_a_stop_is_no_failure(box):
    box.migration("004_bad", SLOW_SQL)
    life = box("echo", "never", pid1=False, env={
        "LITEINIT_ON_FAILURE": "restore", "LITEINIT_REHEARSE": "never"})
    life.wait_event("migrate.apply", version=4)
    assert life.stop(SIGTERM)[0] == 143
    assert "restore.done" not in [e["event"] for e in life.events]
    assert box.applied() == [1, 2, 3]


def test_a_database_outside_wal_mode(liteinit):
    make(liteinit.db, START)
    before = data(liteinit)
    liteinit.migration("001_good", "UPDATE item SET text = 'x';")
    liteinit.migration("002_bad", "SELEKT 1;")
    for _ in range(3):
        assert tool(liteinit, *RESTORE, "--journal-mode", "keep").status == 65
        assert data(liteinit) == before
    assert len(backups(liteinit)) == 1
    assert asides(liteinit) == []
