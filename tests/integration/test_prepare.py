"""The boot work: a new database, an old one, one that a crash has left, and what is there after."""

import os
import stat

import pytest

from dbkit import (NOBODY, backups, child, crash_journal, crash_wal, dump, holding, make, must,
                   public_box, sha256, state_of, tool)
from harness import SIGKILL, SIGTERM, SLOW_SQL, need_root

NOTES = "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT);"
# An app that writes and ends without closing the database.
LEAVES_A_WAL = ("import os, sqlite3; db = sqlite3.connect(os.environ['LITEINIT_DB']);"
                "db.execute(\"INSERT INTO notes (body) VALUES ('kept')\"); db.commit();"
                "os._exit(0)")
STARTED = ["db.created", "db.open", "migrate.plan", "migrate.apply", "migrate.applied",
           "migrate.done", "check.ok"]


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def header_mode(path):
    """wal or rollback, as the file itself says."""
    return {1: "rollback", 2: "wal"}[path.read_bytes()[18]]


def test_an_absent_database_is_made_and_migrated(liteinit):
    liteinit.migration("001_notes", NOTES)
    answer = must(tool(liteinit, "prepare"))
    assert answer.names == STARTED
    assert liteinit.rows("SELECT * FROM notes") == []
    assert liteinit.applied() == [1]
    assert header_mode(liteinit.db) == "wal"
    assert backups(liteinit) == []


def test_a_second_start_changes_nothing(liteinit):
    liteinit.migration("001_notes", NOTES)
    must(tool(liteinit, "prepare"))
    before = sha256(liteinit.db)
    answer = must(tool(liteinit, "prepare"))
    assert answer.names == ["db.open", "migrate.plan"]
    assert answer.only("migrate.plan")["pending"] == 0
    assert sha256(liteinit.db) == before
    assert backups(liteinit) == []


def test_the_whole_life_in_order(liteinit):
    make(liteinit.db, "CREATE TABLE old (x); INSERT INTO old VALUES (1)")
    liteinit.migration("001_notes", NOTES)
    life = liteinit("/usr/bin/python3", "-c", LEAVES_A_WAL)
    assert life.wait() == 0, life.log()
    wanted = ["init.start", "db.open", "migrate.plan", "backup.start", "backup.done",
              "migrate.rehearsed", "migrate.apply", "migrate.applied", "migrate.done", "check.ok", "db.journal_mode",
              "app.start", "app.exit", "wal.checkpoint", "db.close", "init.exit"]
    assert [e["event"] for e in life.events] == wanted, life.log()
    assert liteinit.leftovers() == []


def test_no_database_and_no_migrations_leaves_it_to_the_app(liteinit):
    life = liteinit("sh", "-c", "ls data", env={"LITEINIT_MIGRATIONS": None})
    assert life.wait() == 0, life.log()
    assert not liteinit.db.exists()
    assert "the app makes it" in life.named("db.open")[0]["msg"]
    assert life.order("db.open", "app.start", "app.exit", "init.exit")


def test_an_empty_folder_of_migrations_still_makes_the_database(liteinit):
    answer = must(tool(liteinit, "prepare"))
    assert answer.only("db.created")["db"] == str(liteinit.db)
    assert liteinit.integrity() == "ok"
    assert liteinit.rows("SELECT name FROM sqlite_master") == []


def test_a_wal_of_a_crash_is_recovered(liteinit):
    crash_wal(liteinit.db, rows=300)
    wal = liteinit.data / "app.db-wal"
    size = wal.stat().st_size
    assert size > 0
    answer = must(tool(liteinit, "prepare"))
    event = answer.only("wal.recovered")
    assert event["bytes"] == size and event["pages"] >= 10 and event["level"] == "warn"
    assert answer.names.index("wal.recovered") > answer.names.index("check.ok")
    assert not wal.exists()
    assert not (liteinit.data / "app.db-shm").exists()
    # The main file alone holds all of it now.
    assert len([line for line in dump(liteinit.db) if line.startswith('INSERT INTO "t"')]) == 300


def test_an_uncommitted_tail_of_the_wal_is_dropped(liteinit):
    crash_wal(liteinit.db, rows=2000, commit=False)
    assert (liteinit.data / "app.db-wal").stat().st_size > 0
    answer = must(tool(liteinit, "prepare"))
    assert liteinit.value("SELECT count(*) FROM t") == 0
    assert answer.named("wal.recovered") == []
    assert liteinit.leftovers() == []


