"""Whether liteinit really is alone with the database while it prepares it: against readers,
writers and idle connections of others, and through everything that it does itself meanwhile."""

import contextlib
import sqlite3
import subprocess
import sys
import threading

import pytest

from faults import App, backups_of, expect_unharmed, options_of, prepare
from harness import Life, SLOW_SQL, until

# A process that holds the database in one of several ways until its stdin is closed.
HOLDER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
if sys.argv[2] != "opened":
    db.execute("SELECT count(*) FROM item").fetchone()
if sys.argv[2] == "reader":
    db.execute("BEGIN"); db.execute("SELECT count(*) FROM item").fetchone()
if sys.argv[2] == "writer":
    db.execute("BEGIN IMMEDIATE"); db.execute("INSERT INTO shelf (name) VALUES ('unfinished')")
print("ready", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def holding(box, how):
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(box.db), how], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.stdin.close()
            process.wait(10)


@pytest.mark.parametrize("mode", ["wal", "delete"])
@pytest.mark.parametrize("how", ["reader", "writer", "idle", "opened"])
def test_somebody_else_has_the_database(tmp_path, mode, how):
    """In WAL mode a connection that has read once holds its lock for as long as it lives; with a
    rollback journal an idle one holds none, and then need not be waited for."""
    app = App(tmp_path, mode)
    box = app.case()
    harmless = how == "opened" or (how, mode) == ("idle", "delete")
    with holding(box, how) as holder:
        done = prepare(box, "--busy-timeout=300ms")
        assert done.returncode == (0 if harmless else 75), done.stderr
        if not harmless:
            assert f"pid {holder.pid}" in done.stderr
    if harmless:
        expect_unharmed(app, box, migrated=True)
        return
    assert expect_unharmed(app, box) == [1]
    assert prepare(box).returncode == 0
    expect_unharmed(app, box, migrated=True)


def slow_preparation(box, *options):
    box.migration("002_second", SLOW_SQL)
    life = Life(["prepare", "--rehearse=never", *options_of(box), *options], False, box.environment(), box.folder)
    box.lives.append(life)
    try:
        life.wait_event("migrate.apply")
        until(lambda: len(life.named("migrate.apply")) == 1, "the migration runs")
    except AssertionError:
        life.end()
        raise
    return life


@pytest.mark.parametrize("mode", ["wal", "crashed", "delete"])
@pytest.mark.parametrize("place", ["backups", "beside", "linked"])
def test_nobody_gets_in_while_a_migration_runs(tmp_path, mode, place):
    """Wherever the backups are: reading their folder must not open and close the database, since
    that drops the locks that keep the others out (fcntl(2), close on any descriptor)."""
    app = App(tmp_path, mode)
    box = app.case()
    folder = box.data if place == "beside" else box.data / "backups"
    if place == "linked":
        folder.mkdir()
        (folder / "current.db").hardlink_to(box.db)
    life = slow_preparation(box, f"--backup-dir={folder}")
    try:
        with contextlib.closing(sqlite3.connect(box.db, timeout=0.2)) as other:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("INSERT INTO shelf (name) VALUES ('not mine')")
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("SELECT count(*) FROM item").fetchone()
    finally:
        status, _ = life.stop()
    assert status == 143, life.log()
    assert expect_unharmed(app, box) == [1]


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_backup_is_not_used_again_for_what_was_written_while_we_waited(tmp_path, mode):
    """The first look at the file says that the last backup still fits it; then the writer that we
    wait for commits. What it wrote must be in the backup before the migration."""
    app = App(tmp_path, mode)
    box = app.case()
    box.migration("003_third", "INSERT INTO nowhere VALUES (1);")
    assert prepare(box).returncode == 65
    assert prepare(box).returncode == 65
    known = set(backups_of(box.data / "backups"))
    writer = sqlite3.connect(box.db, timeout=0, isolation_level=None, check_same_thread=False)
    writer.execute("BEGIN EXCLUSIVE")

    def finish():
        writer.execute("UPDATE item SET text = 'mended by hand' WHERE id = 7")
        writer.execute("COMMIT")
        writer.close()

    late = threading.Timer(0.7, finish)
    late.start()
    try:
        done = prepare(box, "--busy-timeout=20s")
    finally:
        late.join()
    assert done.returncode == 65, done.stderr
    new = set(backups_of(box.data / "backups")) - known
    assert len(new) == 1, done.stderr
    with contextlib.closing(sqlite3.connect(box.data / "backups" / new.pop())) as copy:
        text = copy.execute("SELECT text FROM item WHERE id = 7").fetchone()[0]
    assert text == "mended by hand"


def test_a_journal_that_ended_in_order_is_no_unfinished_transaction(tmp_path):
    """journal_mode=PERSIST leaves the file with a zeroed header."""
    app = App(tmp_path, "delete")
    box = app.case()
    with contextlib.closing(sqlite3.connect(box.db)) as db:
        assert db.execute("PRAGMA journal_mode = PERSIST").fetchall() == [("persist",)]
        for n in (5, 0):
            db.execute("UPDATE counter SET n = ?", (n,))
            db.commit()
    journal = box.data / "app.db-journal"
    assert journal.stat().st_size > 0
    done = prepare(box)
    assert done.returncode == 0, done.stderr
    assert "wal.recovered" not in done.stderr
    expect_unharmed(app, box, migrated=True)
