/* See difference.h. */
#include "migrate/difference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/schema.h"
#include "store/sql.h"

static int out_of_memory(struct error *err)
{
    return error_set(err, ERROR_IO, ENOMEM, "cannot compare the schema before and after");
}

/* SQLite takes no notice of the case of ASCII letters in names. */
static int compare_objects(const void *a, const void *b)
{
    const struct migrate_object *left = a;
    const struct migrate_object *right = b;
    int order = strcmp(left->type, right->type);
    return order != 0 ? order : sqlite3_stricmp(left->name, right->name);
}

static int add_object(struct migrate_snapshot *snapshot, size_t *capacity, sqlite3_stmt *row,
                      struct error *err)
{
    const char *texts[4];
    for (int i = 0; i < 4; i++) {
        texts[i] = (const char *)sqlite3_column_text(row, i);
        if (texts[i] == NULL)
            return out_of_memory(err);
    }
    if (snapshot->count == *capacity) {
        size_t larger = *capacity > 0 ? 2 * *capacity : 64;
        struct migrate_object *grown = realloc(snapshot->objects, larger * sizeof *grown);
        if (grown == NULL)
            return out_of_memory(err);
        snapshot->objects = grown;
        *capacity = larger;
    }
    struct migrate_object *object = &snapshot->objects[snapshot->count++];
    *object = (struct migrate_object){
        .type = strdup(texts[0]),
        .name = strdup(texts[1]),
        .table = strdup(texts[2]),
        .sql = strdup(texts[3]),
        .rows = -1,
    };
    bool complete = object->type != NULL && object->name != NULL && object->table != NULL &&
                    object->sql != NULL;
    return complete ? 0 : out_of_memory(err);
}

int migrate_snapshot_take(sqlite3 *handle, const struct migrate_history *history,
                          struct migrate_snapshot *ret_snapshot, struct error *err)
{
    struct migrate_snapshot snapshot = {.count = 0};
    size_t capacity = 0;
    cleanup_statement sqlite3_stmt *rows = NULL;
    if (sql_prepare(handle,
                    "SELECT type, name, tbl_name, coalesce(sql, '') FROM main.sqlite_schema"
                    " WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
                    " AND tbl_name <> ?1 AND tbl_name <> ?2",
                    &rows, err) != 0)
        return -1;
    (void)sqlite3_bind_text(rows, 1, history->applied_table, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(rows, 2, history->history_table, -1, SQLITE_STATIC);
    int code = SQLITE_ROW;
    int result = 0;
    while (result == 0 && (code = sqlite3_step(rows)) == SQLITE_ROW)
        result = add_object(&snapshot, &capacity, rows, err);
    if (result == 0 && code != SQLITE_DONE)
        result = sql_error(err, handle, "cannot read the schema");
    if (result != 0) {
        migrate_snapshot_free(&snapshot);
        return -1;
    }
    if (snapshot.count > 1)
        qsort(snapshot.objects, snapshot.count, sizeof *snapshot.objects, compare_objects);
    *ret_snapshot = snapshot;
    return 0;
}

void migrate_snapshot_free(struct migrate_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        free(snapshot->objects[i].type);
        free(snapshot->objects[i].name);
        free(snapshot->objects[i].table);
        free(snapshot->objects[i].sql);
    }
    free(snapshot->objects);
    *snapshot = (struct migrate_snapshot){.count = 0};
}

void migrate_snapshot_touch(struct migrate_snapshot *snapshot, sqlite3 *handle, const char *table)
{
    struct error ignored;
    char type[] = "table";
    /* bsearch() compares; it changes nothing. */
    const struct migrate_object key = {.type = type, .name = (char *)(uintptr_t)table};
    struct migrate_object *object = NULL;
    if (snapshot->count > 0)
        object = bsearch(&key, snapshot->objects, snapshot->count, sizeof *snapshot->objects,
                         compare_objects);
    if (object == NULL || object->touched)
        return;
    object->touched = true;
    /* What cannot be counted is left out of the report, not a reason to stop. */
    if (store_schema_count(handle, table, &object->rows, &ignored) != 0)
        object->rows = -1;
}

