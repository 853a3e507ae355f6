"""The operator's commands: what they print, their exit codes, and how they behave beside an app."""

import json
import re
import sqlite3
import subprocess

import pytest

from dbkit import backups, holding, make, must, sha256, state_of, tool
from harness import BIN, SIGTERM

NOTES = "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT);"
COMMANDS = ["run", "prepare", "status", "up", "down", "redo", "new", "validate", "history", "adopt",
            "baseline", "repair", "backup", "backups", "check", "health", "checkpoint"]


def ready(box):
    box.migration("001_notes", NOTES)
    box.migration("001_notes_down", "DROP TABLE notes")
    must(tool(box, "prepare", env={"APP_VERSION": "1.0"}))


def test_version(liteinit):
    for word in ("--version", "-V"):
        answer = must(tool(liteinit, word))
        assert re.fullmatch(r"liteinit \d+\.\d+\.\d+\S* \(SQLite 3\.\d+\.\d+\)\n", answer.out)
        assert answer.err == ""
    major, minor, patch = map(int, re.search(r"SQLite (\d+)\.(\d+)\.(\d+)", answer.out).groups())
    assert (major, minor, patch) >= (3, 51, 3)


def test_help(liteinit):
    answer = must(tool(liteinit, "--help"))
    for command in COMMANDS:
        assert re.search(rf"^  {command}\b", answer.out, re.M), command
    for key in ("--db", "--migrations", "--backup-dir", "--stop-timeout"):
        assert key in answer.out
    assert answer.err == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command(liteinit, command):
    answer = must(tool(liteinit, command, "--help"))
    assert answer.out.startswith(f"Usage: liteinit {command}")
    assert answer.err == ""
    assert not liteinit.db.exists()


def test_status_of_a_migrated_database(liteinit):
    ready(liteinit)
    liteinit.migration("002_bad", "SELEKT 1")
    assert tool(liteinit, "prepare").status == 65
    said = must(tool(liteinit, "status", "--json")).document()
    assert said["db"] == str(liteinit.db)
    assert said["bytes"] == liteinit.db.stat().st_size
    assert said["journal_mode"] == "wal" and said["wal_bytes"] == 0
    assert said["schema_version"] == 1
    (applied,) = said["applied"]
    assert (applied["version"], applied["name"], applied["app_version"]) == (1, "notes", "1.0")
    (pending,) = said["pending"]
    assert (pending["version"], pending["file"], pending["reversible"]) == (2, "002_bad.sql", False)
    assert [(a["version"], a["status"]) for a in said["recent"]] == [(2, "failed"), (1, "success")]
    assert said["recent"][0]["error"].startswith("002_bad.sql:1:1:")
    assert said["backups"] == must(tool(liteinit, "backups", "--json")).document()
    assert [item["name"] for item in said["backups"]["backups"]] == [backups(liteinit)[0].name]
    assert said["drift"] == []
    assert said["app"] == "down"


def test_status_as_text(liteinit):
    ready(liteinit)
    liteinit.migration("002_more", "CREATE TABLE more (x)")
    text = must(tool(liteinit, "status")).out
    assert str(liteinit.db) in text
    assert "version 1, 1 applied, 1 pending" in text
    assert "002_more.sql (no way back)" in text
    assert "journal mode wal" in text


def test_status_changes_nothing(liteinit):
    ready(liteinit)
    before = state_of(liteinit.data)
    for command in (("status",), ("status", "--json"), ("check",), ("backups",)):
        must(tool(liteinit, *command))
        assert state_of(liteinit.data) == before
    assert sorted(p.name for p in liteinit.data.iterdir()) == ["app.db", "app.db.liteinit.lock"]


def test_status_tells_drift_and_problems(liteinit):
    ready(liteinit)
    liteinit.migration("001_notes", NOTES + "SELECT 1;")
    (drift,) = must(tool(liteinit, "status", "--json")).document()["drift"]
    assert "001_notes.sql has changed" in drift
    (liteinit.migrations / "001_notes.sql").unlink()
    (liteinit.migrations / "001_notes_down.sql").unlink()
    liteinit.migration("000_zero", "SELECT 1")
    said = must(tool(liteinit, "status", "--json")).document()
    assert "000_zero.sql" in said["problem"]
    assert said["schema_version"] == 1


