/*
 * A rehearsal: the migrations run on a private copy of the real data first, by the same code as in
 * earnest, and it is written down what they do. Of the real database not a byte changes.
 *
 * Logs nothing: the step or the command that asks for it does.
 */
#ifndef LITEINIT_PREPARE_REHEARSE_H
#define LITEINIT_PREPARE_REHEARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "migrate/observer.h"
#include "migrate/plan.h"
#include "prepare/rehearsal.h"
#include "store/database.h"

struct migrate_way_back;

struct prepare_rehearse_request {
    struct store_database *database; /* the real one; see backup_clone_make() */
    const struct migrate_source *source;
    const char *target;           /* see migrate_plan_build() */
    struct migrate_way_back *way; /* what is taken back first; NULL: nothing */
    bool only_back;               /* and nothing is applied after it */
    const char *app_version;      /* for the records; NULL: unknown */
    bool check;                   /* integrity and foreign keys after the last one */
    bool full_check;
    bool only_if_free; /* see backup_clone_make() */
    int64_t small;
    /* Nobody reads what each migration did: how long it took and how large the WAL was must do. The
     * rest costs a look at the whole schema and a checkpoint for each of them. */
    bool unreported;
    /* Hears begin and progress too; NULL: nobody. */
    const struct migrate_observer *observer;
};

/*
 * *ret_made is false when there was no copy to rehearse on (only_if_free), which is no error.
 *
 * Errors are those of the migrations, with file, line and column; the hint says that the database
 * itself is untouched. ERROR_BACKUP: no room for the copy. ERROR_INTERRUPTED: a stop signal came.
 *
 * *ret_rehearsal is written on failure too and then says how far it came, and which version failed.
 * Free it with prepare_rehearsal_free().
 */
int prepare_rehearse(const struct prepare_rehearse_request *request,
                     struct prepare_rehearsal *ret_rehearsal, bool *ret_made, struct error *err);

#endif
