"""Every exit status of the contract that migrations can reach: how to get there, with which command,
what the message says, and what the hint tells to do."""

import contextlib
import json
import os
import subprocess

import pytest

import harness
from dbkit import NOBODY, holding, make, must, plain_user, public_box, tool

A = "CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO a VALUES (1, 'x');"
A_DOWN = "DROP TABLE a;"
B = "CREATE TABLE b (id INTEGER PRIMARY KEY);"


class Case:
    """setup(box) makes it so; the answer of `command` has `status`, and the words in its one error
    and in the hint of it."""

    def __init__(self, status, name, setup, command, words, hint, **more):
        self.status, self.name, self.setup = status, name, setup
        self.command, self.words, self.hint = command, words, hint
        self.env = more.get("env", {})
        self.around = more.get("around")  # a context while it runs
        self.user = more.get("user", False)


def files(**texts):
    """Migrations by name; the database is not there yet."""
    def setup(box):
        for name, text in texts.items():
            box.migration(name[1:], text)  # names begin with an underscore
    return setup


def applied(then=None, **texts):
    """The same, applied; then more is done."""
    def setup(box):
        files(**(texts or {"_1_a": A}))(box)
        must(tool(box, "prepare"))
        if then is not None:
            then(box)
    return setup


def sql(*statements):
    return lambda box: [box.rows(s) for s in statements] and None


def writes(**texts):
    return files(**texts)


def removes(*names):
    return lambda box: [(box.migrations / name).unlink() for name in names] and None


def both(*steps):
    return lambda box: [step(box) for step in steps] and None


def nothing(_box):
    pass


def foreign(schema):
    def setup(box):
        files(_1_a=A)(box)
        make(box.db, schema)
    return setup


def damaged(box):
    applied(_1_a=A + "INSERT INTO a (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
                     " FROM n WHERE i < 500) SELECT printf('%0100d', i) FROM n;")(box)
    with open(box.db, "r+b") as file:
        file.seek(4096 * 5)
        file.write(b"\xff" * 4096)
    box.migration("2_b", B)


def no_folder(box):
    for path in box.migrations.iterdir():
        path.unlink()
    box.migrations.rmdir()


def backup_dir_is_a_file(box):
    applied(writes(_2_b=B))(box)
    (box.data / "backups").write_text("in the way", encoding="utf-8")


@contextlib.contextmanager
def somebody_writes(box):
    with holding(box.db, "BEGIN IMMEDIATE", "INSERT INTO a (v) VALUES ('unfinished')"):
        yield


@contextlib.contextmanager
def another_liteinit(box):
    life = box("sleep", "60", pid1=False)
    life.wait_event("app.start")
    try:
        yield
    finally:
        life.stop()


GOLANG = "CREATE TABLE schema_migrations (version uint64, dirty bool);"
GOOSE = "-- +goose Up\n" + A + "\n-- +goose Down\n" + A_DOWN

