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

struct migrate_unchanged;

/*
 * Begins to sum the files of the folder, which must stay as it is until migrate_unchanged_finish().
 * With many files and more than one processor, threads of its own do it while the caller goes on;
 * none of them takes a signal. NULL when memory is out.
 */
struct migrate_unchanged *migrate_unchanged_start(const struct layout_folder *folder);

/*
 * Ends it, also after an error (`applied` NULL, `count` 0): no thread is left. A flag for each
 * migration of the folder, in its order: true when the migration is among the applied ones (ascending
 * by version), the record has a checksum, and the file can be read and has it. Repeatable ones are
 * left out: false. NULL when memory is out. The caller frees it. `unchanged` may be NULL.
 */
bool *migrate_unchanged_finish(struct migrate_unchanged *unchanged,
                               const struct migrate_applied *applied, size_t count);

#endif
