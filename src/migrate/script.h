/*
 * Runs the statements of one migration file inside the transaction that the caller has open.
 *
 * The text is split by SQLite's own parser (the tail that sqlite3_prepare_v2 returns), so that
 * triggers, strings and comments are no trouble. What the statement would do to the transaction
 * or to the connection is told by SQLite's authorizer, not by looking at words.
 */
#ifndef LITEINIT_MIGRATE_SCRIPT_H
#define LITEINIT_MIGRATE_SCRIPT_H

#include <stddef.h>

#include "base/error.h"
#include "migrate/observer.h"

struct sqlite3;

/*
 * Runs `text`, the content of `file`, with a NUL at its end. Skipped with a notice: BEGIN, COMMIT
 * and END, since the transaction is ours, and `PRAGMA journal_mode = WAL`, which is set at the end.
 * Refused as ERROR_DATA: ROLLBACK, ATTACH, DETACH and pragmas that weaken durability or bypass the
 * schema.
 * An error carries file, line, column and the beginning of the statement; the caller rolls back.
 */
int migrate_script_run(struct sqlite3 *handle, const char *file, const char *text, size_t size,
                       const struct migrate_observer *observer, struct error *err);

#endif