CASES = [
    Case(64, "unknown flag", applied(), ["up", "--dry-rum"], "--dry-rum", "--dry-run"),
    Case(64, "unknown command", nothing, ["dwon"], "dwon", "down"),
    Case(64, "value of a flag", nothing, ["up", "--rehearse=sometimes"], "sometimes", "--rehearse=auto"),
    Case(64, "up to no number", applied(), ["up", "x"], '"x" is no version', "number"),
    Case(64, "down to no number", applied(), ["down", "x"], '"x" is no version', "liteinit down"),
    Case(64, "new without a name", nothing, ["new"], "NAME", "liteinit new"),
    Case(64, "baseline without a number", applied(), ["baseline"], "VERSION", "liteinit"),
    Case(64, "repair without a number", applied(), ["repair"], "VERSION", "liteinit"),
    Case(64, "adopt from an unknown tool", foreign(GOLANG), ["adopt", "--from=gose"], "gose", "goose"),

    Case(65, "SQL that fails", applied(writes(_2_b="CREATE TABEL b (x);")), ["prepare"],
         'near "TABEL": syntax error', "mend the file; this was a rehearsal"),
    Case(65, "unrehearsed", applied(writes(_2_b="CREATE TABEL b (x);")),
         ["prepare", "--rehearse=never"], 'near "TABEL": syntax error', "Mend the file"),
    Case(65, "the same in the rehearsal alone", applied(writes(_2_b="CREATE TABEL b (x);")),
         ["up", "--dry-run"], 'near "TABEL": syntax error', "mend the file"),
    Case(65, "NUL byte", files(_1_a="CREATE TABLE a (x);\0"), ["prepare"], "NUL byte", "UTF-8"),
    Case(65, "directive", files(_1_a="-- liteinit: ireversible\n" + A), ["prepare"],
         '"ireversible"', "irreversible"),
    Case(65, "ROLLBACK", files(_1_a=A + "ROLLBACK;"), ["prepare"], "ROLLBACK is refused", "remove"),
    Case(65, "ATTACH", files(_1_a="ATTACH 'x.db' AS x;"), ["prepare"], "ATTACH is refused",
         "remove"),
    Case(65, "weaker durability", files(_1_a="PRAGMA synchronous = OFF;"), ["prepare"],
         "PRAGMA synchronous is refused", "remove"),
    Case(65, "own records", applied(writes(_2_b="DELETE FROM schema_migrations;")), ["prepare"],
         "liteinit's own records", "remove"),
    Case(65, "foreign key", files(_1_a=A + "CREATE TABLE c (a REFERENCES a (id));"
                                       "INSERT INTO c VALUES (7);"), ["prepare"],
         "foreign key", "foreign-keys=warn"),
    Case(65, "rows are gone", applied(
        writes(_2_b="INSERT INTO b VALUES (1);"),
        _1_a=A + B + "CREATE TRIGGER r AFTER INSERT ON b BEGIN DELETE FROM a; END;"),
        ["prepare"], "a", "allow-row-loss"),
    Case(65, "way back that fails", applied(_1_a=A, _1_a_down="DROP TABLE nowhere;"), ["down"],
         "no such table: nowhere", "nothing of it"),
    Case(65, "way back that fails in a redo", applied(_1_a=A, _1_a_down="DROP TABLE nowhere;"),
         ["redo"], "no such table: nowhere", "nothing of it"),
    Case(65, "app's own migrator", applied(), ["prepare", "--migrate-command=false"], "false", ""),
    Case(65, "half applied by another tool", foreign(
        GOLANG + "INSERT INTO schema_migrations VALUES (1, 1);"), ["adopt"], "half applied",
        "nothing was changed"),
    Case(65, "damage", damaged, ["prepare", "--check=full"], "", "backup"),

    Case(66, "no folder", no_folder, ["prepare"], "migrations", "--migrations"),
    Case(66, "no database: down", files(_1_a=A), ["down"], "not found", "--db"),
    Case(66, "no database: adopt", files(_1_a=A), ["adopt"], "not found", "--db"),
    Case(66, "no database: dry run", files(_1_a=A), ["up", "--dry-run"], "not found", "--db"),
    Case(66, "no database: status", files(_1_a=A), ["status"], "not found", "--db"),
    Case(66, "no such version: up", applied(), ["up", "9"], "9", "liteinit status"),
    Case(66, "no such version: down", applied(), ["down", "9"], "9 is not applied",
         "liteinit status"),
    Case(66, "no such version: baseline", applied(), ["baseline", "9"], "number 9",
         "liteinit status"),
    Case(66, "not applied: repair", applied(writes(_2_b=B)), ["repair", "2"], "not applied",
         "liteinit status"),
    Case(66, "no way back", applied(), ["down"], "no down script", "write a new migration"),
    Case(66, "irreversible", applied(_1_a="-- liteinit: irreversible\n" + A), ["down"],
         "irreversible", "write a new migration"),
    Case(66, "no way back: the backup", applied(both(writes(_2_b=B),
                                                    lambda box: must(tool(box, "prepare")))),
         ["down"], "no down script", "_migration.db"),
    Case(66, "redo without the file", applied(removes("1_a.sql", "1_a_down.sql"), _1_a=A,
                                              _1_a_down=A_DOWN), ["redo", "--drift=warn"],
         "", ""),
    Case(66, "redo of repeatable ones alone", applied(_R__v="CREATE VIEW v AS SELECT 1;"),
         ["redo"], "only repeatable", "liteinit up"),
    Case(66, "nothing applied", both(files(_1_a=A), lambda box: make(box.db, "CREATE TABLE z (x)")),
         ["down"], "nothing to take back", "liteinit status"),
    Case(66, "no history to adopt", both(files(_1_a=A),
                                         lambda box: make(box.db, "CREATE TABLE z (x)")),
         ["adopt"], "", "baseline"),
    Case(66, "validate: no folder", no_folder, ["validate"], "", ""),

    Case(73, "backup folder is a file", backup_dir_is_a_file, ["prepare"], "backups", "--backup"),
    Case(73, "backup folder is a file: down", applied(
        lambda box: (box.data / "backups").write_text("x", encoding="utf-8"), _1_a=A,
        _1_a_down=A_DOWN), ["down"], "backups", "--backup"),
    Case(73, "no room", applied(writes(_2_b=B)), ["prepare", "--min-free=900TB"], "", "--min-free"),

    Case(75, "database is busy", applied(writes(_2_b=B)),
         ["prepare", "--busy-timeout=200ms", "--lock-timeout=200ms"], "pid", "",
         around=somebody_writes),
    Case(75, "another liteinit", applied(writes(_2_b=B)), ["up", "--lock-timeout=200ms"],
         "liteinit", "", around=another_liteinit),
    Case(75, "another liteinit: down", applied(_1_a=A, _1_a_down=A_DOWN),
         ["down", "--lock-timeout=200ms"], "liteinit", "", around=another_liteinit),

    Case(77, "folder that may not be read", both(
        applied(), lambda box: os.chmod(box.migrations, 0)), ["prepare"], "migrations", "",
        user=True),
    Case(77, "file that may not be read", both(
        applied(writes(_2_b=B)), lambda box: os.chmod(box.migrations / "2_b.sql", 0)), ["prepare"],
        "2_b.sql", "", user=True),
    Case(77, "folder that may not be written: new", both(
        applied(), lambda box: os.chmod(box.migrations, 0o555)), ["new", "x"], "migrations", "",
        user=True),
    Case(77, "database that may not be written", both(
        applied(writes(_2_b=B)), lambda box: os.chmod(box.db, 0o444)), ["prepare"], "app.db", "",
        user=True),

    Case(78, "two of one number", files(_1_a=A, _01_b=B), ["prepare"], "two", ""),
    Case(78, "no number", files(_1a_x=A), ["prepare"], "underscore", "007_what_it_does.sql"),
    Case(78, "a down without its up", files(_1_a=A, _2_b_down=B), ["prepare"], "2_b_down.sql", ""),
    Case(78, "drift", applied(writes(_1_a=A + B)), ["prepare"], "1_a.sql has changed", "liteinit repair VERSION"),
    Case(78, "an applied file is gone", applied(removes("1_a.sql"), _1_a=A, _2_b=B), ["prepare"],
         "version 1 (a)", "--drift warn"),
    Case(78, "newer", applied(removes("2_b.sql", "2_b_down.sql"), _1_a=A, _2_b=B,
                              _2_b_down="DROP TABLE b;"), ["prepare"], "schema version 2",
         "SERVICE down 1"),
    Case(78, "newer, no way back", applied(removes("2_b.sql"), _1_a=A, _2_b=B),
         ["prepare", "--on-newer-schema=rollback"], "2", "backup"),
    Case(78, "another tool's history", foreign(GOLANG), ["prepare"], "golang-migrate",
         "liteinit adopt"),
    Case(78, "adopted already", applied(), ["adopt"], "records of its own already", ""),
    Case(78, "a marker of another tool", files(_1_a=A + "\n-- migrate:down\nDROP TABLE a;"),
         ["prepare", "--layout=liteinit"], "dbmate", ""),
    Case(78, "value of a variable", applied(), ["prepare"], "LITEINIT_DRIFT", "LITEINIT_DRIFT=fail",
         env={"LITEINIT_DRIFT": "never"}),
    Case(78, "two values", applied(), ["prepare"], "LITEINIT_DRIFT_FILE", "",
         env={"LITEINIT_DRIFT": "warn", "LITEINIT_DRIFT_FILE": "/dev/null"}),
    Case(78, "no-transaction that changed half-way", applied(both(
        writes(_2_b="-- liteinit: no-transaction\n" + B + "INSERT INTO nowhere VALUES (1);"),
        lambda box: tool(box, "prepare", "--rehearse=never"),
        writes(_2_b="-- liteinit: no-transaction\nCREATE TABLE other (x);"))),
        ["prepare", "--rehearse=never"], "2_b.sql", ""),
]


