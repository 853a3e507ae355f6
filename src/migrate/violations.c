/* See violations.h. https://www.sqlite.org/pragma.html#pragma_foreign_key_check */
#include "migrate/violations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/sql.h"

#define UNKNOWN SIZE_MAX

static int out_of_memory(struct error *err)
{
    return error_set(err, ERROR_IO, ENOMEM, "cannot check the foreign keys");
}

/* A foreign key whose parent columns are not unique or not there makes foreign_key_check itself
 * fail ("foreign key mismatch"), and so does one that needs a collation of the app's own. Such a
 * schema can be lived with (SQLite complains only when the key is used): it counts as a violation
 * of its own, which may stay when it was there before. The table-valued form reports it while
 * stepping rather than while preparing. */
static bool is_mismatch(int code)
{
    return (code & 0xFF) == SQLITE_ERROR;
}

/* The index of a name, which is added where it is new. The last ones come again and again. */
static bool index_of(struct migrate_violations *violations, const char *name, size_t *ret_index)
{
    for (size_t i = violations->name_count; i-- > 0;)
        if (strcmp(violations->names[i], name) == 0) {
            *ret_index = i;
            return true;
        }
    char **grown = realloc((void *)violations->names, (violations->name_count + 1) * sizeof *grown);
    if (grown == NULL)
        return false;
    violations->names = grown;
    char *copy = strdup(name);
    if (copy == NULL)
        return false;
    *ret_index = violations->name_count;
    grown[violations->name_count++] = copy;
    return true;
}

static bool add(struct migrate_violations *violations, const struct migrate_violation *one)
{
    if (violations->count == violations->capacity) {
        size_t capacity = violations->capacity > 0 ? violations->capacity * 2 : 16;
        struct migrate_violation *grown =
            realloc(violations->list, capacity * sizeof *violations->list);
        if (grown == NULL)
            return false;
        violations->list = grown;
        violations->capacity = capacity;
    }
    violations->list[violations->count++] = *one;
    return true;
}

static bool add_row(struct migrate_violations *violations, sqlite3_stmt *found)
{
    const char *child = (const char *)sqlite3_column_text(found, 0);
    struct migrate_violation one = {
        .has_row = sqlite3_column_type(found, 1) != SQLITE_NULL,
        .row = sqlite3_column_int64(found, 1),
    };
    if (child == NULL || !index_of(violations, child, &one.child))
        return false;
    const char *parent = (const char *)sqlite3_column_text(found, 2);
    return parent != NULL && index_of(violations, parent, &one.parent) && add(violations, &one);
}

static bool add_mismatch(struct migrate_violations *violations, sqlite3 *handle, const char *table)
{
    struct migrate_violation one = {.mismatch = true, .parent = UNKNOWN};
    if (violations->mismatch[0] == '\0')
        (void)sqlite3_snprintf(sizeof violations->mismatch, violations->mismatch, "%s",
                               sqlite3_errmsg(handle));
    return index_of(violations, table, &one.child) && add(violations, &one);
}

int migrate_violations_collect(sqlite3 *handle, const char *table, int except,
                               struct migrate_violations *violations, struct error *err)
{
    cleanup_statement sqlite3_stmt *find = NULL;
    int code = SQLITE_ROW;
    if (sql_prepare(handle, "SELECT * FROM pragma_foreign_key_check(?1, 'main')", &find, err) != 0)
        return -1;
    (void)sqlite3_bind_text(find, 1, table, -1, SQLITE_STATIC);
    while ((code = sqlite3_step(find)) == SQLITE_ROW)
        if (sqlite3_column_int(find, 3) != except && !add_row(violations, find))
            return out_of_memory(err);
    if (code == SQLITE_DONE)
        return 0;
    if (!is_mismatch(code))
        return sql_error(err, handle, "cannot check the foreign keys");
    return add_mismatch(violations, handle, table) ? 0 : out_of_memory(err);
}

int migrate_violations_collect_all(sqlite3 *handle, struct migrate_violations *violations,
                                   struct error *err)
{
    cleanup_statement sqlite3_stmt *tables = NULL;
    int code = SQLITE_ROW;
    if (sql_prepare(handle, "SELECT name FROM main.sqlite_schema WHERE type = 'table'", &tables,
                    err) != 0)
        return -1;
    while ((code = sqlite3_step(tables)) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(tables, 0);
        if (table != NULL && migrate_violations_collect(handle, table, -1, violations, err) != 0)
            return -1;
    }
    return code == SQLITE_DONE ? 0 : sql_error(err, handle, "cannot list the tables");
}

int migrate_violations_rename(struct migrate_violations *violations, const char *from,
                              const char *to)
{
    for (size_t i = 0; i < violations->name_count; i++)
        if (sqlite3_stricmp(violations->names[i], from) == 0) {
            char *copy = strdup(to);
            if (copy == NULL)
                return -1;
            free(violations->names[i]);
            violations->names[i] = copy;
        }
    return 0;
}

