"""The verified backup before a change: what is in it, when it is made, used again and removed."""

import contextlib
import hashlib
import json
import os
import re
import sqlite3
import stat
import subprocess
import time
from pathlib import Path

import pytest

from dbkit import (backups, dump, make, manifests, must, plain_user, public_box, run, state_of,
                   tool)
from harness import BIN, SIGKILL, SLOW_SQL, need_root, until

DATA = """CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
  SELECT i, 'row ' || i FROM n;
CREATE INDEX i ON t (v); CREATE VIEW w AS SELECT count(*) FROM t;"""
CHANGE = "UPDATE t SET v = 'changed'; CREATE TABLE more (x);"
BAD = "UPDATE t SET v = 'changed'; SELEKT 1;"


def ready(box, journal="wal"):
    make(box.db, DATA, journal)
    box.migration("001_change", CHANGE)


def folder(box):
    return box.data / "backups"


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_it_holds_the_database_from_before(liteinit, journal):
    ready(liteinit, journal)
    before = dump(liteinit.db)
    content = liteinit.db.read_bytes()
    must(tool(liteinit, "prepare"))
    (backup,) = backups(liteinit)
    assert dump(backup) == before
    assert backup.read_bytes() == content
    assert dump(liteinit.db) != before


def test_the_manifest(liteinit):
    ready(liteinit)
    must(tool(liteinit, "prepare", "--backup=never"))
    liteinit.migration("002_next", "DELETE FROM t WHERE id > 100")
    answer = must(tool(liteinit, "prepare", env={"APP_VERSION": "3.1"}))
    (backup,) = backups(liteinit)
    (said,) = manifests(folder(liteinit))
    assert said["source"] == str(liteinit.db)
    assert said["reason"] == "migration"
    assert said["created"][:4].isdigit() and said["created"].endswith("Z")
    assert said["size"] == backup.stat().st_size == said["page_size"] * said["page_count"]
    assert said["sha256"] == hashlib.sha256(backup.read_bytes()).hexdigest()
    assert said["schema_version"] == 1
    assert said["rows"] == {"t": 500, "more": 0, "schema_migrations": 1, "migration_history": 1}
    assert len(said["schema_hash"]) == 64
    assert said["app_version"] == "3.1"
    assert said["verdict"] == "verified"
    event = answer.only("backup.done")
    assert (event["path"], event["sha256"], event["bytes"]) == (
        str(backup), said["sha256"], said["size"])
    row = liteinit.rows("SELECT backup_path FROM migration_history WHERE version = 2")[0][0]
    assert row == str(backup)


def test_the_schema_hash_is_of_the_schema(liteinit):
    make(liteinit.db, DATA, "wal")
    for sql in ("UPDATE t SET v = 'x'", "CREATE TABLE u (x)"):
        must(tool(liteinit, "backup"))
        make(liteinit.db, sql, "wal")
    must(tool(liteinit, "backup"))
    hashes = [said["schema_hash"] for said in sorted(manifests(folder(liteinit)),
                                                     key=lambda said: said["created"])]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("value, pending, made", [
    ("pending", True, 1), ("pending", False, 0), ("always", True, 1), ("always", False, 1),
    ("never", True, 0), ("never", False, 0)])
def test_when_one_is_made(liteinit, value, pending, made):
    make(liteinit.db, DATA, "wal")
    if pending:
        liteinit.migration("001_change", CHANGE)
    answer = must(tool(liteinit, "prepare", f"--backup={value}"))
    assert len(backups(liteinit)) == len(answer.named("backup.done")) == made
    assert len(answer.named("backup.skipped")) == (value == "never" and pending)


def test_always_makes_none_of_unchanged_data(liteinit):
    make(liteinit.db, DATA, "wal")
    must(tool(liteinit, "prepare", "--backup=always"))
    answer = must(tool(liteinit, "prepare", "--backup=always"))
    assert answer.only("backup.reused")["path"] == str(backups(liteinit)[0])
    make(liteinit.db, "DELETE FROM t", "wal")
    must(tool(liteinit, "prepare", "--backup=always"))
    assert len(backups(liteinit)) == 2


@pytest.mark.parametrize("journal, mode", [("wal", "wal"), ("delete", "wal"), ("delete", "keep")])
def test_a_restart_loop_makes_one(liteinit, journal, mode):
    make(liteinit.db, DATA, journal)
    before = dump(liteinit.db)
    liteinit.migration("001_bad", BAD)
    events = []
    for _ in range(10):
        answer = tool(liteinit, "prepare", f"--journal-mode={mode}")
        assert answer.status == 65
        events += answer.names
    assert len(backups(liteinit)) == 1
    assert events.count("backup.done") == 1 and events.count("backup.reused") == 9
    assert dump(backups(liteinit)[0]) == before
    assert liteinit.attempts() == [(1, "failed")] * 10


