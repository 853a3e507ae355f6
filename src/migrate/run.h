/*
 * Runs one script, in whichever direction, with its row in the history.
 *
 * The row of the attempt is committed as `running` before anything else, so that it outlives a
 * rollback and a crash. Then one BEGIN IMMEDIATE transaction holds the script, the guards, what
 * `settle` does to schema_migrations, and the row's "success". A script that asks for no
 * transaction is run by stepwise.h instead.
 */
#ifndef LITEINIT_MIGRATE_RUN_H
#define LITEINIT_MIGRATE_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "layout/script.h"
#include "migrate/broken.h"
#include "migrate/guard.h"
#include "migrate/history.h"
#include "migrate/observer.h"
#include "migrate/progress.h"

struct sqlite3;

struct migrate_run {
    struct sqlite3 *handle;
    const struct migrate_history *history;
    const struct migrate_observer *observer;
    const struct migrate_item *item;
    const char *backup; /* made before; NULL: none */
    bool on_copy;       /* a rehearsal */
    /* Writes or removes the record of the migration; inside the last transaction. */
    int (*settle)(void *context, const struct migrate_run *run, struct error *err);
    void *context;
    struct migrate_references *references; /* shared by the migrations of a run; NULL: none */
    struct migrate_broken *broken;         /* likewise */

    /* Filled while it runs. */
    const struct layout_script *script;
    struct migrate_guard guard;
    struct migrate_ticker ticker;
    int64_t attempt;
    int64_t begun_ms;
};

/* Writes the attempt's row and tells the observer that it begins. */
int migrate_run_begin(struct migrate_run *run, struct error *err);

/* Runs the script. When it fails, nothing of it stays (without a transaction: no statement that
 * failed), and the attempt's row says so. *ret_stands: it failed at its very end, and is in the
 * database nevertheless. ERROR_DATA when the migration fails, ERROR_INTERRUPTED when a stop signal
 * came, ERROR_CONFIG when it cannot go on where it stopped. */
int migrate_run_script(struct migrate_run *run, const struct layout_script *script,
                       bool *ret_stands, struct error *err);

/* The attempt failed before its script could be run. */
void migrate_run_fail(const struct migrate_run *run, const struct error *failure);

/* For stepwise.h. The last part of a transaction: guards, settle, the row's "success". */
int migrate_run_settle(struct migrate_run *run, struct error *err);
int migrate_run_commit(struct migrate_run *run, struct error *err);
void migrate_run_rollback(const struct migrate_run *run);
/* Whether the attempt counts as a success in the database, whatever COMMIT said. */
bool migrate_run_stands(const struct migrate_run *run, struct error *err);

#endif
