/* See history.h: what is read of it. */
#include "migrate/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "migrate/history_sql.h"

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

/* Whichever attempt brought a version in last gives it its place. They are read as they lie in the
 * table, the newest last: to group them SQLite would have to sort a history without end. */
#define BROUGHT_IN                                                                                 \
    "SELECT version, id FROM main.%s WHERE status = 'success'"                                     \
    " AND direction IN ('up', 'adopt', 'baseline') ORDER BY id"

/* The record of a version; the list is in ascending order. `guess` is where it may be: mostly the
 * attempts are in the order of their versions too. */
static struct migrate_applied *find_record(struct migrate_applied *applied, size_t count,
                                           int64_t version, size_t guess)
{
    size_t low = 0;
    size_t high = count;
    if (guess < count && applied[guess].version == version)
        return &applied[guess];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (applied[middle].version < version)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && applied[low].version == version ? &applied[low] : NULL;
}

static int read_positions(const struct migrate_history *history, struct migrate_applied *applied,
                          size_t count, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int code = SQLITE_DONE;
    size_t next = 0;
    if (!history->history_exists)
        return 0;
    if (history_prepare(history->handle, BROUGHT_IN, history->history_table, &statement, err) != 0)
        return -1;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct migrate_applied *record =
            find_record(applied, count, sqlite3_column_int64(statement, 0), next);
        if (record == NULL)
            continue;
        record->position = sqlite3_column_int64(statement, 1);
        next = (size_t)(record - applied) + 1;
    }
    return code == SQLITE_DONE
               ? 0
               : sql_error(err, history->handle, "cannot read %s", history->history_table);
}

/* By attempt; those that the history does not know have 0 and come first. */
static int by_application(const void *left, const void *right)
{
    const struct migrate_applied *a = *(const struct migrate_applied *const *)left;
    const struct migrate_applied *b = *(const struct migrate_applied *const *)right;
    if (a->position != b->position)
        return a->position < b->position ? -1 : 1;
    int order = a->applied_at != NULL && b->applied_at != NULL
                    ? strcmp(a->applied_at, b->applied_at)
                    : (a->applied_at != NULL) - (b->applied_at != NULL);
    return order != 0 ? order : (a->version > b->version) - (a->version < b->version);
}

/* From ids of attempts to 1, 2, 3 … */
static int number_positions(struct migrate_applied *applied, size_t count, struct error *err)
{
    struct migrate_applied **order = calloc(count + 1, sizeof(*order));
    if (order == NULL)
        return error_set(err, ERROR_IO, ENOMEM, "cannot order the applied migrations");
    for (size_t i = 0; i < count; i++)
        order[i] = &applied[i];
    if (count > 1)
        qsort((void *)order, count, sizeof(*order), by_application);
    for (size_t i = 0; i < count; i++)
        order[i]->position = (int64_t)i + 1;
    free((void *)order);
    return 0;
}

/* The next text of a row, behind those that are there already; NULL for NULL. */
static char *take_text(sqlite3_stmt *statement, int column, char **at)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    if (text == NULL)
        return NULL;
    char *copy = *at;
    *at = stpcpy(copy, text) + 1;
    return copy;
}

/* The row's texts are in one block: there may be ten thousand rows. False when memory is out. */
static bool read_applied(sqlite3_stmt *statement, struct migrate_applied *ret_applied)
{
    size_t size = 0;
    for (int column = 1; column <= 5; column++) {
        const char *text = (const char *)sqlite3_column_text(statement, column);
        size += text != NULL ? strlen(text) + 1 : 0;
    }
    char *texts = malloc(size > 0 ? size : 1);
    char *at = texts;
    if (texts == NULL)
        return false;
    *ret_applied = (struct migrate_applied){
        .version = sqlite3_column_int64(statement, 0),
        .recorded = sqlite3_column_int64(statement, 0),
        .texts = texts,
        .name = take_text(statement, 1, &at),
        .applied_at = take_text(statement, 2, &at),
        .checksum = take_text(statement, 3, &at),
        .app_version = take_text(statement, 4, &at),
        .backup = take_text(statement, 5, &at),
        .has_down = sqlite3_column_int(statement, 6) == 1,
    };
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
        if (history_prepare(history->handle,
                            "SELECT version, name, applied_at, checksum, app_version, backup,"
                            " down_sql IS NOT NULL FROM main.%s ORDER BY version",
                            history->applied_table, &statement, err) != 0)
            return -1;
        while (!failed && (code = sqlite3_step(statement)) == SQLITE_ROW) {
            if (!reserve((void **)&applied, count, sizeof *applied)) {
                failed = true;
                break;
            }
            failed = !read_applied(statement, &applied[count]);
            count += !failed;
        }
    }
    if (failed || code != SQLITE_DONE) {
        migrate_applied_free(applied, count);
        return failed ? error_set(err, ERROR_IO, ENOMEM, "cannot read %s", history->applied_table)
                      : sql_error(err, history->handle, "cannot read %s", history->applied_table);
    }
    if (read_positions(history, applied, count, err) != 0 ||
        number_positions(applied, count, err) != 0) {
        migrate_applied_free(applied, count);
        return -1;
    }
    *ret_applied = applied;
    *ret_count = count;
    return 0;
}