def cpu_ticks(pid):
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return int(text.rpartition(")")[2].split()[11])


@pytest.mark.parametrize("journal, mode", [("wal", "wal"), ("delete", "wal"), ("delete", "keep")])
def test_a_loop_of_kills_makes_one(liteinit, journal, mode):
    """As of an out-of-memory killer: the worker, or all of the container, in mid-migration."""
    make(liteinit.db, DATA, journal)
    before = dump(liteinit.db)
    liteinit.migration("001_slow", "UPDATE t SET v = 'changed';" + SLOW_SQL)
    for number in range(5):
        life = liteinit("true", options=[f"--journal-mode={mode}", "--rehearse=never"])
        life.wait_event("migrate.apply")
        worker = life.worker_pid("prepare")
        until(lambda: cpu_ticks(worker) > 4, "the migration's own statements run")
        if number % 2:
            os.kill(worker, SIGKILL)
            assert life.wait() == 75
        else:
            life.signal(SIGKILL)
            life.wait()
    assert len(backups(liteinit)) == 1, [p.name for p in backups(liteinit)]
    assert dump(backups(liteinit)[0]) == before
    assert liteinit.value("SELECT count(*) FROM t WHERE v = 'changed'") == 0


def test_a_backup_that_was_damaged_is_not_used_again(liteinit):
    ready(liteinit)
    liteinit.migration("001_change", BAD)
    assert tool(liteinit, "prepare").status == 65
    (first,) = backups(liteinit)
    content = bytearray(first.read_bytes())
    content[-100] ^= 1  # in a row or free space: the size and every header stay
    first.write_bytes(content)
    answer = tool(liteinit, "prepare")
    assert answer.named("backup.reused") == []
    assert len(backups(liteinit)) == 2


def test_data_that_has_changed_is_backed_up_again(liteinit):
    """A write that comes by the WAL counts, though the file's change counter does not move."""
    ready(liteinit)
    liteinit.migration("001_change", BAD)
    assert tool(liteinit, "prepare").status == 65
    make(liteinit.db, "UPDATE t SET v = 'newer' WHERE id = 1", "wal")
    answer = tool(liteinit, "prepare")
    assert len(backups(liteinit)) == 2
    newest = answer.only("backup.done")["path"]
    assert liteinit.rows("SELECT v FROM t WHERE id = 1", path=newest) == [("newer",)]


def several(box, count, *options):
    """So many migrations, each with its backup, and a moment apart. The last call's answer."""
    answer = None
    for number in range(1, count + 1):
        box.migration(f"{number:03}_n", f"CREATE TABLE n{number} (x)")
        answer = must(tool(box, "prepare", *options))
    return answer


def versions(box):
    return sorted(said["schema_version"] for said in manifests(folder(box)))


@pytest.mark.parametrize("keep, left", [(1, [5]), (3, [3, 4, 5]), (10, [0, 1, 2, 3, 4, 5]),
                                        (0, [0, 1, 2, 3, 4, 5])])
def test_keep(liteinit, keep, left):
    make(liteinit.db, DATA, "wal")
    answer = several(liteinit, 6, f"--keep={keep}")
    assert versions(liteinit) == left
    assert len(backups(liteinit)) == len(left)
    assert len(answer.named("backup.pruned")) == (1 if len(left) < 6 else 0)


def test_the_default_keeps_ten(liteinit):
    make(liteinit.db, DATA, "wal")
    several(liteinit, 12)
    assert versions(liteinit) == list(range(2, 12))


def make_older(path, days):
    manifest = path.with_name(path.name + ".json")
    said = json.loads(manifest.read_text(encoding="utf-8"))
    then = time.gmtime(time.time() - days * 86400)
    said["created"] = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", then)
    manifest.write_text(json.dumps(said), encoding="utf-8")


def test_keep_days(liteinit):
    make(liteinit.db, DATA, "wal")
    several(liteinit, 4, "--keep=0")
    by_version = {said["schema_version"]: path for said, path in
                  zip(manifests(folder(liteinit)), backups(liteinit))}
    for version, days in ((0, 30), (1, 8), (2, 6)):
        make_older(by_version[version], days)
    liteinit.migration("005_n", "CREATE TABLE n5 (x)")
    must(tool(liteinit, "prepare", "--keep=1", "--keep-days=7"))
    assert versions(liteinit) == [2, 3, 4]


