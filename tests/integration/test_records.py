"""Records without running anything: baseline and repair; the history as it is told; and `new`, which
makes the files of the next migration in the layout that the folder has."""

import re

import pytest

from dbkit import make, must, state_of, tool

NO_FOLDER = {"LITEINIT_MIGRATIONS": "none"}


@pytest.fixture(name="box")
def with_three(liteinit):
    """A database that has what 001 and 002 would make, and no record of it."""
    make(liteinit.db, "CREATE TABLE one (x); CREATE TABLE two (x); INSERT INTO one VALUES (1);", "wal")
    liteinit.migration("001_one", "CREATE TABLE one (x);")
    liteinit.migration("001_one_down", "DROP TABLE one;")
    liteinit.migration("002_two", "CREATE TABLE two (x);")
    liteinit.migration("003_three", "CREATE TABLE three (x);")
    liteinit.migration("003_three_down", "DROP TABLE three;")
    return liteinit


def unchanged(box, *words, status, env=None):
    before = state_of(box.folder)
    answer = tool(box, *words, env=env)
    assert answer.status == status, answer.err
    assert state_of(box.folder) == before
    return answer


def test_baseline(box):
    answer = must(tool(box, "baseline", "2", "--json", "--app-version", "v1"))
    document = answer.document()
    assert document["ok"] and document["recorded"] == 2 and document["applied"] == 0
    assert document["schema_version"] == 2
    assert box.rows("SELECT version, name, app_version, down_sql, checksum LIKE 't1:%'"
                    " FROM schema_migrations ORDER BY version") == \
        [(1, "one", "v1", "DROP TABLE one;", 1), (2, "two", "v1", None, 1)]
    assert box.rows("SELECT version, direction, status FROM migration_history ORDER BY id") == \
        [(1, "baseline", "success"), (2, "baseline", "success")]
    must(tool(box, "prepare"))
    assert box.applied() == [1, 2, 3]
    assert box.rows("SELECT x FROM one") == [(1,)]
    # They can be taken back like any other.
    must(tool(box, "down", "2"))
    assert tool(box, "down", "1").status == 66


def test_baseline_twice_and_further(box):
    must(tool(box, "baseline", "1"))
    assert "recorded" not in must(tool(box, "baseline", "1")).out
    assert must(tool(box, "baseline", "2", "--json")).document()["recorded"] == 1
    assert len(box.attempts()) == 2


@pytest.mark.parametrize("words, status, said", [
    (("baseline", "7"), 66, "no migration with the number 7"),
    (("baseline", "x"), 64, "is no version"),
    (("baseline",), 64, "needs the VERSION"),
    (("repair",), 64, "needs the VERSION"),
    (("repair", "x"), 64, "is no version"),
    (("repair", "1"), 66, "it is not applied"),
    (("baseline", "1", "2"), 64, ""),
])
def test_what_cannot_be_recorded(box, words, status, said):
    assert said in unchanged(box, *words, status=status).err


@pytest.mark.parametrize("words", [("baseline", "1"), ("repair", "1")])
def test_without_a_folder_or_a_database(box, words):
    assert "no folder of migrations" in unchanged(box, *words, status=66, env=NO_FOLDER).err
    box.db.unlink()
    assert "Database not found" in tool(box, *words).err
    assert not box.db.exists()


def test_records_while_the_app_runs(box):
    must(tool(box, "baseline", "2"))
    life = box("sleep", "60", pid1=False)
    life.wait_event("app.start")
    for words in (("baseline", "3"), ("repair", "1")):
        assert tool(box, *words, "--lock-timeout", "0").status == 75
    assert life.stop()[0] == 143


def test_baseline_is_whole_or_not_at_all(box):
    (box.migrations / "002_two.sql").write_bytes(b"CREATE TABLE two (x);\0")
    answer = tool(box, "baseline", "3")
    assert answer.status in (65, 78)
    assert box.rows("SELECT count(*) FROM sqlite_master WHERE name = 'schema_migrations'") == [(0,)] \
        or box.applied() == []


@pytest.fixture(name="applied")
def with_three_applied(liteinit):
    for number, name in ((1, "one"), (2, "two")):
        liteinit.migration(f"{number:03}_{name}", f"CREATE TABLE {name} (x);")
    must(tool(liteinit, "prepare"))
    return liteinit


def test_repair(applied):
    applied.migration("002_two", "CREATE TABLE two (x, y);")
    applied.migration("002_two_down", "DROP TABLE two;")
    assert unchanged(applied, "prepare", status=78)
    answer = must(tool(applied, "repair", "2", "--json"))
    assert answer.document()["recorded"] == 1
    must(tool(applied, "prepare"))
    assert applied.rows("SELECT name FROM pragma_table_info('two')") == [("x",)]
    assert applied.rows("SELECT down_sql FROM schema_migrations WHERE version = 2") == \
        [("DROP TABLE two;",)]
    assert applied.rows("SELECT version, direction, status FROM migration_history ORDER BY id")[-1] \
        == (2, "repair", "success")
    must(tool(applied, "down", env=NO_FOLDER))


