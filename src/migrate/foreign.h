/*
 * Signs of other migration tools: their markers in files and their tables in databases.
 *
 * Running another tool's file as it stands could run both directions of it, and running a folder
 * again that another tool has applied could destroy data: both are refused.
 */
#ifndef LITEINIT_MIGRATE_FOREIGN_H
#define LITEINIT_MIGRATE_FOREIGN_H

#include <stddef.h>

#include "base/error.h"
#include "migrate/history.h"

/* ERROR_CONFIG when a line of the text is a marker that divides a file into an up and a down part
 * (`-- +goose Up`, `-- migrate:up`), naming the tool and the line. */
int migrate_foreign_check_file(const char *file, const char *text, size_t size, struct error *err);

/* Asked when no migration is recorded as applied. ERROR_CONFIG when another tool keeps its history in
 * the database, naming tool, table and the command that takes it over. `PRAGMA user_version` is no
 * reason: many apps set it. Nor is a history that was taken over, or all of which was taken back. */
int migrate_foreign_refuse_history(const struct migrate_history *history, const char *folder,
                                   struct error *err);

#endif
