/*
 * What a migration file leaves on the connection: temporary objects and settings.
 *
 * They must not reach the next file. SQLite looks for a name among the temporary tables first, so
 * that a forgotten one would swallow the rows that the next file writes.
 */
#ifndef LITEINIT_MIGRATE_SESSION_H
#define LITEINIT_MIGRATE_SESSION_H

#include "base/error.h"

struct sqlite3;

/* Where SQLite keeps what does not fit into memory (the rows of an index that is made, the copy that
 * VACUUM makes, temporary tables): beside the database, on the volume whose room was looked at. The
 * /tmp of a container may be small, in memory, or read-only. SQLITE_TMPDIR still decides where it is
 * set. */
void migrate_session_settle(struct sqlite3 *handle);

/* Drops the temporary tables, views and triggers of the file that has ended, but not liteinit's
 * own, and puts back the settings of the connection that a file may change. Inside the file's
 * transaction. */
int migrate_session_reset(struct sqlite3 *handle, struct error *err);

#endif