def test_repair_of_what_is_unchanged(applied):
    applied.migration("002_two", "-- now with a comment\nCREATE TABLE two (x);\n")
    answer = must(tool(applied, "repair", "2", "--json"))
    assert answer.document()["recorded"] == 0
    assert len(applied.attempts()) == 2


def test_repair_of_what_is_gone(applied):
    (applied.migrations / "001_one.sql").unlink()
    answer = unchanged(applied, "repair", "1", status=66)
    assert "its file is not in the folder" in answer.err and "--drift warn" in answer.err
    must(tool(applied, "prepare", "--drift", "warn"))


def test_history(applied):
    applied.migration("003_bad", "SELEKT 1;")
    tool(applied, "prepare")
    attempts = must(tool(applied, "history", "--json")).document()["attempts"]
    assert [(a["version"], a["direction"], a["status"]) for a in attempts] == \
        [(3, "up", "failed"), (2, "up", "success"), (1, "up", "success")]
    assert "SELEKT" in attempts[0]["error"] and "error" not in attempts[1]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", attempts[0]["started_at"])
    assert attempts[0]["backup"].endswith(".db")
    text = must(tool(applied, "history")).out
    assert text.splitlines()[0].split() == ["STARTED", "VERSION", "DIRECTION", "STATUS", "ERROR"]
    assert len(text.splitlines()) == 4
    assert re.search(r" 3  up +failed +.*SELEKT", text)


def test_a_history_of_a_line_each(applied):
    """Whatever an error says, and whatever somebody has written there."""
    make(applied.db, "UPDATE migration_history SET error_message = 'one' || char(10) || 'two',"
                     " completed_at = NULL, started_at = NULL, direction = NULL WHERE id = 1;", "wal")
    assert len(must(tool(applied, "history")).out.splitlines()) == 3
    assert "one two\n" in must(tool(applied, "status")).out
    assert must(tool(applied, "history", "--json")).document()["attempts"][1]["error"] == "one\ntwo"


def test_an_empty_history(liteinit):
    make(liteinit.db, "CREATE TABLE t (x);", "wal")
    before = state_of(liteinit.data)
    assert "No migration has been tried yet" in must(tool(liteinit, "history")).out
    assert must(tool(liteinit, "history", "--json")).document() == {"attempts": []}
    assert state_of(liteinit.data) == before
    liteinit.db.unlink()
    assert tool(liteinit, "history").status == 66


def names(box, folder=None):
    folder = folder or box.migrations
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def made(box, name="add_prices", *words):
    before = set(names(box))
    answer = must(tool(box, "new", name, *words, env={"LITEINIT_DB": None}))
    new = sorted(set(names(box)) - before)
    assert sorted(line.rpartition("migrations/")[2] for line in answer.out.split()) == new
    return new


D14 = r"20\d{12}"
LAYOUTS = {
    "empty": ([], [r"001_add_prices\.sql", r"001_add_prices_down\.sql"]),
    "liteinit": (["0007_x.sql"], [r"0008_add_prices\.sql", r"0008_add_prices_down\.sql"]),
    "wider": (["9_x.sql"], [r"10_add_prices\.sql", r"10_add_prices_down\.sql"]),
    "dates": (["20240101_x.sql", "20240101120000_y.sql"],
              [D14 + r"_add_prices\.sql", D14 + r"_add_prices_down\.sql"]),
    "golang-migrate": (["000001_x.up.sql", "000001_x.down.sql"],
                       [r"000002_add_prices\.down\.sql", r"000002_add_prices\.up\.sql"]),
    "sqlx": (["20240101000000_x.up.sql", "20240101000000_x.down.sql"],
             [D14 + r"_add_prices\.down\.sql", D14 + r"_add_prices\.up\.sql"]),
    "dbmate": (["20240101000000_x.sql"], [D14 + r"_add_prices\.sql"]),
    "goose": (["00001_x.sql"], [r"00002_add_prices\.sql"]),
    "flyway": (["V1__x.sql", "U1__x.sql"], [r"U2__add_prices\.sql", r"V2__add_prices\.sql"]),
    "flyway dots": (["V1__x.sql", "V2.10__y.sql", "V2.9__z.sql"],
                    [r"U3__add_prices\.sql", r"V3__add_prices\.sql"]),
    "flyway dots in a folder": (["release_7/V2_0_1__x.sql", "V1__w.sql"],
                                [r"U3__add_prices\.sql", r"V3__add_prices\.sql"]),
    "flyway repeatable": (["V007__x.sql", "R__view.sql"],
                          [r"U008__add_prices\.sql", r"V008__add_prices\.sql"]),
    "refinery": (["V1__x.sql", "V2__y.sql"], [r"V3__add_prices\.sql"]),
    "diesel": (["2024-01-01-000000_x/up.sql", "2024-01-01-000000_x/down.sql"],
               [r"20\d\d-\d\d-\d\d-\d{6}-0000_add_prices/down\.sql",
                r"20\d\d-\d\d-\d\d-\d{6}-0000_add_prices/up\.sql"]),
}
CONTENT = {"dbmate": "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 1;\n",
           "goose": "-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 1;\n"}


