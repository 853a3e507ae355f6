"""What the tests of adopt share: a database as each tool leaves it, made from that tool's own DDL,
with two of three migrations applied, and a folder in that tool's layout."""

import contextlib
import hashlib
import json
import sqlite3
import zlib

FIRST, SECOND, THIRD = ("CREATE TABLE a (x);\n", "CREATE TABLE b (x);\n", "CREATE TABLE c (x);\n")
TEXTS = (FIRST, SECOND, THIRD)
# What the two applied ones have made: they would fail if they ran again.
APPLIED = FIRST + SECOND
DAYS = ("20240115093000", "20240116093000", "20240117093000")


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def crc32(text):
    """As Flyway keeps it: of the lines without their ends, signed."""
    sum_ = zlib.crc32("".join(text.splitlines()).encode())
    return sum_ - (1 << 32) if sum_ >= 1 << 31 else sum_


def sections(up, down):
    return [up + text + down + "DROP TABLE " + text.split()[2] + ";\n" for text in TEXTS]


def named(*names, texts=TEXTS):
    return dict(zip(names, texts))


def journal():
    """drizzle's, whose times are those of its history."""
    return {"meta/_journal.json": json.dumps({
        "version": "7", "dialect": "sqlite",
        "entries": [{"idx": i, "version": "6", "when": 1705311000000 + i, "tag": f"000{i}_m",
                     "breakpoints": True} for i in range(3)]})}


class Case:
    """tool: its name for --from. table: its history. files: name → text. sql: its tables and rows.
    baseline: what has to be said because the tool does not know. old: when it applied the first."""

    def __init__(self, tool, table, files, sql, baseline=None, old=None):
        self.tool = tool
        self.table = table
        self.files = files
        self.sql = sql
        self.baseline = baseline
        self.old = old

    def make(self, box, more=""):
        for name, text in self.files.items():
            path = box.migrations / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        with contextlib.closing(sqlite3.connect(box.db)) as db:
            db.executescript(APPLIED + "INSERT INTO a VALUES (1);" + self.sql + more)

    @property
    def options(self):
        return ["--baseline", self.baseline] if self.baseline else []


OLD = "2024-01-15T09:30:00.000Z"
NUMBERED = named("001_a.sql", "002_b.sql", "003_c.sql")
DATED = named(*(f"{day}_{name}.sql" for day, name in zip(DAYS, "abc")))

