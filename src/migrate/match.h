/*
 * Which file of the folder is meant by a row of another tool's history.
 *
 * By the version where both have one, else by the label, the file's name (with or without its
 * ending and its folder), or what it does where just one file does that.
 */
#ifndef LITEINIT_MIGRATE_MATCH_H
#define LITEINIT_MIGRATE_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "foreign/history.h"
#include "layout/folder.h"

/* A file's name under one of its forms. */
struct migrate_match_key {
    char *text; /* the form's letter and the text */
    size_t migration;
};

/* All names of a folder, sorted. */
struct migrate_match {
    const struct layout_folder *folder;
    struct migrate_match_key *keys;
    size_t count;
};

#define MIGRATE_MATCH_NONE SIZE_MAX

/* Indexes the folder, which must outlive it; with `hashes` also by the SHA-256 of the files. Free
 * with migrate_match_free(). */
int migrate_match_open(const struct layout_folder *folder, bool hashes,
                       struct migrate_match *ret_match, struct error *err);
void migrate_match_free(struct migrate_match *match);

/* The index of the migration in the folder, or MIGRATE_MATCH_NONE. */
size_t migrate_match_find(const struct migrate_match *match, const struct foreign_tool *tool,
                          const struct foreign_entry *entry);

/* Below 0, 0 or above 0: the order of two versions as their tools write them ("9", "1.10", "1_2"). */
int migrate_match_order(const char *label, const char *other);

/* Whether the migration comes at or before the version of this label. */
bool migrate_match_is_up_to(const struct layout_migration *migration, const char *label);

#endif
