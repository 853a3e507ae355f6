/* The first steps: the lock, the volume, a look at the file, and being alone with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/aside.h"
#include "backup/clone.h"
#include "backup/restore.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"
#include "base/worker.h"
#include "prepare/steps.h"
#include "proc/words.h"
#include "store/activity.h"
#include "store/lock.h"
#include "store/volume.h"

/* Half a minute of silence looks like a hang. */
static void log_wait(const struct preparation *p)
{
    char holder[256];
    char patience[32];
    store_lock_holder(p->lock_fd, holder, sizeof holder);
    text_format_duration(patience, sizeof patience, p->config->lock_timeout);
    log_event(LOG_INFO, "lock.wait",
              LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_TEXT("holder", holder)),
              "Waiting up to %s for another liteinit to let go of %s (%s)", patience,
              p->location.db, holder[0] != '\0' ? holder : "it did not say who it is");
}

int step_lock(struct preparation *p, struct error *err)
{
    if (store_locate(p->config->db, &p->location, err) != 0 ||
        store_lock_inherit(&p->location, &p->lock_fd, err) != 0)
        return -1;
    if (!store_lock_try(p->lock_fd) && p->config->lock_timeout > 0)
        log_wait(p);
    if (store_lock_take(&p->location, p->lock_fd, p->config->lock_timeout, err) != 0)
        return -1;
    p->locked = true;
    /* What a holder that was killed has left. */
    struct store_activity stale;
    if (store_activity_read(p->lock_fd, &stale))
        store_activity_write(p->lock_fd, NULL);
    return 0;
}

void step_activity(const struct preparation *p, const char *phase)
{
    struct store_activity activity = {.number = 0};
    if (!p->locked)
        return;
    if (phase != NULL)
        (void)snprintf(activity.phase, sizeof activity.phase, "%s", phase);
    else if (!store_activity_read(p->lock_fd, &activity))
        return;
    store_activity_write(p->lock_fd, phase != NULL ? &activity : NULL);
}

int step_volume(struct preparation *p, struct error *err)
{
    struct store_volume volume = store_volume_of(p->location.dir);
    (void)err;
    p->no_wal = volume.network;
    if (volume.warning != NULL)
        log_event(LOG_WARN, "volume.warning",
                  LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_TEXT("volume", volume.type),
                             LOG_TEXT("hint", volume.hint)),
                  "Volume of %s (%s): %s", p->location.db, volume.type, volume.warning);
    return 0;
}

int step_probe(struct preparation *p, struct error *err)
{
    const char *last_stop = getenv(WORKER_LAST_STOP);
    /* First of all: a WAL that a crashed restore has moved aside belongs to what is probed. */
    backup_aside_recover(&p->location);
    if (store_probe(&p->location, true, &p->probe, err) != 0)
        return -1;
    p->unclean = p->probe.wal_size > 0 || p->probe.journal_size > 0 ||
                 (last_stop != NULL && strcmp(last_stop, "unclean") == 0);
    p->fresh = p->probe.kind != STORE_DATABASE;
    if (p->fresh && p->source.folder == NULL && p->config->migrate_command == NULL &&
        p->request->work == PREPARE_UP) {
        p->settled = true;
        log_event(LOG_INFO, "db.open", LOG_FIELDS(LOG_TEXT("db", p->location.db)),
                  "There is no database at %s yet and there are no migrations: the app makes it",
                  p->location.db);
    }
    return 0;
}

/* What is done by hand is done to a database that is there. */
int step_existing(struct preparation *p, struct error *err)
{
    if (!p->fresh)
        return 0;
    (void)error_set(err, ERROR_NOT_FOUND, 0, "Database not found: %s %s", p->location.db,
                    p->probe.kind == STORE_EMPTY ? "is an empty file" : "is not there");
    return error_hint(err, "check --db and the volume; liteinit run (or prepare) makes a new "
                           "database");
}

static void log_open(const struct preparation *p, const char *mode)
{
    char size[32];
    text_format_size(size, sizeof size, p->probe.size);
    log_event(LOG_INFO, "db.open",
              LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_TEXT("journal_mode", mode),
                         LOG_NUMBER("bytes", p->probe.size)),
              "Database connected with %s mode: %s, %s", strcmp(mode, "wal") == 0 ? "WAL" : mode,
              p->location.db, size);
}

/* A database that others have put into WAL mode stays there, but we do not bring one there. */
static bool wants_wal(const struct preparation *p)
{
    return p->config->journal_mode == CONFIG_JOURNAL_WAL && !p->no_wal;
}

/* The usual start: the last life ended in order, and the image has no new migration. Then nobody
 * needs to be kept out and not a byte of the volume needs to change. Whatever is not as usual,
 * errors too, is left to the other steps, which look again with the database locked. */
int step_glance(struct preparation *p, struct error *err)
{
    const struct config *config = p->config;
    struct error ignored;
    (void)err;
    if (p->fresh || p->unclean || p->probe.companions || config->migrate_command != NULL ||
        config->backup == CONFIG_BACKUP_ALWAYS || config->check == CONFIG_CHECK_QUICK ||
        config->check == CONFIG_CHECK_FULL || (wants_wal(p) && !p->probe.wal_mode))
        return 0;
    if (store_open(&p->location, STORE_STILL, 0, &p->database, &ignored) != 0)
        return 0;
    int planned = migrate_plan_build(store_handle(p->database), &p->source, p->request->target,
                                     &p->plan, &ignored);
    if (planned == 0 && p->plan.pending_count == 0 && p->plan.drift.count == 0 &&
        p->plan.newer == 0 && p->plan.unfinished_count == 0 && p->plan.renumbered == 0) {
        /* SQLite takes no notice of WAL mode on a file that is opened as immutable. */
        log_open(p, p->probe.wal_mode ? "wal" : store_journal_mode(p->database));
        step_plan_log(p);
        p->report.schema_version = p->plan.current;
        p->settled = true;
    }
    migrate_plan_free(&p->plan);
    store_close(p->database);
    p->database = NULL;
    return 0;
}

