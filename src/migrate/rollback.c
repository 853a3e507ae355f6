/* See rollback.h. */
#include "migrate/rollback.h"

#include "base/clock.h"
#include "migrate/run.h"
#include "store/interrupt.h"

static int settle(void *context, const struct migrate_run *run, struct error *err)
{
    (void)context;
    return migrate_history_remove(run->history, run->item->version, err);
}

/* *ret_stands: it failed at its very end, and is taken back nevertheless. */
static int take_back(struct migrate_run *run, const struct migrate_step_back *step,
                     bool *ret_stands, struct error *err)
{
    if (migrate_run_begin(run, err) != 0 ||
        migrate_run_script(run, &step->script, ret_stands, err) != 0)
        return -1;
    if (run->observer->done != NULL)
        run->observer->done(run->observer->context, run->item,
                            clock_monotonic_ms() - run->begun_ms);
    return 0;
}

/* The step with this index. *ret_done grows when it is taken back. */
static int take_next(struct sqlite3 *handle, struct migrate_history *history,
                     const struct migrate_way_back *way, size_t index,
                     const struct migrate_apply_options *options,
                     const struct migrate_observer *observer, struct migrate_broken *broken,
                     size_t *ret_done, struct error *err)
{
    const struct migrate_step_back *step = &way->steps[index];
    const struct migrate_item item = {
        .version = step->version,
        .name = step->name,
        .file = step->script.file,
        .direction = LAYOUT_DOWN,
        .number = index + 1,
        .of = way->count,
    };
    struct migrate_run run = {
        .handle = handle,
        .history = history,
        .observer = observer,
        .item = &item,
        .backup = options->backup,
        .on_copy = options->on_copy,
        .settle = settle,
        .broken = broken,
    };
    bool stands = false;
    if (store_interrupted())
        return error_set(err, ERROR_INTERRUPTED, 0, "stopped before the way back %s", item.file);
    int result = take_back(&run, step, &stands, err);
    *ret_done += result == 0 || stands;
    return result == 0 ? 0 : migrate_apply_fail(err);
}

int migrate_rollback(struct sqlite3 *handle, struct migrate_history *history,
                     const struct migrate_way_back *way,
                     const struct migrate_apply_options *options,
                     const struct migrate_observer *observer, size_t *ret_done, struct error *err)
{
    struct migrate_broken broken = {.known = false};
    int result = 0;
    *ret_done = 0;
    if (migrate_history_create(history, err) != 0)
        return migrate_apply_fail(err);
    for (size_t i = 0; i < way->count && result == 0; i++)
        result = take_next(handle, history, way, i, options, observer, &broken, ret_done, err);
    migrate_broken_free(&broken);
    return result;
}
