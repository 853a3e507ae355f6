"""Folders of other migration tools: recognised, applied as their tool would, never run backwards."""

import json

import pytest

from dbkit import make, must, state_of, tool

A_UP = "CREATE TABLE authors (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
A_DOWN = "DROP TABLE authors;\n"
B_UP = "ALTER TABLE authors ADD COLUMN born INTEGER;\nINSERT INTO authors (name) VALUES ('x; y');\n"
B_DOWN = "ALTER TABLE authors DROP COLUMN born;\n"
TRIGGER = ("CREATE TRIGGER named BEFORE INSERT ON authors BEGIN\n"
           "    SELECT raise(ABORT, 'no name') WHERE NEW.name = '';\n"
           "    SELECT 1;\n"
           "END;\n")


def journal(*tags, dialect="sqlite"):
    return json.dumps({"version": "6", "dialect": dialect, "entries": [
        {"idx": i, "version": "6", "when": 1700000000000 + i, "tag": tag, "breakpoints": True}
        for i, tag in enumerate(tags)]}, indent=2)


# Tool → files, the versions that are applied, and those of them that have a way back.
FOLDERS = {
    "golang-migrate": ({
        "000001_authors.up.sql": A_UP, "000001_authors.down.sql": A_DOWN,
        "000002_born.up.sql": B_UP, "000002_born.down.sql": B_DOWN,
        "000003_named.up.sql": TRIGGER,
    }, [1, 2, 3], {1: A_DOWN, 2: B_DOWN}),
    "sqlx": ({
        "20240101000000_authors.up.sql": "-- no-transaction\n" + A_UP,
        "20240101000000_authors.down.sql": A_DOWN,
        "20240102000000_born.up.sql": B_UP,
        "20240102000000_born.down.sql": "-- Add down migration script here\n",
        "20240103000000_named.up.sql": TRIGGER,
        "20240103000000_named.down.sql": "DROP TRIGGER named;\n",
    }, [20240101000000, 20240102000000, 20240103000000],
        {20240101000000: A_DOWN, 20240103000000: "DROP TRIGGER named;\n"}),
    "dbmate": ({
        "20240101000000_authors.sql": f"-- migrate:up\n{A_UP}\n-- migrate:down\n{A_DOWN}\n",
        "20240102000000_born.sql": f"-- migrate:up transaction:true\r\n{B_UP}-- migrate:down\r\n",
        "20240103000000_named.sql": f"-- migrate:up\n{TRIGGER}-- migrate:down\nDROP TRIGGER named;",
        "schema.sql": "not a migration",
    }, [20240101000000, 20240102000000, 20240103000000],
        {20240101000000: f"-- migrate:down\n{A_DOWN}",
         20240103000000: "-- migrate:down\nDROP TRIGGER named;\n"}),
    "goose": ({
        "00001_authors.sql": f"-- +goose Up\n{A_UP}\n-- +goose Down\n{A_DOWN}",
        "00002_born.sql": f"-- +goose Up\n{B_UP}",
        "00003_named.sql": ("-- +goose Up\n-- +goose StatementBegin\n" + TRIGGER +
                            "-- +goose StatementEnd\n\n-- +goose Down\nDROP TRIGGER named;\n"),
        "migrations.go": "package migrations\n", "00003_named_test.go": "package migrations\n",
    }, [1, 2, 3], {1: f"-- +goose Down\n{A_DOWN}", 3: "-- +goose Down\nDROP TRIGGER named;\n"}),
    "flyway": ({
        "V1__authors.sql": A_UP, "U1__authors.sql": A_DOWN, "V1.1__born.sql": B_UP,
        "release_2/V2_0_1__named.sql": TRIGGER, "release_2/U2.0.1__named.sql": "DROP TRIGGER named",
        "README.md": "",
    }, [10**12, 10**12 + 10**8, 2 * 10**12 + 10**4],
        {10**12: A_DOWN, 2 * 10**12 + 10**4: "DROP TRIGGER named"}),
    "refinery": ({
        "V1__authors.sql": A_UP, "V2__born.sql": B_UP, "V3__named.sql": TRIGGER,
    }, [1, 2, 3], {}),
    "diesel": ({
        "2024-01-01-000000_authors/up.sql": A_UP, "2024-01-01-000000_authors/down.sql": A_DOWN,
        "2024-01-02-000000_born/up.sql": B_UP,
        "2024-01-02-000000_born/down.sql": "-- This file should undo anything in `up.sql`\n",
        "2024-01-03-000000_named/up.sql": TRIGGER,
        ".diesel_lock": "",
    }, [202401010000000000, 202401020000000000, 202401030000000000],
        {202401010000000000: A_DOWN}),
    "prisma": ({
        "migration_lock.toml": '# do not edit\nprovider = "sqlite"\n',
        "20240101000000_authors/migration.sql": "-- CreateTable\n" + A_UP,
        "20240102000000_born/migration.sql": "-- AlterTable\n" + B_UP,
        "20240103000000_named/migration.sql": TRIGGER,
        "20240103000000_named/down.sql": "DROP TRIGGER named;",
    }, [20240101000000, 20240102000000, 20240103000000], {20240103000000: "DROP TRIGGER named;"}),
    "drizzle": ({
        "meta/_journal.json": journal("0000_authors", "0001_born", "0002_named"),
        "meta/0000_snapshot.json": "{}",
        "0000_authors.sql": A_UP, "0002_named.sql": TRIGGER,
        "0001_born.sql": B_UP.replace(";\n", ";--> statement-breakpoint\n"),
        "0003_not_in_the_journal.sql": "DROP TABLE authors;",
    }, [0, 1, 2], {}),
}


