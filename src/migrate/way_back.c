/* See way_back.h. */
#include "migrate/way_back.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

static int out_of_memory(struct error *err)
{
    return error_set(err, ERROR_IO, ENOMEM, "cannot find the way back");
}

static int last_applied_first(const void *a, const void *b)
{
    const struct migrate_applied *left = *(const struct migrate_applied *const *)a;
    const struct migrate_applied *right = *(const struct migrate_applied *const *)b;
    return (left->position < right->position) - (left->position > right->position);
}

static int refuse(const struct migrate_applied *applied, const char *why, struct error *err)
{
    (void)error_set(err, ERROR_NOT_FOUND, 0, "version %lld (%.255s) cannot be taken back: %s",
                    (long long)applied->version, applied->name != NULL ? applied->name : "", why);
    /* The retention may have removed it. */
    if (applied->backup == NULL || access(applied->backup, F_OK) != 0)
        return error_hint(err, "nothing was changed; write a new migration that undoes it, or see "
                               "which backups there are: liteinit backups");
    return error_hint(err,
                      "nothing was changed; write a new migration that undoes it, or put the "
                      "backup from before it back: %.300s",
                      applied->backup);
}

/* The down file of the folder counts only beside the very file that was applied. *ret_found is false
 * when there is none. */
static int load_from_folder(const struct migrate_plan *plan, const struct migrate_applied *applied,
                            struct layout_script *ret_script, bool *ret_found, struct error *err)
{
    const struct layout_migration *file = layout_folder_find(&plan->folder, applied->version);
    struct layout_script up;
    *ret_found = false;
    if (file == NULL)
        return 0;
    if (layout_script_load(&plan->folder, file, LAYOUT_UP, &up, err) != 0)
        return -1;
    bool same = applied->checksum == NULL || strcmp(applied->checksum, up.checksum) == 0;
    bool irreversible = up.directives.irreversible;
    layout_script_free(&up);
    if (same && irreversible)
        return refuse(applied, "it is marked irreversible", err);
    if (!same || file->down == NULL)
        return 0;
    *ret_found = true;
    return layout_script_load(&plan->folder, file, LAYOUT_DOWN, ret_script, err);
}

static int load_script(const struct migrate_plan *plan, const struct migrate_applied *applied,
                       struct layout_script *ret_script, struct error *err)
{
    char file[320];
    bool found = false;
    cleanup_free char *kept = NULL;
    if (load_from_folder(plan, applied, ret_script, &found, err) != 0)
        return -1;
    if (found)
        return 0;
    if (migrate_history_down_sql(&plan->history, applied->recorded, &kept, err) != 0)
        return -1;
    if (kept == NULL)
        return refuse(applied,
                      "there is no down script of it, neither in the folder nor in the database",
                      err);
    (void)snprintf(file, sizeof file, "%lld_%.255s_down.sql", (long long)applied->version,
                   applied->name != NULL ? applied->name : "");
    return layout_script_recall(file, kept, ret_script, err);
}

static int add_step(const struct migrate_plan *plan, const struct migrate_applied *applied,
                    struct migrate_way_back *way, struct error *err)
{
    struct migrate_step_back step = {.version = applied->version};
    if (load_script(plan, applied, &step.script, err) != 0)
        return -1;
    /* As a template leaves it. Run, it would only take the record away, and the next up would meet
     * what is there already. */
    if (layout_script_is_blank(&step.script)) {
        layout_script_free(&step.script);
        return refuse(applied,
                      "its down script holds no statement (write SELECT 1 into it where there is "
                      "nothing to take back)",
                      err);
    }
    step.name = strdup(applied->name != NULL ? applied->name : "");
    way->steps[way->count++] = step;
    return step.name != NULL ? 0 : out_of_memory(err);
}

static bool is_applied(const struct migrate_plan *plan, int64_t version)
{
    for (size_t i = 0; i < plan->applied_count; i++)
        if (plan->applied[i].version == version)
            return true;
    return false;
}

static int check_target(const struct migrate_plan *plan, int64_t target, struct error *err)
{
    /* Asked for again after it was done: there is nothing left to do, which is no failure. */
    if (target == 0)
        return 0;
    if (plan->applied_count == 0) {
        (void)error_set(err, ERROR_NOT_FOUND, 0,
                        "there is nothing to take back: no migration is "
                        "applied");
        return error_hint(err, "see: liteinit status");
    }
    if (target == MIGRATE_LAST || is_applied(plan, target))
        return 0;
    (void)error_set(err, ERROR_NOT_FOUND, 0,
                    "version %lld is not applied, so that nothing can be "
                    "taken back to it",
                    (long long)target);
    return error_hint(err, "see which versions are: liteinit status; 0 takes all of them back");
}

int migrate_way_back_build(const struct migrate_plan *plan, int64_t target,
                           struct migrate_way_back *ret_way, struct error *err)
{
    struct migrate_way_back way = {.count = 0};
    size_t count = 0;
    if (check_target(plan, target, err) != 0)
        return -1;
    cleanup_free const struct migrate_applied **order =
        calloc(plan->applied_count + 1, sizeof *order);
    way.steps = calloc(plan->applied_count + 1, sizeof *way.steps);
    if (order == NULL || way.steps == NULL) {
        migrate_way_back_free(&way);
        return out_of_memory(err);
    }
    for (size_t i = 0; i < plan->applied_count; i++)
        if (plan->applied[i].version >= 0 && plan->applied[i].version > target)
            order[count++] = &plan->applied[i];
    qsort((void *)order, count, sizeof(*order), last_applied_first);
    if (target == MIGRATE_LAST && count > 1)
        count = 1;
    for (size_t i = 0; i < count; i++)
        if (add_step(plan, order[i], &way, err) != 0) {
            migrate_way_back_free(&way);
            return -1;
        }
    *ret_way = way;
    return 0;
}

void migrate_way_back_free(struct migrate_way_back *way)
{
    for (size_t i = 0; i < way->count; i++) {
        free(way->steps[i].name);
        layout_script_free(&way->steps[i].script);
    }
    free(way->steps);
    *way = (struct migrate_way_back){.steps = NULL};
}
