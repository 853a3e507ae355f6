/* Copies a database that others are using, through SQLite's backup API. */
#ifndef LITEINIT_BACKUP_LIVE_H
#define LITEINIT_BACKUP_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/schema.h"

struct sqlite3;

/*
 * Copies `source` into the existing empty file at `path`, without syncing it.
 *
 * In WAL mode a read transaction is held from the first page to the last: one moment is copied,
 * writers never wait, and *ret_counted are the rows as of that moment (*ret_same_moment true; free
 * it with store_schema_free(); NULL: nobody wants them counted, which reads all of it once more). In a rollback-journal mode a held read lock would keep writers
 * out, so the copy goes in short steps with pauses, and starts over when somebody wrote; after
 * several rounds it finishes in one go.
 */
int backup_live_copy(struct sqlite3 *source, const char *path, struct store_schema *ret_counted,
                     bool *ret_same_moment, int64_t *ret_bytes, struct error *err);

#endif