def failure(answer):
    """The one error: of the preparation where there is no database yet."""
    errors = [event for event in answer.events if event["level"] == "error"]
    assert len(errors) == 1, answer.err
    assert errors[0]["event"] in ("migrate.failed", "prepare.failed")
    return errors[0]


def lay_out(box, files):
    for name, text in files.items():
        path = box.migrations / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


@pytest.mark.parametrize("name", FOLDERS)
def test_folder_is_applied_as_it_is(liteinit, name):
    files, versions, downs = FOLDERS[name]
    lay_out(liteinit, files)
    done = must(tool(liteinit, "prepare")).only("migrate.done")
    assert done["applied"] == len(versions)
    assert liteinit.applied() == versions
    assert liteinit.rows("SELECT name, born FROM authors") == [("x; y", None)]
    assert liteinit.rows("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'") == [(1,)]
    kept = dict(liteinit.rows("SELECT version, down_sql FROM schema_migrations "
                              "WHERE down_sql IS NOT NULL"))
    assert kept == downs
    assert [name for (name,) in liteinit.rows(
        "SELECT name FROM schema_migrations ORDER BY version")] == ["authors", "born", "named"]

    before = state_of(liteinit.data)
    again = must(tool(liteinit, "prepare"))
    assert "migrate.apply" not in again.names
    assert state_of(liteinit.data) == before


@pytest.mark.parametrize("name", FOLDERS)
def test_folder_is_valid_and_can_be_told(liteinit, name):
    files, versions, _ = FOLDERS[name]
    lay_out(liteinit, files)
    found = tool(liteinit, "validate", liteinit.migrations, "--json")
    assert found.status == 0, found.err
    # Without a U file refinery's folder is as good as Flyway's.
    assert found.document()["layout"] == (name if name != "refinery" else "flyway")
    must(tool(liteinit, "prepare", "--layout", name))
    assert liteinit.applied() == versions


@pytest.mark.parametrize("name", ["golang-migrate", "dbmate", "goose", "diesel"])
def test_way_back_is_the_files(liteinit, name):
    """By the text that is kept in the database, without the file."""
    files = FOLDERS[name][0]
    lay_out(liteinit, {file: text for file, text in files.items() if "authors" in file})
    must(tool(liteinit, "prepare"))
    for path in liteinit.migrations.rglob("*.sql"):
        path.unlink()
    must(tool(liteinit, "down", env={"LITEINIT_MIGRATIONS": "none"}))
    assert liteinit.applied() == []
    assert liteinit.rows("SELECT name FROM sqlite_master WHERE name = 'authors'") == []


