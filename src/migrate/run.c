/* See run.h. */
#include "migrate/run.h"

#include "base/clock.h"
#include "layout/split.h"
#include "migrate/script.h"
#include "migrate/session.h"
#include "migrate/stepwise.h"
#include "store/interrupt.h"
#include "store/sql.h"

static const char *direction_name(const struct migrate_item *item)
{
    return item->direction == LAYOUT_DOWN ? "down" : "up";
}

int migrate_run_begin(struct migrate_run *run, struct error *err)
{
    const struct migrate_observer *observer = run->observer;
    run->begun_ms = clock_monotonic_ms();
    if (migrate_history_start(run->history, run->item->version, direction_name(run->item),
                              run->backup, &run->attempt, err) != 0)
        return -1;
    /* Said only now: an attempt that was told of is in the history. */
    if (observer->begin != NULL)
        observer->begin(observer->context, run->item);
    if (run->item->number == 1 && observer->recorded != NULL)
        observer->recorded(observer->context);
    return 0;
}

/* The attempt's last word. The disk may be full, so that a failure here is passed over: the row
 * then stays `running` and the next start marks it. */
void migrate_run_fail(const struct migrate_run *run, const struct error *failure)
{
    struct error ignored;
    const char *status = failure->kind == ERROR_INTERRUPTED ? "interrupted" : "failed";
    store_interrupt_shield(true);
    (void)migrate_session_reset(run->handle, &ignored);
    (void)migrate_history_finish(run->history, run->attempt, status, failure->msg, &ignored);
    store_interrupt_shield(false);
}

int migrate_run_settle(struct migrate_run *run, struct error *err)
{
    if (run->broken != NULL &&
        migrate_broken_tell(run->handle, run->broken, run->observer, run->item->file, err) != 0)
        return -1;
    if (run->settle(run->context, run, err) != 0 ||
        migrate_history_finish(run->history, run->attempt, "success", NULL, err) != 0)
        return error_wrap(err, "%s: cannot write its record", run->item->file);
    return 0;
}

/* Tells a stop signal that came between two statements from a failure. */
static int stopped(const struct migrate_run *run, struct error *err)
{
    return error_set(err, ERROR_INTERRUPTED, 0, "migration %s was stopped and rolled back",
                     run->item->file);
}

int migrate_run_commit(struct migrate_run *run, struct error *err)
{
    if (sqlite3_exec(run->handle, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
        return 0;
    (void)sql_error(err, run->handle, "%s: cannot commit", run->item->file);
    if (err->kind == ERROR_IO || err->kind == ERROR_BUSY)
        err->kind = ERROR_DATA;
    return -1;
}

void migrate_run_rollback(const struct migrate_run *run)
{
    /* A full disk may have rolled back already: https://www.sqlite.org/lang_transaction.html. */
    if (sqlite3_get_autocommit(run->handle) == 0)
        (void)sqlite3_exec(run->handle, "ROLLBACK", NULL, NULL, NULL);
}

/*
 * A COMMIT that failed may have succeeded: with a rollback journal the transaction stands from the
 * moment the journal's header is zeroed, and the sync after it can still fail. Then the database
 * is what counts, and it says that the migration is done.
 */
bool migrate_run_stands(const struct migrate_run *run, struct error *err)
{
    struct error ignored;
    bool success = false;
    if (migrate_history_look(run->history, run->attempt, &success, NULL, &ignored) != 0 || !success)
        return false;
    err->kind = ERROR_IO;
    (void)error_hint(err,
                     "the migration is in the database all the same; look after the disk, then "
                     "start again");
    return true;
}

/* Everything between BEGIN and COMMIT. */
static int run_inside(struct migrate_run *run, struct error *err)
{
    if (migrate_script_run(run->handle, run->script, &run->guard, &run->ticker, run->observer,
                           err) != 0)
        return -1;
    if (migrate_session_reset(run->handle, err) != 0 || migrate_guard_finish(&run->guard, err) != 0)
        return error_wrap(err, "%s", run->item->file);
    return migrate_run_settle(run, err);
}

static int run_transaction(struct migrate_run *run, bool *ret_stands, struct error *err)
{
    if (sql_exec(run->handle, "BEGIN IMMEDIATE", err) != 0)
        return -1;
    int result = run_inside(run, err);
    bool committing = result == 0 && !store_interrupted();
    if (result == 0)
        result = committing ? migrate_run_commit(run, err) : stopped(run, err);
    if (result == 0)
        return 0;
    if (err->kind == ERROR_INTERRUPTED)
        (void)stopped(run, err);
    migrate_run_rollback(run);
    *ret_stands = committing && migrate_run_stands(run, err);
    return -1;
}

/* The two settings that only a directive gives. The first has an effect only outside a
 * transaction: https://www.sqlite.org/pragma.html#pragma_foreign_keys */
static int set_up(const struct migrate_run *run, struct error *err)
{
    const struct layout_directives *directives = &run->script->directives;
    migrate_session_settle(run->handle);
    if (sql_exec(run->handle,
                 directives->foreign_keys == LAYOUT_FOREIGN_KEYS_ON ? "PRAGMA foreign_keys = ON"
                                                                    : "PRAGMA foreign_keys = OFF",
                 err) != 0)
        return -1;
    return directives->legacy_alter_table
               ? sql_exec(run->handle, "PRAGMA legacy_alter_table = ON", err)
               : 0;
}

int migrate_run_script(struct migrate_run *run, const struct layout_script *script,
                       bool *ret_stands, struct error *err)
{
    char note[MIGRATE_NOTE_SIZE] = "";
    *ret_stands = false;
    run->script = script;
    migrate_guard_open(&run->guard, run->handle, script, run->observer);
    if (run->references != NULL)
        migrate_guard_share(&run->guard, run->references);
    run->guard.records = run->history;
    migrate_ticker_start(&run->ticker, run->handle, script, run->item, run->observer);
    int result = layout_line_ends_check(script->file, script->text, script->size, err);
    if (result == 0)
        result = migrate_history_look(run->history, run->attempt, NULL, note, err);
    if (result == 0 && run->broken != NULL)
        result = migrate_broken_look(run->handle, run->broken, err);
    if (result == 0)
        result = set_up(run, err);
    if (result == 0)
        result = script->directives.no_transaction || note[0] != '\0'
                     ? migrate_stepwise_run(run, note, ret_stands, err)
                     : run_transaction(run, ret_stands, err);
    migrate_ticker_stop();
    migrate_guard_close(&run->guard);
    if (result != 0 && !*ret_stands)
        migrate_run_fail(run, err);
    return result;
}
