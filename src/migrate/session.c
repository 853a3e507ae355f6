/* See session.h. */
#include "migrate/session.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/fs.h"
#include "store/sql.h"

/* Those of https://www.sqlite.org/pragma.html that last as long as the connection, change what a
 * statement does, and may be set inside a transaction. (defer_foreign_keys ends with it.) */
#define SETTINGS                                                                                   \
    "PRAGMA query_only = OFF; PRAGMA legacy_alter_table = OFF; PRAGMA recursive_triggers = OFF;"   \
    "PRAGMA case_sensitive_like = OFF; PRAGMA reverse_unordered_selects = OFF;"                    \
    "PRAGMA secure_delete = OFF; PRAGMA trusted_schema = ON;"                                      \
    "PRAGMA max_page_count = 4294967294"

/* SQLite unlinks such a file as soon as it has opened it, so that nothing is left after a kill; a
 * folder that cannot be used is passed over (https://www.sqlite.org/c3ref/temp_directory.html). The
 * variable is the process's; a worker has one database at a time. */
void migrate_session_settle(sqlite3 *handle)
{
    char folder[PATH_MAX];
    const char *path = sqlite3_db_filename(handle, "main");
    if (path == NULL || path[0] == '\0' || getenv("SQLITE_TMPDIR") != NULL)
        return;
    fs_dir_name(path, folder, sizeof folder);
    sqlite3_free(sqlite3_temp_directory);
    sqlite3_temp_directory = sqlite3_mprintf("%s", folder);
}

/* One object; *ret_more is false when there was none. A table takes its indexes and triggers
 * along, so the list is read anew each time. */
static int drop_one(sqlite3 *handle, bool *ret_more, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    if (sql_prepare(handle,
                    "SELECT type, name FROM temp.sqlite_schema"
                    " WHERE type IN ('table', 'view', 'trigger')"
                    " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
                    " ORDER BY type = 'table' LIMIT 1",
                    &statement, err) != 0)
        return -1;
    int code = sqlite3_step(statement);
    *ret_more = code == SQLITE_ROW;
    if (code == SQLITE_DONE)
        return 0;
    if (code != SQLITE_ROW)
        return sql_error(err, handle, "cannot list the temporary tables");
    char *sql = sqlite3_mprintf("DROP %s temp.\"%w\"", sqlite3_column_text(statement, 0),
                                sqlite3_column_text(statement, 1));
    /* A table cannot go while somebody reads the list. */
    (void)sqlite3_reset(statement);
    int result = sql != NULL ? sql_exec(handle, sql, err)
                             : error_set(err, ERROR_IO, 0, "out of memory for a temporary table");
    sqlite3_free(sql);
    return result;
}

int migrate_session_reset(sqlite3 *handle, struct error *err)
{
    bool more = true;
    if (sql_exec(handle, SETTINGS, err) != 0)
        return error_wrap(err, "cannot put the settings of the connection back");
    while (more)
        if (drop_one(handle, &more, err) != 0)
            return -1;
    return 0;
}
