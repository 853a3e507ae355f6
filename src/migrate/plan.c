/* See plan.h. */
#include "migrate/plan.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "layout/script.h"
#include "migrate/foreign.h"

static int out_of_memory(struct error *err)
{
    return error_set(err, ERROR_IO, ENOMEM, "cannot plan the migrations");
}

__attribute__((format(printf, 4, 5))) static int
add_sentence(char ***list, size_t *count, struct error *err, const char *fmt, ...)
{
    char text[768];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    char **grown = realloc(*list, (*count + 1) * sizeof *grown);
    if (grown == NULL)
        return out_of_memory(err);
    *list = grown;
    char *copy = strdup(text);
    if (copy == NULL)
        return out_of_memory(err);
    grown[(*count)++] = copy;
    return 0;
}

/* A database that a newer image has migrated. */
static int newer_schema(const struct migrate_plan *plan, size_t first_newer, struct error *err)
{
    const struct migrate_applied *oldest = &plan->applied[first_newer];
    const struct migrate_applied *newest = &plan->applied[plan->applied_count - 1];
    char writer[160] = "a newer image";
    if (newest->app_version != NULL)
        (void)snprintf(writer, sizeof writer, "version %.120s of the app", newest->app_version);
    (void)error_set(err, ERROR_CONFIG, 0,
                    "the database has schema version %lld and this image knows only up to %lld: "
                    "%zu newer %s applied, the first being %lld_%.60s, by %s on %.24s",
                    (long long)newest->version, (long long)plan->newest,
                    plan->applied_count - first_newer,
                    plan->applied_count - first_newer == 1 ? "migration was" : "migrations were",
                    (long long)oldest->version, oldest->name != NULL ? oldest->name : "", writer,
                    newest->applied_at != NULL ? newest->applied_at : "an unknown day");
    if (oldest->backup != NULL)
        return error_hint(err,
                          "start the newer image again; or go back to the data from before: stop "
                          "the container, put the backup %.200s in the database's place and remove "
                          "its -wal and -shm",
                          oldest->backup);
    return error_hint(err,
                      "start the newer image again; it is the one whose migrations include "
                      "%lld_%.60s",
                      (long long)newest->version, newest->name != NULL ? newest->name : "");
}

static int check_file(struct migrate_plan *plan, const struct layout_migration *file,
                      const struct migrate_applied *applied, struct error *err)
{
    struct layout_script script;
    if (applied->checksum == NULL)
        return 0;
    if (layout_script_load(&plan->folder, file, LAYOUT_UP, &script, err) != 0)
        return -1;
    bool same = strcmp(script.checksum, applied->checksum) == 0;
    layout_script_free(&script);
    if (same)
        return 0;
    return add_sentence(&plan->drift, &plan->drift_count, err,
                        "%.255s has changed since it was applied on %.24s", file->up,
                        applied->applied_at != NULL ? applied->applied_at : "an unknown day");
}

static int file_gone(struct migrate_plan *plan, const struct migrate_applied *applied,
                     struct error *err)
{
    return add_sentence(&plan->drift, &plan->drift_count, err,
                        "the file of version %lld (%.255s), applied on %.24s, is gone",
                        (long long)applied->version, applied->name != NULL ? applied->name : "",
                        applied->applied_at != NULL ? applied->applied_at : "an unknown day");
}

static int check_usable(const struct layout_folder *folder, const struct layout_migration *file,
                        struct error *err)
{
    struct layout_script script;
    if (layout_script_load(folder, file, LAYOUT_UP, &script, err) != 0)
        return -1;
    int result = migrate_foreign_check_file(file->up, script.text, script.size, err);
    layout_script_free(&script);
    return result;
}

static int add_pending(struct migrate_plan *plan, const struct layout_migration *file,
                       int64_t target, struct error *err)
{
    if (file->version > target)
        return 0;
    if (check_usable(&plan->folder, file, err) != 0)
        return -1;
    plan->pending[plan->pending_count++] = file;
    if (file->version > plan->current)
        return 0;
    return add_sentence(&plan->notices, &plan->notice_count, err,
                        "%.255s comes late: version %lld is applied already; it runs now", file->up,
                        (long long)plan->current);
}

