/* Putting a backup in the database's place: for a newer database, and after a change that failed. */
#include <stdio.h>

#include "backup/restore.h"
#include "base/log.h"
#include "base/text.h"
#include "prepare/steps.h"
#include "store/interrupt.h"

static void log_done(const struct preparation *p, const struct backup_restore *restore)
{
    char spent[32];
    text_format_duration(spent, sizeof spent, restore->duration_ms);
    log_event(LOG_WARN, "restore.done",
              LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_TEXT("path", restore->path),
                         LOG_TEXT("aside", restore->aside[0] != '\0' ? restore->aside : NULL),
                         LOG_NUMBER("bytes", restore->bytes),
                         LOG_NUMBER("duration_ms", restore->duration_ms)),
              "Restored the backup %s (%s)%s%s", restore->path, spent,
              restore->aside[0] != '\0' ? "; what was there before is kept as " : "",
              restore->aside);
}

/* on_newer_schema=restore. */
int step_older(struct preparation *p, struct error *err)
{
    struct backup_restore restore;
    if (p->fitting[0] == '\0')
        return 0;
    step_activity(p, "restoring");
    migrate_plan_free(&p->plan);
    store_close(p->database);
    p->database = NULL;
    if (backup_restore(&p->location, p->fitting, "newer", NULL, p->config->busy_timeout, &restore,
                       err) != 0)
        return -1;
    log_done(p, &restore);
    p->fitting[0] = '\0';
    p->folded = true; /* not the file that was probed */
    p->checked = false;
    if (step_reopen(p, err) != 0 || step_plan(p, err) != 0)
        return -1;
    if (p->fitting[0] == '\0')
        return 0;
    /* Its manifest has said another version. One restore is enough for a start. */
    p->newer = true;
    (void)error_set(err, ERROR_CONFIG, 0,
                    "the backup %s has schema version %lld, which is newer than this image too and "
                    "not what its manifest says",
                    restore.path, (long long)p->plan.current);
    return error_hint(err,
                      "the database from before is kept as %s; see which backup fits: liteinit "
                      "backups",
                      restore.aside);
}

void step_record_failure(struct preparation *p, int64_t version, const char *direction,
                         const struct error *failure)
{
    struct migrate_history history;
    struct error ignored;
    int64_t id = 0;
    const char *backup = p->report.backup[0] != '\0' ? p->report.backup : NULL;
    if (p->database == NULL && step_reopen(p, &ignored) != 0)
        return;
    if (p->database == NULL ||
        migrate_history_open(store_handle(p->database), &history, &ignored) != 0 ||
        migrate_history_create(&history, &ignored) != 0 ||
        migrate_history_start(&history, version, direction, backup, &id, &ignored) != 0)
        return;
    (void)migrate_history_finish(&history, id, "failed", failure->msg, &ignored);
}

/* What was done since the backup is ours alone, and need not be kept, as long as nobody else could
 * get in: migrate_command ran while the database was open to all, and after it is closed here a
 * process that has waited for it may write before the restore has locked it again. */
void step_put_back(struct preparation *p, const struct error *failure)
{
    struct backup_restore restore;
    struct store_probe now = {.stamp = ""};
    struct error err;
    const int64_t version = p->report.applied < p->plan.pending_count
                                ? p->plan.pending[p->report.applied]->version
                                : p->report.last_applied;
    step_activity(p, "restoring");
    store_close(p->database);
    p->database = NULL;
    store_interrupt_shield(true);
    if (!p->command_ran && (store_probe(&p->location, false, &now, &err) != 0 || now.wal_size > 0))
        now.stamp[0] = '\0';
    int result = backup_restore(&p->location, p->report.backup, "failed", now.stamp,
                                p->config->busy_timeout, &restore, &err);
    if (result == 0) {
        log_done(p, &restore);
        p->report.applied = 0;
        p->report.rolled_back = 0;
        step_record_failure(p, version, p->command_ran ? "command" : "up", failure);
        p->command_ran = false;
    } else {
        log_error(LOG_ERROR, "restore.failed", &err,
                  LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_TEXT("path", p->report.backup)),
                  "Restore failed");
    }
    store_interrupt_shield(false);
}