def test_the_newest_stays_whatever_its_age(liteinit):
    make(liteinit.db, DATA, "wal")
    must(tool(liteinit, "prepare", "--backup=always"))
    make_older(backups(liteinit)[0], 400)
    must(tool(liteinit, "prepare", "--backup=always", "--keep=0", "--keep-days=7"))
    assert len(backups(liteinit)) == 1


def test_the_retention_touches_nothing_else(liteinit):
    """Unverified backups, another database's, and files that nobody knows."""
    make(liteinit.db, DATA, "wal")
    several(liteinit, 2)
    first, second = backups(liteinit)
    name = "app_2001-01-01_00-00-00_x.db"
    foreign = {"notes.txt": b"mine", "old.db": second.read_bytes(), "app.sql.gz": b"\x1f\x8b"}
    for verdict, source in (("unverified", str(liteinit.db)), ("verified", "/data/other.db")):
        said = json.loads((folder(liteinit) / (first.name + ".json")).read_text(encoding="utf-8"))
        said.update(verdict=verdict, source=source, created="2001-01-01T00:00:00.000Z")
        foreign[f"{verdict}_{name}"] = first.read_bytes()
        foreign[f"{verdict}_{name}.json"] = json.dumps(said).encode()
    for file, content in foreign.items():
        (folder(liteinit) / file).write_bytes(content)
    liteinit.migration("003_n", "CREATE TABLE n3 (x)")
    must(tool(liteinit, "prepare", "--keep=1"))
    left = {path.name for path in folder(liteinit).iterdir()}
    assert set(foreign) <= left
    assert not first.exists() and not second.exists()
    assert len(left) == len(foreign) + 2


def test_a_failed_migration_removes_no_backup(liteinit):
    make(liteinit.db, DATA, "wal")
    several(liteinit, 4)
    liteinit.migration("005_bad", BAD)
    answer = tool(liteinit, "prepare", "--keep=1")
    assert answer.status == 65
    assert len(backups(liteinit)) == 5


def test_another_folder(liteinit):
    ready(liteinit)
    elsewhere = liteinit.folder / "else where"
    answer = must(tool(liteinit, "prepare", "--backup-dir", elsewhere))
    assert not folder(liteinit).exists()
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o700
    assert str(elsewhere) in answer.only("backup.done")["path"]
    assert len(manifests(elsewhere)) == 1
    liteinit.migration("002_n", "CREATE TABLE n2 (x)")
    os.chmod(elsewhere, 0o750)
    must(tool(liteinit, "prepare", "--backup-dir", elsewhere))
    assert len(manifests(elsewhere)) == 2
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o750


def backup_fails(box, *options, **popen):
    before = state_of(box.data)
    answer = tool(box, "prepare", *options, **popen)
    assert answer.status == 73, answer.err
    assert answer.named("migrate.apply") == []
    assert state_of(box.data) == before
    return answer.only("backup.failed")


def test_a_folder_that_cannot_be_written():
    with public_box() as box:
        ready(box)
        away = box.folder / "away"
        away.mkdir(mode=0o555)
        user = plain_user()
        if user:
            for path in (box.data, box.db):
                os.chown(path, user["user"], user["user"])
        said = backup_fails(box, "--backup-dir", away, **user)
        assert str(away) in said["error"] and "Permission denied" in said["error"]
        assert "chown" in said["hint"] or "chmod" in said["hint"]


@pytest.mark.parametrize("what", ["file", "parent"])
def test_a_folder_that_is_none(liteinit, what):
    ready(liteinit)
    away = liteinit.folder / "away"
    if what == "file":
        away.write_text("x", encoding="utf-8")
    else:
        away = away / "deep" / "er"
    said = backup_fails(liteinit, "--backup-dir", away)
    assert str(away) in said["error"] and said["hint"]


@pytest.mark.parametrize("command, event", [("prepare --min-free 0", "disk.low"),
                                            ("backup", "backup.failed")])
def test_a_disk_that_is_full(liteinit, command, event):
    """The backup's folder is a volume with room for half of it: a start says so before it begins,
    and a backup by hand leaves nothing of the half."""
    need_root()
    make(liteinit.db, "CREATE TABLE t (v); INSERT INTO t VALUES (randomblob(1500000))", "wal")
    liteinit.migration("001_change", CHANGE)
    away = liteinit.folder / "away"
    away.mkdir()
    script = (f'mount -t tmpfs -o size=1m none "$1" && "$0" {command} --backup-dir "$1";'
              ' s=$?; ls -A "$1"; exit $s')
    answer = run(["--mount", "sh", "-c", script, BIN, away], liteinit.environment(),
                 liteinit.folder, program="unshare")
    assert answer.status == 73, answer.err
    assert answer.out == ""
    assert "--backup-dir" in answer.only(event)["hint"]
    assert liteinit.value("SELECT count(*) FROM sqlite_master WHERE name = 'more'") == 0


