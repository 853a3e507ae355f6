/* See trial.h. */
#include "validate/trial.h"

#include <errno.h>
#include <stdio.h>

#include "migrate/apply.h"
#include "migrate/history.h"
#include "migrate/observer.h"
#include "migrate/plan.h"
#include "migrate/rollback.h"
#include "migrate/way_back.h"
#include "store/interrupt.h"
#include "store/sql.h"

int validate_trial_open(sqlite3 **ret_handle, struct error *err)
{
    sqlite3 *handle = NULL;
    if (sqlite3_open_v2(":memory:", &handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY |
                            SQLITE_OPEN_EXRESCODE,
                        NULL) != SQLITE_OK ||
        /* Sorting and temporary tables would go to files. */
        sqlite3_exec(handle, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL) != SQLITE_OK) {
        (void)sqlite3_close(handle);
        return error_set(err, ERROR_IO, ENOMEM, "cannot open a database in memory");
    }
    store_interrupt_watch(handle);
    *ret_handle = handle;
    return 0;
}

int validate_trial_clone(sqlite3 *handle, sqlite3 **ret_clone, struct error *err)
{
    sqlite3 *clone = NULL;
    if (validate_trial_open(&clone, err) != 0)
        return -1;
    sqlite3_backup *backup = sqlite3_backup_init(clone, "main", handle, "main");
    if (backup != NULL)
        (void)sqlite3_backup_step(backup, -1);
    if (backup == NULL || sqlite3_backup_finish(backup) != SQLITE_OK) {
        (void)sql_error(err, clone, "cannot copy a database in memory");
        validate_trial_close(clone, handle);
        return -1;
    }
    *ret_clone = clone;
    return 0;
}

void validate_trial_close(sqlite3 *handle, sqlite3 *next)
{
    store_interrupt_watch(next);
    (void)sqlite3_close_v2(handle);
}

/* Every error about the migration has its file, so that it can be listed under it. */
static int name_file(const char *file, struct error *err)
{
    if (err->file[0] == '\0')
        (void)snprintf(err->file, sizeof err->file, "%.255s", file);
    return -1;
}

/* Nobody asks for the attempts of a trial, and each new one would be looked for among all before:
 * with 20,000 files that was most of the time. Where it cannot be, it is only slower. */
static void forget_attempts(const struct migrate_history *history)
{
    char sql[64];
    if (!history->history_exists)
        return;
    (void)snprintf(sql, sizeof sql, "DELETE FROM main.%s", history->history_table);
    (void)sqlite3_exec(history->handle, sql, NULL, NULL, NULL);
}

int validate_trial_apply(sqlite3 *handle, const struct layout_folder *folder,
                         const struct layout_migration *migration, struct error *err)
{
    const struct migrate_observer silent = {.context = NULL};
    const struct migrate_apply_options options = {.app_version = NULL};
    struct layout_migration alone = *migration;
    const struct layout_migration *pending[] = {&alone};
    /* A plan of one migration, whose folder is borrowed. */
    struct migrate_plan plan = {.folder = *folder, .pending = pending, .pending_count = 1};
    size_t applied = 0;
    alone.down = NULL;
    if (migrate_history_open(handle, &plan.history, err) != 0)
        return -1;
    forget_attempts(&plan.history);
    if (migrate_apply(handle, &plan, &options, &silent, &applied, err) != 0)
        return name_file(migration->up, err);
    return 0;
}

int validate_trial_take_back(sqlite3 *handle, const struct layout_migration *migration,
                             const struct layout_script *script, struct error *err)
{
    const struct migrate_observer silent = {.context = NULL};
    const struct migrate_apply_options options = {.app_version = NULL};
    struct migrate_history history;
    /* A way of one step, whose texts are borrowed. */
    struct migrate_step_back step = {
        .version = migration->version, .name = migration->name, .script = *script};
    const struct migrate_way_back way = {.steps = &step, .count = 1};
    size_t done = 0;
    if (migrate_history_open(handle, &history, err) != 0)
        return -1;
    if (migrate_rollback(handle, &history, &way, &options, &silent, &done, err) != 0)
        return name_file(script->file, err);
    return 0;
}

int validate_trial_look(sqlite3 *handle, struct migrate_snapshot *ret_snapshot, struct error *err)
{
    struct migrate_history history;
    if (migrate_history_open(handle, &history, err) != 0)
        return -1;
    return migrate_snapshot_take(handle, &history, ret_snapshot, err);
}