static int order_of_numbers(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

/* Rows before keys that cannot work; equal ones side by side. */
static int order_of(const struct migrate_violation *a, const struct migrate_violation *b)
{
    int order = (int)a->mismatch - (int)b->mismatch;
    if (order == 0)
        order = (int)a->has_row - (int)b->has_row;
    return order != 0 ? order : order_of_numbers(a->row, b->row);
}

static int by_row(const void *left, const void *right)
{
    const struct migrate_violation *a = left;
    const struct migrate_violation *b = right;
    int order = order_of(a, b);
    if (order == 0)
        order = (a->child > b->child) - (a->child < b->child);
    return order != 0 ? order : (a->parent > b->parent) - (a->parent < b->parent);
}

static void sort(struct migrate_violations *violations)
{
    if (violations->count > 1)
        qsort(violations->list, violations->count, sizeof *violations->list, by_row);
}

/* What the comparison knows of the two lists. */
struct pair {
    const struct migrate_violations *before;
    const struct migrate_violations *after;
    bool *gone; /* for each name of before: no table has it any more */
};

/* A rebuilt table keeps its rowids, so a violation from before has the same child, row and parent;
 * a renamed table is one whose old name is gone. */
static bool same_table(const struct pair *pair, size_t old, size_t now)
{
    if (old == UNKNOWN || now == UNKNOWN)
        return old == now;
    return pair->gone[old] ||
           sqlite3_stricmp(pair->before->names[old], pair->after->names[now]) == 0;
}

/* How often this violation was there before. The count matters: a row may break two keys. */
static size_t count_before(const struct pair *pair, const struct migrate_violation *now)
{
    const struct migrate_violation *list = pair->before->list;
    size_t low = 0;
    size_t high = pair->before->count;
    size_t count = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (order_of(&list[middle], now) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < pair->before->count && order_of(&list[low], now) == 0; low++)
        count += same_table(pair, list[low].child, now->child) &&
                 same_table(pair, list[low].parent, now->parent);
    return count;
}

/* Whether a is to be told rather than b: rows first, then by table and row. */
static bool comes_before(const struct pair *pair, const struct migrate_violation *a,
                         const struct migrate_violation *b)
{
    if (a->mismatch != b->mismatch)
        return b->mismatch;
    int order = strcmp(pair->after->names[a->child], pair->after->names[b->child]);
    return order != 0 ? order < 0 : order_of(a, b) < 0;
}

static int describe(const struct pair *pair, const struct migrate_violation *first, size_t count,
                    struct error *err)
{
    char row[48] = "a row";
    if (first->mismatch) {
        (void)error_set(err, ERROR_DATA, 0,
                        "the migration makes a foreign key that cannot work: %.250s",
                        pair->after->mismatch);
        return error_hint(err, "the columns it refers to need a PRIMARY KEY or a UNIQUE index");
    }
    if (first->has_row)
        (void)sqlite3_snprintf(sizeof row, row, "row %lld", (long long)first->row);
    (void)error_set(err, ERROR_DATA, 0,
                    "the migration would break foreign keys: %s of %.100s refers to a row of "
                    "%.100s that is not there (%zu new %s)",
                    row, pair->after->names[first->child], pair->after->names[first->parent], count,
                    count == 1 ? "violation" : "violations");
    return error_hint(err, "delete or mend these rows in the migration itself; where they are to "
                           "stay: -- liteinit: foreign-keys=warn");
}

static int find_new(const struct pair *pair, struct error *err)
{
    const struct migrate_violations *after = pair->after;
    const struct migrate_violation *first = NULL;
    size_t count = 0;
    size_t next = 0;
    for (size_t i = 0; i < after->count; i = next) {
        const struct migrate_violation *now = &after->list[i];
        next = i + 1;
        while (next < after->count && by_row(&after->list[next], now) == 0)
            next++;
        if (next - i <= count_before(pair, now))
            continue;
        count++;
        if (first == NULL || comes_before(pair, now, first))
            first = now;
    }
    return first == NULL ? 0 : describe(pair, first, count, err);
}

int migrate_violations_compare(sqlite3 *handle, struct migrate_violations *before,
                               struct migrate_violations *after, struct error *err)
{
    struct pair pair = {.before = before, .after = after};
    int result = 0;
    if (after->count == 0)
        return 0;
    pair.gone = calloc(before->name_count + 1, sizeof *pair.gone);
    if (pair.gone == NULL)
        return out_of_memory(err);
    for (size_t i = 0; result == 0 && i < before->name_count; i++) {
        bool there = false;
        result = sql_table_exists(handle, before->names[i], &there, err);
        pair.gone[i] = !there;
    }
    if (result == 0) {
        sort(before);
        sort(after);
        result = find_new(&pair, err);
    }
    free(pair.gone);
    return result;
}

void migrate_violations_free(struct migrate_violations *violations)
{
    for (size_t i = 0; i < violations->name_count; i++)
        free(violations->names[i]);
    free((void *)violations->names);
    free(violations->list);
    *violations = (struct migrate_violations){.list = NULL};
}
