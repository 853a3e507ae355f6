"""Files of other migration tools in a folder that is not theirs, and databases that they keep."""

import json
import os
import sqlite3
import subprocess

import pytest

BIN = os.environ.get("LITEINIT_BIN", "")


def prepare(folder, **env):
    done = subprocess.run([BIN, "prepare", "--db", folder / "app.db"], capture_output=True,
                          text=True, timeout=60, check=False,
                          env={"PATH": os.environ["PATH"],
                               "LITEINIT_MIGRATIONS": str(folder / "m"), **env})
    return done.returncode, [json.loads(line) for line in done.stderr.splitlines()]


def make(folder, sql):
    connection = sqlite3.connect(folder / "app.db")
    connection.executescript(sql)
    connection.close()


def tables(folder):
    connection = sqlite3.connect(folder / "app.db")
    try:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    finally:
        connection.close()


@pytest.mark.parametrize("text, tool, line", [
    ("-- +goose Up\nCREATE TABLE a (x);\n-- +goose Down\nDROP TABLE a;\n", "goose", 1),
    ("-- what it does\n--migrate:up\nCREATE TABLE a (x);\n-- migrate:down\nDROP TABLE a;\n",
     "dbmate", 2),
])
def test_file_with_both_directions(tmp_path, text, tool, line):
    """Among liteinit's own files it is refused, wherever it is; alone it says whose it is."""
    (tmp_path / "m").mkdir()
    for number in range(1, 31):
        (tmp_path / "m" / f"{number:03}_own.sql").write_text("SELECT 1;\n")
    (tmp_path / "m" / "015_own.sql").write_text(text)
    make(tmp_path, "CREATE TABLE a (x); INSERT INTO a VALUES (1);")
    status, events = prepare(tmp_path)
    assert status == 78
    failed = [e for e in events if e["event"] == "migrate.failed"]
    assert len(failed) == 1
    assert tool in failed[0]["msg"]
    assert failed[0]["line"] == line
    assert "_down.sql" in failed[0]["hint"]
    connection = sqlite3.connect(tmp_path / "app.db")
    assert connection.execute("SELECT count(*) FROM a").fetchone() == (1,)
    connection.close()
    assert not (tmp_path / "backups").exists()
    for path in (tmp_path / "m").iterdir():
        if "015" not in path.name:
            path.unlink()
    (tmp_path / "app.db").unlink()
    assert prepare(tmp_path)[0] == 0
    assert "a" in tables(tmp_path)


@pytest.mark.parametrize("table", [
    "goose_db_version", "_sqlx_migrations", "flyway_schema_history", "refinery_schema_history",
    "_prisma_migrations", "__diesel_schema_migrations", "__drizzle_migrations", "knex_migrations",
    "django_migrations", "alembic_version",
])
def test_history_of_another_tool(tmp_path, table):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "001_a.sql").write_text("CREATE TABLE IF NOT EXISTS a (x);\n")
    make(tmp_path, f"CREATE TABLE {table} (version); CREATE TABLE a (x);")
    status, events = prepare(tmp_path)
    assert status == 78
    failed = [e for e in events if e["event"] == "migrate.failed"]
    assert table in failed[0]["msg"]
    assert "LITEINIT_MIGRATIONS=none" in failed[0]["hint"]
    assert tables(tmp_path) == {table, "a"}
    # What the hint says works.
    status, events = prepare(tmp_path, LITEINIT_MIGRATIONS="none")
    assert status == 0, events
    assert tables(tmp_path) == {table, "a"}


def test_another_tools_table_beside_our_own_history(tmp_path):
    """An app may bring such a table along in a migration of ours."""
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "001_a.sql").write_text("CREATE TABLE goose_db_version (version);\n")
    assert prepare(tmp_path)[0] == 0
    (tmp_path / "m" / "002_b.sql").write_text("CREATE TABLE b (x);\n")
    assert prepare(tmp_path)[0] == 0
    assert "b" in tables(tmp_path)