def fill(box, layout):
    for name in LAYOUTS[layout][0]:
        path = box.migrations / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(CONTENT.get(layout, "SELECT 1;\n"), encoding="utf-8")


def flags(layout):
    tool_name = layout.split()[0]
    return ["--layout", tool_name] if tool_name in ("flyway", "refinery", "sqlx") else []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_new(liteinit, layout):
    fill(liteinit, layout)
    new = made(liteinit, "add_prices", *flags(layout))
    patterns = LAYOUTS[layout][1]
    assert len(new) == len(patterns), new
    for name, pattern in zip(new, patterns):
        assert re.fullmatch(pattern, name), (name, pattern)
    for name in new:
        assert (liteinit.migrations / name).read_text(encoding="utf-8").startswith("-- ")
    # What it makes is read again, and comes last; a second one at once comes behind it.
    again = made(liteinit, "and_more", *flags(layout))
    assert not set(again) & set(new)
    answer = tool(liteinit, "validate", liteinit.migrations, *flags(layout))
    assert "two files" not in answer.out and "number" not in answer.out, answer.out
    for name in (*new, *again):
        path = liteinit.migrations / name
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("\n\n", "\nSELECT 1;\n"), encoding="utf-8")
    must(tool(liteinit, "prepare", *flags(layout)))
    order = liteinit.rows("SELECT name FROM schema_migrations WHERE version > 0 ORDER BY version")
    assert [row[0] for row in order][-2:] == ["add_prices", "and_more"]


def test_new_as_json_and_where_no_folder_is(liteinit):
    liteinit.migrations.rmdir()
    document = must(tool(liteinit, "new", "First one", "--json")).document()
    assert document["files"] == [str(liteinit.migrations / "001_First_one.sql"),
                                 str(liteinit.migrations / "001_First_one_down.sql")]
    must(tool(liteinit, "new", "x", env={"LITEINIT_MIGRATIONS": None}))
    assert (liteinit.folder / "migrations" / "002_x.sql").exists()


@pytest.mark.parametrize("name", ["", "   ", "a/b", "../x", "Ünïcode", "a;b", "a\nb", "x" * 300, "-",
                                  "undo_down", "undo_DOWN", "a.sql"])
def test_bad_names(liteinit, name):
    answer = unchanged(liteinit, "new", name, status=64)
    assert "liteinit new" in answer.err or "in other words" in answer.err or "usage" in answer.err


def test_new_needs_a_name(liteinit):
    assert "needs the NAME" in unchanged(liteinit, "new", status=64).err
    unchanged(liteinit, "new", "a", "b", status=64)


@pytest.mark.parametrize("layout, marker", [
    ("prisma", "20240101000000_x/migration.sql"), ("drizzle", "0000_x.sql")])
def test_new_is_left_to_who_keeps_a_journal(liteinit, layout, marker):
    path = liteinit.migrations / marker
    path.parent.mkdir(exist_ok=True)
    path.write_text("SELECT 1;", encoding="utf-8")
    if layout == "drizzle":
        (liteinit.migrations / "meta").mkdir()
        (liteinit.migrations / "meta" / "_journal.json").write_text(
            '{"version":"7","dialect":"sqlite","entries":[{"idx":0,"version":"6","when":1,'
            '"tag":"0000_x","breakpoints":true}]}', encoding="utf-8")
    answer = unchanged(liteinit, "new", "x", "--layout", layout, status=78)
    assert f"a migration of {layout}" in answer.err.lower()


def test_new_in_a_folder_that_cannot_be_used(liteinit):
    liteinit.migration("001_a", "SELECT 1;")
    liteinit.migration("1_b", "SELECT 1;")
    unchanged(liteinit, "new", "x", status=78)


def test_new_after_the_largest_number(liteinit):
    liteinit.migration("9223372036854775807_a", "SELECT 1;")
    assert "largest number" in unchanged(liteinit, "new", "x", status=78).err


def test_new_after_a_date_to_come(liteinit):
    """A clock that was set back gives no number that comes late."""
    liteinit.migration("29991231235959_a", "SELECT 1;")
    assert made(liteinit) == ["29991231235960_add_prices.sql", "29991231235960_add_prices_down.sql"]


def test_new_follows_no_link(liteinit):
    (liteinit.migrations / "001_x_down.sql").symlink_to(liteinit.folder / "elsewhere")
    tool(liteinit, "new", "x")
    assert not (liteinit.folder / "elsewhere").exists()
