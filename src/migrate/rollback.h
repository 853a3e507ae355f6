/* Takes applied migrations back, each in one transaction together with its bookkeeping. */
#ifndef LITEINIT_MIGRATE_ROLLBACK_H
#define LITEINIT_MIGRATE_ROLLBACK_H

#include <stddef.h>

#include "base/error.h"
#include "migrate/apply.h"
#include "migrate/history.h"
#include "migrate/observer.h"
#include "migrate/way_back.h"

struct sqlite3;

/*
 * Goes the way back in its order and stops at the first failure, which is rolled back as a whole:
 * what was taken back before stays so. *ret_done counts those, also on failure. A step's row in
 * the history says "down" and outlives the rollback. Errors as of migrate_apply().
 */
int migrate_rollback(struct sqlite3 *handle, struct migrate_history *history,
                     const struct migrate_way_back *way,
                     const struct migrate_apply_options *options,
                     const struct migrate_observer *observer, size_t *ret_done, struct error *err);

#endif
