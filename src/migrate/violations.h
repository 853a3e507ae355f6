/*
 * The guard over foreign keys: which violations does a migration add?
 *
 * Enforcement is off while a migration runs, since ON DELETE CASCADE would delete the children
 * when a table is rebuilt (design fact 8). Instead the violations before and after are compared,
 * and new ones abort.
 */
#ifndef LITEINIT_MIGRATE_VIOLATIONS_H
#define LITEINIT_MIGRATE_VIOLATIONS_H

#include <stdint.h>

#include "base/error.h"

struct sqlite3;

/* Remembers the violations there are now, in a temporary table of the connection. Outside a
 * transaction, before the first migration. */
int migrate_violations_baseline(struct sqlite3 *handle, struct error *err);

/* Inside the migration's transaction, at its end: ERROR_DATA naming table, row and parent of the
 * first new violation and how many there are. */
int migrate_violations_compare(struct sqlite3 *handle, struct error *err);

#endif
