/*
 * Views and triggers that no longer work: a table or a column that they name has gone. SQLite finds
 * that out only when the app uses them, which may be a day later and in the middle of a write.
 *
 * Each is compiled, never run. What was broken before the migrations is not their fault.
 */
#ifndef LITEINIT_MIGRATE_BROKEN_H
#define LITEINIT_MIGRATE_BROKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "migrate/list.h"
#include "migrate/observer.h"

struct sqlite3;

/* What is known of one connection, from one migration to the next. Begin with {0}. */
struct migrate_broken {
    bool known;
    int64_t schema;           /* PRAGMA schema_version at the last look */
    struct migrate_list list; /* "view x", "trigger y" */
};

/* Before a migration: looks, unless it has looked since the schema changed. */
int migrate_broken_look(struct sqlite3 *handle, struct migrate_broken *broken, struct error *err);

/* After it: a notice (line 0) about each one that `file` has broken. */
int migrate_broken_tell(struct sqlite3 *handle, struct migrate_broken *broken,
                        const struct migrate_observer *observer, const char *file,
                        struct error *err);

void migrate_broken_free(struct migrate_broken *broken);

#endif
