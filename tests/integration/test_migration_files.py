"""The folder of migrations: names, numbers, pairs, checksums, and what the history says of them."""

import pytest

from dbkit import dump, make, must, state_of, tool

LOG = "CREATE TABLE ran (id INTEGER PRIMARY KEY, what TEXT);"


def note(what):
    return f"INSERT INTO ran (what) VALUES ('{what}');"


def ran(box):
    return [row[0] for row in box.rows("SELECT what FROM ran ORDER BY id")]


def refused(box, status=78, event="migrate.failed", command=("prepare",)):
    """The one event that says why; nothing in the database has changed."""
    before = state_of(box.data)
    answer = tool(box, *command)
    assert answer.status == status, answer.err
    assert state_of(box.data) == before
    said = answer.only(event)
    assert said["hint"], said
    return said


def write(box, name, content):
    path = box.migrations / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_numbers_order_and_not_names(liteinit):
    for name, what in (("1_log", LOG + note("1")), ("2", note("2")), ("010_ten", note("10")),
                       ("9-nine", note("9")), ("0000000011.eleven", note("11")),
                       ("20240131120000_date", note("20240131120000")),
                       ("9223372036854775807_last", note("last"))):
        liteinit.migration(name, what)
    must(tool(liteinit, "prepare"))
    assert ran(liteinit) == ["1", "2", "9", "10", "11", "20240131120000", "last"]
    assert liteinit.applied() == [1, 2, 9, 10, 11, 20240131120000, 9223372036854775807]
    assert liteinit.rows("SELECT name FROM schema_migrations ORDER BY version") == [
        ("log",), ("",), ("nine",), ("ten",), ("eleven",), ("date",), ("last",)]


@pytest.mark.parametrize("up, down", [("1_log.sql", "1_log_down.sql"),
                                      ("1_log.up.sql", "1_log.down.sql"),
                                      ("1_log.sql", "1_log.down.sql"),
                                      ("1_log.sql", "001_another_name_down.sql"),
                                      ("1.up.sql", "1.down.sql")])
def test_the_way_back_is_never_run_as_an_up(liteinit, up, down):
    write(liteinit, up, LOG + note("up"))
    write(liteinit, down, "DROP TABLE ran;")
    must(tool(liteinit, "prepare"))
    must(tool(liteinit, "prepare"))
    assert ran(liteinit) == ["up"]
    assert liteinit.rows("SELECT version, down_sql FROM schema_migrations") == [
        (1, "DROP TABLE ran;")]
    assert len(liteinit.attempts()) == 1


def test_a_name_that_ends_in_down_may_be_an_up(liteinit):
    write(liteinit, "1_log.sql", LOG)
    write(liteinit, "2_count_down.up.sql", note("counted"))
    must(tool(liteinit, "prepare"))
    assert ran(liteinit) == ["counted"]


def test_other_files_are_left_alone(liteinit):
    liteinit.migration("1_log", LOG)
    for name in ("README.md", "seed.sql", ".2_hidden.sql", "3_backup.sql~", "4_x.sql.bak",
                 "5_notes.txt"):
        write(liteinit, name, "this is no SQL at all;")
    must(tool(liteinit, "prepare"))
    assert liteinit.applied() == [1]


@pytest.mark.parametrize("names, words", [
    (("1_a.sql", "1_b.sql"), ["two", "1_a.sql", "1_b.sql"]),
    (("1_a.sql", "001_b.sql"), ["two", "1_a.sql", "001_b.sql"]),
    (("1_a.sql", "1_a.up.sql"), ["two", "1_a.sql", "1_a.up.sql"]),
    (("1_a.sql", "1_a_down.sql", "1_a.down.sql"), ["two", "1_a_down.sql", "1_a.down.sql"]),
    (("0_a.sql",), ["0_a.sql", "begin with 1"]),
    (("000_a.sql",), ["000_a.sql", "begin with 1"]),
    (("9223372036854775808_a.sql",), ["9223372036854775808_a.sql", "too large"]),
    (("1" * 40 + "_a.sql",), ["too many digits"]),
    (("1a.sql",), ["1a.sql", "underscore"]),
    (("1 a.sql",), ["1 a.sql", "underscore"]),
    (("1_a.sql", "2_b_down.sql"), ["2_b_down.sql", "no file that applies"]),
    (("1_a.sql", "2.down.sql"), ["2.down.sql", "no file that applies"]),
    (("init.sql", "schema.sql"), ["none of the 2", "number"]),
])
def test_a_folder_that_cannot_be_put_in_order(liteinit, names, words):
    for name in names:
        write(liteinit, name, LOG)
    said = refused(liteinit, event="prepare.failed")
    assert all(word in said["error"] for word in words), said
    assert not liteinit.db.exists()
    # An existing database gets the same answer.
    make(liteinit.db, "CREATE TABLE t (x)")
    assert refused(liteinit)["error"] == said["error"]


