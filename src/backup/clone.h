/*
 * A private copy of the real data to rehearse on, in a folder of its own beside the database:
 * .liteinit-rehearsal-XXXXXX, 0700. Beside it, since there the volume can share the blocks (btrfs,
 * XFS), in a few milliseconds whatever the size and without taking room.
 *
 * It need not survive anything, so nothing of it is synced. Its maker has the folder locked
 * (flock(2)) as a sign of life: what a killed rehearsal left is cleared by the next one.
 */
#ifndef LITEINIT_BACKUP_CLONE_H
#define LITEINIT_BACKUP_CLONE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/database.h"

struct backup_clone {
    char dir[PATH_MAX];
    char db[PATH_MAX];
    bool cloned; /* the blocks are shared */
    int64_t bytes;
    int64_t duration_ms;
    int dir_fd; /* carries the lock */
};

/*
 * Copies the database as it is now; not a byte of it changes. An EXCLUSIVE one whose WAL is empty,
 * and a STILL one (ERROR_BUSY when somebody wrote meanwhile), are copied as a file; others are
 * cloned under a read transaction where that can be done, else copied through SQLite (live.h).
 *
 * Asks for room first: the copy's, unless it is cloned, and the database's size once more for the
 * WAL of the migrations (design fact 17). ERROR_BACKUP when there is none.
 *
 * `only_if_free`: the copy is made only where it is cloned, or the database has at most `small`
 * bytes, and where there is room; otherwise *ret_made is false and nothing is left.
 * End it with backup_clone_remove().
 */
int backup_clone_make(struct store_database *database, bool only_if_free, int64_t small,
                      struct backup_clone *ret_clone, bool *ret_made, struct error *err);

/* Removes file, companions and folder. No connection to it may be open. */
void backup_clone_remove(struct backup_clone *clone);

/* Clears what killed rehearsals left in the database's folder. Making a clone begins with it; so
 * may a start. */
void backup_clone_clear(const struct store_location *location);

#endif
