/* See check.h. https://www.sqlite.org/pragma.html#pragma_integrity_check */
#include "store/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/sql.h"

static void keep_first(char *out, size_t size, const unsigned char *text)
{
    if (out[0] == '\0' && text != NULL)
        (void)snprintf(out, size, "%s", (const char *)text);
}

/* SQLite could not compile the check, or an expression of the schema failed in it: that names a
 * collation, function or module of the app's own ("no such collation sequence: icu_root"), or
 * cannot cope with a row. It says nothing about the file: damage has codes of its own. */
static bool needs_the_app(int code)
{
    return (code & 0xFF) == SQLITE_ERROR;
}

/* Collects what one check says, of the whole database (`table` NULL) or of one table.
 * *ret_needs_app: it was cut off, since SQLite lacks something of the app's. */
static int collect_problems(sqlite3 *handle, const char *table, struct store_check *check,
                            bool *ret_needs_app, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    const char *pragma = check->full ? "integrity_check" : "quick_check";
    char *sql = table != NULL ? sqlite3_mprintf("PRAGMA main.%s(%Q)", pragma, table)
                              : sqlite3_mprintf("PRAGMA main.%s", pragma);
    if (sql == NULL)
        return error_set(err, ERROR_IO, ENOMEM, "cannot check the database");
    int code = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);
    sqlite3_free(sql);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code != SQLITE_ROW)
            break;
        const unsigned char *line = sqlite3_column_text(statement, 0);
        if (line != NULL && strcmp((const char *)line, "ok") == 0)
            continue;
        check->problems++;
        keep_first(check->first_problem, sizeof check->first_problem, line);
    }
    *ret_needs_app = needs_the_app(code);
    if (code == SQLITE_DONE || *ret_needs_app)
        return 0;
    if (sql_error_kind(code) != ERROR_DATA)
        return sql_error(err, handle, "cannot check the database");
    check->problems++;
    keep_first(check->first_problem, sizeof check->first_problem,
               (const unsigned char *)sqlite3_errmsg(handle));
    return 0;
}

/* The schema with the free pages, and then each table with its indexes. */
static int check_each_table(sqlite3 *handle, struct store_check *check, struct error *err)
{
    cleanup_statement sqlite3_stmt *tables = NULL;
    int code = SQLITE_ROW;
    if (sql_prepare(handle,
                    "SELECT 'sqlite_schema' UNION ALL SELECT * FROM"
                    " (SELECT name FROM main.sqlite_schema WHERE type = 'table' ORDER BY name)",
                    &tables, err) != 0)
        return -1;
    while ((code = sqlite3_step(tables)) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(tables, 0);
        bool needs_app = false;
        if (table == NULL)
            continue;
        if (collect_problems(handle, table, check, &needs_app, err) != 0)
            return -1;
        if (needs_app && check->unchecked++ == 0)
            (void)snprintf(check->first_unchecked, sizeof check->first_unchecked, "%.100s: %.140s",
                           table, sqlite3_errmsg(handle));
    }
    return code == SQLITE_DONE ? 0 : sql_error(err, handle, "cannot list the tables");
}

static int check_integrity(sqlite3 *handle, struct store_check *check, struct error *err)
{
    bool needs_app = false;
    if (collect_problems(handle, NULL, check, &needs_app, err) != 0)
        return -1;
    if (!needs_app)
        return 0;
    check->problems = 0;
    check->first_problem[0] = '\0';
    return check_each_table(handle, check, err);
}

/* Counts what `find` lists. A foreign key whose parent table or column is not there cannot be
 * checked ("foreign key mismatch"): SQLite lets such schemas live as long as nobody uses them, so
 * do we. *ret_mismatch then, and SQLite has given up in the middle. */
static int count_violations(sqlite3 *handle, sqlite3_stmt *find, struct store_check *check,
                            bool *ret_mismatch, struct error *err)
{
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(find)) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(find, 0);
        const char *parent = (const char *)sqlite3_column_text(find, 2);
        if (check->foreign_keys++ == 0)
            (void)snprintf(check->first_violation, sizeof check->first_violation,
                           "row %lld of %s has no parent in %s",
                           (long long)sqlite3_column_int64(find, 1), table != NULL ? table : "?",
                           parent != NULL ? parent : "?");
    }
    *ret_mismatch = (code & 0xFF) == SQLITE_ERROR;
    int result = code == SQLITE_DONE || *ret_mismatch
                     ? 0
                     : sql_error(err, handle, "cannot check the foreign keys");
    (void)sqlite3_reset(find);
    return result;
}

/* Slower, and a table that cannot be checked does not hide the others. */
static int check_table_by_table(sqlite3 *handle, struct store_check *check, struct error *err)
{
    cleanup_statement sqlite3_stmt *tables = NULL;
    cleanup_statement sqlite3_stmt *find = NULL;
    int code = SQLITE_ROW;
    bool mismatch = false;
    if (sql_prepare(handle, "SELECT name FROM main.sqlite_schema WHERE type = 'table'", &tables,
                    err) != 0 ||
        sql_prepare(handle, "SELECT * FROM pragma_foreign_key_check(?1, 'main')", &find, err) != 0)
        return -1;
    while ((code = sqlite3_step(tables)) == SQLITE_ROW) {
        (void)sqlite3_bind_value(find, 1, sqlite3_column_value(tables, 0));
        if (count_violations(handle, find, check, &mismatch, err) != 0)
            return -1;
    }
    return code == SQLITE_DONE ? 0 : sql_error(err, handle, "cannot list the tables");
}

static int check_foreign_keys(sqlite3 *handle, struct store_check *check, struct error *err)
{
    cleanup_statement sqlite3_stmt *find = NULL;
    bool mismatch = false;
    if (sql_prepare(handle, "SELECT * FROM pragma_foreign_key_check", &find, err) != 0 ||
        count_violations(handle, find, check, &mismatch, err) != 0)
        return -1;
    if (!mismatch)
        return 0;
    check->foreign_keys = 0;
    check->first_violation[0] = '\0';
    return check_table_by_table(handle, check, err);
}

int store_check_run(sqlite3 *handle, bool full, bool foreign_keys, struct store_check *ret_check,
                    struct error *err)
{
    struct store_check check = {.full = full};
    int64_t start = clock_monotonic_ms();
    if (check_integrity(handle, &check, err) != 0)
        return -1;
    if (foreign_keys && check.problems == 0 && check_foreign_keys(handle, &check, err) != 0)
        return -1;
    check.duration_ms = clock_monotonic_ms() - start;
    *ret_check = check;
    return 0;
}

int store_check_foreign_keys(sqlite3 *handle, struct store_check *ret_check, struct error *err)
{
    struct store_check check = {.full = false};
    if (check_foreign_keys(handle, &check, err) != 0)
        return -1;
    *ret_check = check;
    return 0;
}

int store_check_error(const struct store_check *check, const char *path, struct error *err)
{
    (void)error_set(err, ERROR_DATA, 0, "the database %s is corrupt: %s (%lld %s in all)", path,
                    check->first_problem, (long long)check->problems,
                    check->problems == 1 ? "finding" : "findings");
    err->sqlite = SQLITE_CORRUPT;
    return error_hint(err, "it was left untouched; put the newest verified backup in its place "
                           "(see: liteinit backups)");
}
