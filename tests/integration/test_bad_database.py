"""Databases that cannot be used: a clear error with its own status, and not a byte changed."""

import contextlib
import fcntl
import hashlib
import os
import re
import sqlite3
import stat
import threading

import pytest

from dbkit import (NOBODY, crash, crash_wal, dump, holding, make, must, plain_uid, plain_user,
                   public_box, run, sha256, state_of, tool)
from harness import BIN, need_root

NOTES = "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT);"
ROWS = ("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); CREATE INDEX i ON t (v);"
        "INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
        " WHERE i < 2000) SELECT hex(randomblob(50)) FROM n")


def content_of(box):
    """Every byte there is. An empty sidecar, which reading in WAL mode makes, holds none."""
    empty = hashlib.sha256(b"").hexdigest()
    return {name: sum for name, sum in state_of(box.data).items()
            if sum != empty or not name.endswith(("-wal", "-shm"))}


def refused(box, status, *words, event="prepare.failed", options=(), **popen):
    """The start fails with this status; the app does not run, nothing is changed."""
    box.migration("001_notes", NOTES)
    before = content_of(box)
    answer = tool(box, *options, "--", "echo", "the app runs", **popen)
    assert answer.status == status, answer.err
    assert answer.out == ""
    assert content_of(box) == before
    said = answer.only(event)
    assert all(word in said["error"] for word in words), said
    assert said["level"] == "error" and said["hint"], said
    return said


def test_a_folder(liteinit):
    liteinit.db.mkdir()
    said = refused(liteinit, 78, "is a folder", str(liteinit.db))
    assert "app.db/app.db" in said["hint"]


def test_a_device():
    with public_box() as box:
        box.db = "/dev/null"
        answer = tool(box, "--", "true")
        assert answer.status == 78 and "not a regular file" in answer.err


def test_a_fifo(liteinit):
    os.mkfifo(liteinit.db)
    answer = tool(liteinit, "--", "echo", "the app runs", timeout=20)
    assert answer.status == 78 and answer.out == ""
    assert "not a regular file" in answer.only("prepare.failed")["error"]


@pytest.mark.parametrize("content", [
    b"Dear diary, today I wrote a text file and called it app.db.\n" * 100,
    b"x", b"SQLite format 3\0", b"SQLite format 3\0" + bytes(84),
    b"SQLite format 3\0" + b"\xff" * 200, b"SQLite format 2\0" + bytes(5000),
    b"\x93\x1a" * 4096, bytes(4096)],
    ids=["text", "one byte", "16 bytes", "zero header", "ones", "another version", "noise",
         "zeros"])
def test_what_is_no_database(liteinit, content):
    liteinit.db.write_bytes(content)
    refused(liteinit, 65, "is not an SQLite database")


def test_a_page_size_that_cannot_be(liteinit):
    make(liteinit.db, ROWS)
    content = bytearray(liteinit.db.read_bytes())
    content[16:18] = b"\x01\x01"
    liteinit.db.write_bytes(content)
    refused(liteinit, 65, "is not an SQLite database")


def test_an_empty_file_becomes_the_database(liteinit):
    """As `touch` and some compose files make it."""
    liteinit.db.touch(mode=0o640)
    liteinit.migration("001_notes", NOTES)
    answer = must(tool(liteinit, "prepare"))
    assert "an empty file was there" in answer.only("db.created")["msg"]
    assert liteinit.applied() == [1]
    assert stat.S_IMODE(liteinit.db.stat().st_mode) == 0o640


@pytest.mark.parametrize("there", [True, False])
def test_a_wal_without_its_database(liteinit, there):
    """The data may be in it: starting with a new database would destroy it."""
    crash_wal(liteinit.db, rows=100)
    liteinit.db.unlink()
    if there:
        liteinit.db.touch()
    said = refused(liteinit, 65 if there else 66, "-wal")
    assert "mv " in said["hint"] and "-wal" in said["hint"]


