/*
 * Puts a verified backup in the database's place, and keeps what was there aside, whole.
 *
 * Order, in which a kill or a power cut at any moment leaves the old or the new database under its
 * name, whole, and never a new one with an old WAL (design facts 4 and 5):
 *
 *   1. the backup is copied to a temporary file in the database's folder; this copy is checked,
 *      summed against the manifest and synced: what is proved is what takes the place
 *   2. nobody else is in: SQLite's exclusive lock; the old WAL is folded in, the connection closed
 *   3. SQLite's lock again, by a descriptor of our own, until all is done
 *   4. the old file gets its second name, aside; the folder is synced
 *   5. the companions (-wal, -shm, -journal) are removed; the folder is synced
 *   6. the temporary file is renamed to the database's name; the folder is synced
 *
 * A damaged database that SQLite cannot open keeps its WAL or journal: they go aside with it in 4.
 *
 * Between 2 and 3 somebody may come in. What they leave in a WAL is seen in 3, and then nothing
 * is changed. From 3 on no connection of SQLite can get in, but one that only waits would go on
 * with the old file: so processes that have it open, as far as /proc shows them, count as in.
 *
 * Further hard links of the database (snapshots by `cp -al`) keep the old content: only the one
 * name changes.
 */
#ifndef LITEINIT_BACKUP_RESTORE_H
#define LITEINIT_BACKUP_RESTORE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/location.h"

struct backup_restore {
    char path[PATH_MAX];  /* the backup */
    char aside[PATH_MAX]; /* what was there before; "": nothing was there, or is kept */
    int64_t bytes;
    int64_t duration_ms;
    bool cloned;
};

/*
 * The caller holds liteinit's lock and has closed its own connection. `why` is a word for the name
 * aside. With `known`, a stamp (store_stamp()), nothing is kept when the database is still as it was
 * then, since the backup holds all there is to lose; NULL: it is kept. Others are waited for up to
 * `busy_ms` milliseconds, and until then nothing keeps them from writing. Owner and mode are those
 * of the database that was there, else of its folder and the backup.
 *
 * ERROR_NOT_FOUND: no such backup, or it has no manifest. ERROR_DATA: the backup is not what its
 * manifest says. ERROR_BACKUP: no room. ERROR_BUSY: somebody has the database open.
 * ERROR_INTERRUPTED: a stop signal came. With all of them nothing was changed. Only when the last
 * sync of the folder fails (ERROR_IO, and it says so) the backup is in the place already.
 */
int backup_restore(const struct store_location *location, const char *backup_path, const char *why,
                   const char *known, int64_t busy_ms, struct backup_restore *ret_restore,
                   struct error *err);

/* Clears what a crashed restore of this folder left: its temporary file, and the second name of a
 * database that was not replaced after all. Every restore begins with it; so may a start. To be
 * called with liteinit's lock held, before the database is opened. */
void backup_restore_clear(const struct store_location *location);

#endif