def test_status_beside_the_app(liteinit):
    ready(liteinit)
    life = liteinit("sleep", "60")
    life.wait_event("app.start")
    said = must(tool(liteinit, "status", "--json")).document()
    assert said["app"] == "up"
    assert said["last_life"]["state"] == "running"
    assert life.stop(SIGTERM)[0] == 143
    said = must(tool(liteinit, "status", "--json")).document()
    assert said["app"] == "down"
    assert (said["last_life"]["state"], said["last_life"]["exit_code"]) == ("ended", 143)
    assert said["last_life"]["wal"] == "folded"


@pytest.mark.parametrize("command", ["status", "backup", "check"])
def test_a_database_that_is_not_there(liteinit, command):
    answer = tool(liteinit, command, "--json")
    assert answer.status == 66
    said = answer.document()
    assert said["ok"] is False and said["error"]["exit_code"] == 66
    assert "Database not found" in said["error"]["message"] and said["error"]["hint"]
    assert list(liteinit.data.iterdir()) == []


@pytest.mark.parametrize("command", ["prepare", "status", "backup", "backups", "check",
                                     "checkpoint", "up", "down", "redo", "history", "adopt"])
def test_no_database_is_named(liteinit, command):
    answer = tool(liteinit, command, env={"LITEINIT_DB": None})
    assert answer.status == 78
    assert "no database is configured" in answer.err and "LITEINIT_DB" in answer.err
    assert answer.out == ""


def test_prepare_as_json(liteinit):
    liteinit.migration("001_notes", NOTES)
    said = must(tool(liteinit, "prepare", "--json")).document()
    assert said == {"ok": True, "schema_version": 1, "applied": 1, "first_applied": 1,
                    "last_applied": 1, "rolled_back": 0, "recorded": 0}
    liteinit.migration("004_more", "CREATE TABLE more (x)")
    liteinit.migration("007_most", "CREATE TABLE most (x)")
    said = must(tool(liteinit, "prepare", "--json")).document()
    assert said.pop("backup") == str(backups(liteinit)[0])
    assert said == {"ok": True, "schema_version": 7, "applied": 2, "first_applied": 4,
                    "last_applied": 7, "rolled_back": 0, "recorded": 0}
    said = must(tool(liteinit, "prepare", "--json")).document()
    assert said == {"ok": True, "schema_version": 7, "applied": 0, "rolled_back": 0, "recorded": 0}


def test_a_failure_as_json(liteinit):
    liteinit.migration("001_bad", "CREATE TABLE a (x);\n  SELEKT 1;")
    answer = tool(liteinit, "prepare", "--json")
    assert answer.status == 65
    error = answer.document()["error"]
    assert (error["file"], error["line"], error["column"]) == ("001_bad.sql", 2, 3)
    assert error["exit_code"] == 65 and error["hint"]
    assert "SELEKT" in error["message"]


def test_without_json_a_worker_leaves_stdout_alone(liteinit):
    liteinit.migration("001_notes", NOTES)
    assert must(tool(liteinit, "prepare")).out == ""
    assert must(tool(liteinit, "up")).out == "Schema at version 1: 0 applied\n"
    assert must(tool(liteinit, "checkpoint")).out == ""


def test_up_to_a_version(liteinit):
    for number in (1, 3, 5, 8):
        liteinit.migration(f"{number:03}_n", f"CREATE TABLE n{number} (x)")
    said = must(tool(liteinit, "up", "3", "--json")).document()
    assert (said["schema_version"], said["applied"]) == (3, 2)
    assert liteinit.applied() == [1, 3]
    assert must(tool(liteinit, "up", "--json", "5")).document()["applied"] == 1
    must(tool(liteinit, "up", "3"))
    assert liteinit.applied() == [1, 3, 5]
    must(tool(liteinit, "up"))
    assert liteinit.applied() == [1, 3, 5, 8]


