/*
 * Which files of applied migrations are as they were. All of them are read at each start, which is
 * what a start with thousands of migrations spends its time on; where that pays, several threads
 * share the work. They only find out what is well: whatever is not is for the caller to look at
 * again, in its order and with its words.
 */
#ifndef LITEINIT_MIGRATE_UNCHANGED_H
#define LITEINIT_MIGRATE_UNCHANGED_H

#include <stdbool.h>
#include <stddef.h>

#include "layout/folder.h"
#include "migrate/history.h"

/*
 * A flag for each migration of the folder, in its order: true when the migration is among the
 * applied ones (ascending by version), the record has a checksum, and the file can be read and has
 * it. Repeatable ones are left out: false. NULL when memory is out. The caller frees it.
 *
 * No thread is left when it returns, and none of them takes a signal.
 */
bool *migrate_unchanged_find(const struct layout_folder *folder,
                             const struct migrate_applied *applied, size_t count);

#endif