def test_names(liteinit):
    make(liteinit.db, DATA, "wal")
    for pattern, check in (
            ("{db}.{version}.bak", lambda name: name == "app.db.0.bak"),
            ("{reason}-{iso}", lambda name: name.startswith("x-20") and name.endswith("Z")),
            ("plain", lambda name: name == "plain"),
            ("{stem}_{date}_{time}{ext}",
             re.compile(r"app_20\d\d-\d\d-\d\d_\d\d-\d\d-\d\d\.db").fullmatch)):
        answer = must(tool(liteinit, "backup", "--reason=x", "--json", "--backup-name", pattern))
        name = answer.document()["path"].rsplit("/", 1)[1]
        assert check(name), (pattern, name)
    assert len(backups(liteinit)) == 4 and len(manifests(folder(liteinit))) == 4


def test_two_in_one_second(liteinit):
    make(liteinit.db, DATA, "wal")
    names = [must(tool(liteinit, "backup", "--json", "--backup-name", "same{ext}"))
             .document()["path"].rsplit("/", 1)[1] for _ in range(3)]
    assert names == ["same.db", "same-2.db", "same-3.db"]
    assert [json.loads((folder(liteinit) / (name + ".json")).read_text(encoding="utf-8"))["verdict"]
            for name in names] == ["verified"] * 3


def test_a_kill_leaves_nothing_under_a_final_name(liteinit):
    """And the next backup clears what is under a temporary one."""
    make(liteinit.db, "CREATE TABLE t (v); INSERT INTO t VALUES (zeroblob(60000000))", "wal")
    liteinit.migration("001_change", "CREATE TABLE more (x)")
    life = liteinit("true")
    life.wait_event("backup.start")
    life.signal(SIGKILL)
    life.wait()
    if not life.named("backup.done"):
        assert backups(liteinit) == [] or all(p.name.startswith(".") for p in backups(liteinit))
        assert manifests(folder(liteinit)) == []
    must(tool(liteinit, "prepare"))
    names = sorted(path.name for path in folder(liteinit).iterdir())
    assert len(names) == 2 and names[1] == names[0] + ".json"


def test_two_containers_share_a_backup_folder(tmp_path):
    """Each has its own /data/app.db: the retention of one leaves the other's backups alone."""
    shared = tmp_path / "backups"
    binary = Path(BIN)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        make(tmp_path / name / "app.db", f"CREATE TABLE t (x); INSERT INTO t VALUES ('{name}');")
    need_root()
    (tmp_path / "data").mkdir()
    for turn in range(3):
        for name in ("one", "two"):
            change(tmp_path / name / "app.db", turn)
            script = f"mount --bind {tmp_path}/{name} {tmp_path}/data && exec \"$0\" \"$@\""
            subprocess.run(["unshare", "--mount", "sh", "-c", script, binary, "prepare", "--db",
                            tmp_path / "data" / "app.db", "--backup", "always", "--keep", "2",
                            "--migrations", "none", "--backup-dir", shared],
                           check=True, capture_output=True, timeout=60)
    kept = {"one": 0, "two": 0}
    for path in shared.glob("*.db"):
        with contextlib.closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as db:
            kept[db.execute("SELECT x FROM t").fetchone()[0]] += 1
    assert kept == {"one": 2, "two": 2}


def change(path, turn):
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO t VALUES (?)", (turn,))
        db.commit()


def test_a_link_in_the_place_of_the_backups(liteinit):
    """Made by an app that owns the folder, it would lead root elsewhere."""
    need_root()
    ready(liteinit)
    elsewhere = liteinit.folder / "elsewhere"
    elsewhere.mkdir()
    folder(liteinit).symlink_to(elsewhere)
    os.lchown(folder(liteinit), 1026, 100)
    answer = tool(liteinit, "prepare")
    assert answer.status == 73, answer.err
    assert "1026" in answer.only("backup.failed")["msg"]
    assert list(elsewhere.iterdir()) == []
    # Named, it is meant so; and so is a link that root itself made.
    must(tool(liteinit, "prepare", "--backup-dir", folder(liteinit)))
    assert len(list(elsewhere.iterdir())) == 2
