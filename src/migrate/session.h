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

/* Drops the temporary tables, views and triggers of the file that has ended, but not liteinit's
 * own, and puts back the settings of the connection that a file may change. Inside the file's
 * transaction. */
int migrate_session_reset(struct sqlite3 *handle, struct error *err);

#endif
