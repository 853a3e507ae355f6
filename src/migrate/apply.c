/* See apply.h. */
#include "migrate/apply.h"

#include <stdlib.h>

#include "base/clock.h"
#include "layout/script.h"
#include "migrate/run.h"
#include "store/interrupt.h"

/* A migration with all that its record needs, read before the transaction begins. */
struct work {
    const struct layout_migration *file;
    const struct migrate_apply_options *options;
    struct layout_script script;
    char *down_text; /* what is kept of the way back; NULL: none */
};

static void work_free(struct work *work)
{
    layout_script_free(&work->script);
    free(work->down_text);
}

static int work_load(const struct layout_folder *folder, const struct layout_migration *file,
                     struct work *work, struct error *err)
{
    work->file = file;
    if (layout_script_load(folder, file, LAYOUT_UP, &work->script, err) != 0)
        return -1;
    return layout_script_keep_down(folder, file, &work->script, &work->down_text, err);
}

static int settle(void *context, const struct migrate_run *run, struct error *err)
{
    const struct work *work = context;
    const struct migrate_record record = {
        .version = work->file->version,
        .name = work->file->name,
        .checksum = work->script.checksum,
        .duration_ms = clock_monotonic_ms() - run->begun_ms,
        .app_version = work->options->app_version,
        .backup = work->options->backup,
        .down_sql = work->down_text,
    };
    return migrate_history_record(run->history, &record, err);
}

/* *ret_stands: it failed at its very end, and is applied nevertheless. */
static int apply_one(struct migrate_run *run, const struct layout_folder *folder, struct work *work,
                     bool *ret_stands, struct error *err)
{
    if (migrate_run_begin(run, err) != 0)
        return -1;
    if (work_load(folder, work->file, work, err) != 0) {
        migrate_run_fail(run, err);
        return -1;
    }
    if (migrate_run_script(run, &work->script, ret_stands, err) != 0)
        return -1;
    if (run->observer->done != NULL)
        run->observer->done(run->observer->context, run->item,
                            clock_monotonic_ms() - run->begun_ms);
    return 0;
}

int migrate_apply_fail(struct error *err)
{
    if (err->kind == ERROR_BACKUP)
        err->kind = ERROR_DATA;
    return -1;
}

/* The pending migration with this index. *ret_applied grows when it is in the database. */
static int apply_next(struct sqlite3 *handle, struct migrate_plan *plan, size_t index,
                      const struct migrate_apply_options *options,
                      const struct migrate_observer *observer,
                      struct migrate_references *references, struct migrate_broken *broken,
                      size_t *ret_applied, struct error *err)
{
    struct work work = {.file = plan->pending[index], .options = options};
    const struct migrate_item item = {
        .version = work.file->version,
        .name = work.file->name,
        .file = work.file->up,
        .direction = LAYOUT_UP,
        .number = index + 1,
        .of = plan->pending_count,
    };
    struct migrate_run run = {
        .handle = handle,
        .history = &plan->history,
        .observer = observer,
        .item = &item,
        .backup = options->backup,
        .on_copy = options->on_copy,
        .settle = settle,
        .context = &work,
        .references = references,
        .broken = broken,
    };
    bool stands = false;
    if (store_interrupted())
        return error_set(err, ERROR_INTERRUPTED, 0, "stopped before migration %s", item.file);
    int result = apply_one(&run, &plan->folder, &work, &stands, err);
    work_free(&work);
    *ret_applied += result == 0 || stands;
    return result == 0 ? 0 : migrate_apply_fail(err);
}

int migrate_apply(struct sqlite3 *handle, struct migrate_plan *plan,
                  const struct migrate_apply_options *options,
                  const struct migrate_observer *observer, size_t *ret_applied, struct error *err)
{
    struct migrate_references references = {.known = false};
    struct migrate_broken broken = {.known = false};
    int result = 0;
    *ret_applied = 0;
    if (migrate_history_create(&plan->history, err) != 0)
        return migrate_apply_fail(err);
    for (size_t i = 0; i < plan->pending_count && result == 0; i++)
        result =
            apply_next(handle, plan, i, options, observer, &references, &broken, ret_applied, err);
    migrate_references_free(&references);
    migrate_broken_free(&broken);
    return result;
}
