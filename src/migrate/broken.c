/* See broken.h. */
#include "migrate/broken.h"

#include <stdio.h>
#include <string.h>

#include "store/sql.h"

/* Why the statement cannot be compiled, or NULL. What needs the app's own functions, collations or
 * modules is not broken. Owned by the connection, good until its next call. */
static const char *fault_of(sqlite3 *handle, const char *sql)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) == SQLITE_OK)
        return NULL;
    const char *text = sqlite3_errmsg(handle);
    static const char *const of_the_app[] = {"no such function", "no such collation",
                                             "no such module"};
    for (size_t i = 0; i < sizeof of_the_app / sizeof of_the_app[0]; i++)
        if (sqlite3_strnicmp(text, of_the_app[i], (int)strlen(of_the_app[i])) == 0)
            return NULL;
    return text;
}

/* Compiling a write compiles the table's triggers of that kind with it. */
static const char *trigger_fault(sqlite3 *handle, const char *table)
{
    static const char *const writes[] = {"INSERT INTO main.\"%w\" DEFAULT VALUES",
                                         "DELETE FROM main.\"%w\"",
                                         "UPDATE main.\"%w\" SET (%s) = (%s)"};
    cleanup_statement sqlite3_stmt *columns = NULL;
    const char *fault = NULL;
    char *set = NULL;
    struct error ignored;
    /* Every column, since a trigger may be of one of them alone. */
    if (sql_prepare(handle,
                    "SELECT group_concat('\"' || replace(name, '\"', '\"\"') || '\"')"
                    " FROM pragma_table_xinfo(?1, 'main') WHERE hidden IN (0, 1)",
                    &columns, &ignored) == 0) {
        (void)sqlite3_bind_text(columns, 1, table, -1, SQLITE_STATIC);
        if (sqlite3_step(columns) == SQLITE_ROW && sqlite3_column_text(columns, 0) != NULL)
            set = sqlite3_mprintf("%s", sqlite3_column_text(columns, 0));
    }
    for (size_t i = 0; i < sizeof writes / sizeof writes[0] && fault == NULL; i++) {
        if (i == 2 && set == NULL)
            break;
        /* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral): of the list above */
        char *sql = sqlite3_mprintf(writes[i], table, set, set);
        if (sql != NULL)
            fault = fault_of(handle, sql);
        sqlite3_free(sql);
    }
    sqlite3_free(set);
    return fault;
}

/* One view, or one table that has triggers. */
static int look_at(sqlite3 *handle, bool view, const char *name, const struct migrate_list *before,
                   const struct migrate_observer *observer, const char *file,
                   struct migrate_list *found, struct error *err)
{
    char entry[300];
    char sentence[512];
    const char *fault = NULL;
    if (view) {
        char *sql = sqlite3_mprintf("SELECT * FROM main.\"%w\"", name);
        fault = sql != NULL ? fault_of(handle, sql) : NULL;
        sqlite3_free(sql);
    } else {
        fault = trigger_fault(handle, name);
    }
    if (fault == NULL)
        return 0;
    (void)snprintf(entry, sizeof entry, "%s %.250s", view ? "view" : "table", name);
    if (observer != NULL && observer->notice != NULL && !migrate_list_has(before, entry)) {
        (void)snprintf(sentence, sizeof sentence,
                       view ? "the view %.100s no longer works after it: %.250s"
                            : "a trigger of the table %.100s no longer works after it: %.250s",
                       name, fault);
        observer->notice(observer->context, file, 0, sentence);
    }
    return migrate_list_add(found, entry, err);
}

static int look(sqlite3 *handle, struct migrate_broken *broken,
                const struct migrate_observer *observer, const char *file, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    struct migrate_list found = {.count = 0};
    int result = 0;
    int code = SQLITE_ROW;
    if (sql_int(handle, "PRAGMA main.schema_version", 0, &broken->schema, err) != 0 ||
        sql_prepare(
            handle,
            "SELECT 1, name FROM main.sqlite_schema WHERE type = 'view' UNION ALL"
            " SELECT DISTINCT 0, tbl_name FROM main.sqlite_schema WHERE type = 'trigger'"
            " AND tbl_name NOT IN (SELECT name FROM main.sqlite_schema WHERE type = 'view')",
            &statement, err) != 0)
        return -1;
    while (result == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(statement, 1);
        if (name != NULL)
            result = look_at(handle, sqlite3_column_int(statement, 0) == 1, name, &broken->list,
                             observer, file, &found, err);
    }
    if (result == 0 && code != SQLITE_DONE)
        result = sql_error(err, handle, "cannot look at the views and triggers");
    if (result != 0) {
        migrate_list_free(&found);
        return -1;
    }
    migrate_list_free(&broken->list);
    broken->list = found;
    broken->known = true;
    return 0;
}

/* Whether the schema is another one than at the last look. */
static bool has_changed(sqlite3 *handle, const struct migrate_broken *broken)
{
    struct error ignored;
    int64_t now = 0;
    return !broken->known ||
           sql_int(handle, "PRAGMA main.schema_version", 0, &now, &ignored) != 0 ||
           now != broken->schema;
}

int migrate_broken_look(sqlite3 *handle, struct migrate_broken *broken, struct error *err)
{
    return has_changed(handle, broken) ? look(handle, broken, NULL, NULL, err) : 0;
}

int migrate_broken_tell(sqlite3 *handle, struct migrate_broken *broken,
                        const struct migrate_observer *observer, const char *file,
                        struct error *err)
{
    return has_changed(handle, broken) ? look(handle, broken, observer, file, err) : 0;
}

void migrate_broken_free(struct migrate_broken *broken)
{
    migrate_list_free(&broken->list);
    broken->known = false;
}
