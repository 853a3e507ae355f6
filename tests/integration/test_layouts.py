"""Folders of other migration tools: recognised, applied as their tool would, never run backwards."""

import json

import pytest

from dbkit import must, state_of, tool

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
    }, [20240101000000, 20240102000000, 20240103000000], {20240101000000: A_DOWN}),
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
