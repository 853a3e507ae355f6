/* See amend.h. */
#include "migrate/amend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "layout/script.h"
#include "store/sql.h"

static const struct migrate_applied *find_applied(const struct migrate_plan *plan, int64_t version)
{
    for (size_t i = 0; i < plan->applied_count; i++)
        if (plan->applied[i].version == version)
            return &plan->applied[i];
    return NULL;
}

static int attempt(const struct migrate_history *history, int64_t version, const char *direction,
                   struct error *err)
{
    int64_t id = 0;
    if (migrate_history_start(history, version, direction, NULL, &id, err) != 0)
        return -1;
    return migrate_history_finish(history, id, "success", NULL, err);
}

static int record_file(struct migrate_plan *plan, const struct layout_migration *file,
                       const char *app_version, struct error *err)
{
    struct layout_script up;
    cleanup_free char *down = NULL;
    if (layout_script_load(&plan->folder, file, LAYOUT_UP, &up, err) != 0)
        return -1;
    int result = layout_script_keep_down(&plan->folder, file, &up, &down, err);
    const struct migrate_record record = {
        .version = file->version,
        .name = file->name,
        .checksum = up.checksum,
        .app_version = app_version,
        .down_sql = down,
    };
    if (result == 0)
        result = migrate_history_record(&plan->history, &record, err);
    if (result == 0)
        result = attempt(&plan->history, file->version, "baseline", err);
    layout_script_free(&up);
    return result;
}

static int baseline_all(struct migrate_plan *plan, int64_t version, const char *app_version,
                        size_t *ret_recorded, struct error *err)
{
    size_t recorded = 0;
    for (size_t i = 0; i < plan->folder.count; i++) {
        const struct layout_migration *file = &plan->folder.migrations[i];
        if (file->repeatable || file->version > version ||
            find_applied(plan, file->version) != NULL)
            continue;
        if (record_file(plan, file, app_version, err) != 0)
            return -1;
        recorded++;
    }
    *ret_recorded = recorded;
    return 0;
}

/* Ends the transaction as `result` says. */
static int end(sqlite3 *handle, int result, struct error *err)
{
    if (result == 0)
        result = sql_exec(handle, "COMMIT", err);
    if (sqlite3_get_autocommit(handle) == 0)
        (void)sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
    return result;
}

int migrate_baseline(struct migrate_plan *plan, int64_t version, const char *app_version,
                     size_t *ret_recorded, struct error *err)
{
    sqlite3 *handle = plan->history.handle;
    if (layout_folder_find(&plan->folder, version) == NULL) {
        (void)error_set(err, ERROR_NOT_FOUND, 0, "there is no migration with the number %lld in %s",
                        (long long)version, plan->folder.path);
        return error_hint(err, "nothing was changed; see which ones there are: liteinit status");
    }
    if (migrate_history_create(&plan->history, err) != 0 ||
        sql_exec(handle, "BEGIN IMMEDIATE", err) != 0)
        return -1;
    return end(handle, baseline_all(plan, version, app_version, ret_recorded, err), err);
}

static int repair_inside(struct migrate_plan *plan, const struct layout_migration *file,
                         const struct layout_script *up, struct error *err)
{
    cleanup_free char *down = NULL;
    if (layout_script_keep_down(&plan->folder, file, up, &down, err) != 0 ||
        migrate_history_accept(&plan->history, file->version, up->checksum, down, err) != 0)
        return -1;
    return attempt(&plan->history, file->version, "repair", err);
}

int migrate_repair(struct migrate_plan *plan, int64_t version, bool *ret_changed, struct error *err)
{
    sqlite3 *handle = plan->history.handle;
    const struct migrate_applied *applied = find_applied(plan, version);
    const struct layout_migration *file = layout_folder_find(&plan->folder, version);
    struct layout_script up;
    if (applied == NULL || file == NULL) {
        (void)error_set(err, ERROR_NOT_FOUND, 0, "version %lld cannot be repaired: %s",
                        (long long)version,
                        applied == NULL ? "it is not applied" : "its file is not in the folder");
        return error_hint(err, applied == NULL
                                   ? "nothing was changed; see: liteinit status"
                                   : "nothing was changed; bring the file back, or accept that it "
                                     "is gone with --drift warn");
    }
    if (layout_script_load(&plan->folder, file, LAYOUT_UP, &up, err) != 0)
        return -1;
    if (applied->checksum != NULL && strcmp(applied->checksum, up.checksum) == 0) {
        *ret_changed = false;
        layout_script_free(&up);
        return 0;
    }
    int result = sql_exec(handle, "BEGIN IMMEDIATE", err);
    if (result == 0)
        result = end(handle, repair_inside(plan, file, &up, err), err);
    layout_script_free(&up);
    if (result == 0)
        *ret_changed = true;
    return result;
}

static int renumber_one(const struct migrate_history *history,
                        const struct migrate_applied *applied, struct error *err)
{
    const char *const tables[] = {history->applied_table, history->history_table};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        char sql[160];
        (void)snprintf(sql, sizeof sql, "UPDATE main.%s SET version = %lld WHERE version = %lld",
                       tables[i], (long long)applied->version, (long long)applied->recorded);
        if (sql_exec(history->handle, sql, err) != 0)
            return -1;
    }
    return 0;
}

int migrate_plan_renumber(struct migrate_plan *plan, struct error *err)
{
    sqlite3 *handle = plan->history.handle;
    int result = 0;
    if (plan->renumbered == 0)
        return 0;
    if (migrate_history_create(&plan->history, err) != 0 ||
        sql_exec(handle, "BEGIN IMMEDIATE", err) != 0)
        return -1;
    for (size_t i = 0; i < plan->applied_count && result == 0; i++)
        if (plan->applied[i].recorded != plan->applied[i].version)
            result = renumber_one(&plan->history, &plan->applied[i], err);
    if (end(handle, result, err) != 0)
        return -1;
    for (size_t i = 0; i < plan->applied_count; i++)
        plan->applied[i].recorded = plan->applied[i].version;
    plan->renumbered = 0;
    return 0;
}
