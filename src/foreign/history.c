/* See history.h. */
#include "foreign/history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/sql.h"

/*
 * Times as tools write them: text that SQLite's own functions understand (without a zone it is UTC,
 * as CURRENT_TIMESTAMP writes it), or a number of seconds, milliseconds or microseconds since 1970,
 * told apart by their size. What is neither is unknown. https://www.sqlite.org/lang_datefunc.html
 */
#define TIME_SQL                                                                                   \
    "CASE WHEN typeof(at) IN ('integer', 'real') THEN strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', at /"   \
    " CASE WHEN at > 1e14 THEN 1e6 WHEN at > 1e11 THEN 1e3 ELSE 1 END, 'unixepoch')"               \
    " WHEN typeof(at) = 'text' AND at GLOB '[0-9][0-9][0-9][0-9]-*'"                               \
    " THEN strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', at) END"

static int unreadable(const struct foreign_tool *tool, size_t row, const char *why,
                      struct error *err)
{
    (void)error_set(err, ERROR_DATA, 0, "%s, the history of %s, cannot be read: in row %zu %s",
                    tool->table, tool->name, row + 1, why);
    return error_hint(err,
                      "nothing was changed; look at the table; or leave it aside and say where "
                      "the schema is: liteinit adopt --baseline VERSION");
}

static int out_of_memory(const struct foreign_tool *tool, struct error *err)
{
    return error_set(err, ERROR_IO, ENOMEM, "cannot read %s", tool->table);
}

/* Copies a column; NULL stays NULL. */
static int take_text(sqlite3_stmt *statement, int column, const struct foreign_tool *tool,
                     size_t row, char **ret_text, struct error *err)
{
    *ret_text = NULL;
    int type = sqlite3_column_type(statement, column);
    if (type == SQLITE_NULL)
        return 0;
    if (type == SQLITE_BLOB)
        return unreadable(tool, row, "there are bytes where a text belongs", err);
    const char *text = (const char *)sqlite3_column_text(statement, column);
    size_t size = (size_t)sqlite3_column_bytes(statement, column);
    if (text == NULL)
        return out_of_memory(tool, err);
    if (size > FOREIGN_TEXT_MAX)
        return unreadable(tool, row, "a text is too long", err);
    if (memchr(text, '\0', size) != NULL)
        return unreadable(tool, row, "a text holds a NUL byte", err);
    *ret_text = strdup(text);
    return *ret_text != NULL ? 0 : out_of_memory(tool, err);
}

static void free_entry(struct foreign_entry *entry)
{
    free(entry->label);
    free(entry->name);
    free(entry->applied_at);
    free(entry->checksum);
    *entry = (struct foreign_entry){.label = NULL};
}

static int half_applied(const struct foreign_tool *tool, const char *label, struct error *err)
{
    (void)error_set(err, ERROR_DATA, 0,
                    "%s, the history of %s, says that migration %.200s is half applied: it was "
                    "begun and did not end, or it failed",
                    tool->table, tool->name, label);
    return error_hint(err, "nothing was changed; %s", tool->mend != NULL ? tool->mend : "");
}

