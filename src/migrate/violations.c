/* See violations.h. https://www.sqlite.org/pragma.html#pragma_foreign_key_check */
#include "migrate/violations.h"

#include <stdbool.h>

#include "store/sql.h"

#define BEFORE "liteinit_violations"
#define AFTER "liteinit_violations_now"
#define CREATE(table)                                                                              \
    "CREATE TEMP TABLE IF NOT EXISTS " table                                                       \
    " (child TEXT, row INTEGER, parent TEXT, mismatch TEXT)"

/* A foreign key whose parent columns are not unique or not there makes foreign_key_check itself
 * fail ("foreign key mismatch"), and so does one that needs a collation of the app's own. Such a
 * schema can be lived with (SQLite complains only when the key is used): it counts as a violation
 * of its own, which may stay when it was there before. The table-valued form reports it while
 * stepping rather than while preparing. */
static bool is_mismatch(int code)
{
    return (code & 0xFF) == SQLITE_ERROR;
}

static int keep_row(sqlite3_stmt *keep, sqlite3_stmt *found, struct error *err)
{
    for (int i = 0; i < 3; i++)
        (void)sqlite3_bind_value(keep, i + 1, sqlite3_column_value(found, i));
    (void)sqlite3_bind_null(keep, 4);
    return sql_done(keep, err);
}

static int keep_mismatch(sqlite3 *handle, sqlite3_stmt *keep, sqlite3_value *table,
                         struct error *err)
{
    char text[256];
    /* A copy, since binding clears SQLite's. */
    (void)sqlite3_snprintf(sizeof text, text, "%s", sqlite3_errmsg(handle));
    (void)sqlite3_clear_bindings(keep);
    (void)sqlite3_bind_value(keep, 1, table);
    (void)sqlite3_bind_text(keep, 4, text, -1, SQLITE_TRANSIENT);
    return sql_done(keep, err);
}

/* All tables at once; *ret_mismatch when SQLite gave up at one that it cannot check. */
static int check_all(sqlite3 *handle, sqlite3_stmt *keep, bool *ret_mismatch, struct error *err)
{
    cleanup_statement sqlite3_stmt *find = NULL;
    int code = SQLITE_ROW;
    if (sql_prepare(handle, "SELECT * FROM pragma_foreign_key_check", &find, err) != 0)
        return -1;
    while ((code = sqlite3_step(find)) == SQLITE_ROW)
        if (keep_row(keep, find, err) != 0)
            return -1;
    *ret_mismatch = code != SQLITE_DONE && is_mismatch(code);
    return code == SQLITE_DONE || *ret_mismatch
               ? 0
               : sql_error(err, handle, "cannot check the foreign keys");
}

static int check_table(sqlite3 *handle, sqlite3_value *table, sqlite3_stmt *find,
                       sqlite3_stmt *keep, struct error *err)
{
    int code = SQLITE_ROW;
    int result = 0;
    (void)sqlite3_bind_value(find, 1, table);
    while (result == 0 && (code = sqlite3_step(find)) == SQLITE_ROW)
        result = keep_row(keep, find, err);
    if (result == 0 && code != SQLITE_DONE)
        result = is_mismatch(code) ? keep_mismatch(handle, keep, table, err)
                                   : sql_error(err, handle, "cannot check the foreign keys");
    (void)sqlite3_reset(find);
    return result;
}

/* Slower, and a table with a mismatch does not hide what the others break. */
static int check_one_by_one(sqlite3 *handle, sqlite3_stmt *keep, struct error *err)
{
    cleanup_statement sqlite3_stmt *tables = NULL;
    cleanup_statement sqlite3_stmt *find = NULL;
    int code = SQLITE_ROW;
    if (sql_prepare(handle, "SELECT name FROM main.sqlite_schema WHERE type = 'table'", &tables,
                    err) != 0 ||
        sql_prepare(handle, "SELECT * FROM pragma_foreign_key_check(?1, 'main')", &find, err) != 0)
        return -1;
    while ((code = sqlite3_step(tables)) == SQLITE_ROW)
        if (check_table(handle, sqlite3_column_value(tables, 0), find, keep, err) != 0)
            return -1;
    return code == SQLITE_DONE ? 0 : sql_error(err, handle, "cannot list the tables");
}

/* Fills one of the two lists with the violations there are now. */
static int collect(sqlite3 *handle, const char *empty, const char *insert, struct error *err)
{
    cleanup_statement sqlite3_stmt *keep = NULL;
    bool mismatch = false;
    if (sql_exec(handle, empty, err) != 0 || sql_prepare(handle, insert, &keep, err) != 0 ||
        check_all(handle, keep, &mismatch, err) != 0)
        return -1;
    if (!mismatch)
        return 0;
    return sql_exec(handle, empty, err) == 0 ? check_one_by_one(handle, keep, err) : -1;
}

#define COLLECT_INTO(handle, table, err)                                                           \
    collect(handle, "DELETE FROM temp." table,                                                     \
            "INSERT INTO temp." table " VALUES (?1, ?2, ?3, ?4)", err)

int migrate_violations_baseline(sqlite3 *handle, struct error *err)
{
    if (sql_exec(handle, "PRAGMA temp_store = MEMORY", err) != 0 ||
        sql_exec(handle, CREATE(BEFORE), err) != 0 || sql_exec(handle, CREATE(AFTER), err) != 0)
        return -1;
    return COLLECT_INTO(handle, BEFORE, err);
}

static int describe(sqlite3_stmt *statement, struct error *err)
{
    const char *child = (const char *)sqlite3_column_text(statement, 0);
    const char *parent = (const char *)sqlite3_column_text(statement, 2);
    const char *mismatch = (const char *)sqlite3_column_text(statement, 3);
    int64_t count = sqlite3_column_int64(statement, 4);
    char row[48] = "a row";
    if (mismatch != NULL) {
        (void)error_set(err, ERROR_DATA, 0,
                        "the migration makes a foreign key that cannot work: %.300s", mismatch);
        return error_hint(err, "the columns it refers to need a PRIMARY KEY or a UNIQUE index");
    }
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
    if (COLLECT_INTO(handle, AFTER, err) != 0)
        return -1;
    /* A rebuilt table keeps its rowids, so a violation from before has the same child, row and
     * parent; a renamed table is one whose old name is gone. The count of each matters: a row may
     * break two keys. Broken rows come before mismatches, which have no row. */
    if (sql_prepare(handle,
                    "SELECT child, row, parent, mismatch, count(*) OVER () FROM ("
                    "  SELECT child, row, parent, mismatch, count(*) AS now"
                    "  FROM temp." AFTER " GROUP BY 1, 2, 3, mismatch IS NULL) AS found"
                    " WHERE now > (SELECT count(*) FROM temp." BEFORE " AS old"
                    "  WHERE old.row IS found.row"
                    "  AND (old.mismatch IS NULL) = (found.mismatch IS NULL)"
                    "  AND (old.child = found.child OR NOT EXISTS"
                    "   (SELECT 1 FROM main.sqlite_schema WHERE name = old.child COLLATE NOCASE))"
                    "  AND (old.parent IS found.parent OR NOT EXISTS"
                    "   (SELECT 1 FROM main.sqlite_schema WHERE name = old.parent COLLATE NOCASE)))"
                    " ORDER BY mismatch IS NOT NULL, child, row",
                    &statement, err) != 0)
        return -1;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return describe(statement, err);
    return code == SQLITE_DONE ? 0 : sql_error(err, handle, "cannot check the foreign keys");
}
