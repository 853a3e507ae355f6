/* See check.h. https://www.sqlite.org/pragma.html#pragma_integrity_check */
#include "store/check.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/sql.h"

static void keep_first(char *out, size_t size, const unsigned char *text)
{
    if (out[0] == '\0' && text != NULL)
        (void)snprintf(out, size, "%s", (const char *)text);
}

static int check_integrity(sqlite3 *handle, struct store_check *check, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    const char *sql = check->full ? "PRAGMA main.integrity_check" : "PRAGMA main.quick_check";
    int code = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);
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
    if (code == SQLITE_DONE)
        return 0;
    if (sql_error_kind(code) != ERROR_DATA)
        return sql_error(err, handle, "cannot check the database");
    check->problems++;
    keep_first(check->first_problem, sizeof check->first_problem,
               (const unsigned char *)sqlite3_errmsg(handle));
    return 0;
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

int store_check_error(const struct store_check *check, const char *path, struct error *err)
{
    (void)error_set(err, ERROR_DATA, 0, "the database %s is corrupt: %s (%lld %s in all)", path,
                    check->first_problem, (long long)check->problems,
                    check->problems == 1 ? "finding" : "findings");
    err->sqlite = SQLITE_CORRUPT;
    return error_hint(err, "it was left untouched; put the newest verified backup in its place "
                           "(see: liteinit backups)");
}