/* Fills `entry` from the statement's row, also when it fails. */
static int take_row(sqlite3_stmt *statement, const struct foreign_tool *tool, size_t row,
                    struct foreign_entry *entry, enum foreign_state *ret_state, struct error *err)
{
    *entry = (struct foreign_entry){.version = -1};
    if (take_text(statement, 0, tool, row, &entry->label, err) != 0 ||
        take_text(statement, 1, tool, row, &entry->name, err) != 0 ||
        take_text(statement, 2, tool, row, &entry->applied_at, err) != 0 ||
        take_text(statement, 3, tool, row, &entry->checksum, err) != 0)
        return -1;
    if (entry->label == NULL || entry->label[0] == '\0')
        return unreadable(tool, row, "there is no version", err);
    for (const char *c = entry->label; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            return unreadable(tool, row, "the version holds a control character", err);
    if (sqlite3_column_type(statement, 4) == SQLITE_NULL)
        return unreadable(tool, row, "it does not say whether the migration is applied", err);
    int state = sqlite3_column_int(statement, 4);
    if (state == FOREIGN_HALF)
        return half_applied(tool, entry->label, err);
    if (!text_parse_int(entry->label, 0, INT64_MAX, &entry->version))
        entry->version = -1;
    entry->up_to = state == FOREIGN_UP_TO;
    entry->repeatable = state == FOREIGN_REPEATABLE;
    *ret_state = (enum foreign_state)state;
    return 0;
}

static int add(struct foreign_history *history, size_t *capacity, struct foreign_entry *entry,
               struct error *err)
{
    if (history->count == *capacity) {
        size_t grown = *capacity > 0 ? *capacity * 2 : 64;
        struct foreign_entry *entries = realloc(history->entries, grown * sizeof *entries);
        if (entries == NULL)
            return out_of_memory(history->tool, err);
        history->entries = entries;
        *capacity = grown;
    }
    history->entries[history->count++] = *entry;
    *entry = (struct foreign_entry){.label = NULL};
    return 0;
}

/* The table beside the history may say that something is under way. */
static int refuse_busy(sqlite3 *handle, const struct foreign_tool *tool, struct error *err)
{
    const struct foreign_tool aside = {.table = tool->aside.table, .columns = tool->aside.columns};
    bool there = false;
    int64_t busy = 0;
    if (aside.table == NULL)
        return 0;
    if (foreign_tool_has_table(handle, &aside, &there, err) != 0)
        return -1;
    if (!there)
        return 0;
    if (sql_int(handle, tool->aside.busy, 0, &busy, err) != 0)
        return -1;
    if (busy == 0)
        return 0;
    (void)error_set(err, ERROR_DATA, 0,
                    "%s says that %s runs a migration now, or was killed while it ran one",
                    aside.table, tool->name);
    return error_hint(err, "nothing was changed; %s", tool->mend);
}

static int read_rows(sqlite3 *handle, struct foreign_history *history, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    const struct foreign_tool *tool = history->tool;
    char sql[2048];
    size_t capacity = 0;
    int code = SQLITE_DONE;
    (void)snprintf(sql, sizeof sql, "SELECT label, name, " TIME_SQL ", checksum, state FROM (%s)",
                   tool->rows);
    if (sql_prepare(handle, sql, &statement, err) != 0)
        return error_wrap(err, "cannot read %s, the history of %s", tool->table, tool->name);
    for (size_t row = 0; (code = sqlite3_step(statement)) == SQLITE_ROW; row++) {
        struct foreign_entry entry;
        enum foreign_state state = FOREIGN_NOT_APPLIED;
        int result = 0;
        if (row == FOREIGN_ENTRIES_MAX)
            return unreadable(tool, row, "it is longer than any history", err);
        result = take_row(statement, tool, row, &entry, &state, err);
        if (result == 0 && state != FOREIGN_NOT_APPLIED)
            result = add(history, &capacity, &entry, err);
        free_entry(&entry);
        if (result != 0)
            return -1;
    }
    if (code != SQLITE_DONE)
        return sql_error(err, handle, "cannot read %s, the history of %s", tool->table, tool->name);
    return 0;
}

int foreign_history_read(sqlite3 *handle, const struct foreign_tool *tool,
                         struct foreign_history *ret_history, struct error *err)
{
    struct foreign_history history = {.tool = tool, .table = tool->table};
    if (refuse_busy(handle, tool, err) != 0 || read_rows(handle, &history, err) != 0) {
        foreign_history_free(&history);
        return -1;
    }
    *ret_history = history;
    return 0;
}

void foreign_history_free(struct foreign_history *history)
{
    for (size_t i = 0; i < history->count; i++)
        free_entry(&history->entries[i]);
    free(history->entries);
    *history = (struct foreign_history){.tool = NULL};
}