def test_a_hot_journal_is_rolled_back(liteinit):
    crash_journal(liteinit.db)
    assert (liteinit.data / "app.db-journal").stat().st_size > 0
    assert liteinit.db.read_bytes().count(b"0" * 400 + b"-") == 0
    answer = must(tool(liteinit, "prepare"))
    assert "rolled back" in answer.only("wal.recovered")["msg"]
    assert liteinit.value("SELECT count(*) FROM t WHERE v = printf('%0500d', id)") == 300
    assert liteinit.integrity() == "ok"
    assert liteinit.leftovers() == []


def test_a_wal_of_a_crash_is_in_the_backup(liteinit):
    """What is backed up is the data, not the main file without its WAL."""
    crash_wal(liteinit.db, rows=50)
    liteinit.migration("001_notes", NOTES)
    must(tool(liteinit, "prepare"))
    (backup,) = backups(liteinit)
    assert len([line for line in dump(backup) if line.startswith('INSERT INTO "t"')]) == 50


@pytest.mark.parametrize("check, kinds", [("auto", []), ("off", []), ("quick", ["quick"]),
                                          ("full", ["full"])])
def test_the_check_at_a_start_with_nothing_to_do(liteinit, check, kinds):
    make(liteinit.db, "CREATE TABLE t (x)")
    answer = must(tool(liteinit, "prepare", f"--check={check}"))
    assert [event["check"] for event in answer.named("check.ok")] == kinds


@pytest.mark.parametrize("check, kinds", [("auto", ["quick"]), ("off", []), ("full", ["full"] * 2)])
def test_the_check_around_a_change(liteinit, check, kinds):
    """The backup's own verification stands for the check before the change."""
    make(liteinit.db, "CREATE TABLE t (x)", "wal")
    liteinit.migration("001_notes", NOTES)
    answer = must(tool(liteinit, "prepare", f"--check={check}"))
    assert [event["check"] for event in answer.named("check.ok")] == kinds


def test_the_check_before_a_change_without_a_backup(liteinit):
    make(liteinit.db, "CREATE TABLE t (x)", "wal")
    liteinit.migration("001_notes", NOTES)
    answer = must(tool(liteinit, "prepare", "--backup=never"))
    at = [i for i, name in enumerate(answer.names) if name == "check.ok"]
    assert len(at) == 2 and at[0] < answer.names.index("migrate.apply") < at[1]
    assert answer.only("backup.skipped")["level"] == "warn"


def damage_index(path):
    """Makes an index hold another column than it says, which quick_check does not see."""
    make(path, "CREATE TABLE t (x, y); INSERT INTO t VALUES (1, 2), (3, 4);"
               "CREATE INDEX i ON t (x); PRAGMA writable_schema = 1; UPDATE sqlite_master"
               " SET sql = 'CREATE INDEX i ON t (y)' WHERE name = 'i'")


def test_full_sees_what_quick_does_not(liteinit):
    damage_index(liteinit.db)
    must(tool(liteinit, "prepare", "--check=quick", "--journal-mode=keep"))
    before = sha256(liteinit.db)
    answer = tool(liteinit, "prepare", "--check=full")
    assert answer.status == 65
    assert "index i" in answer.only("check.failed")["error"]
    assert sha256(liteinit.db) == before


def test_an_unclean_stop_is_said_and_checked(liteinit):
    liteinit.migration("001_notes", NOTES)
    life = liteinit("sleep", "60")
    life.wait_event("app.start")
    life.signal(SIGKILL)
    life.wait()
    again = liteinit("true")
    assert again.wait() == 0, again.log()
    assert again.order("last_stop.unclean", "db.open", "check.ok", "app.start")
    third = liteinit("true")
    assert third.wait() == 0
    assert third.named("last_stop.unclean") == [] and third.named("check.ok") == []


def test_a_clean_stop_is_written_down(liteinit):
    liteinit.migration("001_notes", NOTES)
    life = liteinit("sleep", "60")
    life.wait_event("app.start")
    assert liteinit.record()["state"] == "running"
    assert life.stop(SIGTERM)[0] == 143
    assert liteinit.record()["state"] == "ended"


def test_journal_mode_wal_is_set(liteinit):
    make(liteinit.db, "CREATE TABLE t (x)")
    assert header_mode(liteinit.db) == "rollback"
    answer = must(tool(liteinit, "prepare"))
    assert answer.only("db.journal_mode")["journal_mode"] == "wal"
    assert header_mode(liteinit.db) == "wal"


@pytest.mark.parametrize("journal, header", [("delete", "rollback"), ("truncate", "rollback"),
                                             ("wal", "wal")])
