/*
 * What a restore finds in the database's place is kept, whole, under a name of its own beside it:
 * FILE.aside-<moment>-<why>, and FILE.aside-…-wal where a WAL belongs to it, so that SQLite finds
 * the two together.
 *
 * The file is kept by a second name (link(2)), which takes no room and cannot be half done; the
 * database has both names until another file takes over the old one. A crash in between leaves the
 * aside name as a second name of the database in use, which backup_aside_recover() takes away.
 * Where links do not work (exFAT, some FUSE volumes) the file is copied.
 */
#ifndef LITEINIT_BACKUP_ASIDE_H
#define LITEINIT_BACKUP_ASIDE_H

#include <limits.h>
#include <stdbool.h>

#include "base/error.h"
#include "store/location.h"

struct backup_aside {
    char path[PATH_MAX]; /* "" as long as nothing was kept */
};

/* Keeps the database aside under the first free name. `db` is its open descriptor, -1 when there
 * is no file under its name. `companions`: its -wal and -journal could not be folded in and go
 * aside with it. The folder is synced. On an error all is as it was. */
int backup_aside_keep(const struct store_location *location, int db, const char *why,
                      bool companions, struct backup_aside *ret_aside, struct error *err);

/* The newest file that was kept aside for this reason at or after `moment` (as clock_format() writes
 * it). False when there is none. */
bool backup_aside_newest(const struct store_location *location, const char *why, const char *moment,
                         char ret_path[PATH_MAX]);

/* Takes back what backup_aside_keep() did, while the database still has its old file. */
void backup_aside_undo(const struct store_location *location, const struct backup_aside *aside);

/* Does the same for a restore that a crash cut off before the new file had its name. To be called
 * with liteinit's lock held, before the database is opened. Costs one stat(2) when there is
 * nothing to do. */
void backup_aside_recover(const struct store_location *location);

#endif
