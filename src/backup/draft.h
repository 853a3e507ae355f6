/*
 * A backup under construction: a temporary file in the backup folder, locked by its maker, that
 * gets its final name only when it is whole, synced and verified.
 *
 * The manifest is renamed into place before the file: after a crash between the two there is a
 * manifest without a file, which nobody takes for a backup, never a file without its manifest.
 */
#ifndef LITEINIT_BACKUP_DRAFT_H
#define LITEINIT_BACKUP_DRAFT_H

#include <limits.h>

#include "backup/manifest.h"
#include "base/error.h"
#include "store/location.h"

struct backup_draft {
    char dir[PATH_MAX];
    char temp[PATH_MAX];
    int fd;
    mode_t mode;
};

/* The folder for the backups of a database: `dir` if given, else `backups` beside it. */
void backup_folder_path(const struct store_location *location, const char *dir, char out[PATH_MAX]);

/* Keeps other liteinits from naming or clearing anything in the folder until the descriptor is
 * closed. After a few seconds, and where folders cannot be locked, it goes on without: the
 * descriptor, or -1. */
int backup_folder_lock(const char *dir);

/* Makes the folder (0700) if need be, clears what crashed makers left, and makes the temporary
 * file with the owner and mode of the database (never wider than it, and at least 0600). */
int backup_draft_open(const struct store_location *location, const char *dir,
                      struct backup_draft *ret_draft, struct error *err);

/* Syncs the file's content. */
int backup_draft_sync(const struct backup_draft *draft, struct error *err);

/* Publishes file and manifest under the first free name that `pattern` gives, and syncs the
 * folder. Writes the path of the backup. The draft is ended either way. */
int backup_draft_publish(struct backup_draft *draft, const char *pattern,
                         const struct backup_manifest *manifest, char ret_path[PATH_MAX],
                         struct error *err);

/* Throws an unpublished draft away; fine after publishing too. */
void backup_draft_discard(struct backup_draft *draft);

#endif
