/* What the caller hears while migrations run; it does the logging. */
#ifndef LITEINIT_MIGRATE_OBSERVER_H
#define LITEINIT_MIGRATE_OBSERVER_H

#include <stddef.h>
#include <stdint.h>

#include "layout/script.h"

struct sqlite3;

/* One migration in one direction, as one of several. */
struct migrate_item {
    int64_t version;
    const char *name; /* what_it_does */
    const char *file; /* what is run: a file of the folder, or what the database has kept of one */
    enum layout_direction direction;
    size_t number; /* from 1 */
    size_t of;
};

/* How far one that runs has come. */
struct migrate_progress {
    int64_t elapsed_ms;
    size_t statement; /* that runs now, from 1 */
    size_t statements;
    int64_t pages; /* written by this migration so far, as far as they have left the cache */
};

/* All but `context` may be NULL. */
struct migrate_observer {
    void *context;
    /* An attempt's row is committed and the migration begins. */
    void (*begin)(void *context, const struct migrate_item *item);
    /* The first attempt's row is committed and nothing else has changed yet. */
    void (*recorded)(void *context);
    /* Once a table and migration, inside its transaction: the statement that comes may change the
     * rows of this table of the main schema for the first time, or drop it. */
    void (*touching)(void *context, struct sqlite3 *handle, const char *table);
    /* Every few seconds while a statement runs. No statement may be run on its connection here. */
    void (*progress)(void *context, const struct migrate_item *item,
                     const struct migrate_progress *progress);
    void (*done)(void *context, const struct migrate_item *item, int64_t duration_ms);
    /* Something was skipped, or is to be told: a sentence about a line of the file. */
    void (*notice)(void *context, const char *file, int line, const char *sentence);
};

#endif
