/* See tools.h. */
#include "foreign/tools.h"

#include <string.h>
#include <strings.h>

/* A boolean as drivers write it: a number, or a word. */
#define TRUE_SQL(column) "lower(" column ") IN ('1', 'true', 't')"
#define FALSE_SQL(column) "lower(" column ") IN ('0', 'false', 'f')"

#define MEND_BY_HAND "bring the database to a known state first: put a backup back, or "

static const struct foreign_tool tools[] = {
    /* A row for each file, by the file's name. */
    {
        .name = "by-name",
        .table = "schema_migrations",
        .columns = "id name applied_at",
        .exact = true,
        .rows = "SELECT name AS label, NULL AS name, applied_at AS at, NULL AS checksum, 1 AS state"
                " FROM main.schema_migrations ORDER BY id",
    },
    {
        .name = "by-version",
        .table = "schema_migrations",
        .columns = "version migrated_at",
        .exact = true,
        .rows = "SELECT version AS label, NULL AS name, migrated_at AS at, NULL AS checksum,"
                " 1 AS state FROM main.schema_migrations",
    },
    /* A row for each version that is updated in place, and the attempts in a table beside it. */
    {
        .name = "by-status",
        .table = "migrations",
        .columns = "version name description applied_at rolled_back_at backup_path status"
                   " error_message",
        .aside = {"migration_history", "id status",
                  "SELECT 1 FROM main.migration_history WHERE status = 'running' AND id ="
                  " (SELECT max(id) FROM main.migration_history)"},
        .rows = "SELECT version AS label, name, applied_at AS at, NULL AS checksum,"
                " CASE WHEN rolled_back_at IS NOT NULL THEN 0"
                " WHEN lower(status) IN ('running', 'failed') THEN 2"
                " WHEN lower(status) IN ('pending', 'rolled_back', 'rolled-back') THEN 0"
                " ELSE 1 END AS state FROM main.migrations",
        .mend = MEND_BY_HAND "finish or take back that migration with the tool that began it",
    },
    /* One row, the newest version. -1 is written when even the first one was taken back.
     * https://github.com/golang-migrate/migrate/blob/master/GETTING_STARTED.md */
    {
        .name = "golang-migrate",
        .table = "schema_migrations",
        .columns = "version dirty",
        .exact = true,
        .rows =
            "SELECT version AS label, NULL AS name, NULL AS at, NULL AS checksum,"
            " CASE WHEN NOT coalesce(" FALSE_SQL("dirty") ", 0) THEN 2"
                                                          " WHEN version = -1 THEN 0 ELSE 3 END AS "
                                                          "state FROM main.schema_migrations",
        .mend =
            MEND_BY_HAND "mend the schema by hand; then say where it is: migrate … force VERSION",
    },
    /* Every listed version is applied, for dbmate and for Rails; Rails has a second table.
     * https://github.com/amacneil/dbmate, https://guides.rubyonrails.org */
    {
        .name = "rails",
        .table = "schema_migrations",
        .columns = "version",
        .exact = true,
        .beside = "ar_internal_metadata",
        .rows = "SELECT version AS label, NULL AS name, NULL AS at, NULL AS checksum, 1 AS state"
                " FROM main.schema_migrations",
    },
    {
        .name = "dbmate",
        .table = "schema_migrations",
        .columns = "version",
        .exact = true,
        .rows = "SELECT version AS label, NULL AS name, NULL AS at, NULL AS checksum, 1 AS state"
                " FROM main.schema_migrations",
    },
    {
        .name = "ecto",
        .table = "schema_migrations",
        .columns = "version inserted_at",
        .exact = true,
        .rows = "SELECT version AS label, NULL AS name, inserted_at AS at, NULL AS checksum,"
                " 1 AS state FROM main.schema_migrations",
    },
    /* The newest row of a version counts; the row of version 0 is made with the table. A query with
     * one max() takes its bare columns from that row: https://www.sqlite.org/lang_select.html */
    {
        .name = "goose",
        .table = "goose_db_version",
        .columns = "id version_id is_applied tstamp",
        .known_by_name = true,
        .rows = "SELECT version_id AS label, NULL AS name, tstamp AS at, NULL AS checksum,"
                " CASE WHEN " TRUE_SQL("is_applied") " THEN 1 WHEN " FALSE_SQL(
                    "is_applied") " THEN 0 END AS state, max(id) FROM main.goose_db_version"
                                  " WHERE version_id IS NOT 0 GROUP BY version_id",
    },
    {
        .name = "sqlx",
        .table = "_sqlx_migrations",
        .columns = "version description installed_on success checksum execution_time",
        .known_by_name = true,
        .rows = "SELECT version AS label, description AS name, installed_on AS at,"
                " CASE typeof(checksum) WHEN 'blob' THEN lower(hex(checksum)) END AS checksum,"
                " CASE WHEN " TRUE_SQL("success") " THEN 1 ELSE 2 END AS state"
                                                  " FROM main._sqlx_migrations",
        .sum = FOREIGN_SUM_SHA384,
        .mend = MEND_BY_HAND "undo by hand what that migration did, and delete its row",
    },
    /* https://www.prisma.io/docs/orm/prisma-migrate/workflows/patching-and-hotfixing */
    {
        .name = "prisma",
        .table = "_prisma_migrations",
        .columns = "id checksum finished_at migration_name rolled_back_at started_at",
        .known_by_name = true,
        .rows = "SELECT migration_name AS label, NULL AS name, finished_at AS at,"
                " lower(checksum) AS checksum,"
                " CASE WHEN rolled_back_at IS NOT NULL THEN 0 WHEN finished_at IS NULL THEN 2"
                " ELSE 1 END AS state FROM main._prisma_migrations",
        .sum = FOREIGN_SUM_SHA256,
        .mend = MEND_BY_HAND "mend the schema by hand and say how: npx prisma migrate resolve "
                             "--applied NAME (or --rolled-back NAME)",
    },
    /* The newest row of a version counts: an undo or a deletion follows the row that it is about.
     * Repeatable ones have no version and are told apart by their script.
     * https://documentation.red-gate.com/fd/flyway-schema-history-table-273973417.html */
    {
        .name = "flyway",
        .table = "flyway_schema_history",
        .columns = "installed_rank version description type script checksum installed_on success",
        .known_by_name = true,
        .has_baselines = true,
        .rows = "SELECT CASE WHEN version IS NULL THEN script ELSE version END AS label,"
                " description AS name, installed_on AS at, checksum,"
                " CASE WHEN NOT coalesce(" TRUE_SQL(
                    "success") ", 0) THEN 2"
                               " WHEN type LIKE 'UNDO%' OR type IN ('DELETE', 'SCHEMA') THEN 0"
                               " WHEN type LIKE '%BASELINE' THEN 3 WHEN version IS NULL THEN 4"
                               " ELSE 1 END AS state, max(installed_rank) FROM "
                               "main.flyway_schema_history"
                               " GROUP BY version, CASE WHEN version IS NULL THEN script END",
        .sum = FOREIGN_SUM_CRC32_LINES,
        .mend = MEND_BY_HAND "undo by hand what that migration did; then: flyway repair",
    },
    {
        .name = "refinery",
        .table = "refinery_schema_history",
        .columns = "version name applied_on checksum",
        .known_by_name = true,
        .rows = "SELECT version AS label, name, applied_on AS at, NULL AS checksum, 1 AS state"
                " FROM main.refinery_schema_history",
    },
    {
        .name = "diesel",
        .table = "__diesel_schema_migrations",
        .columns = "version run_on",
        .known_by_name = true,
        .rows = "SELECT version AS label, NULL AS name, run_on AS at, NULL AS checksum, 1 AS state"
                " FROM main.__diesel_schema_migrations",
    },
    /* https://knexjs.org/guide/migrations.html#notes-about-locks */
    {
        .name = "knex",
        .table = "knex_migrations",
        .columns = "id name batch migration_time",
        .known_by_name = true,
        .aside = {"knex_migrations_lock", "is_locked",
                  "SELECT 1 FROM main.knex_migrations_lock WHERE is_locked = 1"},
        .rows = "SELECT name AS label, NULL AS name, migration_time AS at, NULL AS checksum,"
                " 1 AS state FROM main.knex_migrations",
        .mend = MEND_BY_HAND "see that knex runs nowhere and its last migration is whole; then: "
                             "npx knex migrate:unlock",
    },
    {
        .name = "django",
        .table = "django_migrations",
        .columns = "id app name applied",
        .known_by_name = true,
        .by_app = true,
        .rows = "SELECT app || '/' || name AS label, NULL AS name, applied AS at, NULL AS checksum,"
                " 1 AS state FROM main.django_migrations",
    },
    {
        .name = "alembic",
        .table = "alembic_version",
        .columns = "version_num",
        .known_by_name = true,
        .head_only = true,
        .rows = "SELECT version_num AS label, NULL AS name, NULL AS at, NULL AS checksum,"
                " 1 AS state FROM main.alembic_version",
    },
    /* created_at is the journal's time of the file, not the time at which it was applied. */
    {
        .name = "drizzle",
        .table = "__drizzle_migrations",
        .columns = "id hash created_at",
        .known_by_name = true,
        .by_stamp = true,
        .rows = "SELECT created_at AS label, NULL AS name, NULL AS at, lower(hash) AS checksum,"
                " 1 AS state FROM main.__drizzle_migrations",
        .sum = FOREIGN_SUM_SHA256,
    },
    {
        .name = "user_version",
        .table = "PRAGMA user_version",
        .rows = "SELECT user_version AS label, NULL AS name, NULL AS at, NULL AS checksum,"
                " CASE user_version WHEN 0 THEN 0 ELSE 3 END AS state"
                " FROM pragma_user_version",
    },
};

#define TOOL_COUNT (sizeof tools / sizeof tools[0])
_Static_assert(TOOL_COUNT < FOREIGN_FOUND_MAX, "a list of all tools has room");

const struct foreign_tool *foreign_tools(size_t *ret_count)
{
    *ret_count = TOOL_COUNT;
    return tools;
}

const struct foreign_tool *foreign_tool_named(const char *name)
{
    for (size_t i = 0; i < TOOL_COUNT; i++)
        if (strcasecmp(tools[i].name, name) == 0)
            return &tools[i];
    return NULL;
}