def test_repeatable_migration(liteinit):
    """It is applied last, and again when its SQL has changed, and only then."""
    view = "DROP VIEW IF EXISTS writers;\nCREATE VIEW writers AS SELECT {} FROM authors;\n"
    lay_out(liteinit, {"R__writers.sql": view.format("name"), "V1__authors.sql": A_UP})
    assert must(tool(liteinit, "prepare")).only("migrate.done")["applied"] == 2
    lay_out(liteinit, {"R__writers.sql": "-- a word\n" + view.format("name")})
    assert must(tool(liteinit, "prepare")).named("migrate.apply") == []
    lay_out(liteinit, {"R__writers.sql": view.format("name, born"), "V2__born.sql": B_UP})
    answer = must(tool(liteinit, "prepare"))
    assert [event["file"] for event in answer.named("migrate.apply")] == ["V2__born.sql",
                                                                          "R__writers.sql"]
    assert liteinit.rows("SELECT name, born FROM writers") == [("x; y", None)]


def test_diesel_dates_of_two_forms(liteinit):
    """diesel orders versions as texts: a shorter one of a later day comes behind a longer one."""
    lay_out(liteinit, {
        "2024-01-01-000000_authors/up.sql": A_UP,
        "2024-01-02-000000-0000_born/up.sql": B_UP,
        "2024-01-02-000000-0000_born/down.sql": "ALTER TABLE authors DROP COLUMN born;",
        "2024-01-03-000000_named/up.sql": TRIGGER,
        "2024-01-03-000000_named/down.sql": "DROP TRIGGER named;",
    })
    events = must(tool(liteinit, "prepare")).named("migrate.apply")
    assert [event["file"].split("_")[1] for event in events] == [
        "authors/up.sql", "born/up.sql", "named/up.sql"]
    lay_out(liteinit, {"2024-01-04-000000_last/up.sql": "CREATE TABLE last(a);"})
    must(tool(liteinit, "prepare", "--rehearse=always"))
    assert liteinit.applied()[-2:] == [202401030000000000, 202401040000000000]
    failure(tool(liteinit, "down"))
    (liteinit.migrations / "2024-01-04-000000_last/down.sql").write_text("DROP TABLE last;")
    must(tool(liteinit, "repair", "20240104000000"))
    must(tool(liteinit, "down", "20240101000000"))
    assert liteinit.applied() == [202401010000000000]


def test_flyway_versions_are_not_counted_twice(liteinit):
    """Dots in a version change the numbers of all: the records follow, and nothing runs again."""
    files = {"V1__authors.sql": A_UP, "U1__authors.sql": A_DOWN, "V2__born.sql": B_UP}
    lay_out(liteinit, files)
    must(tool(liteinit, "prepare"))
    assert liteinit.applied() == [1, 2]
    lay_out(liteinit, {"V1.1__named.sql": TRIGGER})
    # Whoever only looks sees it right, too.
    said = must(tool(liteinit, "status", "--json")).document()
    assert [item["file"] for item in said["pending"]] == ["V1.1__named.sql"]
    dry = must(tool(liteinit, "up", "--dry-run", "--json")).document()
    assert [item["file"] for item in dry["migrations"]] == ["V1.1__named.sql"]
    assert liteinit.applied() == [1, 2]
    answer = must(tool(liteinit, "prepare"))
    assert [event["file"] for event in answer.named("migrate.apply")] == ["V1.1__named.sql"]
    assert liteinit.applied() == [10**12, 10**12 + 10**8, 2 * 10**12]
    assert {version for version, _ in liteinit.attempts()} == set(liteinit.applied())
    assert liteinit.rows("SELECT count(*) FROM authors") == [(1,)]
    assert must(tool(liteinit, "prepare")).named("migrate.apply") == []


def test_older_image_of_a_flyway_folder_with_dots(liteinit):
    lay_out(liteinit, FOLDERS["flyway"][0])
    must(tool(liteinit, "prepare"))
    for path in liteinit.migrations.rglob("*.sql"):
        if "authors" not in path.name:
            path.unlink()
    answer = tool(liteinit, "prepare", "--on-newer-schema", "rollback")
    assert answer.status == 78
    assert "versions with dots" in failure(answer)["hint"]
    assert liteinit.rows("SELECT count(*) FROM authors") == [(1,)]


def test_u_files_are_refinerys_when_told(liteinit):
    lay_out(liteinit, {"V2__authors.sql": A_UP})
    must(tool(liteinit, "prepare", "--layout", "refinery"))
    lay_out(liteinit, {"U1__late.sql": "CREATE TABLE late (x);\n"})
    must(tool(liteinit, "prepare", "--layout", "refinery"))
    assert liteinit.applied() == [1, 2]


