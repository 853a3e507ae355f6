/* See guard.h. */
#include "migrate/guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "migrate/history.h"
#include "migrate/touch.h"
#include "store/sql.h"

/* Names of tables in one statement: SQLite's own limit for a statement is a million bytes. */
#define NOTES_MAX ((size_t)4 << 20)

static int out_of_memory(struct error *err)
{
    return error_set(err, ERROR_IO, ENOMEM, "cannot guard the rows");
}

void migrate_guard_open(struct migrate_guard *guard, sqlite3 *handle,
                        const struct layout_script *script, const struct migrate_observer *observer)
{
    *guard = (struct migrate_guard){
        .handle = handle, .script = script, .observer = observer, .notes = {.max = NOTES_MAX}};
    guard->references = &guard->own;
}

void migrate_guard_share(struct migrate_guard *guard, struct migrate_references *references)
{
    guard->references = references;
    references->known = false;
}

void migrate_guard_renew(struct migrate_guard *guard)
{
    for (size_t i = 0; i < guard->count; i++) {
        free(guard->touched[i].name);
        free(guard->touched[i].keys);
    }
    free(guard->touched);
    guard->touched = NULL;
    guard->count = 0;
    migrate_list_free(&guard->parents);
    guard->references->known = false;
    migrate_violations_free(&guard->before);
}

void migrate_guard_close(struct migrate_guard *guard)
{
    migrate_guard_renew(guard);
    migrate_references_free(&guard->own);
    migrate_list_free(&guard->told);
    layout_names_free(&guard->names);
    text_buffer_free(&guard->notes);
}

/* A note is a byte for the touch, the table's name, the detail, each text with its NUL. The same
 * one comes again for each column of an UPDATE, say. */
void migrate_guard_note(struct migrate_guard *guard, enum migrate_touch touch, const char *table,
                        const char *detail)
{
    struct text_buffer *notes = &guard->notes;
    char first = (char)('a' + touch);
    size_t start = notes->len;
    if (table == NULL || sqlite3_strnicmp(table, "sqlite_", 7) == 0)
        return;
    if (detail == NULL)
        detail = "";
    if (!text_buffer_append(notes, &first, 1) ||
        !text_buffer_append(notes, table, strlen(table) + 1) ||
        !text_buffer_append(notes, detail, strlen(detail) + 1)) {
        guard->notes_lost = true;
        return;
    }
    size_t size = notes->len - start;
    if (start - guard->last_note == size && start > guard->last_note &&
        memcmp(notes->data + guard->last_note, notes->data + start, size) == 0)
        notes->len = start;
    else
        guard->last_note = start;
}

void migrate_guard_forget(struct migrate_guard *guard)
{
    guard->notes.len = 0;
    guard->last_note = 0;
    guard->notes_lost = false;
}

bool migrate_guard_is_looking(const struct migrate_guard *guard)
{
    return guard->looking;
}

bool migrate_guard_is_record(const struct migrate_guard *guard, const char *table)
{
    const struct migrate_history *records = guard->records;
    return records != NULL && table != NULL &&
           ((records->applied_exists && sqlite3_stricmp(table, records->applied_table) == 0) ||
            (records->history_exists && sqlite3_stricmp(table, records->history_table) == 0));
}

/* One note after the other. */
static int read_notes(struct migrate_guard *guard, bool after, struct error *err)
{
    const struct text_buffer *notes = &guard->notes;
    int result = guard->notes_lost ? out_of_memory(err) : 0;
    guard->looking = true;
    for (size_t at = 0; at < notes->len && result == 0;) {
        enum migrate_touch touch = (enum migrate_touch)(notes->data[at] - 'a');
        const char *table = notes->data + at + 1;
        const char *detail = table + strlen(table) + 1;
        at = (size_t)(detail + strlen(detail) + 1 - notes->data);
        result = after ? migrate_touch_after(guard, touch, table, err)
                       : migrate_touch_before(guard, touch, table,
                                              detail[0] != '\0' ? detail : NULL, err);
    }
    guard->looking = false;
    return result;
}

int migrate_guard_before(struct migrate_guard *guard, struct error *err)
{
    return read_notes(guard, false, err);
}

int migrate_guard_after(struct migrate_guard *guard, struct error *err)
{
    return read_notes(guard, true, err);
}

static int compare_rows(struct migrate_guard *guard, struct error *err)
{
    for (size_t i = 0; i < guard->count; i++) {
        const struct migrate_touched *entry = &guard->touched[i];
        int64_t rows = 0;
        if (entry->rows <= 0)
            continue;
        if (!entry->gone && migrate_touch_count(guard, entry->name, &rows, err) != 0)
            return -1;
        if (rows >= entry->rows)
            continue;
        (void)error_set(err, ERROR_DATA, 0,
                        "the migration would take rows from the table %.100s, which its SQL does "
                        "not name: it had %lld and would have %lld",
                        entry->name, (long long)entry->rows, (long long)rows);
        return error_hint(err, "look for a trigger or a foreign key that deletes them; if they are "
                               "to go, write at the head of the file: -- liteinit: allow-row-loss");
    }
    return 0;
}

/* The table's violations as they are now, once. */
static int check_now(struct migrate_guard *guard, const char *table, struct migrate_list *seen,
                     struct migrate_violations *now, struct error *err)
{
    if (migrate_list_has(seen, table))
        return 0;
    return migrate_list_add(seen, table, err) == 0
               ? migrate_violations_collect(guard->handle, table, -1, now, err)
               : -1;
}

/* What was written, what is new, and what refers to a table that lost or changed its keys. */
static int check_all_now(struct migrate_guard *guard, struct migrate_list *seen,
                         struct migrate_violations *now, struct error *err)
{
    const struct migrate_references *references = guard->references;
    for (size_t i = 0; i < guard->count; i++) {
        const struct migrate_touched *entry = &guard->touched[i];
        if (!entry->gone && (entry->checked || entry->kind == MIGRATE_TABLE_NEW) &&
            check_now(guard, entry->name, seen, now, err) != 0)
            return -1;
    }
    if (guard->parents.count == 0)
        return 0;
    if (migrate_references_read(guard->handle, guard->references, err) != 0)
        return -1;
    for (size_t i = 0; i < references->count; i++)
        if (references->list[i].parent != NULL &&
            migrate_list_has(&guard->parents, references->list[i].parent) &&
            check_now(guard, references->list[i].child, seen, now, err) != 0)
            return -1;
    return 0;
}

static int compare_keys(struct migrate_guard *guard, struct error *err)
{
    struct migrate_list seen = {.names = NULL};
    struct migrate_violations now = {.list = NULL};
    struct error found = {.kind = ERROR_NONE};
    int result = check_all_now(guard, &seen, &now, &found);
    bool broken = false;
    if (result == 0) {
        result = migrate_violations_compare(guard->handle, &guard->before, &now, &found);
        broken = result != 0 && found.kind == ERROR_DATA && found.sqlite == 0;
    }
    if (broken && guard->script->directives.foreign_keys == LAYOUT_FOREIGN_KEYS_WARN) {
        if (guard->observer->notice != NULL)
            guard->observer->notice(guard->observer->context, guard->script->file, 0, found.msg);
        result = 0;
    }
    if (result != 0)
        *err = found;
    migrate_list_free(&seen);
    migrate_violations_free(&now);
    return result;
}

int migrate_guard_finish(struct migrate_guard *guard, struct error *err)
{
    guard->looking = true;
    int result = compare_rows(guard, err) == 0 ? compare_keys(guard, err) : -1;
    guard->looking = false;
    return result;
}
