/* SQL on one of the history's tables, whose names vary. Private to history.c and records.c. */
#ifndef LITEINIT_MIGRATE_HISTORY_SQL_H
#define LITEINIT_MIGRATE_HISTORY_SQL_H

#include <stdio.h>

#include "store/sql.h"

/* Formats SQL with the table's name (one of our four constants) and runs it. */
static inline int history_exec(sqlite3 *handle, const char *format, const char *table,
                               struct error *err)
{
    char sql[768];
    (void)snprintf(sql, sizeof sql, format, table); /* NOLINT(clang-diagnostic-format-nonliteral) */
    return sql_exec(handle, sql, err);
}

static inline int history_prepare(sqlite3 *handle, const char *format, const char *table,
                                  sqlite3_stmt **ret_statement, struct error *err)
{
    char sql[512];
    (void)snprintf(sql, sizeof sql, format, table); /* NOLINT(clang-diagnostic-format-nonliteral) */
    return sql_prepare(handle, sql, ret_statement, err);
}

#endif
