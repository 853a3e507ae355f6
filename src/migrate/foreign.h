/*
 * Tables in which other migration tools keep their history: running a folder again that another
 * tool has applied could destroy data, so that is refused.
 */
#ifndef LITEINIT_MIGRATE_FOREIGN_H
#define LITEINIT_MIGRATE_FOREIGN_H

#include "base/error.h"
#include "migrate/history.h"

/* Asked when no migration is recorded as applied. ERROR_CONFIG when another tool keeps its history in
 * the database, naming tool, table and the command that takes it over. `PRAGMA user_version` is no
 * reason: many apps set it. Nor is a history that was taken over, or all of which was taken back. */
int migrate_foreign_refuse_history(const struct migrate_history *history, const char *folder,
                                   struct error *err);

#endif
