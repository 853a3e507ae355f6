/* See apply.h. */
#include "migrate/apply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "layout/script.h"
#include "migrate/script.h"
#include "migrate/session.h"
#include "migrate/violations.h"
#include "store/interrupt.h"
#include "store/sql.h"

/* A migration with all that its transaction needs, read before the transaction begins. */
struct work {
    const struct layout_migration *file;
    struct layout_script script;
    char *down_text; /* what is kept of the way back; NULL: none */
    int64_t attempt;
};

static void work_free(struct work *work)
{
    layout_script_free(&work->script);
    free(work->down_text);
}

static int work_load(const struct layout_folder *folder, const struct layout_migration *file,
                     struct work *work, struct error *err)
{
    struct layout_script down;
    work->file = file;
    if (layout_script_load(folder, file, LAYOUT_UP, &work->script, err) != 0)
        return -1;
    if (file->down == NULL || work->script.directives.irreversible)
        return 0;
    if (layout_script_load(folder, file, LAYOUT_DOWN, &down, err) != 0)
        return -1;
    work->down_text = layout_script_keep(&down);
    layout_script_free(&down);
    return work->down_text != NULL
               ? 0
               : error_set(err, ERROR_IO, ENOMEM, "cannot keep the way back of %s", file->up);
}

/* Everything between BEGIN and COMMIT. */
static int run_inside(sqlite3 *handle, const struct migrate_plan *plan, const struct work *work,
                      const struct migrate_apply_options *options,
                      const struct migrate_observer *observer, int64_t start, struct error *err)
{
    if (migrate_script_run(handle, work->file->up, work->script.text, work->script.size, observer,
                           err) != 0)
        return -1;
    if (migrate_session_reset(handle, err) != 0 || migrate_violations_compare(handle, err) != 0)
        return error_wrap(err, "%s", work->file->up);
    struct migrate_record record = {
        .version = work->file->version,
        .name = work->file->name,
        .checksum = work->script.checksum,
        .duration_ms = clock_monotonic_ms() - start,
        .app_version = options->app_version,
        .backup = options->backup,
        .down_sql = work->down_text,
    };
    if (migrate_history_record(&plan->history, &record, err) != 0 ||
        migrate_history_finish(&plan->history, work->attempt, "success", NULL, err) != 0)
        return error_wrap(err, "%s: cannot write its record", work->file->up);
    return 0;
}

/* Tells a stop signal that came between two statements from a failure. */
static int stopped(const struct work *work, struct error *err)
{
    return error_set(err, ERROR_INTERRUPTED, 0, "migration %s was stopped and rolled back",
                     work->file->up);
}

/*
 * A COMMIT that failed may have succeeded: with a rollback journal the transaction stands from the
 * moment the journal's header is zeroed, and the sync after it can still fail. Then the database
 * is what counts, and it says that the migration is applied.
 */
static bool stands_all_the_same(const struct migrate_plan *plan, const struct work *work,
                                struct error *err)
{
    struct error ignored;
    bool there = false;
    if (migrate_history_has(&plan->history, work->file->version, &there, &ignored) != 0 || !there)
        return false;
    err->kind = ERROR_IO;
    (void)error_hint(err,
                     "the migration is in the database all the same; look after the disk, then "
                     "start again");
    return true;
}

