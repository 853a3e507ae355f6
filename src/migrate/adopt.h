/*
 * Takes over the history that another migration tool has kept: what it applied is written into
 * liteinit's own records, and nothing is run again. The other tool's table stays as it is.
 */
#ifndef LITEINIT_MIGRATE_ADOPT_H
#define LITEINIT_MIGRATE_ADOPT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "layout/folder.h"

struct sqlite3;

struct migrate_adopt_options {
    const char *from;        /* a tool's name; NULL: the one that is there */
    int64_t baseline;        /* this version and all before it count as applied, whatever the tool
                                lists; -1: what the tool says */
    const char *app_version; /* for the records; NULL: unknown */
};

struct migrate_adopt_report {
    const char *tool;  /* static */
    const char *table; /* static */
    size_t adopted;
    size_t pending;  /* files of the folder that are left to be run */
    int64_t version; /* the newest that was adopted; 0: none */
};

/*
 * Does it in one transaction of its own, so that a crash leaves all or nothing. Errors, after each
 * of which nothing has changed:
 * ERROR_USAGE      there is no tool of the name `from`;
 * ERROR_NOT_FOUND  there is no history (of that tool), or no file of version `baseline`;
 * ERROR_DATA       the history is half applied, or cannot be read;
 * ERROR_CONFIG     liteinit has records already; several tools have a history; the tool knows its
 *                  newest version alone; an entry has no file in the folder; a file has changed
 *                  since the tool applied it.
 */
int migrate_adopt(struct sqlite3 *handle, const struct layout_folder *folder,
                  const struct migrate_adopt_options *options,
                  struct migrate_adopt_report *ret_report, struct error *err);

#endif
