/*
 * The checksums that other migration tools keep of their files, computed again from the files of
 * today.
 */
#ifndef LITEINIT_MIGRATE_SUMS_H
#define LITEINIT_MIGRATE_SUMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "foreign/tools.h"
#include "layout/folder.h"

/* Whether `checksum`, which a tool wrote, is that of these bytes. True for FOREIGN_SUM_NONE. */
bool migrate_sums_match(enum foreign_sum kind, const char *checksum, const char *data, size_t size);

/* The same of a migration's file. */
int migrate_sums_match_file(enum foreign_sum kind, const char *checksum,
                            const struct layout_folder *folder,
                            const struct layout_migration *migration, bool *ret_match,
                            struct error *err);

#endif