@pytest.mark.parametrize("name", ["dbmate", "goose"])
def test_next_release_adds_to_it(liteinit, name):
    """What is there already is not run again, and a changed comment or way back is no drift."""
    files, versions, _ = FOLDERS[name]
    lay_out(liteinit, files)
    must(tool(liteinit, "prepare"))
    first = min(files)
    lay_out(liteinit, {first: "-- a word\n" + files[first].replace(A_DOWN, "DROP TABLE gone;\n")})
    marker = files[first].splitlines()[0]
    lay_out(liteinit, {"20990101000000_later.sql": f"{marker}\nCREATE TABLE later (x);\n"})
    done = must(tool(liteinit, "prepare")).only("migrate.done")
    assert done["applied"] == 1
    assert liteinit.applied() == versions + [20990101000000]
    # The SQL of the way up is what counts.
    lay_out(liteinit, {first: files[first].replace("name TEXT", "name BLOB")})
    answer = tool(liteinit, "prepare")
    assert answer.status == 78
    assert "has changed since" in answer.only("migrate.failed")["msg"]


REFUSED = {
    "Go": ({"00001_a.sql": "-- +goose Up\nCREATE TABLE a (x);\n", "00002_b.go": "package m\n"},
           78, "00002_b.go", "--migrate-command"),
    "values of the environment": (
        {"00001_a.sql": "-- +goose ENVSUB ON\n-- +goose Up\nCREATE TABLE a (x ${T});\n"},
        78, "00001_a.sql", "ENVSUB"),
    "a marker's option": ({"1_a.sql": "-- migrate:up env:prod\nCREATE TABLE a (x);\n"},
                          65, "env:prod", "transaction:false"),
    "a marker in a string": (
        {"1_a.sql": "-- migrate:up\nINSERT INTO a VALUES ('\n-- migrate:down\n');\n"},
        65, "inside a string", "another way"),
    "a value of Flyway's": ({"V1__a.sql": "CREATE TABLE a (x DEFAULT '${x}');\n"},
                            78, "V1__a.sql:1", "placeholderReplacement"),
    "another database": ({"migration_lock.toml": 'provider = "postgresql"\n',
                          "20240101000000_a/migration.sql": "CREATE TABLE a (x);\n"},
                         78, "postgresql", "--migrations"),
    "an empty folder": ({"20240101000000_a/migration.sql": "CREATE TABLE a (x);\n",
                         "20240102000000_b/README.md": ""},
                        78, "20240102000000_b", "bring the file back"),
    "a journal": ({"meta/_journal.json": journal("0000_a") + "}", "0000_a.sql": "SELECT 1;\n"},
                  78, "_journal.json", "drizzle-kit"),
    "another dialect": ({"meta/_journal.json": journal("0000_a", dialect="mysql"),
                         "0000_a.sql": "SELECT 1;\n"}, 78, "mysql", "--migrations"),
    "two tools": ({"V1__a.sql": "CREATE TABLE a (x);\n", "001_a.sql": "CREATE TABLE b (x);\n"},
                  78, "flyway", "--layout"),
    "an undo of nothing": ({"V1__a.sql": "CREATE TABLE a (x);\n", "U2__b.sql": "DROP TABLE a;\n"},
                           78, "refinery", "--layout"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_read_is_refused(liteinit, why):
    """Before anything is touched, and with a word on what to do."""
    files, status, said, hint = REFUSED[why]
    lay_out(liteinit, files)
    for new in (True, False):
        answer = tool(liteinit, "prepare")
        assert answer.status == status, answer.err
        failed = failure(answer)
        assert said in failed["msg"]
        assert hint in failed["hint"]
        if new:
            assert not (liteinit.data / "app.db").exists()
            make(liteinit.data / "app.db", "CREATE TABLE kept (x)")
    assert liteinit.rows("SELECT name FROM sqlite_master") == [("kept",)]


def test_bytes_that_are_no_text(liteinit):
    (liteinit.migrations / "001_a.sql").write_bytes(b"CREATE TABLE a (x);\n-- gr\xfc\xdfe\n")
    answer = tool(liteinit, "prepare")
    assert answer.status == 65
    failed = failure(answer)
    assert failed["file"] == "001_a.sql"
    assert failed["line"] == 2
    assert "UTF-8" in failed["hint"]
