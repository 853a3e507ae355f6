/* Small helpers around the SQLite API, for the folders that know it: store, migrate, backup. */
#ifndef LITEINIT_STORE_SQL_H
#define LITEINIT_STORE_SQL_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/error.h"

/* The kind of error that an (extended) SQLite result code is for liteinit's users. */
enum error_kind sql_error_kind(int code);

/* Fills `err` from the connection's last error, as "WHAT: SQLite's message". Returns -1. */
int sql_error(struct error *err, sqlite3 *handle, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Opens a database file that nobody changes, for reading, without locks and without looking at
 * companions: immutable=1 (https://www.sqlite.org/uri.html). The caller closes it. */
int sql_open_immutable(const char *path, sqlite3 **ret_handle, struct error *err);

/* Writes file:PATH?immutable=1 with every byte that has a meaning in a URI escaped, for ATTACH on a
 * connection of sql_open_immutable(). */
int sql_immutable_uri(const char *path, char *out, size_t size, struct error *err);

/* Runs statements that return no rows that matter. */
int sql_exec(sqlite3 *handle, const char *sql, struct error *err);

/* Prepares one statement; the caller finalizes it. */
int sql_prepare(sqlite3 *handle, const char *sql, sqlite3_stmt **ret_statement, struct error *err);

/* Steps a statement that must end without a row, and resets it. */
int sql_done(sqlite3_stmt *statement, struct error *err);

/* The first column of the first row as a number; `none` where there is no row or it is NULL. */
int sql_int(sqlite3 *handle, const char *sql, int64_t none, int64_t *ret_value, struct error *err);

/* True when a table of this name is in the main schema (case does not count, as in SQLite). */
int sql_table_exists(sqlite3 *handle, const char *name, bool *ret_exists, struct error *err);

/* For use with __attribute__((cleanup)). */
static inline void sql_finalize_statement(sqlite3_stmt **statement)
{
    (void)sqlite3_finalize(*statement);
}
#define cleanup_statement __attribute__((cleanup(sql_finalize_statement)))

#endif