@pytest.mark.parametrize("words, status, word", [
    (["4"], 66, "no migration with the number 4"), (["x"], 64, "no version"),
    (["0"], 66, "no migration with the number 0"), (["-1"], 64, ""), (["1", "2"], 64, "too much"),
    (["99999999999999999999"], 64, "no version")])
def test_up_to_what_is_no_version(liteinit, words, status, word):
    ready(liteinit)
    before = sha256(liteinit.db)
    answer = tool(liteinit, "up", *words)
    assert answer.status == status, answer.err
    assert word in answer.err
    assert sha256(liteinit.db) == before


def test_up_to_what_is_no_version_makes_no_database(liteinit):
    liteinit.migration("001_notes", NOTES)
    answer = tool(liteinit, "up", "4")
    assert answer.status == 66 and "no migration with the number 4" in answer.err
    assert not liteinit.db.exists()


def test_up_without_a_folder(liteinit):
    answer = tool(liteinit, "up", env={"LITEINIT_MIGRATIONS": None})
    assert answer.status == 66 and "--migrations" in answer.err
    assert not liteinit.db.exists()


def test_up_while_the_app_runs_is_refused(liteinit):
    ready(liteinit)
    life = liteinit("sleep", "60")
    life.wait_event("app.start")
    liteinit.migration("002_more", "CREATE TABLE more (x)")
    answer = tool(liteinit, "up", "--lock-timeout=100ms")
    assert answer.status == 75
    assert re.search(r"another liteinit holds .*\(pid 1 on host ", answer.err)
    assert liteinit.applied() == [1]


def test_check_of_a_good_database(liteinit):
    ready(liteinit)
    answer = must(tool(liteinit, "check"))
    assert answer.out.startswith(f"ok: {liteinit.db} (quick check")
    assert must(tool(liteinit, "check", "--full")).out.startswith(f"ok: {liteinit.db} (full check")
    said = must(tool(liteinit, "check", "--full", "--json")).document()
    assert (said["ok"], said["check"], said["problems"], said["foreign_key_violations"]) == (
        True, "full", 0, 0)


def test_check_finds_foreign_keys_that_are_broken(liteinit):
    make(liteinit.db, "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p);"
                      "INSERT INTO c VALUES (5), (6);", "wal")
    answer = tool(liteinit, "check", "--json")
    assert answer.status == 65
    said = answer.document()
    assert said["ok"] is False and said["foreign_key_violations"] == 2 and said["problems"] == 0
    assert "row 1 of c has no parent in p" in said["first_violation"]
    assert answer.only("check.failed")["hint"]


def test_check_looks_past_a_key_that_cannot_be_checked(liteinit):
    make(liteinit.db, "CREATE TABLE p (id INTEGER PRIMARY KEY, name);"
                      "CREATE TABLE a_odd (p REFERENCES p (name)); INSERT INTO a_odd VALUES (1);"
                      "CREATE TABLE c (p REFERENCES p); CREATE TABLE z_odd (p REFERENCES p (name));"
                      "INSERT INTO z_odd VALUES (1);", "wal")
    must(tool(liteinit, "check"))
    make(liteinit.db, "INSERT INTO c VALUES (5)", "wal")
    answer = tool(liteinit, "check", "--json")
    assert answer.status == 65
    assert answer.document()["foreign_key_violations"] == 1
    assert "row 1 of c has no parent in p" in answer.document()["first_violation"]


def test_an_app_with_functions_of_its_own_is_not_called_corrupt(liteinit):
    """A collation and a function that the app registers: SQLite's check of the whole database cannot
    even be compiled without them."""
    base = sqlite3.connect(liteinit.db)
    base.create_collation("app_order", lambda a, b: (a < b) - (a > b))
    base.create_function("app_same", 1, lambda value: value, deterministic=True)
    base.executescript("CREATE TABLE t (name TEXT COLLATE app_order UNIQUE);"
                       "INSERT INTO t VALUES ('a'), ('b');"
                       "CREATE TABLE u (v CHECK (app_same(v) IS NOT NULL)); INSERT INTO u VALUES (1);"
                       "CREATE TABLE k (name REFERENCES t (name)); INSERT INTO k VALUES ('a');"
                       "CREATE TABLE plain (v); INSERT INTO plain VALUES (1);")
    base.close()
    said = must(tool(liteinit, "check", "--json")).document()
    assert (said["ok"], said["problems"], said["unchecked_tables"]) == (True, 0, 2)
    assert said["first_unchecked"] == "t: no such collation sequence: app_order"
    assert "not checked, the app itself is needed: 2 tables" in must(tool(liteinit, "check")).out
    must(tool(liteinit, "backup"))
    liteinit.migration("001_more", "ALTER TABLE plain ADD COLUMN w")
    answer = must(tool(liteinit, "prepare", "--check", "full"))
    assert answer.only("migrate.done") and answer.only("backup.done")
    assert any(event.get("unchecked") == 2 for event in answer.named("check.ok"))