/* *ret_stands: it failed at its very end, and is applied nevertheless. */
static int run_transaction(sqlite3 *handle, const struct migrate_plan *plan,
                           const struct work *work, const struct migrate_apply_options *options,
                           const struct migrate_observer *observer, bool *ret_stands,
                           struct error *err)
{
    int64_t start = clock_monotonic_ms();
    /* Has an effect only outside a transaction, hence before BEGIN. */
    if (sql_exec(handle,
                 work->script.directives.foreign_keys == LAYOUT_FOREIGN_KEYS_ON
                     ? "PRAGMA foreign_keys = ON"
                     : "PRAGMA foreign_keys = OFF",
                 err) != 0 ||
        sql_exec(handle, "BEGIN IMMEDIATE", err) != 0)
        return -1;
    int result = run_inside(handle, plan, work, options, observer, start, err);
    bool committing = false;
    if (result == 0 && store_interrupted())
        result = stopped(work, err);
    if (result == 0 && sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        committing = true;
        result = sql_error(err, handle, "%s: cannot commit", work->file->up);
        if (err->kind == ERROR_IO || err->kind == ERROR_BUSY)
            err->kind = ERROR_DATA;
    }
    if (result == 0)
        return 0;
    if (err->kind == ERROR_INTERRUPTED)
        (void)stopped(work, err);
    /* A full disk may have rolled back already: https://www.sqlite.org/lang_transaction.html. */
    if (sqlite3_get_autocommit(handle) == 0)
        (void)sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
    *ret_stands = committing && stands_all_the_same(plan, work, err);
    return -1;
}

/* The attempt's last word. The disk may be full, so that a failure here is passed over: the row
 * then stays `running` and the next start marks it. */
static void write_failure(const struct migrate_plan *plan, const struct work *work,
                          const struct error *failure)
{
    struct error ignored;
    const char *status = failure->kind == ERROR_INTERRUPTED ? "interrupted" : "failed";
    store_interrupt_shield(true);
    (void)migrate_session_reset(plan->history.handle, &ignored);
    (void)migrate_history_finish(&plan->history, work->attempt, status, failure->msg, &ignored);
    store_interrupt_shield(false);
}

static int apply_one(sqlite3 *handle, struct migrate_plan *plan, size_t index,
                     const struct migrate_item *item, const struct migrate_apply_options *options,
                     const struct migrate_observer *observer, int64_t *ret_ms, bool *ret_stands,
                     struct error *err)
{
    const struct layout_migration *file = plan->pending[index];
    struct work work = {.file = file};
    int64_t start = clock_monotonic_ms();
    int result = migrate_history_start(&plan->history, file->version, "up", options->backup,
                                       &work.attempt, err);
    if (result == 0) {
        /* Said only now: an attempt that was told of is in the history. */
        if (observer->begin != NULL)
            observer->begin(observer->context, item);
        if (index == 0 && observer->recorded != NULL)
            observer->recorded(observer->context);
        result = work_load(&plan->folder, file, &work, err);
        if (result == 0)
            result = run_transaction(handle, plan, &work, options, observer, ret_stands, err);
        if (result != 0 && !*ret_stands)
            write_failure(plan, &work, err);
    }
    work_free(&work);
    *ret_ms = clock_monotonic_ms() - start;
    return result;
}

/* No room during a migration is a failed migration: 65, where a backup without room is 73. */
static int fail(struct error *err)
{
    if (err->kind == ERROR_BACKUP)
        err->kind = ERROR_DATA;
    return -1;
}

int migrate_apply(sqlite3 *handle, struct migrate_plan *plan,
                  const struct migrate_apply_options *options,
                  const struct migrate_observer *observer, size_t *ret_applied, struct error *err)
{
    *ret_applied = 0;
    if (migrate_history_create(&plan->history, err) != 0 ||
        migrate_violations_baseline(handle, err) != 0)
        return fail(err);
    for (size_t i = 0; i < plan->pending_count; i++) {
        int64_t duration_ms = 0;
        bool stands = false;
        if (store_interrupted())
            return error_set(err, ERROR_INTERRUPTED, 0, "stopped before migration %s",
                             plan->pending[i]->up);
        const struct migrate_item item = {
            .version = plan->pending[i]->version,
            .name = plan->pending[i]->name,
            .file = plan->pending[i]->up,
            .direction = LAYOUT_UP,
            .number = i + 1,
            .of = plan->pending_count,
        };
        if (apply_one(handle, plan, i, &item, options, observer, &duration_ms, &stands, err) != 0) {
            *ret_applied += stands;
            return fail(err);
        }
        if (observer->done != NULL)
            observer->done(observer->context, &item, duration_ms);
        (*ret_applied)++;
    }
    return 0;
}
