/* Is the database whole? Integrity and foreign keys, by SQLite's own checks. */
#ifndef LITEINIT_STORE_CHECK_H
#define LITEINIT_STORE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct sqlite3;

struct store_check {
    bool full;               /* integrity_check rather than quick_check */
    int64_t problems;        /* lines of the integrity check; 0: ok (counted up to 100) */
    char first_problem[256]; /* the first of them */
    int64_t foreign_keys;    /* violations */
    char first_violation[256];
    int64_t unchecked;         /* tables that only the app itself can read, see below */
    char first_unchecked[256]; /* the first of them, and what is missing */
    int64_t duration_ms;
};

/* Runs quick_check or integrity_check; with `foreign_keys` also foreign_key_check. A damaged
 * database is a result (problems > 0), not an error, also when SQLite gives up in the middle.
 * A table whose index or rule needs a collation or a function that the app brings along is no
 * damage: it counts as unchecked, and all others are checked. */
int store_check_run(struct sqlite3 *handle, bool full, bool foreign_keys,
                    struct store_check *ret_check, struct error *err);

/* Counts the violations of foreign keys alone: fills foreign_keys and first_violation. */
int store_check_foreign_keys(struct sqlite3 *handle, struct store_check *ret_check,
                             struct error *err);

/* Turns problems of the integrity check into an error of kind ERROR_DATA about `path`. */
int store_check_error(const struct store_check *check, const char *path, struct error *err);

#endif