def errors_of(answer):
    """Events, or the plain text of what prints its findings."""
    return [e for e in answer.events if e["level"] == "error"]


def look(box, case):
    case.setup(box)
    if case.user:
        for path in (box.data, *box.data.rglob("*"), box.migrations, *box.migrations.iterdir()):
            os.chown(path, *[os.geteuid() or NOBODY] * 2)
    before = None
    if box.db.exists() and case.around is None and case.name != "damage":
        before = box.rows("SELECT name, sql FROM sqlite_schema ORDER BY name")
    more = plain_user() if case.user else {}
    with case.around(box) if case.around else contextlib.nullcontext():
        answer = tool(box, *case.command, env=case.env, **more)
    assert answer.status == case.status, answer.err + answer.out
    found = errors_of(answer)
    if case.command[0] == "validate" and not found:
        assert case.words in answer.out
        return
    assert len(found) == 1, answer.err
    assert case.words in found[0]["msg"], found[0]
    assert found[0]["exit_code"] == case.status
    assert len(found[0].get("hint", "")) > 10, found[0]
    assert case.hint in found[0]["hint"], found[0]
    assert answer.out == ""
    if before is not None and "half-way" not in case.name:
        after = box.rows("SELECT name, sql FROM sqlite_schema ORDER BY name")
        assert after == before, "a refusal changes nothing"