/* One walk over both ascending lists. */
static int compare(struct migrate_plan *plan, int64_t target, bool *ret_newer, struct error *err)
{
    const struct layout_folder *folder = &plan->folder;
    size_t a = 0;
    size_t f = 0;
    for (;;) {
        const struct migrate_applied *applied = a < plan->applied_count ? &plan->applied[a] : NULL;
        const struct layout_migration *file = f < folder->count ? &folder->migrations[f] : NULL;
        int result = 0;
        if (applied == NULL && file == NULL)
            return 0;
        if (file == NULL && applied->version > plan->newest) {
            *ret_newer = true;
            return newer_schema(plan, a, err);
        }
        if (applied == NULL || (file != NULL && file->version < applied->version)) {
            result = add_pending(plan, file, target, err);
            f++;
        } else if (file == NULL || applied->version < file->version) {
            result = file_gone(plan, applied, err);
            a++;
        } else {
            result = check_file(plan, file, applied, err);
            a++;
            f++;
        }
        if (result != 0)
            return -1;
    }
}

static int check_target(const struct migrate_plan *plan, int64_t target, struct error *err)
{
    if (target == MIGRATE_NEWEST)
        return 0;
    for (size_t i = 0; i < plan->folder.count; i++)
        if (plan->folder.migrations[i].version == target)
            return 0;
    (void)error_set(err, ERROR_NOT_FOUND, 0, "there is no migration with the number %lld in %s",
                    (long long)target, plan->folder.path);
    return error_hint(err, "the newest there is %lld; see: liteinit status",
                      (long long)plan->newest);
}

/* With records of ours, the other tool's table came with a migration of the app, or was taken
 * over. */
static int refuse_foreign_history(const struct migrate_plan *plan, struct error *err)
{
    if (plan->applied_count > 0 || plan->folder.count == 0)
        return 0;
    return migrate_foreign_refuse_history(&plan->history, plan->folder.path, err);
}

static int fill(struct sqlite3 *handle, const char *folder_path, int64_t target,
                struct migrate_plan *plan, bool *ret_newer, struct error *err)
{
    if (migrate_history_open(handle, &plan->history, err) != 0 ||
        migrate_history_applied(&plan->history, &plan->applied, &plan->applied_count, err) != 0)
        return -1;
    if (plan->applied_count > 0)
        plan->current = plan->applied[plan->applied_count - 1].version;
    if (folder_path == NULL)
        return 0;
    if (layout_folder_read(folder_path, LAYOUT_DETECT, NULL, &plan->folder, err) != 0)
        return -1;
    if (plan->folder.count > 0)
        plan->newest = plan->folder.migrations[plan->folder.count - 1].version;
    if (refuse_foreign_history(plan, err) != 0 || check_target(plan, target, err) != 0)
        return -1;
    plan->pending = calloc(plan->folder.count + 1, sizeof(*plan->pending));
    if (plan->pending == NULL)
        return out_of_memory(err);
    return compare(plan, target, ret_newer, err);
}

int migrate_plan_inspect(const char *folder_path, int64_t target, struct error *err)
{
    struct migrate_plan plan = {.current = 0};
    int result = layout_folder_read(folder_path, LAYOUT_DETECT, NULL, &plan.folder, err);
    if (result == 0) {
        const struct layout_folder *folder = &plan.folder;
        plan.newest = folder->count > 0 ? folder->migrations[folder->count - 1].version : 0;
        result = check_target(&plan, target, err);
        for (size_t i = 0; i < folder->count && result == 0; i++)
            if (folder->migrations[i].version <= target)
                result = check_usable(folder, &folder->migrations[i], err);
    }
    migrate_plan_free(&plan);
    return result;
}

int migrate_plan_build(struct sqlite3 *handle, const char *folder_path, int64_t target,
                       struct migrate_plan *ret_plan, bool *ret_newer, struct error *err)
{
    struct migrate_plan plan = {.current = 0};
    *ret_newer = false;
    if (fill(handle, folder_path, target, &plan, ret_newer, err) != 0) {
        migrate_plan_free(&plan);
        return -1;
    }
    *ret_plan = plan;
    return 0;
}

static void free_sentences(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

void migrate_plan_free(struct migrate_plan *plan)
{
    migrate_applied_free(plan->applied, plan->applied_count);
    free((void *)plan->pending);
    free_sentences(plan->drift, plan->drift_count);
    free_sentences(plan->notices, plan->notice_count);
    layout_folder_free(&plan->folder);
    *plan = (struct migrate_plan){.current = 0};
}

int migrate_plan_drift_error(const struct migrate_plan *plan, struct error *err)
{
    char more[64] = "";
    if (plan->drift_count > 1)
        (void)snprintf(more, sizeof more, " (and %zu more like it)", plan->drift_count - 1);
    (void)error_set(err, ERROR_CONFIG, 0, "applied migrations and their files differ: %s%s",
                    plan->drift_count > 0 ? plan->drift[0] : "", more);
    return error_hint(err, "an applied file must stay as it is: bring it back, and put the change "
                           "into a new migration; or accept it with --drift warn");
}
