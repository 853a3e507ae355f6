/* See history.h. */
#include "migrate/history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "store/sql.h"

static const char *const applied_columns[] = {"version",  "name",     "applied_at",
                                              "checksum", "down_sql", NULL};
static const char *const history_columns[] = {
    "version",       "direction",  "status",       "backup_path",
    "error_message", "started_at", "completed_at", NULL};

enum ownership { OWNER_NOBODY, OWNER_LITEINIT, OWNER_OTHER };

/* Whose table this is: ours has at least these columns. */
static int find_owner(sqlite3 *handle, const char *table, const char *const *columns,
                      enum ownership *ret_owner, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    bool there = false;
    if (sql_prepare(handle,
                    "SELECT 1 FROM pragma_table_info(?1, 'main') WHERE ?2 IS NULL"
                    " OR name = ?2 COLLATE NOCASE",
                    &statement, err) != 0)
        return -1;
    (void)sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    there = code == SQLITE_ROW;
    enum ownership owner = there ? OWNER_LITEINIT : OWNER_NOBODY;
    for (; there && *columns != NULL && (code == SQLITE_ROW || code == SQLITE_DONE); columns++) {
        (void)sqlite3_reset(statement);
        (void)sqlite3_bind_text(statement, 2, *columns, -1, SQLITE_STATIC);
        code = sqlite3_step(statement);
        if (code == SQLITE_DONE)
            owner = OWNER_OTHER;
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return sql_error(err, handle, "cannot look at the table %s", table);
    *ret_owner = owner;
    return 0;
}

static int choose_table(sqlite3 *handle, const char *usual, const char *fallback,
                        const char *const *columns, const char **ret_table, bool *ret_exists,
                        bool *ret_foreign, struct error *err)
{
    enum ownership owner = OWNER_NOBODY;
    enum ownership second = OWNER_NOBODY;
    if (find_owner(handle, usual, columns, &owner, err) != 0 ||
        find_owner(handle, fallback, columns, &second, err) != 0)
        return -1;
    if (owner == OWNER_OTHER && second == OWNER_OTHER)
        return error_set(err, ERROR_DATA, 0,
                         "both %s and %s are tables of another tool: there is no place for "
                         "liteinit's records",
                         usual, fallback);
    /* Once ours has the other name it keeps it: the other tool's table may be dropped, or be like
     * ours in its columns. */
    bool aside = owner == OWNER_OTHER || second == OWNER_LITEINIT;
    *ret_foreign = owner == OWNER_OTHER;
    *ret_table = aside ? fallback : usual;
    *ret_exists = (aside ? second : owner) == OWNER_LITEINIT;
    return 0;
}

int migrate_history_open(sqlite3 *handle, struct migrate_history *ret_history, struct error *err)
{
    struct migrate_history history = {.handle = handle};
    bool ignored = false;
    if (choose_table(handle, "schema_migrations", "liteinit_migrations", applied_columns,
                     &history.applied_table, &history.applied_exists, &history.foreign, err) != 0)
        return -1;
    if (choose_table(handle, "migration_history", "liteinit_history", history_columns,
                     &history.history_table, &history.history_exists, &ignored, err) != 0)
        return -1;
    *ret_history = history;
    return 0;
}

/* Formats SQL with the table's name (one of our four constants) and runs it. */
static int exec_on(sqlite3 *handle, const char *format, const char *table, struct error *err)
{
    char sql[768];
    (void)snprintf(sql, sizeof sql, format, table); /* NOLINT(clang-diagnostic-format-nonliteral) */
    return sql_exec(handle, sql, err);
}

static int prepare_on(sqlite3 *handle, const char *format, const char *table,
                      sqlite3_stmt **ret_statement, struct error *err)
{
    char sql[512];
    (void)snprintf(sql, sizeof sql, format, table); /* NOLINT(clang-diagnostic-format-nonliteral) */
    return sql_prepare(handle, sql, ret_statement, err);
}

int migrate_history_create(struct migrate_history *history, struct error *err)
{
    if (history->applied_exists && history->history_exists)
        return 0;
    if (exec_on(history->handle,
                "CREATE TABLE IF NOT EXISTS main.%s (version INTEGER PRIMARY KEY, name TEXT,"
                " applied_at TEXT, checksum TEXT, duration_ms INTEGER, app_version TEXT,"
                " backup TEXT, down_sql TEXT)",
                history->applied_table, err) != 0 ||
        exec_on(history->handle,
                "CREATE TABLE IF NOT EXISTS main.%s (id INTEGER PRIMARY KEY, version INTEGER,"
                " direction TEXT, status TEXT, backup_path TEXT, error_message TEXT,"
                " started_at TEXT, completed_at TEXT)",
                history->history_table, err) != 0)
        return error_wrap(err, "cannot make the tables of liteinit's records");
    history->applied_exists = true;
    history->history_exists = true;
    return 0;
}

/* A copy of a text column; NULL for NULL. Sets *failed when memory is out. */
static char *copy_column(sqlite3_stmt *statement, int column, bool *failed)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    if (text == NULL)
        return NULL;
    char *copy = strdup(text);
    if (copy == NULL)
        *failed = true;
    return copy;
}