CASES = [
    Case("by-name", "schema_migrations", NUMBERED,
         "CREATE TABLE schema_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT,"
         " name TEXT NOT NULL UNIQUE, applied_at DATETIME DEFAULT CURRENT_TIMESTAMP);"
         "INSERT INTO schema_migrations VALUES (1, '001_a.sql', '2024-01-15 09:30:00'),"
         " (2, '002_b.sql', '2024-01-16 09:30:00');", old=OLD),
    Case("by-version", "schema_migrations", NUMBERED,
         "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, migrated_at TEXT NOT NULL"
         " DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')));"
         "INSERT INTO schema_migrations VALUES (1, '2024-01-15T09:30:00.000Z'),"
         " (2, '2024-01-16T09:30:00.000Z');", old=OLD),
    Case("by-status", "migrations", NUMBERED,
         "CREATE TABLE migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL,"
         " description TEXT, applied_at TEXT, rolled_back_at TEXT, backup_path TEXT,"
         " status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'applied', 'failed',"
         " 'rolled_back')), error_message TEXT);"
         "CREATE TABLE migration_history (id INTEGER PRIMARY KEY AUTOINCREMENT, version INTEGER,"
         " direction TEXT CHECK (direction IN ('up', 'down')), status TEXT, backup_path TEXT,"
         " error_message TEXT, started_at TEXT, completed_at TEXT);"
         "INSERT INTO migrations (version, name, applied_at, rolled_back_at, status) VALUES"
         " (1, 'a', '2024-01-15T09:30:00Z', NULL, 'applied'),"
         " (2, 'b', '2024-01-16T09:30:00Z', NULL, 'applied'),"
         " (3, 'c', '2024-01-17T09:30:00Z', '2024-01-18T09:30:00Z', 'rolled_back');"
         "INSERT INTO migration_history (version, direction, status) VALUES (1, 'up', 'success'),"
         " (2, 'up', 'success'), (3, 'up', 'success'), (3, 'down', 'success');", old=OLD),
    Case("golang-migrate", "schema_migrations",
         {**named("000001_a.up.sql", "000002_b.up.sql", "000003_c.up.sql"),
          "000001_a.down.sql": "DROP TABLE a;\n"},
         "CREATE TABLE schema_migrations (version uint64, dirty bool);"
         "CREATE UNIQUE INDEX version_unique ON schema_migrations (version);"
         "INSERT INTO schema_migrations VALUES (2, 0);"),
    Case("dbmate", "schema_migrations",
         named(*DATED, texts=sections("-- migrate:up\n", "-- migrate:down\n")),
         "CREATE TABLE \"schema_migrations\" (version varchar(128) primary key);"
         f"INSERT INTO schema_migrations VALUES ('{DAYS[0]}'), ('{DAYS[1]}');"),
    Case("rails", "schema_migrations", DATED,
         "CREATE TABLE \"schema_migrations\" (\"version\" varchar NOT NULL PRIMARY KEY);"
         "CREATE TABLE \"ar_internal_metadata\" (\"key\" varchar NOT NULL PRIMARY KEY,"
         " \"value\" varchar, \"created_at\" datetime(6) NOT NULL,"
         " \"updated_at\" datetime(6) NOT NULL);"
         f"INSERT INTO schema_migrations VALUES ('{DAYS[1]}'), ('{DAYS[0]}');"),
    Case("ecto", "schema_migrations", DATED,
         "CREATE TABLE \"schema_migrations\" (\"version\" INTEGER PRIMARY KEY,"
         " \"inserted_at\" TEXT);"
         f"INSERT INTO schema_migrations VALUES ({DAYS[0]}, '2024-01-15T09:30:00'),"
         f" ({DAYS[1]}, '2024-01-16T09:30:00');", old=OLD),
    Case("goose", "goose_db_version",
         named("00001_a.sql", "00002_b.sql", "00003_c.sql",
               texts=sections("-- +goose Up\n", "-- +goose Down\n")),
         "CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT,"
         " version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL,"
         " tstamp TIMESTAMP DEFAULT (datetime('now')));"
         "INSERT INTO goose_db_version (version_id, is_applied, tstamp) VALUES"
         " (0, 1, '2024-01-01 00:00:00'), (1, 1, '2024-01-15 09:30:00'), (2, 1, ''), (3, 1, ''),"
         " (3, 0, '');", old=OLD),
    Case("sqlx", "_sqlx_migrations", DATED,
         "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,"
         " installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL,"
         " checksum BLOB NOT NULL, execution_time BIGINT NOT NULL);"
         + "".join(f"INSERT INTO _sqlx_migrations VALUES ({day}, 'm', '2024-01-15 09:30:00', 1,"
                   f" x'{hashlib.sha384(text.encode()).hexdigest()}', 1);"
                   for day, text in zip(DAYS[:2], TEXTS)), old=OLD),
    Case("prisma", "_prisma_migrations",
         {**named(*(f"{day}_{name}/migration.sql" for day, name in zip(DAYS, "abc"))),
          "migration_lock.toml": 'provider = "sqlite"\n'},
         "CREATE TABLE \"_prisma_migrations\" (\"id\" TEXT PRIMARY KEY NOT NULL,"
         " \"checksum\" TEXT NOT NULL, \"finished_at\" DATETIME, \"migration_name\" TEXT NOT NULL,"
         " \"logs\" TEXT, \"rolled_back_at\" DATETIME,"
         " \"started_at\" DATETIME NOT NULL DEFAULT current_timestamp,"
         " \"applied_steps_count\" INTEGER UNSIGNED NOT NULL DEFAULT 0);"
         + "".join(f"INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name,"
                   f" started_at) VALUES ('{day}', '{sha256(text)}', 1705311000000,"
                   f" '{day}_{name}', 1705310999000);"
                   for day, name, text in zip(DAYS[:2], "ab", TEXTS))
         + "INSERT INTO _prisma_migrations (id, checksum, migration_name, rolled_back_at) VALUES"
           f" ('x', '{sha256(FIRST)}', '{DAYS[0]}_a', 1705310000000);", old=OLD),
    Case("flyway", "flyway_schema_history",
         {**named("V1__a.sql", "V1.1__b.sql", "V1.10__c.sql"),
          "R__same.sql": "DROP VIEW IF EXISTS same;\nCREATE VIEW same AS SELECT 1;\n"},
         "CREATE TABLE \"flyway_schema_history\" (\"installed_rank\" INT NOT NULL PRIMARY KEY,"
         " \"version\" VARCHAR(50), \"description\" VARCHAR(200) NOT NULL,"
         " \"type\" VARCHAR(20) NOT NULL, \"script\" VARCHAR(1000) NOT NULL, \"checksum\" INT,"
         " \"installed_by\" VARCHAR(100) NOT NULL,"
         " \"installed_on\" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now')),"
         " \"execution_time\" INT NOT NULL, \"success\" BOOLEAN NOT NULL);"
         "INSERT INTO flyway_schema_history VALUES"
         f" (1, '1', 'a', 'SQL', 'V1__a.sql', {crc32(FIRST)}, '', '2024-01-15 09:30:00.000', 1, 1),"
         f" (2, '1.1', 'b', 'SQL', 'V1.1__b.sql', {crc32(SECOND)}, '', '2024-01-16', 1, 1),"
         f" (3, NULL, 'same', 'SQL', 'R__same.sql',"
         f" {crc32('DROP VIEW IF EXISTS same;CREATE VIEW same AS SELECT 1;')}, '', '2024-01-17', 1,"
         " 1);", old=OLD),
    Case("refinery", "refinery_schema_history", named("V1__a.sql", "V2__b.sql", "V3__c.sql"),
         "CREATE TABLE refinery_schema_history (version INT4 PRIMARY KEY, name VARCHAR(255),"
         " applied_on VARCHAR(255), checksum VARCHAR(255));"
         "INSERT INTO refinery_schema_history VALUES"
         " (1, 'a', '2024-01-15T09:30:00Z', '13009634230456023573'),"
         " (2, 'b', '2024-01-16T09:30:00.123456789Z', '1');", old=OLD),
    Case("diesel", "__diesel_schema_migrations",
         {**named("2024-01-15-093000_a/up.sql", "2024-01-16-093000_b/up.sql",
                  "2024-01-17-093000_c/up.sql"),
          **named("2024-01-15-093000_a/down.sql", "2024-01-16-093000_b/down.sql",
                  "2024-01-17-093000_c/down.sql",
                  texts=("DROP TABLE a;\n", "DROP TABLE b;\n", "DROP TABLE c;\n"))},
         "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL,"
         " run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);"
         f"INSERT INTO __diesel_schema_migrations VALUES ('{DAYS[0]}', '2024-01-15 09:30:00'),"
         f" ('{DAYS[1]}', '2024-01-16 09:30:00');", old=OLD),
    Case("knex", "knex_migrations", DATED,
         "CREATE TABLE `knex_migrations` (`id` integer not null primary key autoincrement,"
         " `name` varchar(255), `batch` integer, `migration_time` datetime);"
         "CREATE TABLE `knex_migrations_lock` (`index` integer not null primary key autoincrement,"
         " `is_locked` integer);"
         "INSERT INTO knex_migrations_lock VALUES (1, 0);"
         f"INSERT INTO knex_migrations VALUES (1, '{DAYS[0]}_a.js', 1, 1705311000000),"
         f" (2, '{DAYS[1]}_b.ts', 1, 1705311000000);", old=OLD),
    Case("drizzle", "__drizzle_migrations",
         {**named("0000_m.sql", "0001_m.sql", "0002_m.sql"), **journal()},
         "CREATE TABLE \"__drizzle_migrations\" (id SERIAL PRIMARY KEY, hash text NOT NULL,"
         " created_at numeric);"
         + "".join(f"INSERT INTO __drizzle_migrations (hash, created_at) VALUES"
                   f" ('{sha256(text)}', {1705311000000 + i});"
                   for i, text in enumerate(TEXTS[:2]))),
    Case("django", "django_migrations", NUMBERED,
         "CREATE TABLE \"django_migrations\" (\"id\" integer NOT NULL PRIMARY KEY AUTOINCREMENT,"
         " \"app\" varchar(255) NOT NULL, \"name\" varchar(255) NOT NULL,"
         " \"applied\" datetime NOT NULL);"
         "INSERT INTO django_migrations VALUES (1, 'auth', '0001_initial', '2024-01-15'),"
         " (2, 'shop', '0001_initial', '2024-01-15');", baseline="2"),
    Case("alembic", "alembic_version", NUMBERED,
         "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,"
         " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));"
         "INSERT INTO alembic_version VALUES ('1975ea83b712');", baseline="2"),
    Case("user_version", None, NUMBERED, "PRAGMA user_version = 2;"),
]


def case(tool):
    return next(one for one in CASES if one.tool == tool)