/* What is no command is found before a backup is made for it. */
static int check_command(const struct preparation *p, struct error *err)
{
    char **words = NULL;
    if (p->config->migrate_command == NULL || p->request->work != PREPARE_UP)
        return 0;
    if (proc_words_split("migrate_command", p->config->migrate_command, &words, err) != 0)
        return -1;
    proc_words_free(words);
    return 0;
}

int step_open(struct preparation *p, struct error *err)
{
    if (check_command(p, err) != 0)
        return -1;
    step_activity(p, "opening");
    /* Migrations that cannot be used must not leave a new, empty database behind. */
    if (p->fresh && p->source.folder != NULL &&
        migrate_plan_inspect(&p->source, p->request->target, err) != 0)
        return -1;
    /* What killed restores and rehearsals left takes room; before anything of ours is open. */
    backup_restore_clear(&p->location);
    backup_clone_clear(&p->location);
    /* The app's own migrator makes it. */
    if (p->fresh && p->source.folder == NULL)
        return 0;
    if (store_open(&p->location, STORE_EXCLUSIVE, p->config->busy_timeout, &p->database, err) != 0)
        return -1;
    if (p->fresh) {
        if (wants_wal(p) && store_set_wal(p->database, err) != 0)
            return -1;
        log_event(LOG_INFO, "db.created", LOG_FIELDS(LOG_TEXT("db", p->location.db)),
                  "Made a new database at %s%s", p->location.db,
                  p->probe.kind == STORE_EMPTY ? " (an empty file was there)" : "");
    }
    log_open(p, store_journal_mode(p->database));
    return 0;
}

int step_reopen(struct preparation *p, struct error *err)
{
    store_close(p->database);
    p->database = NULL;
    if (store_probe(&p->location, true, &p->probe, err) != 0)
        return -1;
    p->fresh = p->probe.kind != STORE_DATABASE;
    if (p->fresh)
        return 0;
    return store_open(&p->location, STORE_EXCLUSIVE, p->config->busy_timeout, &p->database, err);
}

int step_fold(struct preparation *p, struct error *err)
{
    struct store_checkpoint fold;
    char size[32];
    if (p->database == NULL)
        return 0;
    if (p->probe.journal_size > 0 && !p->fresh)
        log_event(
            LOG_WARN, "wal.recovered",
            LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_NUMBER("bytes", p->probe.journal_size)),
            "Recovered: an unfinished transaction that the last stop left in the rollback "
            "journal was rolled back");
    if (store_checkpoint_truncate(p->database, &fold, err) != 0)
        return -1;
    if (!fold.complete)
        return error_set(err, ERROR_BUSY, 0, "the WAL of %s could not be folded in: it is in use",
                         p->location.db);
    p->folded = fold.frames > 0;
    p->rolled_back = !fold.wal_mode && p->probe.journal_size > 0;
    if (p->probe.wal_size == 0 || fold.frames == 0)
        return 0;
    text_format_size(size, sizeof size, p->probe.wal_size);
    log_event(LOG_WARN, "wal.recovered",
              LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_NUMBER("bytes", p->probe.wal_size),
                         LOG_NUMBER("pages", fold.frames)),
              "Recovered the WAL that the last stop left: %lld pages (%s) are folded into the "
              "database",
              (long long)fold.frames, size);
    return 0;
}

int step_journal_mode(struct preparation *p, struct error *err)
{
    if (p->database == NULL || !wants_wal(p) || strcmp(store_journal_mode(p->database), "wal") == 0)
        return 0;
    char before[16];
    (void)snprintf(before, sizeof before, "%s", store_journal_mode(p->database));
    if (store_set_wal(p->database, err) != 0)
        return -1;
    log_event(LOG_INFO, "db.journal_mode",
              LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_TEXT("journal_mode", "wal")),
              "Journal mode changed from %s to WAL", before);
    return 0;
}

/* The commits of this start are durable when they are in the main file and synced: closing would
 * do it too, but could not say that it failed. */
int step_settle(struct preparation *p, struct error *err)
{
    struct store_checkpoint fold;
    if (p->database == NULL || (p->report.applied == 0 && p->report.rolled_back == 0 &&
                                p->report.recorded == 0 && !p->command_ran))
        return 0;
    if (store_checkpoint_truncate(p->database, &fold, err) != 0) {
        /* No room at the end of a migration is the migration's failure, not a backup's. */
        if (err->kind == ERROR_BACKUP)
            err->kind = ERROR_DATA;
        return error_hint(err, "what was done is done and nothing is lost: the WAL keeps it; "
                               "mend or free the volume and start again");
    }
    if (!fold.complete)
        return error_set(err, ERROR_BUSY, 0, "the WAL of %s could not be folded in: it is in use",
                         p->location.db);
    return 0;
}
