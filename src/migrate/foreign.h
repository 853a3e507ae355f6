/*
 * Signs of other migration tools in databases: their tables.
 *
 * Running a folder again that another tool has applied could destroy data: it is refused.
 */
#ifndef LITEINIT_MIGRATE_FOREIGN_H
#define LITEINIT_MIGRATE_FOREIGN_H

#include "base/error.h"

struct sqlite3;

/* The name of a table in which another tool keeps its history, or NULL. Static. A table
 * schema_migrations is not looked for here: its columns tell whose it is (history.h). */
int migrate_foreign_find_history(struct sqlite3 *handle, const char **ret_table, struct error *err);

#endif
