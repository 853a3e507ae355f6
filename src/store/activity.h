/*
 * What the holder of the lock is doing, for `status` and `health` beside a preparation: nobody can
 * open the database then, and a container must not be taken for dead because it migrates.
 *
 * A line of fixed size in the lock file, behind the one that says who holds it. It is written in one
 * piece, in place, so that it needs no room on a full disk. It counts only while the lock is held.
 */
#ifndef LITEINIT_STORE_ACTIVITY_H
#define LITEINIT_STORE_ACTIVITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_activity {
    char phase[24];    /* "migrating", "checking", …; "": nothing worth telling */
    char file[256];    /* the migration that runs; "": none */
    int64_t number;    /* it is this one … */
    int64_t of;        /* … of so many; 0: unknown */
    int64_t statement; /* the statement that runs; 0: unknown */
    int64_t statements;
    int64_t pages;      /* written so far */
    int64_t elapsed_ms; /* since the migration began, at the time of writing */
};

/* Writes it into the lock file; NULL takes it away. A failure is passed over. */
void store_activity_write(int lock_fd, const struct store_activity *activity);

/* Reads it. False when there is none. */
bool store_activity_read(int lock_fd, struct store_activity *ret_activity);

/* "migrating 003_x.sql (2 of 5), statement 3 of 7, for 43 s". */
void store_activity_describe(const struct store_activity *activity, char *out, size_t size);

#endif
