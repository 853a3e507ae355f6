/*
 * Tells how far a migration has come while it runs long.
 *
 * It hears of the time by the progress handler of the connection, which SQLite calls every so many
 * steps of its virtual machine, also within one long statement and within VACUUM. What is one step
 * (syncing at COMMIT, sorting the rows of an index) is silent.
 */
#ifndef LITEINIT_MIGRATE_PROGRESS_H
#define LITEINIT_MIGRATE_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

#include "layout/script.h"
#include "migrate/observer.h"

struct sqlite3;

struct migrate_ticker {
    struct sqlite3 *handle;
    const struct layout_script *script;
    const struct migrate_item *item;
    const struct migrate_observer *observer;
    int64_t every_ms;
    int64_t begun_ms;
    int64_t told_ms;
    int64_t pages_before;
    struct migrate_progress progress;
};

/* From here on observer->progress is called every five seconds while a statement runs. The ticker
 * must not move until migrate_ticker_stop(). */
void migrate_ticker_start(struct migrate_ticker *ticker, struct sqlite3 *handle,
                          const struct layout_script *script, const struct migrate_item *item,
                          const struct migrate_observer *observer);
void migrate_ticker_stop(void);

/* The statement with this number begins. NULL is fine. */
void migrate_ticker_move(struct migrate_ticker *ticker, size_t statement);

/* What the progress handler calls: context is the ticker. */
void migrate_ticker_tick(void *context);

#endif
