/* See columns.h. */
#include "validate/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "store/sql.h"

static char *copy_of(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text != NULL ? strdup(text) : NULL;
}

/* https://www.sqlite.org/pragma.html#pragma_table_xinfo: generated columns are listed too. */
static bool read_columns(sqlite3 *handle, const char *table, struct validate_columns *columns)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(handle,
                           "SELECT name, type, dflt_value, \"notnull\", pk"
                           " FROM pragma_table_xinfo(?1)",
                           -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC) != SQLITE_OK)
        return false;
    while (sqlite3_step(statement) == SQLITE_ROW) {
        struct validate_column *items =
            realloc(columns->items, (columns->count + 1) * sizeof *items);
        if (items == NULL)
            return false;
        columns->items = items;
        items[columns->count++] = (struct validate_column){
            .name = copy_of(statement, 0),
            .type = copy_of(statement, 1),
            .fallback = copy_of(statement, 2),
            .required = sqlite3_column_int(statement, 3) != 0,
            .key = sqlite3_column_int(statement, 4),
        };
        if (items[columns->count - 1].name == NULL || items[columns->count - 1].type == NULL)
            return false;
    }
    return columns->count > 0;
}

bool validate_columns_of(const char *create, const char *table,
                         struct validate_columns *ret_columns)
{
    struct validate_columns columns = {.items = NULL};
    sqlite3 *handle = NULL;
    bool known = sqlite3_open_v2(":memory:", &handle,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY,
                                 NULL) == SQLITE_OK &&
                 sqlite3_exec(handle, create, NULL, NULL, NULL) == SQLITE_OK &&
                 read_columns(handle, table, &columns);
    (void)sqlite3_close(handle);
    if (!known) {
        validate_columns_free(&columns);
        return false;
    }
    *ret_columns = columns;
    return true;
}

void validate_columns_free(struct validate_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        free(columns->items[i].name);
        free(columns->items[i].type);
        free(columns->items[i].fallback);
    }
    free(columns->items);
    *columns = (struct validate_columns){.items = NULL};
}

static const struct validate_column *find(const struct validate_columns *columns, const char *name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (strcasecmp(columns->items[i].name, name) == 0)
            return &columns->items[i];
    return NULL;
}

static bool same_default(const struct validate_column *a, const struct validate_column *b)
{
    if (a->fallback == NULL || b->fallback == NULL)
        return a->fallback == b->fallback;
    return strcmp(a->fallback, b->fallback) == 0;
}

/* Writes how one column differs; false when it does not. */
static bool column_differs(const struct validate_column *before,
                           const struct validate_column *after, char *clause, size_t size)
{
    const char *name = after->name;
    if (strcasecmp(before->type, after->type) != 0)
        (void)snprintf(clause, size, "column %.80s has the type \"%.60s\" instead of \"%.60s\"",
                       name, after->type, before->type);
    else if (!same_default(before, after))
        (void)snprintf(clause, size, "column %.80s has %s%.60s instead of %s%.60s", name,
                       after->fallback != NULL ? "the default " : "no default",
                       after->fallback != NULL ? after->fallback : "",
                       before->fallback != NULL ? "the default " : "none",
                       before->fallback != NULL ? before->fallback : "");
    else if (before->required != after->required)
        (void)snprintf(clause, size, "column %.80s is %s", name,
                       after->required ? "NOT NULL and was not" : "no longer NOT NULL");
    else if (before->key != after->key)
        (void)snprintf(clause, size, "column %.80s has another place in the primary key", name);
    else
        return false;
    return true;
}

static bool same_order(const struct validate_columns *before, const struct validate_columns *after)
{
    for (size_t i = 0; i < before->count && i < after->count; i++)
        if (strcasecmp(before->items[i].name, after->items[i].name) != 0)
            return false;
    return true;
}

bool validate_columns_differ(const struct validate_columns *before,
                             const struct validate_columns *after, size_t n, char *clause,
                             size_t size)
{
    size_t found = 0;
    for (size_t i = 0; i < before->count; i++) {
        const struct validate_column *other = find(after, before->items[i].name);
        if (other == NULL)
            (void)snprintf(clause, size, "column %.80s is gone", before->items[i].name);
        else if (!column_differs(&before->items[i], other, clause, size))
            continue;
        if (found++ == n)
            return true;
    }
    for (size_t i = 0; i < after->count; i++) {
        if (find(before, after->items[i].name) != NULL)
            continue;
        (void)snprintf(clause, size, "column %.80s is left over", after->items[i].name);
        if (found++ == n)
            return true;
    }
    if (found > 0 || n > 0 || same_order(before, after))
        return false;
    (void)snprintf(clause, size, "its columns are in another order");
    return true;
}
