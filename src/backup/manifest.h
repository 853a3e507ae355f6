/* The manifest NAME.json beside a backup NAME: what it was taken from and what was proved of it. */
#ifndef LITEINIT_BACKUP_MANIFEST_H
#define LITEINIT_BACKUP_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "store/location.h"
#include "store/schema.h"

struct backup_manifest {
    char *source;                          /* path of the database it was taken from */
    char source_folder[STORE_FOLDER_SIZE]; /* store_folder_identity() of its folder */
    char *reason;                          /* migration, start, manual, … */
    char created[CLOCK_TEXT_SIZE];
    int64_t size;
    int64_t page_size;
    int64_t page_count;
    char sha256[HASH_HEX_SIZE];
    int64_t schema_version; /* newest applied migration; 0: none */
    char *app_version;      /* NULL: unknown */
    char *stamp;            /* the source's store_probe() stamp while it still equals the backup */
    bool verified;          /* integrity, size, schema and row counts were checked */
    struct store_schema schema;
};

/* Reads and parses a manifest. ERROR_DATA when it is no manifest of ours. Free the result with
 * backup_manifest_free(). */
int backup_manifest_read(const char *path, struct backup_manifest *ret_manifest, struct error *err);

/* Replaces the file at `path`, of this `mode`, whole or not at all. `owner`: see
 * fs_replace_file(). */
int backup_manifest_write(const char *path, const struct backup_manifest *manifest, mode_t mode,
                          const struct stat *owner, struct error *err);

void backup_manifest_free(struct backup_manifest *manifest);

#endif