def test_a_duplicate_among_many_files_is_found(liteinit):
    """Also when other numbers stand between the two in the order of names."""
    for number in range(1, 40):
        liteinit.migration(f"{number}_n", "SELECT 1")
    liteinit.migration("0000000003_late", "SELECT 1")
    said = refused(liteinit, event="prepare.failed")
    assert "number 3:" in said["error"]


def test_the_folder_is_not_there(liteinit):
    liteinit.migrations.rmdir()
    make(liteinit.db, "CREATE TABLE t (x)")
    said = refused(liteinit, status=66)
    assert str(liteinit.migrations) in said["error"] and "--migrations" in said["hint"]


def test_a_file_that_cannot_be_read(liteinit):
    make(liteinit.db, "CREATE TABLE t (x)")
    (liteinit.migrations / "1_a.sql").mkdir()
    answer = tool(liteinit, "prepare")
    assert answer.status == 65
    assert "1_a.sql" in answer.only("migrate.failed")["error"]
    assert "not a regular file" in answer.only("migrate.failed")["error"]


@pytest.mark.parametrize("content, line", [
    ("CREATE TABLE a (x);\nCREATE TABLE b\0 (x);", 2),
    ("CREATE TABLE a (x);".encode("utf-16"), 1),
    ("CREATE TABLE a (x);".encode("utf-16-le"), 1),
    ("\0".encode(), 1)])
def test_a_nul_byte(liteinit, content, line):
    liteinit.migration("1_log", LOG)
    write(liteinit, "2_a.sql", content)
    said = refused(liteinit, status=65, event="prepare.failed")
    assert (said["file"], said["line"]) == ("2_a.sql", line)
    assert "NUL byte" in said["error"] and "UTF-8" in said["hint"]
    assert not liteinit.db.exists()
    # An existing database gets the same answer, and nothing runs, not even the good file.
    make(liteinit.db, "CREATE TABLE t (x)")
    assert refused(liteinit, status=65)["error"] == said["error"]


@pytest.mark.parametrize("content", ["", "\n\n  \t", "-- nothing to do\n", "/* nothing\n to do */",
                                     ";;;", "\ufeff", "-- no end of line", "/* never closed"])
def test_a_file_without_a_statement_is_applied(liteinit, content):
    write(liteinit, "1_a.sql", content)
    must(tool(liteinit, "prepare"))
    assert liteinit.applied() == [1]
    must(tool(liteinit, "prepare"))
    assert liteinit.attempts() == [(1, "success")]


BASE = "CREATE TABLE ran (id INTEGER PRIMARY KEY, what TEXT);\nINSERT INTO ran VALUES (1, 'a b');\n"


@pytest.mark.parametrize("content", [
    BASE.replace("\n", "\r\n"),
    "\ufeff" + BASE,
    "-- a comment\n" + BASE + "-- another; with a semicolon\n",
    BASE.replace("CREATE TABLE", "CREATE /* of course */\n\tTABLE"),
    BASE.replace(" ", "   \n").replace("'a   \nb'", "'a b'"),
    BASE.rstrip(),
    BASE.replace("(id", "( id").replace(", what", ",what"),
])
def test_comments_and_white_space_do_not_count(liteinit, content):
    write(liteinit, "1_a.sql", BASE)
    must(tool(liteinit, "prepare"))
    assert write(liteinit, "1_a.sql", content).read_bytes() != BASE.encode()
    answer = must(tool(liteinit, "prepare"))
    assert answer.named("migrate.apply") == []


@pytest.mark.parametrize("content", [
    BASE.replace("'a b'", "'a c'"),
    BASE.replace("'a b'", "'a  b'"),
    BASE.replace("'a b'", "'a b '"),
    BASE.replace("'a b'", "'a -- b'"),
    BASE.replace("'a b'", "'a\nb'"),
    BASE.replace("VALUES (1,", "VALUES (10,"),
    BASE + "DROP TABLE ran;",
    "CREATE TABLE ran (id INTEGER PRIMARY KEY, what TEXT);\n",
    BASE.replace("TABLE ran", "TABLEran", 1),
    "",
])
def test_a_changed_file_is_refused(liteinit, content):
    write(liteinit, "1_a.sql", BASE)
    must(tool(liteinit, "prepare"))
    write(liteinit, "1_a.sql", content)
    liteinit.migration("2_b", "CREATE TABLE b (x)")
    said = refused(liteinit)
    assert "1_a.sql has changed since it was applied on 20" in said["error"]
    assert "--drift warn" in said["hint"]