def test_journal_mode_keep_keeps_it(liteinit, journal, header):
    make(liteinit.db, "CREATE TABLE t (x)", journal)
    liteinit.migration("001_notes", NOTES)
    answer = must(tool(liteinit, "prepare", "--journal-mode=keep"))
    assert answer.named("db.journal_mode") == []
    assert header_mode(liteinit.db) == header
    assert liteinit.leftovers() == []
    assert liteinit.applied() == [1]


def test_nothing_of_the_wal_is_left_after_the_stop(liteinit):
    liteinit.migration("001_notes", NOTES)
    life = liteinit("/usr/bin/python3", "-c", LEAVES_A_WAL)
    assert life.wait() == 0, life.log()
    folded = life.named("wal.checkpoint")[0]
    assert folded["pages"] > 0 and folded["bytes"] > 0
    assert sorted(p.name for p in liteinit.data.iterdir() if "-" in p.name) == []
    assert any("kept" in line for line in dump(liteinit.db))


def test_the_app_finds_the_database_unlocked(liteinit):
    """PID 1 has no file of the database open while the app runs."""
    liteinit.migration("001_notes", NOTES)
    life = liteinit("sleep", "60")
    life.wait_event("app.start")
    held = [os.readlink(f"/proc/{life.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{life.pid}/fd")]
    assert str(liteinit.db) + ".liteinit.lock" in held
    assert [path for path in held if path.startswith(str(liteinit.db)) and
            not path.endswith(".lock")] == []
    with holding(liteinit.db, "PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE",
                 "INSERT INTO notes (body) VALUES ('alone')", "COMMIT"):
        pass
    life.signal(SIGKILL)
    life.wait()
    assert liteinit.value("SELECT count(*) FROM notes") == 1


def test_min_free_stops_before_anything_happens(liteinit):
    make(liteinit.db, "CREATE TABLE t (x)")
    liteinit.migration("001_notes", NOTES)
    before = state_of(liteinit.data)
    answer = tool(liteinit, "prepare", "--min-free=900000GB")
    assert answer.status == 73
    event = answer.only("disk.low")
    assert "free" in event["msg"] and "--min-free" in event["hint"]
    assert answer.named("migrate.apply") == [] and answer.named("backup.start") == []
    assert state_of(liteinit.data) == before


def test_min_free_does_not_matter_without_a_change(liteinit):
    make(liteinit.db, "CREATE TABLE t (x)")
    must(tool(liteinit, "prepare", "--min-free=900000GB"))


def test_modes_of_what_is_made(liteinit):
    liteinit.migration("001_notes", NOTES)
    must(tool(liteinit, "prepare", umask=0o022))
    liteinit.migration("002_more", "CREATE TABLE more (x)")
    os.chmod(liteinit.db, 0o640)
    must(tool(liteinit, "prepare", umask=0o022))
    (backup,) = backups(liteinit)
    assert mode_of(backup.parent) == 0o700
    assert mode_of(backup) == 0o640
    assert mode_of(liteinit.db) == 0o640
    assert mode_of(liteinit.data / "app.db.liteinit.lock") == 0o600


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o027])
def test_the_umask_holds_for_a_new_database(liteinit, umask):
    liteinit.migration("001_notes", NOTES)
    must(tool(liteinit, "prepare", umask=umask))
    assert mode_of(liteinit.db) == 0o644 & ~umask


def test_what_root_makes_belongs_to_the_folders_owner():
    need_root()
    with public_box() as box:
        os.chown(box.data, NOBODY, NOBODY)
        box.migration("001_notes", NOTES)
        must(tool(box, "--", "true"))
        box.migration("002_more", "CREATE TABLE more (x)")
        must(tool(box, "--", "true"))
        made = sorted(path for path in box.data.rglob("*"))
        assert len(made) == 6, made  # database, lock, state, folder, backup, manifest
        assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {(NOBODY, NOBODY)}
        # So the app may go on as that user.
        must(tool(box, "prepare", user=NOBODY))


def test_an_existing_database_keeps_its_owner_and_mode():
    need_root()
    with public_box() as box:
        make(box.db, "CREATE TABLE t (x)")
        os.chown(box.db, 1234, 4321)
        os.chmod(box.db, 0o660)
        box.migration("001_notes", NOTES)
        must(tool(box, "prepare"))
        now = box.db.stat()
        assert (now.st_uid, now.st_gid, stat.S_IMODE(now.st_mode)) == (1234, 4321, 0o660)
        backup = backups(box)[0].stat()
        assert (backup.st_uid, backup.st_gid, stat.S_IMODE(backup.st_mode)) == (1234, 4321, 0o660)


