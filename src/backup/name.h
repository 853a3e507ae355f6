/* Names of backup files, from the template backup_name. */
#ifndef LITEINIT_BACKUP_NAME_H
#define LITEINIT_BACKUP_NAME_H

#include <limits.h>
#include <stdint.h>
#include <time.h>

#include "base/error.h"

struct backup_name_parts {
    const char *db;     /* path of the database */
    const char *reason; /* a word */
    int64_t version;    /* schema version */
    time_t when;        /* in UTC in the name */
    int ms;
};

/*
 * Expands {db} {stem} {ext} {date} {time} {iso} {reason} {version} in `pattern`. `sequence` above 1
 * is put before the extension, so that two in one second, or a clock that goes back, never meet.
 * ERROR_CONFIG for an unknown token, a slash, or a name that is too long.
 */
int backup_name_expand(const char *pattern, const struct backup_name_parts *parts, int sequence,
                       char out[NAME_MAX + 1], struct error *err);

#endif
