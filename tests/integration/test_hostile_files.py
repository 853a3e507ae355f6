"""Files that no migration should be: odd bytes, odd sizes, odd kinds, and SQL that turns on liteinit's
own records. Each is run or refused with its place and what to do, and the rows of before stay."""

import os
import resource
import sqlite3
import subprocess
import time

import pytest

import harness
from dbkit import must, tool

START = "CREATE TABLE kept (id INTEGER PRIMARY KEY, what TEXT); INSERT INTO kept VALUES (1, 'old');"

# Where a text may stand: files, and the command that comes to it.
PLACES = {
    "up": lambda text: {"2_a.sql": text},
    "down": lambda text: {"2_a.sql": b"CREATE TABLE u (a);", "2_a_down.sql": text},
    "goose-up": lambda text: {"2_a.sql": b"-- +goose Up\n" + text +
                              b"\n-- +goose Down\nDROP TABLE t;\n"},
    "goose-down": lambda text: {"2_a.sql": b"-- +goose Up\nCREATE TABLE u (a);\n"
                                           b"-- +goose Down\n" + text},
    "dbmate-up": lambda text: {"2_a.sql": b"-- migrate:up\n" + text +
                               b"\n-- migrate:down\nDROP TABLE t;\n"},
    "dbmate-down": lambda text: {"2_a.sql": b"-- migrate:up\nCREATE TABLE u (a);\n"
                                            b"-- migrate:down\n" + text},
}
HEADS = {"goose": "-- +goose Up\n", "dbmate": "-- migrate:up\n"}


def box_with(box, place, text):
    """A database at version 1, and the text as the second migration."""
    box.migration("1_start", START)
    must(tool(box, "prepare"))
    box.migration("1_start", HEADS.get(place.partition("-")[0], "") + START)
    for name, content in PLACES[place](text).items():
        (box.migrations / name).write_bytes(content)
    return box


def come_to_it(box, place):
    """The answer of the command that runs the text, or of the one before that refuses it."""
    answer = tool(box, "prepare")
    if answer.status == 0 and place.endswith("down"):
        answer = tool(box, "down")
    return answer


def failed(answer):
    found = [e for e in answer.events if e["level"] == "error"]
    assert len(found) == 1, answer.err
    assert found[0].get("hint"), found
    return found[0]


def kept(box):
    assert box.integrity() == "ok"
    return box.rows("SELECT * FROM kept") == [(1, "old")]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", [
    b"CREATE TABLE t (a);\r\nINSERT INTO t VALUES ('x\r\ny');\r\n",
    b"CREATE TABLE t (a);\n\n-- the end\r\r\n",
    b"-- why\r\r\nCREATE TABLE t (a);\r\r\n",
    b"CREATE TABLE t (a);\rINSERT INTO t VALUES (1);\r",
    b"CREATE TABLE t (a)",
    b"  --   liteinit :no-transaction  \t\r\nCREATE TABLE t (a);",
    b"--liteinit:no-transaction\nCREATE TABLE t (a);",
], ids=["crlf", "crcrlf-end", "crcrlf", "cr", "no-semicolon", "directive", "directive-tight"])
def test_what_runs(liteinit, place, text):
    box = box_with(liteinit, place, text)
    answer = come_to_it(box, place)
    assert answer.status == 0, answer.err
    assert box.rows("SELECT name FROM sqlite_schema WHERE name = 't'") == [("t",)]
    assert kept(box)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text, words", [
    (b"CREATE TABLE t (a);\0\n", "NUL byte in line"),
    (b"CREATE TABLE t (a);\nINSERT INTO t VALUES ('\xff\xfe');\n", "not UTF-8"),
    (b"-- \xe9\nCREATE TABLE t (a);\n", "not UTF-8"),
    (b"CREATE TABLE t (a);\nINSERT INTO t VALUES ('\xed\xa0\x80');\n", "not UTF-8"),
    (b"CREATE TABLE t (a);\nINSERT INTO t VALUES ('never", ":"),
    (b'CREATE TABLE t (a);\nINSERT INTO "t VALUES (1)', ":"),
    (b"CREATE TABLE t (a);\nCREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1;\n", "incomplete"),
    (b"CREATE TABLE t (a", "incomplete input"),
    (b"--liteinit:   no-transactoin\nCREATE TABLE t (a);", '"no-transactoin"'),
    (b"CREATE TABLE t (a); -- why\rINSERT INTO t VALUES (1);\r", "carriage return"),
], ids=["nul", "bytes", "latin1", "surrogate", "string", "name", "trigger", "table", "directive",
        "old-mac"])
