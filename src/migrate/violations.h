/*
 * Rows that break a foreign key, before and after: which ones does a migration add?
 *
 * The lists are in our own memory. A temporary table would not do: writing to it between two
 * statements of a file would change what last_insert_rowid() and changes() tell the file.
 */
#ifndef LITEINIT_MIGRATE_VIOLATIONS_H
#define LITEINIT_MIGRATE_VIOLATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct sqlite3;

struct migrate_violation {
    size_t child;  /* index of a name */
    size_t parent; /* likewise; unknown for a key that cannot work */
    bool mismatch; /* not a row: a key that cannot work */
    bool has_row;  /* false: the table has no rowids */
    int64_t row;
};

struct migrate_violations {
    struct migrate_violation *list;
    size_t count;
    size_t capacity;
    char **names; /* each once */
    size_t name_count;
    char mismatch[256]; /* what SQLite says of the first key that cannot work */
};

/* Adds the violations of this table of the main schema as they are now. `except` is the number of
 * a foreign key (as PRAGMA foreign_key_list counts) that is left out; -1 for none. */
int migrate_violations_collect(struct sqlite3 *handle, const char *table, int except,
                               struct migrate_violations *violations, struct error *err);

/* The same of every table of the main schema. */
int migrate_violations_collect_all(struct sqlite3 *handle, struct migrate_violations *violations,
                                   struct error *err);

/* A table has another name from now on. 0, or -1 when memory is out. */
int migrate_violations_rename(struct migrate_violations *violations, const char *from,
                              const char *to);

/* ERROR_DATA naming table, row and parent of the first violation of `after` that is not in
 * `before`, and how many there are. Sorts both. */
int migrate_violations_compare(struct sqlite3 *handle, struct migrate_violations *before,
                               struct migrate_violations *after, struct error *err);

void migrate_violations_free(struct migrate_violations *violations);

#endif
