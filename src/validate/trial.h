/*
 * A trial: migrations run on a database in memory, by the machinery of the real thing. Nothing is
 * written anywhere.
 */
#ifndef LITEINIT_VALIDATE_TRIAL_H
#define LITEINIT_VALIDATE_TRIAL_H

#include "base/error.h"
#include "layout/folder.h"
#include "layout/script.h"
#include "migrate/difference.h"

struct sqlite3;

/* An empty database in memory, whose statements a stop signal interrupts. */
int validate_trial_open(struct sqlite3 **ret_handle, struct error *err);

/* Another one with the same content. `handle` is outside a transaction. A stop signal interrupts
 * the clone from here on. */
int validate_trial_clone(struct sqlite3 *handle, struct sqlite3 **ret_clone, struct error *err);

/* Closes it; NULL is fine. `next` is the one that a stop signal interrupts from here on, or NULL. */
void validate_trial_close(struct sqlite3 *handle, struct sqlite3 *next);

/* Applies one migration; whether what comes before it was applied does not matter. Without its way
 * back, which is looked at by itself. What it says of the file has the file in `err`. */
int validate_trial_apply(struct sqlite3 *handle, const struct layout_folder *folder,
                         const struct layout_migration *migration, struct error *err);

/* Runs the script of its way back. */
int validate_trial_take_back(struct sqlite3 *handle, const struct layout_migration *migration,
                             const struct layout_script *script, struct error *err);

/* Its schema now. The caller frees with migrate_snapshot_free(). */
int validate_trial_look(struct sqlite3 *handle, struct migrate_snapshot *ret_snapshot,
                        struct error *err);

#endif