def test_what_is_refused(liteinit, place, text, words):
    box = box_with(liteinit, place, text)
    answer = come_to_it(box, place)
    assert answer.status == 65, answer.err
    assert words in failed(answer)["error"]
    assert failed(answer)["file"] in PLACES[place](b"")
    assert failed(answer)["line"] >= 1
    assert box.rows("SELECT name FROM sqlite_schema WHERE name = 't'") == []
    assert kept(box)
    # The same again, with another file behind it that is good: it waits.
    (box.migrations / "3_c.sql").write_text(HEADS.get(place.partition("-")[0], "") +
                                            "CREATE TABLE third (a);", encoding="utf-8")
    again = tool(box, "prepare")
    assert again.status == (65 if 2 not in box.applied() else 0), again.err
    assert kept(box)


@pytest.mark.parametrize("sql", [
    "DROP TABLE schema_migrations",
    "DROP TABLE IF EXISTS Migration_History",
    "ALTER TABLE schema_migrations RENAME TO x",
    "ALTER TABLE schema_migrations DROP COLUMN down_sql",
    "ALTER TABLE migration_history ADD COLUMN x",
    "DELETE FROM schema_migrations",
    "INSERT INTO main.schema_migrations (version) VALUES (9)",
    "REPLACE INTO schema_migrations (version) VALUES (1)",
    "UPDATE schema_migrations SET checksum = 'x'",
    "WITH a AS (SELECT 1) DELETE FROM migration_history",
    "CREATE TRIGGER r BEFORE INSERT ON schema_migrations BEGIN SELECT RAISE(IGNORE); END",
    "CREATE TEMP TRIGGER r BEFORE INSERT ON main.schema_migrations BEGIN SELECT 1; END",
    "CREATE UNIQUE INDEX i ON migration_history (status)",
    "CREATE TRIGGER r AFTER INSERT ON kept BEGIN DELETE FROM schema_migrations; END;"
    "INSERT INTO kept VALUES (2, 'x')",
    "CREATE TABLE liteinit_migrations (version INTEGER PRIMARY KEY, name, applied_at, checksum,"
    " down_sql)",
    "CREATE VIEW liteinit_history AS SELECT 1",
])
@pytest.mark.parametrize("head", ["", "-- liteinit: no-transaction\n"])
def test_records_are_not_a_migrations_business(liteinit, head, sql):
    """A row that is gone there would make a file run twice, and a trigger that ignores one too."""
    if head and "TEMP" in sql:
        return  # refused as temporary
    liteinit.migration("1_start", START)
    must(tool(liteinit, "prepare"))
    before = liteinit.rows("SELECT * FROM schema_migrations")
    liteinit.migration("2_hostile", head + sql + ";")
    answer = tool(liteinit, "prepare")
    assert answer.status == 65, answer.err
    assert "own records is refused" in failed(answer)["error"]
    assert liteinit.rows("SELECT * FROM schema_migrations") == before
    assert kept(liteinit)
    (liteinit.migrations / "2_hostile.sql").unlink()
    liteinit.migration("2_good", "INSERT INTO kept VALUES (3, 'new')")
    if not head:
        must(tool(liteinit, "prepare"))
        assert liteinit.applied() == [1, 2]


def test_a_dump_may_name_the_records(liteinit):
    """Looking is free, and so is what is not there yet under another tool's shape."""
    liteinit.migration("1_start", START)
    liteinit.migration("2_look", "CREATE TABLE IF NOT EXISTS schema_migrations (version);"
                                 "CREATE VIEW v AS SELECT version FROM schema_migrations;"
                                 "INSERT INTO kept SELECT 10 + version, 'seen' FROM v;")
    must(tool(liteinit, "prepare"))
    assert liteinit.rows("SELECT id, what FROM kept") == [(1, "old"), (11, "seen")]


