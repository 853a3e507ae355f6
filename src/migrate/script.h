/*
 * Runs the statements of a migration inside the transaction that the caller has open.
 */
#ifndef LITEINIT_MIGRATE_SCRIPT_H
#define LITEINIT_MIGRATE_SCRIPT_H

#include "base/error.h"
#include "layout/script.h"
#include "migrate/guard.h"
#include "migrate/observer.h"
#include "migrate/progress.h"

struct sqlite3;

/*
 * Skipped with a notice: BEGIN, COMMIT, END, SAVEPOINT and RELEASE, since the transaction is ours
 * and nothing goes back to a savepoint, and pragmas that are of no use here. Refused as
 * ERROR_DATA: ROLLBACK, ATTACH, DETACH and pragmas that weaken durability or bypass the schema.
 * An error carries file, line, column and the beginning of the statement; the caller rolls back.
 * `ticker` may be NULL. The guard is asked before and after each statement; finishing it is the
 * caller's.
 */
int migrate_script_run(struct sqlite3 *handle, const struct layout_script *script,
                       struct migrate_guard *guard, struct migrate_ticker *ticker,
                       const struct migrate_observer *observer, struct error *err);

#endif