static struct migrate_tally *tally_of(struct migrate_difference *difference, const char *type)
{
    if (strcmp(type, "index") == 0)
        return &difference->indexes;
    return strcmp(type, "view") == 0 ? &difference->views : &difference->triggers;
}

static int add_table(struct migrate_difference *difference, size_t *capacity, const char *name,
                     enum migrate_change change, int64_t rows_before, struct error *err)
{
    if (difference->count == *capacity) {
        size_t larger = *capacity > 0 ? 2 * *capacity : 16;
        struct migrate_table_change *grown = realloc(difference->tables, larger * sizeof *grown);
        if (grown == NULL)
            return out_of_memory(err);
        difference->tables = grown;
        *capacity = larger;
    }
    char *copy = strdup(name);
    if (copy == NULL)
        return out_of_memory(err);
    difference->tables[difference->count++] = (struct migrate_table_change){
        .name = copy, .change = change, .rows_before = rows_before, .rows_after = -1};
    return 0;
}

/* One object that is in either of them; `before` or `after` is NULL where it is not. */
static int compare_one(const struct migrate_object *before, const struct migrate_object *after,
                       sqlite3 *handle, struct migrate_difference *difference, size_t *capacity,
                       struct error *err)
{
    const struct migrate_object *object = before != NULL ? before : after;
    bool same = before != NULL && after != NULL && strcmp(before->sql, after->sql) == 0;
    bool touched = before != NULL && before->touched;
    enum migrate_change change = MIGRATE_WRITTEN;
    if (before == NULL)
        change = MIGRATE_CREATED;
    else if (after == NULL)
        change = MIGRATE_DROPPED;
    else if (!same)
        change = MIGRATE_CHANGED;
    if (object == NULL || (same && !touched))
        return 0;
    if (strcmp(object->type, "table") != 0) {
        struct migrate_tally *tally = tally_of(difference, object->type);
        tally->created += change == MIGRATE_CREATED;
        tally->changed += change == MIGRATE_CHANGED;
        tally->dropped += change == MIGRATE_DROPPED;
        return 0;
    }
    if (add_table(difference, capacity, object->name, change, before != NULL ? before->rows : -1,
                  err) != 0)
        return -1;
    if (after == NULL || (before != NULL && !touched))
        return 0;
    return store_schema_count(handle, after->name,
                              &difference->tables[difference->count - 1].rows_after, err);
}

int migrate_difference_make(const struct migrate_snapshot *before,
                            const struct migrate_snapshot *after, sqlite3 *handle,
                            struct migrate_difference *ret_difference, struct error *err)
{
    struct migrate_difference difference = {.count = 0};
    size_t capacity = 0;
    size_t i = 0;
    size_t j = 0;
    int result = 0;
    while (result == 0 && (i < before->count || j < after->count)) {
        const struct migrate_object *left = i < before->count ? &before->objects[i] : NULL;
        const struct migrate_object *right = j < after->count ? &after->objects[j] : NULL;
        int order = left == NULL ? 1 : right == NULL ? -1 : compare_objects(left, right);
        result = compare_one(order <= 0 ? left : NULL, order >= 0 ? right : NULL, handle,
                             &difference, &capacity, err);
        i += order <= 0;
        j += order >= 0;
    }
    if (result != 0) {
        migrate_difference_free(&difference);
        return -1;
    }
    *ret_difference = difference;
    return 0;
}

void migrate_difference_free(struct migrate_difference *difference)
{
    for (size_t i = 0; i < difference->count; i++)
        free(difference->tables[i].name);
    free(difference->tables);
    difference->tables = NULL;
    difference->count = 0;
}

const char *migrate_change_name(enum migrate_change change)
{
    static const char *const names[] = {"created", "changed", "dropped", "written"};
    return names[change];
}
