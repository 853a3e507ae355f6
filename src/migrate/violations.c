/* See violations.h. https://www.sqlite.org/pragma.html#pragma_foreign_key_check */
#include "migrate/violations.h"

#include <stdbool.h>
#include <string.h>

#include "store/sql.h"

#define CREATE_BASELINE                                                                            \
    "CREATE TEMP TABLE IF NOT EXISTS liteinit_violations"                                          \
    " (child TEXT, row INTEGER, parent TEXT)"

/* A foreign key whose parent columns are not unique or not there makes foreign_key_check itself
 * fail. Such a schema can be lived with (SQLite complains only when the key is used): it counts as
 * a violation of its own, which may stay when it was there before. The table-valued form reports
 * it while stepping rather than while preparing. */
static bool is_mismatch(sqlite3 *handle, int code)
{
    return (code & 0xFF) == SQLITE_ERROR &&
           strstr(sqlite3_errmsg(handle), "foreign key mismatch") != NULL;
}

int migrate_violations_baseline(sqlite3 *handle, struct error *err)
{
    cleanup_statement sqlite3_stmt *find = NULL;
    cleanup_statement sqlite3_stmt *keep = NULL;
    if (sql_exec(handle, "PRAGMA temp_store = MEMORY", err) != 0 ||
        sql_exec(handle, CREATE_BASELINE, err) != 0 ||
        sql_exec(handle, "DELETE FROM temp.liteinit_violations", err) != 0 ||
        sql_prepare(handle, "SELECT * FROM pragma_foreign_key_check", &find, err) != 0 ||
        sql_prepare(handle, "INSERT INTO temp.liteinit_violations VALUES (?1, ?2, ?3)", &keep,
                    err) != 0)
        return -1;
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(find)) == SQLITE_ROW) {
        (void)sqlite3_bind_value(keep, 1, sqlite3_column_value(find, 0));
        (void)sqlite3_bind_value(keep, 2, sqlite3_column_value(find, 1));
        (void)sqlite3_bind_value(keep, 3, sqlite3_column_value(find, 2));
        if (sql_done(keep, err) != 0)
            return -1;
    }
    if (code == SQLITE_DONE)
        return 0;
    if (!is_mismatch(handle, code))
        return sql_error(err, handle, "cannot check the foreign keys");
    return sql_exec(handle, "INSERT INTO temp.liteinit_violations VALUES (NULL, NULL, NULL)", err);
}

static int describe(sqlite3_stmt *statement, int64_t count, struct error *err)
{
    const char *child = (const char *)sqlite3_column_text(statement, 0);
    const char *parent = (const char *)sqlite3_column_text(statement, 2);
    char row[48] = "a row";
    if (sqlite3_column_type(statement, 1) != SQLITE_NULL)
        (void)sqlite3_snprintf(sizeof row, row, "row %lld", sqlite3_column_int64(statement, 1));
    (void)error_set(err, ERROR_DATA, 0,
                    "the migration would break foreign keys: %s of %.100s refers to a row of "
                    "%.100s that is not there (%lld new %s)",
                    row, child != NULL ? child : "?", parent != NULL ? parent : "?",
                    (long long)count, count == 1 ? "violation" : "violations");
    return error_hint(err, "delete or mend these rows in the migration itself");
}

int migrate_violations_compare(sqlite3 *handle, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    /* A rebuilt table keeps its rowids, so a violation from before has the same child, row and
     * parent. The count of each matters: a row may break two keys. */
    if (sql_prepare(handle,
                    "SELECT \"table\", rowid, parent, count(*) OVER () FROM ("
                    "  SELECT \"table\", rowid, parent, count(*) AS now"
                    "  FROM pragma_foreign_key_check GROUP BY 1, 2, 3) AS found"
                    " WHERE now > (SELECT count(*) FROM temp.liteinit_violations AS old"
                    "  WHERE old.child = found.\"table\" AND old.row IS found.rowid"
                    "  AND old.parent = found.parent)",
                    &statement, err) != 0)
        return -1;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return describe(statement, sqlite3_column_int64(statement, 3), err);
    if (code == SQLITE_DONE)
        return 0;
    if (!is_mismatch(handle, code))
        return sql_error(err, handle, "cannot check the foreign keys");
    char mismatch[256];
    (void)sqlite3_snprintf(sizeof mismatch, mismatch, "%s", sqlite3_errmsg(handle));
    int64_t known = 0;
    if (sql_int(handle, "SELECT 1 FROM temp.liteinit_violations WHERE child IS NULL", 0, &known,
                err) != 0)
        return -1;
    if (known != 0)
        return 0;
    (void)error_set(err, ERROR_DATA, 0, "the migration makes a foreign key that cannot work: %s",
                    mismatch);
    return error_hint(err, "the columns it refers to need a PRIMARY KEY or a UNIQUE index");
}
