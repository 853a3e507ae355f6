/* Records that are changed by hand, without running anything. */
#ifndef LITEINIT_MIGRATE_AMEND_H
#define LITEINIT_MIGRATE_AMEND_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "migrate/plan.h"

/*
 * Marks the files of the folder up to `version` as applied, those that are not yet. One transaction.
 * *ret_recorded is their number. ERROR_NOT_FOUND when the folder has no such version.
 */
int migrate_baseline(struct migrate_plan *plan, int64_t version, const char *app_version,
                     size_t *ret_recorded, struct error *err);

/*
 * Accepts the file of an applied version as it is now: its checksum, and its way back. For a version
 * whose file is gone, ERROR_NOT_FOUND, as for one that is not applied. *ret_changed is false when
 * there was nothing to accept.
 */
int migrate_repair(struct migrate_plan *plan, int64_t version, bool *ret_changed,
                   struct error *err);

#endif