def test_check_finds_damage(liteinit):
    make(liteinit.db, "CREATE TABLE t (v); INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
                      " SELECT i + 1 FROM n WHERE i < 500) SELECT hex(randomblob(50)) FROM n",
         "wal")
    with open(liteinit.db, "r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 4096)
    before = state_of(liteinit.data)
    answer = tool(liteinit, "check", "--json")
    assert answer.status == 65
    said = answer.document()
    assert said["ok"] is False and said["problems"] > 0 and said["first_problem"]
    assert "corrupt" in answer.only("check.failed")["error"]
    assert state_of(liteinit.data) == before


def test_check_beside_the_app(liteinit):
    make(liteinit.db, "CREATE TABLE t (x)", "wal")
    with holding(liteinit.db, "BEGIN IMMEDIATE", "INSERT INTO t VALUES (1)"):
        must(tool(liteinit, "check"))


def test_checkpoint_folds_in(liteinit):
    make(liteinit.db, "CREATE TABLE t (x)", "wal")
    with holding(liteinit.db, "INSERT INTO t VALUES (1)"):
        pass
    assert (liteinit.data / "app.db-wal").stat().st_size > 0
    answer = must(tool(liteinit, "checkpoint"))
    assert answer.only("wal.checkpoint")["pages"] > 0
    assert not (liteinit.data / "app.db-wal").exists()
    assert not (liteinit.data / "app.db-shm").exists()
    assert liteinit.value("SELECT x FROM t") == 1


def wal_state(box):
    wal = box.data / "app.db-wal"
    return sha256(box.db), wal.stat().st_size, wal.read_bytes()[:32]


@pytest.mark.parametrize("statements", [(), ("BEGIN", "SELECT * FROM t"), ("BEGIN IMMEDIATE",)])
def test_checkpoint_refuses_while_somebody_has_it_open(liteinit, statements):
    """Be it idle: its SQLite may have the WAL-reset bug."""
    make(liteinit.db, "CREATE TABLE t (x)", "wal")
    with holding(liteinit.db, "INSERT INTO t VALUES (1)", *statements) as other:
        before = wal_state(liteinit)
        answer = tool(liteinit, "checkpoint", "--busy-timeout=100ms")
        assert answer.status == 75
        said = answer.only("wal.checkpoint")
        assert said["level"] == "error"
        assert f"pid {other.pid} (python3" in said["error"]
        assert said["hint"]
        assert wal_state(liteinit) == before
    must(tool(liteinit, "checkpoint"))


def test_checkpoint_of_nothing(liteinit):
    must(tool(liteinit, "checkpoint"))
    assert not liteinit.db.exists()


def test_every_line_of_the_log_is_json_with_all_keys(liteinit):
    ready(liteinit)
    liteinit.migration("002_more", "CREATE TABLE more (x)")
    lines = must(tool(liteinit, "prepare", "--log-level=debug")).err.splitlines()
    assert len(lines) > 10
    for line in lines:
        event = json.loads(line)
        assert {"time", "level", "event", "msg", "component"} <= set(event)
        assert event["component"] == "liteinit" and event["level"] in ("debug", "info", "warn")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"])


def test_stdout_that_cannot_be_written(liteinit):
    ready(liteinit)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([BIN, "status", "--json"], env=liteinit.environment(),
                              stdout=full, stderr=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == 74
    assert b"No space left" in done.stderr
