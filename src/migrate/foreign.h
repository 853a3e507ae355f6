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

struct sqlite3;

/* ERROR_CONFIG when a line of the text is a marker that divides a file into an up and a down part
 * (`-- +goose Up`, `-- migrate:up`), naming the tool and the line. */
int migrate_foreign_check_file(const char *file, const char *text, size_t size, struct error *err);

/* The name of a table in which another tool keeps its history, or NULL. Static. A table
 * schema_migrations is not looked for here: its columns tell whose it is (history.h). */
int migrate_foreign_find_history(struct sqlite3 *handle, const char **ret_table, struct error *err);

#endif