def ready_for_anybody(box):
    for path in (box.folder, box.data, box.migrations):
        os.chmod(path, 0o777)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.status} {case.name}")
def test_status(liteinit, case):
    if not case.user:
        look(liteinit, case)
        return
    with public_box() as box:
        ready_for_anybody(box)
        look(box, case)


@pytest.mark.parametrize("name", ["65 SQL that fails", "66 no folder", "73 no room", "78 drift",
                                  "78 newer"])
def test_the_container_ends_with_it(liteinit, name):
    """PID 1 hands the worker's status on, and does not start the app."""
    case = next(c for c in CASES if f"{c.status} {c.name}" == name)
    case.setup(liteinit)
    life = liteinit("touch", "started", options=case.command[1:])
    assert life.wait() == case.status, life.log()
    assert life.named("app.start") == []
    assert not (liteinit.folder / "started").exists()


@pytest.mark.parametrize("command", [["up", "--json"], ["status", "--json"], ["history"],
                                     ["up", "--dry-run", "--json"], ["validate"]])
def test_74_when_the_answer_cannot_be_written(liteinit, command):
    applied(writes(_2_b=B))(liteinit)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([harness.BIN, *command], env=liteinit.environment(), stdout=full,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 74, done.stderr
    last = json.loads(done.stderr.splitlines()[-1])
    assert last["exit_code"] == 74 and "No space left" in last["msg"], last


def test_what_is_done_already_is_no_failure(liteinit):
    """A script that was cut off may be run again."""
    applied(_1_a=A, _1_a_down=A_DOWN)(liteinit)
    for command in (["up"], ["up", "1"], ["down", "1"], ["repair", "1"], ["down", "0"],
                    ["down", "0"], ["up", "1"], ["up", "1"]):
        must(tool(liteinit, *command))
    assert liteinit.applied() == [1]


def test_no_other_status(liteinit):
    """The table covers all that the contract has for migrations."""
    assert liteinit and {case.status for case in CASES} | {74} == \
        {64, 65, 66, 73, 74, 75, 77, 78}
