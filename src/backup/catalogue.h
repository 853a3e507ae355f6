/* The backups that are there: listing, finding one to use again, and the retention. */
#ifndef LITEINIT_BACKUP_CATALOGUE_H
#define LITEINIT_BACKUP_CATALOGUE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "backup/manifest.h"
#include "base/error.h"
#include "store/location.h"

struct backup_entry {
    char *name; /* within the folder */
    int64_t size;
    time_t modified;
    bool known;                      /* it has a manifest of ours, for this file */
    bool verified;                   /* the manifest says verified and the size is still the same */
    struct backup_manifest manifest; /* empty unless `known` */
};

struct backup_catalogue {
    char dir[PATH_MAX];
    struct backup_entry *entries; /* newest first */
    size_t count;
};

/* Lists a backup folder: files with a manifest, and SQLite files without one (made by hand or by
 * other tools: shown as unverified, never touched). A folder that is not there is empty. Free
 * with backup_catalogue_free(). */
int backup_catalogue_read(const struct store_location *location, const char *dir,
                          struct backup_catalogue *ret_catalogue, struct error *err);
void backup_catalogue_free(struct backup_catalogue *catalogue);

/* Whether this is a verified backup of this very database. The path alone does not tell: two
 * containers, each with its own /data/app.db, may share a backup folder. Where it is not certain,
 * a backup belongs to somebody else: it is not used, changed or removed. */
bool backup_catalogue_is_ours(const struct backup_entry *entry,
                              const struct store_location *location);

/* The verified backup whose source stamp is `stamp` and whose sum is still right: the database
 * has not changed since it was taken. False when there is none. */
bool backup_catalogue_find(const struct backup_catalogue *catalogue,
                           const struct store_location *location, const char *stamp,
                           char ret_path[PATH_MAX]);

/* The newest verified backup of this database whose schema is at most at `version`, for an image
 * that knows no newer one. Its sum is not looked at: backup_restore() does, and an older backup must
 * not slip in silently for one that has rotted. False when there is none. */
bool backup_catalogue_fitting(const struct backup_catalogue *catalogue,
                              const struct store_location *location, int64_t version,
                              char ret_path[PATH_MAX]);

/* Notes in a backup's manifest that the database with this stamp still has the backup's content
 * but for liteinit's own records. Failures are passed over: the next start makes a new backup. */
void backup_catalogue_restamp(const char *path, const char *stamp);

/* Removes the verified backups of this database that no rule keeps: the newest `keep` (0: no such
 * rule), those younger than `keep_days` days (0: no such rule); the newest verified one is always
 * kept, and so is `spare`, the path of the one that this start relies on ("" for none): a clock
 * that went back makes it look the oldest. Without a rule all are kept. Calls `removed` for each. */
int backup_catalogue_prune(const struct backup_catalogue *catalogue,
                           const struct store_location *location, int64_t keep, int64_t keep_days,
                           const char *spare,
                           void (*removed)(void *context, const struct backup_entry *entry),
                           void *context, struct error *err);

#endif
