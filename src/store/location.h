/*
 * Where the database is, and what its file looks like before SQLite opens it.
 *
 * A probe opens and closes the file, which drops every POSIX lock this process has on it (design
 * fact 3): never call store_probe() while a connection of this process is open.
 */
#ifndef LITEINIT_STORE_LOCATION_H
#define LITEINIT_STORE_LOCATION_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct stat;

struct store_location {
    char db[PATH_MAX];  /* absolute, symbolic links resolved: SQLite puts the WAL beside this */
    char dir[PATH_MAX]; /* its folder */
};

/* Finds the database's place. The file may be absent, its folder must be there (ERROR_NOT_FOUND).
 * A folder or a device under its name is ERROR_CONFIG. */
int store_locate(const char *path, struct store_location *ret_location, struct error *err);

/* Writes the path of a companion: "-wal", "-shm", "-journal", ".liteinit.lock", … */
const char *store_sibling(const struct store_location *location, const char *suffix,
                          char out[PATH_MAX]);

#define STORE_FOLDER_SIZE 48

/* What tells the database's folder from another one that is mounted under the same path in another
 * container: its inode number and, where that lasts, its volume's id, as text. It stays the same over restarts, updates and restores. ""
 * when it cannot be told. */
void store_folder_identity(const struct store_location *location, char out[STORE_FOLDER_SIZE]);

#define STORE_STAMP_SIZE 128

/* What changes whenever anything has written to the main file: inode, size, times to the
 * nanosecond, and SQLite's own change counter. "" when the descriptor cannot be read. */
void store_stamp(int fd, char out[STORE_STAMP_SIZE]);

enum store_kind { STORE_ABSENT, STORE_EMPTY, STORE_DATABASE };

struct store_probe {
    enum store_kind kind;
    int64_t size;         /* bytes of the main file */
    int64_t wal_size;     /* bytes of FILE-wal, 0 when absent */
    int64_t journal_size; /* bytes of FILE-journal, 0 when absent or ended in order */
    bool companions;      /* a -wal, -shm or -journal is there, be it empty */
    bool wal_mode;        /* from the header */
    uint32_t page_size;
    char stamp[STORE_STAMP_SIZE];
};

/*
 * Looks at the main file and its companions without SQLite and without changing a byte.
 * ERROR_DATA: no SQLite database, a truncated one, or a WAL without its database (SQLite would
 * delete that WAL: https://www.sqlite.org/wal.html, "the WAL file is part of the database").
 * ERROR_PERMISSION: unreadable, or read-only when `writable` is asked for. ERROR_CONFIG: a companion
 * is a link to another file.
 */
int store_probe(const struct store_location *location, bool writable, struct store_probe *ret_probe,
                struct error *err);

/* Whether a file under one of our names is none of ours: somebody who may write to the folder can
 * put a link there that leads root elsewhere. No regular file; or, for root in somebody else's
 * folder, a further name of a file of root's. */
bool store_is_planted(const struct store_location *location, const struct stat *st);

/* The error for it, of kind ERROR_CONFIG with its remedy. Always returns -1. */
int store_planted_error(const char *path, struct error *err);

/* For what root has made this moment: gives it the owner of the database's folder, so that an app
 * that drops its privileges can use it. Does nothing for other users; a failure is passed over.
 * Opens no descriptor that could drop a lock (design fact 3). */
void store_adopt_owner(const struct store_location *location, const char *path);

#endif