def test_drift_warn_goes_on(liteinit):
    write(liteinit, "1_a.sql", BASE)
    must(tool(liteinit, "prepare"))
    write(liteinit, "1_a.sql", BASE.replace("a b", "a c"))
    liteinit.migration("2_b", "CREATE TABLE b (x)")
    answer = must(tool(liteinit, "prepare", "--drift=warn"))
    warned = [e for e in answer.named("migrate.plan") if e["level"] == "warn"]
    assert len(warned) == 1 and "1_a.sql has changed" in warned[0]["msg"]
    assert liteinit.applied() == [1, 2]
    assert liteinit.rows("SELECT what FROM ran") == [("a b",)]


def test_an_applied_file_that_is_gone(liteinit):
    write(liteinit, "1_log.sql", LOG)
    write(liteinit, "2_gone.sql", note("2"))
    write(liteinit, "3_last.sql", note("3"))
    must(tool(liteinit, "prepare"))
    (liteinit.migrations / "2_gone.sql").unlink()
    said = refused(liteinit)
    assert "version 2 (gone)" in said["error"] and "is gone" in said["error"]
    must(tool(liteinit, "prepare", "--drift=warn"))
    assert ran(liteinit) == ["2", "3"]


def test_a_newer_schema(liteinit):
    write(liteinit, "1_log.sql", LOG)
    must(tool(liteinit, "prepare", env={"APP_VERSION": "1.0"}))
    write(liteinit, "2_new.sql", note("2"))
    write(liteinit, "3_newer.sql", note("3"))
    must(tool(liteinit, "prepare", env={"APP_VERSION": "2.5.1"}))
    for name in ("2_new.sql", "3_newer.sql"):
        (liteinit.migrations / name).unlink()
    said = refused(liteinit, event="schema.newer")
    for word in ("schema version 3", "only up to 1", "2 newer migrations", "2_new", "2.5.1"):
        assert word in said["error"], said
    assert str(liteinit.data / "backups") in said["hint"]
    life = liteinit("echo", "never")
    assert life.wait() == 78
    assert life.out == "" and life.named("app.start") == []


def test_late_numbers_run_with_a_notice(liteinit):
    write(liteinit, "1_log.sql", LOG)
    write(liteinit, "5_five.sql", note("5"))
    must(tool(liteinit, "prepare"))
    write(liteinit, "3_three.sql", note("3"))
    write(liteinit, "6_six.sql", note("6"))
    answer = must(tool(liteinit, "prepare"))
    warned = [e["msg"] for e in answer.named("migrate.plan") if e["level"] == "warn"]
    assert len(warned) == 1 and "3_three.sql comes late" in warned[0]
    assert ran(liteinit) == ["5", "3", "6"]
    assert liteinit.applied() == [1, 3, 5, 6]
    assert answer.only("migrate.done")["version"] == 6


def test_five_hundred_files(liteinit):
    liteinit.migration("1_log", LOG)
    for number in range(2, 501):
        liteinit.migration(f"{number}_n", note(str(number)))
    answer = must(tool(liteinit, "prepare"))
    assert answer.only("migrate.done")["applied"] == 500
    assert ran(liteinit) == [str(number) for number in range(2, 501)]
    before = dump(liteinit.db)
    answer = must(tool(liteinit, "prepare"))
    assert answer.only("migrate.plan")["applied"] == 500
    assert dump(liteinit.db) == before


def test_a_folder_named_by_a_link(liteinit):
    """As Kubernetes mounts one: links to a folder of links."""
    real = liteinit.folder / "..data"
    liteinit.migrations.rename(real)
    liteinit.migrations.mkdir()
    (real / "1_log.sql").write_text(LOG, encoding="utf-8")
    (liteinit.migrations / "1_log.sql").symlink_to(real / "1_log.sql")
    must(tool(liteinit, "prepare"))
    assert liteinit.applied() == [1]


def test_capital_endings(liteinit):
    """001_A.SQL from a Windows machine is a migration, and its _DOWN.SQL its way back."""
    (liteinit.migrations / "001_A.SQL").write_text("CREATE TABLE a (x);\n")
    (liteinit.migrations / "001_A_DOWN.SQL").write_text("DROP TABLE a;\n")
    must(tool(liteinit, "prepare"))
    assert liteinit.rows("SELECT version, name, down_sql FROM schema_migrations") == [
        (1, "A", "DROP TABLE a;\n")]


@pytest.mark.parametrize("name", ["001_a\nERROR all is lost.sql", "001_\x1b[2Jb.sql", "001_a\x7f.sql"])
def test_a_name_that_would_draw_on_the_terminal(liteinit, name):
    write(liteinit, name, LOG)
    for command in ("prepare", "validate"):
        answer = tool(liteinit, command)
        assert answer.status in (65, 78), answer.err
        assert "control character" in answer.err + answer.out
        assert "\nERROR all" not in answer.out and "\x1b" not in answer.out + answer.err
    assert not liteinit.db.exists()
