/*
 * What is to be done: the folder's files against the versions that the database says are applied.
 */
#ifndef LITEINIT_MIGRATE_PLAN_H
#define LITEINIT_MIGRATE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "layout/folder.h"
#include "migrate/history.h"

/* Everything up to the newest file. */
#define MIGRATE_NEWEST INT64_MAX

struct migrate_plan {
    struct layout_folder folder; /* path NULL: there is no folder of migrations */
    struct migrate_history history;
    struct migrate_applied *applied; /* ascending */
    size_t applied_count;
    const struct layout_migration **pending; /* ascending; point into folder */
    size_t pending_count;
    int64_t current; /* newest applied version, 0: none */
    int64_t newest;  /* newest version of the folder, 0: none */

    /* Things that are not as they should be; each a sentence. Owned by the plan. */
    char **drift; /* applied files that are gone or changed */
    size_t drift_count;
    char **notices; /* pending numbers below the newest applied one */
    size_t notice_count;
};

/*
 * Builds the plan up to and including `target`. Reads the database and changes nothing.
 * `folder_path` may be NULL (nothing is pending then). Errors:
 * ERROR_CONFIG  the database is newer than the folder (the message names the versions and who
 *               wrote them), or the folder is malformed, or another tool's history is there and
 *               liteinit's is not;
 * ERROR_NOT_FOUND  no folder, or no file of version `target`.
 * Drift is no error here: the caller decides. *ret_newer is set when the error is that the
 * database is newer. Free with migrate_plan_free().
 */
int migrate_plan_build(struct sqlite3 *handle, const char *folder_path, int64_t target,
                       struct migrate_plan *ret_plan, bool *ret_newer, struct error *err);
void migrate_plan_free(struct migrate_plan *plan);

/* What migrate_plan_build() would say of the folder's files for a database that is not there yet:
 * asked before one is made. */
int migrate_plan_inspect(const char *folder_path, int64_t target, struct error *err);

/* The drift of a plan as one error of kind ERROR_CONFIG with its remedy. */
int migrate_plan_drift_error(const struct migrate_plan *plan, struct error *err);

#endif
