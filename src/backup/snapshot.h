/*
 * Takes backups.
 *
 * Cold: with the exclusive connection of the boot path, after the WAL was folded in. The main file
 * is then the whole database and nobody can change it, so its bytes are copied and checked once,
 * at once, while they are in the page cache (design fact 12); since the copy is byte for byte the
 * source, that one check serves both.
 *
 * Live: beside a running app, through SQLite's backup API. In WAL mode one read transaction is
 * held for the whole copy, which no writer waits for; nothing is ever checkpointed (fact 1).
 */
#ifndef LITEINIT_BACKUP_SNAPSHOT_H
#define LITEINIT_BACKUP_SNAPSHOT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "store/database.h"

struct backup_request {
    const char *dir;         /* folder; NULL: `backups` beside the database */
    const char *name;        /* template of the file's name */
    const char *reason;      /* a word for name and manifest */
    const char *app_version; /* NULL: unknown */
    int64_t schema_version;
    bool full_check; /* integrity_check rather than quick_check */
};

struct backup_result {
    char path[PATH_MAX];
    char sha256[HASH_HEX_SIZE];
    int64_t bytes;
    int64_t copy_ms;   /* copying and syncing */
    int64_t verify_ms; /* checking, counting and summing */
    bool cloned;
};

/* The sentence of the log: "Backup made and verified: PATH (12.3 MB, copied in …)". */
void backup_result_describe(const struct backup_result *result, char *out, size_t size);

/*
 * Both: the file and its manifest appear under their final names together, verified, or not at
 * all. ERROR_BACKUP when it cannot be written, ERROR_DATA when the database itself is damaged,
 * ERROR_INTERRUPTED when a stop signal came.
 */
int backup_snapshot_cold(struct store_database *database, const struct backup_request *request,
                         struct backup_result *ret_result, struct error *err);
int backup_snapshot_live(struct store_database *database, const struct backup_request *request,
                         struct backup_result *ret_result, struct error *err);

#endif
