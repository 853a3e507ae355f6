/*
 * Two moments of one schema, and what differs between them in words.
 *
 * Compared are tables, indexes, views and triggers by the text that SQLite keeps of them, token by
 * token: white space, comments, the case of words and the quotes around names do not count (ALTER
 * TABLE … RENAME quotes the name that it writes). SQLite's own tables and liteinit's are left out.
 */
#ifndef LITEINIT_MIGRATE_SCHEMA_DIFF_H
#define LITEINIT_MIGRATE_SCHEMA_DIFF_H

#include <stddef.h>

#include "base/error.h"

struct sqlite3;

struct migrate_object {
    char *type; /* table, index, view or trigger */
    char *name;
    char *table; /* that it belongs to */
    char *sql;
};

struct migrate_schema {
    struct migrate_object *objects; /* ordered by type and name */
    size_t count;
    size_t capacity;
};

/* Reads it; the caller frees with migrate_schema_free(). */
int migrate_schema_take(struct sqlite3 *handle, struct migrate_schema *ret_schema,
                        struct error *err);
void migrate_schema_free(struct migrate_schema *schema);

/* Calls `tell` for each difference, with a clause like "table x is left over". Ends at the first -1
 * that it returns. An index or trigger of a table that is itself left over or gone is not told. */
int migrate_schema_compare(const struct migrate_schema *before, const struct migrate_schema *after,
                           int (*tell)(void *context, const char *clause, struct error *err),
                           void *context, struct error *err);

#endif
