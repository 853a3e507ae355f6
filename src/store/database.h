/*
 * A connection to the app's database.
 *
 * Three ways to be there. STILL reads a file that nobody changes, without locks: what it says may
 * be wrong if somebody does, so it decides only that nothing is to do, or is proved afterwards by
 * store_stamp(). EXCLUSIVE is the boot path: we prove that nobody else is in, with SQLite's own
 * lock on the file, and keep them out until store_close(). VISITOR is beside a living app: it
 * reads, it never checkpoints (design fact 1), and it leaves the WAL as it was.
 *
 * Order of descriptors: store_source_fd() is opened before SQLite opens the file and closed after
 * SQLite has closed it, because closing any descriptor of a file drops all POSIX locks that the
 * process has on it (design fact 3; https://www.sqlite.org/howtocorrupt.html, section 2.2).
 */
#ifndef LITEINIT_STORE_DATABASE_H
#define LITEINIT_STORE_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "store/location.h"

struct sqlite3;
struct store_database;

enum store_access { STORE_STILL, STORE_EXCLUSIVE, STORE_VISITOR };

/* Opens the database. EXCLUSIVE makes an absent one, recovers a WAL or a hot journal that a crash
 * left, without writing to the main file from a WAL yet, and fails with ERROR_BUSY naming the
 * holder when someone else has the database open after `busy_ms` milliseconds. */
int store_open(const struct store_location *location, enum store_access access, int64_t busy_ms,
               struct store_database **ret_database, struct error *err);

/* Closes. With EXCLUSIVE, a WAL is folded in and removed, unless store_keep_wal() was called.
 * NULL is fine. */
void store_close(struct store_database *database);

/* The database turned out damaged: from here on nothing may be written to it. At close the WAL
 * stays as it is. */
void store_keep_wal(struct store_database *database);

/* True when the error says that the database file is damaged or none at all. */
bool store_error_is_damage(const struct error *err);

/* True when it says that there was no room, of the disk or of a quota. */
bool store_error_is_no_room(const struct error *err);

/* The connection, for migrate and backup; owned by `database`. */
struct sqlite3 *store_handle(struct store_database *database);

/* A read descriptor of the main file, for copying it while the connection is open; owned by
 * `database`. -1 when the file was made by this connection. */
int store_source_fd(const struct store_database *database);

/* Whether it was opened STILL: then who reads a lot proves afterwards, by store_stamp(), that
 * nobody has written meanwhile. */
bool store_is_still(const struct store_database *database);

/* Whether it was opened EXCLUSIVE: then nobody else can write, and with no WAL its main file is the
 * whole database. */
bool store_is_exclusive(const struct store_database *database);

const struct store_location *store_database_location(const struct store_database *database);

/* What a TRUNCATE checkpoint did. */
struct store_checkpoint {
    bool wal_mode;    /* false: the database has no WAL, nothing was to do */
    bool complete;    /* everything is in the main file and the WAL is empty */
    int64_t frames;   /* pages the WAL held before */
    int64_t wal_size; /* its bytes before */
};

/* Folds the WAL into the main file and truncates it. A reader or writer in the way is not an
 * error: `complete` is false then (design fact 6: SQLite returns OK, the row says busy). */
int store_checkpoint_truncate(struct store_database *database, struct store_checkpoint *ret_result,
                              struct error *err);

/* Sets WAL mode and reports the mode in force ("wal", "delete", …; static or owned by database). */
int store_set_wal(struct store_database *database, struct error *err);
const char *store_journal_mode(struct store_database *database);

/* For a private copy that need not outlive this process: WAL mode, nothing is synced, and the WAL
 * grows until it is folded in by store_checkpoint_truncate(), so that its size tells what was
 * written. */
int store_make_private(struct store_database *database, struct error *err);

/* Bytes of the main file, and of its WAL; 0 where there is none. By name: no descriptor is opened
 * (design fact 3). */
int64_t store_file_size(const struct store_location *location);
int64_t store_wal_size(const struct store_location *location);

#endif
