/* See progress.h. */
#include "migrate/progress.h"

#include <sqlite3.h>

#include "base/clock.h"
#include "layout/split.h"
#include "store/interrupt.h"

#define EVERY_MS 5000

/* Pages that have left the cache: https://www.sqlite.org/c3ref/c_dbstatus_options.html */
static int64_t pages_written(sqlite3 *handle)
{
    int now = 0;
    int highest = 0;
    (void)sqlite3_db_status(handle, SQLITE_DBSTATUS_CACHE_WRITE, &now, &highest, 0);
    return now;
}

void migrate_ticker_tick(void *context)
{
    struct migrate_ticker *ticker = context;
    int64_t now = clock_monotonic_ms();
    if (ticker->observer->progress == NULL || now - ticker->told_ms < ticker->every_ms)
        return;
    ticker->told_ms = now;
    /* Counted only when somebody is told: it reads all of the text. */
    if (ticker->progress.statements == 0)
        ticker->progress.statements =
            layout_statement_count(ticker->script->text, ticker->script->size);
    ticker->progress.elapsed_ms = now - ticker->begun_ms;
    ticker->progress.pages = pages_written(ticker->handle) - ticker->pages_before;
    ticker->observer->progress(ticker->observer->context, ticker->item, &ticker->progress);
}

void migrate_ticker_start(struct migrate_ticker *ticker, sqlite3 *handle,
                          const struct layout_script *script, const struct migrate_item *item,
                          const struct migrate_observer *observer)
{
    int64_t now = clock_monotonic_ms();
    *ticker = (struct migrate_ticker){
        .handle = handle,
        .script = script,
        .item = item,
        .observer = observer,
        .every_ms = EVERY_MS,
        .begun_ms = now,
        .told_ms = now,
        .pages_before = pages_written(handle),
    };
    store_interrupt_on_tick(migrate_ticker_tick, ticker);
}

void migrate_ticker_stop(void)
{
    store_interrupt_on_tick(NULL, NULL);
}

void migrate_ticker_move(struct migrate_ticker *ticker, size_t statement)
{
    if (ticker != NULL)
        ticker->progress.statement = statement;
}
