/* `liteinit checkpoint`: what the shutdown runs. */
#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/command.h"
#include "store/lock.h"

static void log_folded(const struct store_location *location, const struct store_checkpoint *result,
                       int64_t duration_ms)
{
    char size[32];
    text_format_size(size, sizeof size, result->wal_size);
    log_event(LOG_INFO, "wal.checkpoint",
              LOG_FIELDS(LOG_TEXT("db", location->db), LOG_NUMBER("pages", result->frames),
                         LOG_NUMBER("bytes", result->wal_size),
                         LOG_NUMBER("duration_ms", duration_ms)),
              "WAL folded into the database: %" PRId64 " pages (%s)", result->frames, size);
}

/* Under the lock: alone with the database, fold, close. */
static int fold(const struct config *config, const struct store_location *location,
                struct error *err)
{
    struct store_probe probe;
    struct store_database *database = NULL;
    struct store_checkpoint result;
    int64_t start = clock_monotonic_ms();
    if (store_probe(location, false, &probe, err) != 0)
        return -1;
    if (probe.kind != STORE_DATABASE) {
        log_event(LOG_DEBUG, "db.close", LOG_FIELDS(LOG_TEXT("db", location->db)),
                  "There is no database to close");
        return 0;
    }
    /* The app's last connection has folded the WAL in when it closed. */
    if (!probe.companions) {
        log_event(LOG_INFO, "db.close", LOG_FIELDS(LOG_TEXT("db", location->db)),
                  "Database closed: the app has left no WAL behind");
        return 0;
    }
    if (store_open(location, STORE_EXCLUSIVE, config->busy_timeout, &database, err) != 0)
        return -1;
    int status = store_checkpoint_truncate(database, &result, err);
    if (status == 0 && !result.complete)
        status = error_set(err, ERROR_BUSY, 0, "the WAL of %s is in use", location->db);
    if (status != 0)
        store_keep_wal(database);
    store_close(database);
    if (status != 0)
        return -1;
    if (result.wal_mode)
        log_folded(location, &result, clock_monotonic_ms() - start);
    log_event(LOG_INFO, "db.close",
              LOG_FIELDS(LOG_TEXT("db", location->db),
                         LOG_NUMBER("duration_ms", clock_monotonic_ms() - start)),
              "Database closed");
    return 0;
}

int command_checkpoint(const struct invocation *call)
{
    struct store_location location;
    struct error err;
    int lock_fd = -1;
    int status = command_require_db(call->config, &err);
    if (status == 0)
        status = store_locate(call->config->db, &location, &err);
    if (status == 0)
        status = store_lock_inherit(&location, &lock_fd, &err);
    if (status == 0)
        status = store_lock_take(&location, lock_fd, call->config->lock_timeout, &err);
    if (status == 0)
        status = fold(call->config, &location, &err);
    if (lock_fd >= 0)
        (void)close(lock_fd);
    if (status == 0)
        return 0;
    if (err.hint[0] == '\0')
        (void)error_hint(&err, "nothing is lost: the WAL keeps the data, and the next start folds "
                               "it in");
    return command_fail("wal.checkpoint", "The WAL stays as it is", &err);
}