def test_records_of_another_tool_are_the_migrations_business(liteinit):
    """liteinit's own then have another name, and the other table is like any other."""
    with sqlite3.connect(liteinit.db) as db:
        db.execute("CREATE TABLE schema_migrations (version TEXT PRIMARY KEY)")
    db.close()
    liteinit.migration("1_start", START)
    answer = tool(liteinit, "adopt", "--from=dbmate")
    assert answer.status in (0, 66), answer.err
    if answer.status == 0:
        liteinit.migration("2_drop", "DROP TABLE schema_migrations;")
        must(tool(liteinit, "prepare"))
        assert liteinit.rows("SELECT version FROM liteinit_migrations") == [(1,), (2,)]


@pytest.mark.parametrize("sql, words", [
    ("SELECT " + "(" * 2000 + "1" + ")" * 2000, None),
    ("SELECT " + "NOT " * 200000 + "1", "Recursion limit|depth|overflow"),
    ("SELECT " + "1+" * 5000 + "1", "too large"),
    ("SELECT * FROM " + "(SELECT * FROM " * 200 + "kept" + ")" * 200, None),
    ("SELECT 1 " + "UNION ALL SELECT 1 " * 600, "too many terms"),
    ("CREATE TABLE w (a); INSERT INTO w (" + ",".join("a" * 10000) + ") VALUES (" +
     ",".join("1" * 10000) + ")", None),
    ("CREATE TABLE w (" + ",".join(f"c{i}" for i in range(10000)) + ")", "too many columns"),
    ("CREATE TABLE w (a); INSERT INTO w VALUES (zeroblob(1100000000))", "too big"),
    ("INSERT INTO nowhere" + "m" * 1000000 + " VALUES (1)", "no such table"),
    ("CREATE TABLE w (a); CREATE TRIGGER x AFTER INSERT ON w BEGIN INSERT INTO w VALUES (1); END;"
     "PRAGMA recursive_triggers = ON; INSERT INTO w VALUES (1)", "recursion"),
], ids=["parens", "nots", "sum", "subqueries", "unions", "columns", "table", "blob", "name",
        "triggers"])
def test_deep_and_wide(liteinit, sql, words):
    liteinit.migration("1_start", START)
    must(tool(liteinit, "prepare"))
    liteinit.migration("2_deep", sql + ";")
    answer = tool(liteinit, "prepare")
    assert answer.status == (65 if words else 0), answer.err
    assert all(len(line) < 16384 for line in answer.err.splitlines())
    if words:
        assert any(word in failed(answer)["error"] for word in words.split("|"))
        assert failed(answer)["statement"]
    assert kept(liteinit)


def make_odd(path, kind):
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "zero":
        path.symlink_to("/dev/zero")
    elif kind == "tty":
        path.symlink_to("/dev/ptmx")
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "gone":
        path.symlink_to("nowhere.sql")
    else:
        with open(path, "wb") as file:
            file.truncate(10 << 30)  # a hole


@pytest.mark.parametrize("kind", ["fifo", "folder", "zero", "tty", "loop", "gone", "huge"])
@pytest.mark.parametrize("which", ["1_start.sql", "2_next.sql", "1_start_down.sql"])
def test_what_is_no_file(liteinit, kind, which):
    """An applied one, a pending one, a way back: told at once, and never waited for or read whole."""
    liteinit.migration("1_start", START)
    liteinit.migration("1_start_down", "DROP TABLE kept;")
    must(tool(liteinit, "prepare"))
    liteinit.migration("2_next", "INSERT INTO kept VALUES (2, 'x');")
    make_odd(liteinit.migrations / which, kind)
    for command in (("prepare",), ("up", "--dry-run"), ("status",), ("down",), ("validate",),
                    ("repair", "1"), ("baseline", "2")):
        begin = time.monotonic()
        answer = tool(liteinit, *command, timeout=20)
        assert time.monotonic() - begin < 10, command
        assert answer.status in (0, 65, 66, 74, 77, 78), (command, answer.err)
        if answer.status != 0 and command[0] in ("prepare", "up"):
            assert which in answer.err, (command, answer.err)
        if command[0] == "prepare" and not which.endswith("_down.sql"):
            assert answer.status != 0, answer.err
            assert kept(liteinit)
        if command[0] == "down" and answer.status == 0:
            return


