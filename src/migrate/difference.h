/*
 * What a migration changed, for the report of a rehearsal: tables by name, with their rows; indexes,
 * views and triggers by number.
 *
 * The schema is compared by its SQL, sorted, in one pass. Rows are counted only in tables that the
 * migration touches (observer->touching, before the first change) or makes: a table that it leaves
 * alone is not read.
 */
#ifndef LITEINIT_MIGRATE_DIFFERENCE_H
#define LITEINIT_MIGRATE_DIFFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "migrate/history.h"

struct sqlite3;

/* The main schema at one moment, without SQLite's own objects and without liteinit's two tables. */
struct migrate_object {
    char *type; /* table, index, view, trigger */
    char *name;
    char *table; /* that it belongs to */
    char *sql;
    bool touched;
    int64_t rows; /* before the first change; -1: not counted, or not to be counted here */
};
struct migrate_snapshot {
    struct migrate_object *objects; /* sorted by type and name */
    size_t count;
};

/* Frees with migrate_snapshot_free(); one that is {0} is fine. */
int migrate_snapshot_take(struct sqlite3 *handle, const struct migrate_history *history,
                          struct migrate_snapshot *ret_snapshot, struct error *err);
void migrate_snapshot_free(struct migrate_snapshot *snapshot);

/* The migration is about to change rows of this table, or to drop it: its rows are counted now. One
 * that the snapshot does not have is new, and nothing is done. */
void migrate_snapshot_touch(struct migrate_snapshot *snapshot, struct sqlite3 *handle,
                            const char *table);

enum migrate_change {
    MIGRATE_CREATED,
    MIGRATE_CHANGED, /* its SQL is another one */
    MIGRATE_DROPPED,
    MIGRATE_WRITTEN, /* the same table; its rows may have changed */
};

struct migrate_table_change {
    char *name;
    enum migrate_change change;
    int64_t rows_before; /* -1: it was not there, was not touched, or cannot be counted here */
    int64_t rows_after;
};

struct migrate_tally {
    size_t created;
    size_t changed;
    size_t dropped;
};

struct migrate_difference {
    struct migrate_table_change *tables; /* sorted by name */
    size_t count;
    struct migrate_tally indexes;
    struct migrate_tally views;
    struct migrate_tally triggers;
};

/* Compares `before` with `after`, which is the schema now, and counts the rows of what was touched
 * or made. Free with migrate_difference_free(). */
int migrate_difference_make(const struct migrate_snapshot *before,
                            const struct migrate_snapshot *after, struct sqlite3 *handle,
                            struct migrate_difference *ret_difference, struct error *err);
void migrate_difference_free(struct migrate_difference *difference);

/* "created", "changed", "dropped", "written" */
const char *migrate_change_name(enum migrate_change change);

#endif
