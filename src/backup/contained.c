/* See contained.h. */
#include "backup/contained.h"

#include <limits.h>
#include <string.h>

#include "store/sql.h"

static bool counts(const char *table, const char *const *left_out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (sqlite3_stricmp(table, left_out[i]) == 0)
            return false;
    return true;
}

/* Whether the question is answered with 0. Frees it. */
static bool is_zero(sqlite3 *handle, char *sql)
{
    struct error ignored;
    int64_t answer = 1;
    bool zero = sql != NULL && sql_int(handle, sql, 1, &answer, &ignored) == 0 && answer == 0;
    sqlite3_free(sql);
    return zero;
}

/* The table's columns as what they are to the byte: a collation would take 'A' for 'a'. The caller
 * frees it with sqlite3_free(); NULL when it cannot be told. */
static char *columns_of(sqlite3 *handle, const char *database, const char *table)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    struct error ignored;
    if (sql_prepare(handle,
                    "SELECT group_concat('quote(\"' || replace(name, '\"', '\"\"') || '\")')"
                    " FROM pragma_table_info(?1, ?2)",
                    &statement, &ignored) != 0)
        return NULL;
    (void)sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 2, database, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_ROW || sqlite3_column_text(statement, 0) == NULL)
        return NULL;
    return sqlite3_mprintf("%s", sqlite3_column_text(statement, 0));
}

/* Rows of another shape cannot be compared. Equal rows of one table may be fewer in the keeper's,
 * which EXCEPT does not see and the number does. */
static bool table_is_contained(sqlite3 *handle, const char *table)
{
    char *here = columns_of(handle, "main", table);
    char *there = columns_of(handle, "keeper", table);
    bool contained = here != NULL && there != NULL && strcmp(here, there) == 0 &&
                     is_zero(handle, sqlite3_mprintf("SELECT (SELECT count(*) FROM main.\"%w\") >"
                                                     " (SELECT count(*) FROM keeper.\"%w\")",
                                                     table, table)) &&
                     is_zero(handle, sqlite3_mprintf("SELECT EXISTS (SELECT %s FROM main.\"%w\""
                                                     " EXCEPT SELECT %s FROM keeper.\"%w\")",
                                                     here, table, there, table));
    sqlite3_free(here);
    sqlite3_free(there);
    return contained;
}

static bool all_are_contained(sqlite3 *handle, const char *const *left_out, size_t count)
{
    cleanup_statement sqlite3_stmt *tables = NULL;
    struct error ignored;
    int code = SQLITE_ROW;
    /* What a virtual table shows is in its shadow tables, or in tables of its own. */
    if (sql_prepare(
            handle,
            "SELECT name FROM main.sqlite_schema WHERE type = 'table'"
            " AND sql NOT LIKE 'CREATE VIRTUAL%' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
            &tables, &ignored) != 0)
        return false;
    while ((code = sqlite3_step(tables)) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(tables, 0);
        if (table == NULL || (counts(table, left_out, count) && !table_is_contained(handle, table)))
            return false;
    }
    return code == SQLITE_DONE;
}

bool backup_is_contained(const char *path, const char *keeper, const char *const *left_out,
                         size_t left_out_count)
{
    sqlite3 *handle = NULL;
    struct error ignored;
    char uri[3 * PATH_MAX + 32];
    bool contained = false;
    if (sql_open_immutable(path, &handle, &ignored) != 0 ||
        sql_immutable_uri(keeper, uri, sizeof uri, &ignored) != 0) {
        (void)sqlite3_close(handle);
        return false;
    }
    char *attach = sqlite3_mprintf("ATTACH %Q AS keeper", uri);
    contained = attach != NULL && sql_exec(handle, attach, &ignored) == 0 &&
                all_are_contained(handle, left_out, left_out_count);
    sqlite3_free(attach);
    (void)sqlite3_close(handle);
    return contained;
}