def test_a_file_that_changes_between_the_plan_and_its_turn(liteinit):
    """What runs is what its record says: the text of the moment it was read, once."""
    liteinit.migration("1_start", START)
    must(tool(liteinit, "prepare"))
    liteinit.migration("2_slow", "CREATE TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
                                 " SELECT i + 1 FROM n WHERE i < 3000000) SELECT max(i) FROM n;")
    liteinit.migration("3_change", "INSERT INTO kept VALUES (3, 'planned');")
    life = harness.Life(["prepare", "--rehearse=never"], False, liteinit.environment(),
                        liteinit.folder)
    liteinit.lives.append(life)
    life.wait_event("migrate.apply")
    (liteinit.migrations / "new").write_text("INSERT INTO kept VALUES (3, 'changed');",
                                             encoding="utf-8")
    (liteinit.migrations / "new").rename(liteinit.migrations / "3_change.sql")
    assert life.wait() == 0, life.log()
    assert liteinit.value("SELECT what FROM kept WHERE id = 3") in ("planned", "changed")
    # Whichever it was, the checksum is that text's.
    ran = liteinit.value("SELECT what FROM kept WHERE id = 3")
    liteinit.migration("3_change", f"INSERT INTO kept VALUES (3, '{ran}');")
    assert tool(liteinit, "prepare").status == 0
    other = "planned" if ran == "changed" else "changed"
    liteinit.migration("3_change", f"INSERT INTO kept VALUES (3, '{other}');")
    assert tool(liteinit, "prepare").status == 78


@pytest.mark.parametrize("name, text", [
    ("rows", lambda: START + "CREATE TABLE t (id INTEGER PRIMARY KEY, v);INSERT INTO t VALUES\n" +
     "".join(f"({i},'{'x' * 80}'),\n" for i in range(90000)) + "(99999999,'');"),
    ("statements", lambda: START + "CREATE TABLE t (id INTEGER PRIMARY KEY, v);" +
     "".join(f"INSERT INTO t VALUES ({i},'{'x' * 60}');\n" for i in range(90000))),
    ("trigger", lambda: START + "CREATE TABLE t (v);CREATE TRIGGER r AFTER INSERT ON t BEGIN\n" +
     "UPDATE t SET v = 1 WHERE v = 2;\n" * 60000 + "END;"),
    ("semicolons", lambda: START + ";" * 5000000),
    ("stepwise", lambda: "-- liteinit: no-transaction\n" + START + "CREATE TABLE t (v);" +
     "INSERT INTO t VALUES (1);\n" * 8000),
])
def test_a_large_file_takes_time_in_proportion(liteinit, name, text):
    """Far from what a square of the length would take; and memory of a few times its size."""
    liteinit.migration(f"1_{name}", text())
    size = (liteinit.migrations / f"1_{name}.sql").stat().st_size
    for command in (["validate", liteinit.migrations], ["prepare", "--rehearse=never"]):
        limits = [] if "ASAN_OPTIONS" in os.environ else \
            ["prlimit", f"--as={(64 << 20) + 24 * size}", "--cpu=20"]
        done = subprocess.run([*limits, harness.BIN, *command], env=liteinit.environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
    assert kept(liteinit)


def test_many_files_take_time_in_proportion(liteinit):
    """Twice the files in about twice the time, for every command that reads the folder."""
    spent = {}
    for count in (1000, 2000):
        for number in range(1, count + 1):
            path = liteinit.migrations / f"{number}_n.sql"
            if not path.exists():
                path.write_text(f"INSERT INTO kept VALUES ({number}, '');" if number > 1 else START
                                .replace("(1, 'old')", "(0, 'old')"), encoding="utf-8")
        for command in (["validate", str(liteinit.migrations)], ["status"], ["prepare"],
                        ["up", "--dry-run"]):
            if command == ["prepare"] and count == 2000:
                for path in liteinit.data.iterdir():
                    if path.is_file():
                        path.unlink()
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            answer = tool(liteinit, *command, timeout=100)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            assert answer.status in (0, 66), answer.err
            spent[command[0], count] = after.ru_utime - before.ru_utime
    for command in ("validate", "prepare"):
        assert spent[command, 2000] < 3.2 * spent[command, 1000] + 0.3, spent