/* Grows an array in powers of two; false when memory is out. */
static bool reserve(void **array, size_t count, size_t element)
{
    if (count != 0 && (count & (count - 1)) != 0)
        return true;
    void *grown = realloc(*array, (count == 0 ? 1 : count * 2) * element);
    if (grown == NULL)
        return false;
    *array = grown;
    return true;
}

int migrate_history_applied(const struct migrate_history *history,
                            struct migrate_applied **ret_applied, size_t *ret_count,
                            struct error *err)
{
    struct migrate_applied *applied = NULL;
    size_t count = 0;
    bool failed = false;
    int code = SQLITE_DONE;
    cleanup_statement sqlite3_stmt *statement = NULL;
    if (history->applied_exists) {
        if (prepare_on(history->handle,
                       "SELECT version, name, applied_at, checksum, app_version, backup"
                       " FROM main.%s ORDER BY version",
                       history->applied_table, &statement, err) != 0)
            return -1;
        while (!failed && (code = sqlite3_step(statement)) == SQLITE_ROW) {
            if (!reserve((void **)&applied, count, sizeof *applied)) {
                failed = true;
                break;
            }
            applied[count++] = (struct migrate_applied){
                .version = sqlite3_column_int64(statement, 0),
                .name = copy_column(statement, 1, &failed),
                .applied_at = copy_column(statement, 2, &failed),
                .checksum = copy_column(statement, 3, &failed),
                .app_version = copy_column(statement, 4, &failed),
                .backup = copy_column(statement, 5, &failed),
            };
        }
    }
    if (failed || code != SQLITE_DONE) {
        migrate_applied_free(applied, count);
        return failed ? error_set(err, ERROR_IO, ENOMEM, "cannot read %s", history->applied_table)
                      : sql_error(err, history->handle, "cannot read %s", history->applied_table);
    }
    *ret_applied = applied;
    *ret_count = count;
    return 0;
}

void migrate_applied_free(struct migrate_applied *applied, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(applied[i].name);
        free(applied[i].applied_at);
        free(applied[i].checksum);
        free(applied[i].app_version);
        free(applied[i].backup);
    }
    free(applied);
}

int migrate_history_attempts(const struct migrate_history *history, int limit,
                             struct migrate_attempt **ret_attempts, size_t *ret_count,
                             struct error *err)
{
    struct migrate_attempt *attempts = NULL;
    size_t count = 0;
    bool failed = false;
    int code = SQLITE_DONE;
    cleanup_statement sqlite3_stmt *statement = NULL;
    if (history->history_exists) {
        if (prepare_on(history->handle,
                       "SELECT id, version, direction, status, backup_path, error_message,"
                       " started_at, completed_at FROM main.%s ORDER BY id DESC LIMIT ?1",
                       history->history_table, &statement, err) != 0)
            return -1;
        (void)sqlite3_bind_int(statement, 1, limit);
        while (!failed && (code = sqlite3_step(statement)) == SQLITE_ROW) {
            if (!reserve((void **)&attempts, count, sizeof *attempts)) {
                failed = true;
                break;
            }
            attempts[count++] = (struct migrate_attempt){
                .id = sqlite3_column_int64(statement, 0),
                .version = sqlite3_column_int64(statement, 1),
                .direction = copy_column(statement, 2, &failed),
                .status = copy_column(statement, 3, &failed),
                .backup = copy_column(statement, 4, &failed),
                .error = copy_column(statement, 5, &failed),
                .started_at = copy_column(statement, 6, &failed),
                .completed_at = copy_column(statement, 7, &failed),
            };
        }
    }
    if (failed || code != SQLITE_DONE) {
        migrate_attempts_free(attempts, count);
        return failed ? error_set(err, ERROR_IO, ENOMEM, "cannot read %s", history->history_table)
                      : sql_error(err, history->handle, "cannot read %s", history->history_table);
    }
    *ret_attempts = attempts;
    *ret_count = count;
    return 0;
}

