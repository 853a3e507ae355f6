/*
 * What differs between two moments of one schema, in words.
 *
 * Compared are tables, indexes, views and triggers by the text that SQLite keeps of them, token by
 * token: white space, comments, the case of words and the quotes around names do not count (ALTER
 * TABLE … RENAME quotes the name that it writes).
 */
#ifndef LITEINIT_VALIDATE_SCHEMA_DIFF_H
#define LITEINIT_VALIDATE_SCHEMA_DIFF_H

#include "base/error.h"
#include "migrate/difference.h"

/* Calls `tell` for each difference, with a clause like "table x is left over". Ends at the first -1
 * that it returns. An index of a table that is itself left over or gone is not told. */
int validate_schema_compare(const struct migrate_snapshot *before,
                            const struct migrate_snapshot *after,
                            int (*tell)(void *context, const char *clause, struct error *err),
                            void *context, struct error *err);

#endif
