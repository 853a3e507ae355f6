/*
 * Applies pending migrations, each in one BEGIN IMMEDIATE transaction together with its
 * bookkeeping rows.
 */
#ifndef LITEINIT_MIGRATE_APPLY_H
#define LITEINIT_MIGRATE_APPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "migrate/observer.h"
#include "migrate/plan.h"

struct migrate_apply_options {
    const char *app_version; /* for the records; NULL: unknown */
    const char *backup;      /* the backup made before; NULL: none */
    bool on_copy;            /* a rehearsal: what stays there is nobody's business */
};

/*
 * Applies plan->pending in order and stops at the first failure, which is rolled back: what was
 * applied before stays. *ret_applied counts those, also on failure. The failed attempt's row in
 * the history outlives the rollback. ERROR_DATA when a migration fails, ERROR_INTERRUPTED when a
 * stop signal came.
 */
int migrate_apply(struct sqlite3 *handle, struct migrate_plan *plan,
                  const struct migrate_apply_options *options,
                  const struct migrate_observer *observer, size_t *ret_applied, struct error *err);

/* No room during a migration is a failed migration: 65, where a backup without room is 73. Always
 * returns -1. For rollback.h. */
int migrate_apply_fail(struct error *err);

#endif