void migrate_applied_free(struct migrate_applied *applied, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(applied[i].texts);
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
        if (history_prepare(history->handle,
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

/* The newest attempt of its version. Few rows have a note, so that what comes after is looked for
 * seldom. */
#define UNFINISHED                                                                                 \
    "SELECT version, direction = 'down', CAST(resume AS INTEGER) FROM main.%1$s AS attempt"        \
    " WHERE resume IS NOT NULL AND status <> 'success' AND NOT EXISTS (SELECT 1 FROM main.%1$s"    \
    " AS later WHERE later.id > attempt.id AND later.version IS attempt.version)"                  \
    " ORDER BY id DESC"

int migrate_history_unfinished(const struct migrate_history *history,
                               struct migrate_unfinished **ret_list, size_t *ret_count,
                               struct error *err)
{
    struct migrate_unfinished *list = NULL;
    cleanup_statement sqlite3_stmt *statement = NULL;
    size_t count = 0;
    int code = SQLITE_DONE;
    if (history->history_exists) {
        if (history_prepare(history->handle, UNFINISHED, history->history_table, &statement, err) !=
            0)
            return -1;
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
            if (!reserve((void **)&list, count, sizeof *list)) {
                free(list);
                return error_set(err, ERROR_IO, ENOMEM, "cannot read %s", history->history_table);
            }
            list[count++] = (struct migrate_unfinished){
                .version = sqlite3_column_int64(statement, 0),
                .down = sqlite3_column_int(statement, 1) == 1,
                .statements = (size_t)sqlite3_column_int64(statement, 2),
            };
        }
    }
    if (code != SQLITE_DONE) {
        free(list);
        return sql_error(err, history->handle, "cannot read %s", history->history_table);
    }
    *ret_list = list;
    *ret_count = count;
    return 0;
}

int migrate_history_first_backup(const struct migrate_history *history, int64_t version,
                                 char **ret_backup, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    char *backup = NULL;
    bool failed = false;
    int code = SQLITE_DONE;
    if (history_prepare(history->handle,
                        "SELECT backup_path, status = 'success' FROM main.%s WHERE version = ?1"
                        " ORDER BY id DESC",
                        history->history_table, &statement, err) != 0)
        return -1;
    (void)sqlite3_bind_int64(statement, 1, version);
    /* From the newest back to the last success; the oldest of them that has one counts. */
    while (!failed && (code = sqlite3_step(statement)) == SQLITE_ROW &&
           sqlite3_column_int(statement, 1) == 0)
        if (sqlite3_column_type(statement, 0) != SQLITE_NULL) {
            free(backup);
            backup = copy_column(statement, 0, &failed);
        }
    if (failed || (code != SQLITE_ROW && code != SQLITE_DONE)) {
        free(backup);
        return failed ? error_set(err, ERROR_IO, ENOMEM, "cannot read %s", history->history_table)
                      : sql_error(err, history->handle, "cannot read %s", history->history_table);
    }
    *ret_backup = backup;
    return 0;
}

int migrate_history_down_sql(const struct migrate_history *history, int64_t version, char **ret_sql,
                             struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    bool failed = false;
    char *sql = NULL;
    int code = SQLITE_DONE;
    if (history->applied_exists) {
        if (history_prepare(history->handle, "SELECT down_sql FROM main.%s WHERE version = ?1",
                            history->applied_table, &statement, err) != 0)
            return -1;
        (void)sqlite3_bind_int64(statement, 1, version);
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            sql = copy_column(statement, 0, &failed);
    }
    if (failed)
        return error_set(err, ERROR_IO, ENOMEM, "cannot read %s", history->applied_table);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return sql_error(err, history->handle, "cannot read %s", history->applied_table);
    *ret_sql = sql;
    return 0;
}