def test_a_relative_path(liteinit):
    liteinit.migration("001_notes", NOTES)
    answer = must(tool(liteinit, "prepare", env={"LITEINIT_DB": "data/app.db"}))
    assert answer.only("db.created")["db"] == str(liteinit.db)
    assert liteinit.applied() == [1]
    must(tool(liteinit, "prepare", env={"LITEINIT_DB": "app.db"}, cwd=liteinit.data))
    must(tool(liteinit, "prepare", env={"LITEINIT_DB": "./../data/app.db"}, cwd=liteinit.data))
    assert [path.name for path in liteinit.data.glob("*.db")] == ["app.db"]


@pytest.mark.parametrize("name", ["my notes.db", "it's.db", 'say "hi".db', "žluťoučký-数据.db",
                                  "50%.db", "a%20b.db", "what?mode=ro.db", "#1.db", "file:x.db",
                                  "a&b;c.db", "back\\slash.db", "-dash.db",
                                  "no extension", ".hidden"])
def test_a_name_with_odd_characters(liteinit, name):
    """The life of such a database, its backup and its migrations included."""
    liteinit.db = liteinit.data / name
    folder = liteinit.folder / f"migrations of {name}"
    liteinit.migrations.rename(folder)
    liteinit.migrations = folder
    liteinit.migration("001_notes", NOTES)
    must(tool(liteinit, "--", "true"))
    liteinit.migration("002_more", "INSERT INTO notes (body) VALUES ('x')")
    answer = must(tool(liteinit, "--", "true"))
    assert answer.only("backup.done")["version"] == 1
    assert liteinit.value("SELECT body FROM notes") == "x"
    (backup,) = backups(liteinit)
    assert liteinit.rows("SELECT version FROM schema_migrations", path=backup) == [(1,)]
    assert must(tool(liteinit, "backups", "--json")).document()["backups"][0]["verified"] is True
    assert sorted(p.name for p in liteinit.data.iterdir()) == sorted(
        [name, name + ".liteinit.lock", name + ".liteinit.state", "backups"])


def test_a_symlink_is_followed_to_the_real_file(liteinit):
    """Sidecars, lock and backups lie beside the file, where another path to it finds them."""
    real = liteinit.folder / "real"
    real.mkdir()
    make(real / "store.db", "CREATE TABLE t (x)")
    liteinit.db.symlink_to(real / "store.db")
    liteinit.migration("001_notes", NOTES)
    answer = must(tool(liteinit, "prepare"))
    assert answer.only("db.open")["db"] == str(real / "store.db")
    assert liteinit.db.is_symlink()
    assert [p.name for p in liteinit.data.iterdir()] == ["app.db"]
    assert sorted(p.name for p in real.iterdir()) == ["backups", "store.db",
                                                      "store.db.liteinit.lock"]


def test_the_wal_hook_of_sqlite_is_not_needed_for_a_large_migration(liteinit):
    """A migration of many pages leaves the WAL folded in, and the log says how large the database
    was before."""
    liteinit.migration("001_fill", "CREATE TABLE big (v TEXT); INSERT INTO big WITH RECURSIVE "
                       "n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
                       "SELECT hex(randomblob(100)) FROM n")
    must(tool(liteinit, "prepare"))
    assert liteinit.leftovers() == []
    assert sum(line.startswith('INSERT INTO "big"') for line in dump(liteinit.db)) == 20000


HAMMER = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)
print("ready", flush=True)
end = time.monotonic() + 0.7
entered = tries = 0
while time.monotonic() < end:
    tries += 1
    try:
        db.execute("BEGIN IMMEDIATE")
        db.execute("ROLLBACK")
        entered += 1
    except sqlite3.OperationalError:
        pass
print(entered, tries, flush=True)
"""


@pytest.mark.parametrize("rehearse, begun", [("never", "migrate.apply"), ("always", "backup.done")])
@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_nobody_gets_in_while_a_migration_runs(liteinit, journal, rehearse, begun):
    """The lock on the file holds from the first look to the end. Closing any descriptor of the
    file would drop it, as POSIX locks go, after the backup has read it too."""
    make(liteinit.db, "CREATE TABLE t (v); INSERT INTO t VALUES (zeroblob(3000000))", journal)
    liteinit.migration("001_slow", SLOW_SQL)
    life = liteinit("true", options=[f"--rehearse={rehearse}"])
    life.wait_event(begun)
    with child(HAMMER, liteinit.db) as hammer:
        entered, tries = map(int, hammer.hear().split())
    assert (entered, tries > 100) == (0, True)
    assert life.stop(SIGTERM)[0] == 143
    assert liteinit.rows("SELECT name FROM sqlite_master WHERE name = 'slow'") == []
    assert liteinit.integrity() == "ok"
