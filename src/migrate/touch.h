/*
 * What the guard looks at when a statement is about to touch a table, and when it has done so.
 * Private to guard.c.
 */
#ifndef LITEINIT_MIGRATE_TOUCH_H
#define LITEINIT_MIGRATE_TOUCH_H

#include <stdint.h>

#include "base/error.h"
#include "migrate/guard.h"

/* Notes how the table is now, as far as this touch can harm it. `detail` is the column of an UPDATE
 * (NULL: any) or the index that is dropped. */
int migrate_touch_before(struct migrate_guard *guard, enum migrate_touch touch, const char *table,
                         const char *detail, struct error *err);

/* Follows a table that got another name, a new foreign key, or is gone. */
int migrate_touch_after(struct migrate_guard *guard, enum migrate_touch touch, const char *table,
                        struct error *err);

/* How many rows it has. */
int migrate_touch_count(struct migrate_guard *guard, const char *table, int64_t *ret_rows,
                        struct error *err);

#endif
