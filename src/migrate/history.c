/* See history.h. */
#include "migrate/history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "migrate/history_sql.h"
#include "store/sql.h"

static const char *const applied_columns[] = {"version",  "name",        "applied_at",
                                              "checksum", "duration_ms", "app_version",
                                              "backup",   "down_sql",    NULL};
static const char *const history_columns[] = {"version",      "direction",     "status",
                                              "backup_path",  "error_message", "started_at",
                                              "completed_at", "resume",        NULL};

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

/* Whether a note may have to be taken over: one look, so that the attempts of a thousand pending
 * migrations need not search the history each. */
static int find_halfway(struct migrate_history *history, struct error *err)
{
    char sql[128];
    int64_t found = 0;
    (void)snprintf(sql, sizeof sql,
                   "SELECT 1 FROM main.%s WHERE resume IS NOT NULL AND status <> 'success'",
                   history->history_table);
    if (sql_int(history->handle, sql, 0, &found, err) != 0)
        return -1;
    history->halfway = found == 1;
    return 0;
}

int migrate_history_create(struct migrate_history *history, struct error *err)
{
    if (history->applied_exists && history->history_exists)
        return find_halfway(history, err);
    if (history_exec(history->handle,
                     "CREATE TABLE IF NOT EXISTS main.%s (version INTEGER PRIMARY KEY, name TEXT,"
                     " applied_at TEXT, checksum TEXT, duration_ms INTEGER, app_version TEXT,"
                     " backup TEXT, down_sql TEXT)",
                     history->applied_table, err) != 0 ||
        history_exec(history->handle,
                     "CREATE TABLE IF NOT EXISTS main.%s (id INTEGER PRIMARY KEY, version INTEGER,"
                     " direction TEXT, status TEXT, backup_path TEXT, error_message TEXT,"
                     " started_at TEXT, completed_at TEXT, resume TEXT)",
                     history->history_table, err) != 0)
        return error_wrap(err, "cannot make the tables of liteinit's records");
    history->applied_exists = true;
    history->history_exists = true;
    return 0;
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
    if (history_prepare(
            history->handle,
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

/* The note of the version's newest attempt, if that was in this direction and did not succeed. */
static int newest_note(const struct migrate_history *history, int64_t version,
                       const char *direction, char note[MIGRATE_NOTE_SIZE], struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    if (history_prepare(history->handle,
                        "SELECT resume FROM (SELECT * FROM main.%s WHERE version = ?1"
                        " ORDER BY id DESC LIMIT 1) WHERE direction = ?2 AND status <> 'success'",
                        history->history_table, &statement, err) != 0)
        return -1;
    (void)sqlite3_bind_int64(statement, 1, version);
    (void)sqlite3_bind_text(statement, 2, direction, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return sql_error(err, history->handle, "cannot read %s", history->history_table);
    const char *text = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    (void)snprintf(note, MIGRATE_NOTE_SIZE, "%s", text != NULL ? text : "");
    return 0;
}

int migrate_history_start(const struct migrate_history *history, int64_t version,
                          const char *direction, const char *backup, int64_t *ret_id,
                          struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    char now[CLOCK_TEXT_SIZE];
    char note[MIGRATE_NOTE_SIZE] = "";
    clock_format_now(now);
    if (history->halfway && newest_note(history, version, direction, note, err) != 0)
        return -1;
    if (history_prepare(history->handle,
                        "INSERT INTO main.%s (version, direction, status, backup_path, started_at,"
                        " resume) VALUES (?1, ?2, 'running', ?3, ?4, ?5)",
                        history->history_table, &statement, err) != 0)
        return -1;
    (void)sqlite3_bind_int64(statement, 1, version);
    (void)sqlite3_bind_text(statement, 2, direction, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 3, backup, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 4, now, -1, SQLITE_STATIC);
    if (note[0] != '\0')
        (void)sqlite3_bind_text(statement, 5, note, -1, SQLITE_STATIC);
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
    if (history_prepare(history->handle,
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

int migrate_history_look(const struct migrate_history *history, int64_t id, bool *ret_success,
                         char ret_note[MIGRATE_NOTE_SIZE], struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    if (history_prepare(history->handle,
                        "SELECT status = 'success', resume FROM main.%s WHERE id = ?1",
                        history->history_table, &statement, err) != 0)
        return -1;
    (void)sqlite3_bind_int64(statement, 1, id);
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return sql_error(err, history->handle, "cannot read %s", history->history_table);
    bool there = code == SQLITE_ROW;
    const char *note = there ? (const char *)sqlite3_column_text(statement, 1) : NULL;
    if (ret_success != NULL)
        *ret_success = there && sqlite3_column_int(statement, 0) == 1;
    if (ret_note != NULL)
        (void)snprintf(ret_note, MIGRATE_NOTE_SIZE, "%s", note != NULL ? note : "");
    return 0;
}

int migrate_history_note(const struct migrate_history *history, int64_t id, const char *note,
                         struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    if (history_prepare(history->handle, "UPDATE main.%s SET resume = ?1 WHERE id = ?2",
                        history->history_table, &statement, err) != 0)
        return -1;
    (void)sqlite3_bind_text(statement, 1, note, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 2, id);
    return sql_done(statement, err);
}

#define RECORD                                                                                     \
    " INTO main.%s (version, name, applied_at, checksum, duration_ms, app_version, backup,"        \
    " down_sql) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"

int migrate_history_record(const struct migrate_history *history,
                           const struct migrate_record *record, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    char now[CLOCK_TEXT_SIZE];
    clock_format_now(now);
    if (history_prepare(history->handle,
                        record->version < 0 ? "INSERT OR REPLACE" RECORD : "INSERT" RECORD,
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

int migrate_history_remove(const struct migrate_history *history, int64_t version,
                           struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    if (history_prepare(history->handle, "DELETE FROM main.%s WHERE version = ?1",
                        history->applied_table, &statement, err) != 0)
        return -1;
    (void)sqlite3_bind_int64(statement, 1, version);
    return sql_done(statement, err);
}

int migrate_history_accept(const struct migrate_history *history, int64_t version,
                           const char *checksum, const char *down_sql, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    if (history->applied_exists) {
        if (history_prepare(history->handle,
                            "UPDATE main.%s SET checksum = ?1, down_sql = ?2 WHERE version = ?3",
                            history->applied_table, &statement, err) != 0)
            return -1;
        (void)sqlite3_bind_text(statement, 1, checksum, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(statement, 2, down_sql, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(statement, 3, version);
        if (sql_done(statement, err) != 0)
            return -1;
        if (sqlite3_changes64(history->handle) == 1)
            return 0;
    }
    (void)error_set(err, ERROR_NOT_FOUND, 0, "version %lld is not applied", (long long)version);
    return error_hint(err, "see: liteinit status");
}
