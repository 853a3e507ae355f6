/*
 * The way back: which applied migrations are to be taken back, in which order, and by which SQL.
 *
 * The newest in order of application comes first. The SQL is that of the folder's down file where
 * the applied file is still in the folder and unchanged; else what the database has kept of it.
 */
#ifndef LITEINIT_MIGRATE_WAY_BACK_H
#define LITEINIT_MIGRATE_WAY_BACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "layout/script.h"
#include "migrate/plan.h"

struct migrate_step_back {
    int64_t version;
    char *name;
    struct layout_script script;
};

struct migrate_way_back {
    struct migrate_step_back *steps;
    size_t count;
};

/* Only the one that was applied last. */
#define MIGRATE_LAST INT64_MIN

/*
 * Finds the way back to `target`, an applied version or 0 for all of them: everything above it, or
 * with MIGRATE_LAST the one that was applied last. Repeatable migrations have no way back and stay.
 * All of the way is looked at before any of it is gone: ERROR_NOT_FOUND when `target` is not applied,
 * when nothing is, or when a migration on the way has no down script or is marked irreversible; the
 * hint names the backup from before it. Free with migrate_way_back_free().
 */
int migrate_way_back_build(const struct migrate_plan *plan, int64_t target,
                           struct migrate_way_back *ret_way, struct error *err);
void migrate_way_back_free(struct migrate_way_back *way);

#endif