def test_a_truncated_database(liteinit):
    make(liteinit.db, ROWS)
    os.truncate(liteinit.db, liteinit.db.stat().st_size // 2)
    said = refused(liteinit, 65, "is truncated")
    assert "liteinit backups" in said["hint"]


def test_a_truncated_database_in_wal_mode(liteinit):
    make(liteinit.db, ROWS, "wal")
    os.truncate(liteinit.db, liteinit.db.stat().st_size - 100)
    refused(liteinit, 65, "is truncated")


def damage(path, page=5):
    with open(path, "r+b") as file:
        file.seek(page * 4096)
        file.write(b"\xa5" * 4096)


def test_damage_in_the_middle(liteinit):
    make(liteinit.db, ROWS, "wal")
    damage(liteinit.db)
    said = refused(liteinit, 65, "corrupt", event="check.failed")
    assert "liteinit backups" in said["hint"] or "backup" in said["hint"]


@pytest.mark.parametrize("backup", ["pending", "never"])
def test_damage_beside_a_wal(liteinit, backup):
    """The WAL is evidence and data: neither file is touched, also when the app was killed."""
    make(liteinit.db, ROWS, "wal")
    crash(liteinit.db, "PRAGMA wal_autocheckpoint = 0", "CREATE TABLE kept (x)",
          "INSERT INTO kept VALUES (1)")
    damage(liteinit.db)
    before = sha256(liteinit.db), sha256(liteinit.data / "app.db-wal")
    refused(liteinit, 65, "corrupt", event="check.failed", options=[f"--backup={backup}"])
    assert (sha256(liteinit.db), sha256(liteinit.data / "app.db-wal")) == before


def test_a_schema_that_is_damaged(liteinit):
    make(liteinit.db, ROWS, "wal")
    content = bytearray(liteinit.db.read_bytes())
    content[100:4096] = os.urandom(3996)
    liteinit.db.write_bytes(content)
    liteinit.migration("001_notes", NOTES)
    before = content_of(liteinit)
    answer = tool(liteinit, "--", "echo", "the app runs")
    assert answer.status == 65 and answer.out == ""
    assert content_of(liteinit) == before


def test_a_folder_that_is_not_there(liteinit):
    liteinit.db = liteinit.data / "not" / "there" / "app.db"
    answer = tool(liteinit, "--", "echo", "the app runs")
    assert answer.status == 66 and answer.out == ""
    said = answer.only("prepare.failed")
    assert str(liteinit.db.parent) in said["error"] and "volume" in said["hint"]
    assert list(liteinit.data.iterdir()) == []


def test_a_dangling_link(liteinit):
    liteinit.db.symlink_to(liteinit.folder / "volume" / "app.db")
    said = refused(liteinit, 66, "symbolic link")
    assert "volume" in said["hint"]
    assert liteinit.db.is_symlink()


def test_a_link_to_itself(liteinit):
    liteinit.db.symlink_to(liteinit.db)
    answer = tool(liteinit, "--", "true")
    # ELOOP in the words of either C library.
    assert answer.status in (66, 74) and "ymbolic link" in answer.err


def described(path):
    """Owner and mode as the error says them."""
    now = path.stat()
    return f"owner {now.st_uid}:{now.st_gid}, mode {stat.S_IMODE(now.st_mode):04o}"


@pytest.mark.parametrize("what, mode", [("db", 0o400), ("db", 0o000), ("folder", 0o555),
                                        ("new", 0o555)])
def test_what_may_not_be_written(what, mode):
    """Run as somebody whom permissions hold back, on files of somebody else."""
    with public_box() as box:
        if what != "new":
            make(box.db, NOTES, "wal")
        culprit = box.db if what == "db" else box.data
        if what == "db":
            os.chmod(box.data, 0o777)
        os.chmod(culprit, mode)
        box.migration("001_x", "CREATE TABLE x (x)")
        before = described(culprit)
        answer = tool(box, "--", "echo", "the app runs", **plain_user())
        os.chmod(box.data, 0o755)
        assert answer.status == 77 and answer.out == "", answer.err
        said = answer.only("prepare.failed")
        assert str(culprit) in said["error"] and before in said["error"], said
        if os.geteuid() == 0:
            uid = plain_uid()
            assert f"chown -R {uid}:{uid} {culprit}" in said["hint"]
        else:
            assert f"chmod u+rw {culprit}" in said["hint"].replace("rwx", "rw")


def test_the_owner_is_told_to_use_chmod():
    with public_box() as box:
        make(box.db, NOTES, "wal")
        os.chmod(box.db, 0o444)
        if os.geteuid() == 0:
            for path in (box.data, box.db):
                os.chown(path, plain_uid(), plain_uid())
        answer = tool(box, "--", "true", **plain_user())
        assert answer.status == 77
        assert f"chmod u+rw {box.db}" in answer.only("prepare.failed")["hint"]


def test_a_folder_that_cannot_be_entered():
    with public_box() as box:
        make(box.db, NOTES, "wal")
        os.chmod(box.data, 0o000)
        answer = tool(box, "--", "true", **plain_user())
        os.chmod(box.data, 0o755)
        assert answer.status == 77
        said = answer.only("prepare.failed")
        assert "cannot reach the database" in said["error"]
        assert re.search("chown|chmod", said["hint"])


def test_a_read_only_volume():
    need_root()
    with public_box() as box:
        make(box.db, NOTES, "wal")
        box.migration("001_x", "CREATE TABLE x (x)")
        before = state_of(box.data)
        script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && exec "$0" -- echo runs'
        answer = run(["--mount", "sh", "-c", script, BIN, box.data], box.environment(), box.folder,
                     program="unshare")
        assert answer.status == 77 and answer.out == "", answer.err
        said = answer.only("prepare.failed")
        assert "read-only mount" in said["hint"] and ":ro" in said["hint"]
        assert state_of(box.data) == before


@pytest.mark.parametrize("command", ["status", "check", "backups"])
def test_a_read_only_volume_can_be_looked_at(command):
    """As of a backup that is mounted to see what is in it."""
    need_root()
    with public_box() as box:
        make(box.db, NOTES, "delete")
        script = ('mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && exec "$0" ' + command)
        must(run(["--mount", "sh", "-c", script, BIN, box.data], box.environment(), box.folder,
                 program="unshare"))


def test_a_second_liteinit(liteinit):
    liteinit.migration("001_notes", NOTES)
    first = liteinit("sleep", "60")
    first.wait_event("app.start")
    second = tool(liteinit, "--lock-timeout=300ms", "--", "echo", "the app runs")
    assert second.status == 75 and second.out == ""
    said = second.only("prepare.failed")
    assert "another liteinit holds the database" in said["error"]
    assert re.search(r"\(pid 1 on host \S+ since 20\d\d-", said["error"])
    assert "waited 300 ms" in said["error"]
    assert "--lock-timeout" in said["hint"]
    assert first.stop()[0] == 143


def test_a_second_liteinit_waits_for_the_first(liteinit):
    """As when an engine starts the new container before the old one is gone."""
    liteinit.migration("001_notes", NOTES)
    first = liteinit("sleep", "60")
    first.wait_event("app.start")
    second = liteinit("echo", "the second runs")
    second.wait_event("init.start")
    assert first.stop()[0] == 143
    assert second.wait() == 0, second.log()
    assert second.out == "the second runs\n"


def test_a_lock_file_alone_holds_nobody_up(liteinit):
    liteinit.migration("001_notes", NOTES)
    lock = liteinit.data / "app.db.liteinit.lock"
    lock.write_text("pid 1 on host gone since 2020-01-01T00:00:00.000Z\n", encoding="utf-8")
    must(tool(liteinit, "--lock-timeout=0s", "--", "true"))
    assert "host gone" not in lock.read_text(encoding="utf-8")


@pytest.mark.parametrize("journal", ["wal", "delete"])
@pytest.mark.parametrize("how", ["writer", "reader", "exclusive"])
def test_somebody_else_has_the_database(liteinit, journal, how):
    make(liteinit.db, "CREATE TABLE t (x); INSERT INTO t VALUES (1)", journal)
    statements = {"writer": ["BEGIN IMMEDIATE", "INSERT INTO t VALUES (2)"],
                  "reader": ["BEGIN", "SELECT * FROM t"],
                  "exclusive": ["PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE"]}[how]
    liteinit.migration("001_notes", NOTES)
    with holding(liteinit.db, *statements) as other:
        answer = tool(liteinit, "--busy-timeout=200ms", "--", "echo", "the app runs")
        assert answer.status == 75 and answer.out == "", answer.err
        said = answer.only("prepare.failed")
        assert f"pid {other.pid} (python3" in said["error"] and "waited 200 ms" in said["error"]
        assert "--busy-timeout" in said["hint"]
        # Our look at the file has not dropped the locks of its user.
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            with contextlib.closing(sqlite3.connect(liteinit.db, timeout=0)) as db:
                db.execute("BEGIN EXCLUSIVE" if how != "reader" or journal == "delete"
                           else "PRAGMA journal_mode = DELETE")
                db.execute("INSERT INTO t VALUES (3)")
                db.commit()
    must(tool(liteinit, "--", "true"))
    assert liteinit.rows("SELECT x FROM t") == [(1,)]


def test_a_writer_that_ends_in_time(liteinit):
    make(liteinit.db, "CREATE TABLE t (x)", "wal")
    with holding(liteinit.db, "BEGIN IMMEDIATE", "INSERT INTO t VALUES (2)") as other:
        timer = threading.Timer(0.4, other.tell, ["go"])
        timer.start()
        must(tool(liteinit, "--busy-timeout=20s", "--", "true"))
        timer.join()


def test_another_programs_lock_on_the_lock_file(liteinit):
    """A lock that says nothing about its holder."""
    lock = liteinit.data / "app.db.liteinit.lock"
    with open(lock, "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        answer = tool(liteinit, "prepare", "--lock-timeout=100ms")
    assert answer.status == 75
    assert "did not say who it is" in answer.only("prepare.failed")["error"]


def test_the_lock_file_is_no_way_to_another_file(liteinit):
    """A link under its name is not followed: its target is not made or emptied."""
    victim = liteinit.folder / "victim"
    victim.write_text("precious", encoding="utf-8")
    (liteinit.data / "app.db.liteinit.lock").symlink_to(victim)
    answer = tool(liteinit, "prepare")
    assert answer.status != 0
    assert victim.read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize("ending", ["-wal", "-journal", "-shm", ".liteinit.lock"])
def test_no_link_beside_the_database_leads_elsewhere(liteinit, ending):
    """SQLite itself follows a link under the name of a WAL, and would write its header through it."""
    make(liteinit.db, ROWS, "wal")
    liteinit.migration("001_notes", NOTES)
    victim = liteinit.folder / "victim"
    victim.write_text("precious", encoding="utf-8")
    link = liteinit.db.with_name(liteinit.db.name + ending)
    link.symlink_to(victim)
    before = sha256(liteinit.db)
    for words in (["prepare"], ["checkpoint"], ["--", "echo", "the app runs"]):
        answer = tool(liteinit, *words)
        assert answer.status == 78 and "the app runs" not in answer.out
        said = [event for event in answer.events if event.get("hint")][0]
        assert str(link) in said["error"] and f"rm {link}" in said["hint"]
    assert victim.read_text(encoding="utf-8") == "precious"
    assert link.is_symlink() and sha256(liteinit.db) == before
    link.unlink()
    must(tool(liteinit, "prepare"))


@pytest.mark.parametrize("ending", ["-wal", ".liteinit.lock"])
def test_root_gives_no_file_of_its_own_away(ending):
    """In the folder of an app's user a file of root's, put under a name of liteinit's, stays root's;
    its second name is not written through."""
    need_root()
    with public_box() as box:
        make(box.db, ROWS, "wal")
        box.migration("001_notes", NOTES)
        secret = box.data / "secret"
        secret.write_text("precious" * 100, encoding="utf-8")
        os.chmod(secret, 0o600)
        os.chown(box.data, NOBODY, NOBODY)
        link = box.db.with_name(box.db.name + ending)
        os.link(secret, link)
        answer = tool(box, "prepare")
        assert answer.status == 78 and f"rm {link}" in answer.only("prepare.failed")["hint"]
        secret.unlink()
        if ending == ".liteinit.lock":  # its one name now, and still root's
            must(tool(box, "prepare"))
            assert link.stat().st_uid == 0
        else:
            assert link.read_text(encoding="utf-8") == "precious" * 100


def test_an_old_backup_beside_it_can_be_used(liteinit):
    """What the hints say works: the backup put in the database's place starts."""
    make(liteinit.db, ROWS, "wal")
    liteinit.migration("001_notes", NOTES)
    must(tool(liteinit, "prepare"))
    before = must(tool(liteinit, "backup", "--json")).document()["path"]
    damage(liteinit.db)
    assert tool(liteinit, "prepare", "--check=quick").status == 65
    os.replace(before, liteinit.db)
    must(tool(liteinit, "prepare", "--check=full"))
    assert sum(line.startswith('INSERT INTO "t"') for line in dump(liteinit.db)) == 2000


def test_a_disk_that_fills_during_the_migration(liteinit):
    """The database is as it was before, and the next start, with room, goes on."""
    need_root()
    make(liteinit.db, ROWS, "wal")
    liteinit.migration("001_big", "CREATE TABLE big AS SELECT zeroblob(9000000) AS z;")
    before = dump(liteinit.db)
    after = liteinit.folder / "after.db"
    script = ('mount -t tmpfs -o size=4m none "$1" && cp "$2" "$1/app.db" && '
              '"$0" --db "$1/app.db" --backup never --min-free 0 -- echo the app runs; s=$?; '
              'rm -f "$1/app.db.liteinit"*; ls -A "$1"; cp "$1/app.db" "$3"; exit $s')
    small = liteinit.folder / "small"
    small.mkdir()
    answer = run(["--mount", "sh", "-c", script, BIN, small, liteinit.db, after],
                 liteinit.environment(LITEINIT_DB=None), liteinit.folder, program="unshare")
    assert answer.status == 65, answer.err
    assert answer.out == "app.db\n"
    said = answer.only("migrate.failed")
    assert "full" in said["error"] and "free space" in said["hint"]
    assert [line for line in dump(after) if "migration" not in line] == before
    assert liteinit.rows("SELECT count(*) FROM t", path=after) == [(2000,)]
    os.replace(after, liteinit.db)
    must(tool(liteinit, "prepare"))
    assert liteinit.applied() == [1]


def test_damage_that_the_backup_finds_is_said_of_the_database(liteinit):
    """With a migration pending, the check of the copy is the check of the database."""
    make(liteinit.db, "CREATE TABLE t (x); CREATE INDEX i ON t (x);"
         "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE"
         " i < 5000) SELECT hex(randomblob(20)) FROM n;")
    liteinit.migration("001_more", "CREATE TABLE more (x);")
    size = liteinit.db.stat().st_size
    with open(liteinit.db, "r+b") as file:
        file.seek(size // 2 // 4096 * 4096)
        file.write(b"\xff" * 4096)
    before = sha256(liteinit.db)
    answer = tool(liteinit, "prepare")
    assert answer.status == 65, answer.err
    said = answer.only("check.failed")
    assert str(liteinit.db) in said["msg"] and ".tmp" not in said["msg"]
    assert sha256(liteinit.db) == before