void migrate_attempts_free(struct migrate_attempt *attempts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(attempts[i].direction);
        free(attempts[i].status);
        free(attempts[i].backup);
        free(attempts[i].error);
        free(attempts[i].started_at);
        free(attempts[i].completed_at);
    }
    free(attempts);
}

int migrate_history_mend(const struct migrate_history *history, int64_t *ret_marked,
                         struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    char now[CLOCK_TEXT_SIZE];
    *ret_marked = 0;
    if (!history->history_exists)
        return 0;
    char sql[64];
    int64_t running = 0;
    (void)snprintf(sql, sizeof sql, "SELECT 1 FROM main.%s WHERE status = 'running'",
                   history->history_table);
    if (sql_int(history->handle, sql, 0, &running, err) != 0)
        return -1;
    if (running == 0)
        return 0;
    clock_format_now(now);
    if (prepare_on(history->handle,
                   "UPDATE main.%s SET status = 'interrupted', completed_at = ?1, error_message ="
                   " 'cut off: liteinit or its machine was killed before it ended'"
                   " WHERE status = 'running'",
                   history->history_table, &statement, err) != 0)
        return -1;
    (void)sqlite3_bind_text(statement, 1, now, -1, SQLITE_STATIC);
    if (sql_done(statement, err) != 0)
        return -1;
    *ret_marked = sqlite3_changes64(history->handle);
    return 0;
}

int migrate_history_start(const struct migrate_history *history, int64_t version,
                          const char *direction, const char *backup, int64_t *ret_id,
                          struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    char now[CLOCK_TEXT_SIZE];
    clock_format_now(now);
    if (prepare_on(history->handle,
                   "INSERT INTO main.%s (version, direction, status, backup_path, started_at)"
                   " VALUES (?1, ?2, 'running', ?3, ?4)",
                   history->history_table, &statement, err) != 0)
        return -1;
    (void)sqlite3_bind_int64(statement, 1, version);
    (void)sqlite3_bind_text(statement, 2, direction, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 3, backup, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 4, now, -1, SQLITE_STATIC);
    if (sql_done(statement, err) != 0)
        return -1;
    *ret_id = sqlite3_last_insert_rowid(history->handle);
    return 0;
}

int migrate_history_finish(const struct migrate_history *history, int64_t id, const char *status,
                           const char *error, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    char now[CLOCK_TEXT_SIZE];
    clock_format_now(now);
    if (prepare_on(history->handle,
                   "UPDATE main.%s SET status = ?1, error_message = ?2, completed_at = ?3"
                   " WHERE id = ?4",
                   history->history_table, &statement, err) != 0)
        return -1;
    (void)sqlite3_bind_text(statement, 1, status, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 2, error, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 3, now, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 4, id);
    return sql_done(statement, err);
}

int migrate_history_record(const struct migrate_history *history,
                           const struct migrate_record *record, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    char now[CLOCK_TEXT_SIZE];
    clock_format_now(now);
    if (prepare_on(history->handle,
                   "INSERT INTO main.%s (version, name, applied_at, checksum, duration_ms,"
                   " app_version, backup, down_sql) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                   history->applied_table, &statement, err) != 0)
        return -1;
    (void)sqlite3_bind_int64(statement, 1, record->version);
    (void)sqlite3_bind_text(statement, 2, record->name, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 3, record->applied_at != NULL ? record->applied_at : now, -1,
                            SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 4, record->checksum, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 5, record->duration_ms);
    (void)sqlite3_bind_text(statement, 6, record->app_version, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 7, record->backup, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 8, record->down_sql, -1, SQLITE_STATIC);
    return sql_done(statement, err);
}

int migrate_history_has(const struct migrate_history *history, int64_t version, bool *ret_there,
                        struct error *err)
{
    char sql[128];
    int64_t found = 0;
    (void)snprintf(sql, sizeof sql, "SELECT 1 FROM main.%s WHERE version = %lld",
                   history->applied_table, (long long)version);
    if (sql_int(history->handle, sql, 0, &found, err) != 0)
        return -1;
    *ret_there = found == 1;
    return 0;
}
