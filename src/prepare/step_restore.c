/* Putting a backup in the database's place: for a newer database, and after a change that failed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backup/aside.h"
#include "backup/catalogue.h"
#include "backup/contained.h"
#include "backup/manifest.h"
#include "backup/restore.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "foreign/tools.h"
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

/* What a failed change leaves is kept aside under this word. */
#define ASIDE_WORD "failed"

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
    int64_t marked = 0;
    const char *backup = p->report.backup[0] != '\0' ? p->report.backup : NULL;
    if (p->database == NULL && step_reopen(p, &ignored) != 0)
        return;
    if (p->database == NULL ||
        migrate_history_open(store_handle(p->database), &history, &ignored) != 0 ||
        migrate_history_create(&history, &ignored) != 0 ||
        /* What a backup says of an attempt as running was cut off before it was made. */
        migrate_history_mend(&history, &marked, &ignored) != 0 ||
        migrate_history_start(&history, version, direction, backup, &id, &ignored) != 0)
        return;
    (void)migrate_history_finish(&history, id, "failed", failure->msg, &ignored);
}

/* The path is what the database says, and may have come with a copy of it, or from somebody who may
 * write to it: only a verified backup of this very database is put in its place. */
static bool is_our_backup(const struct preparation *p, const char *path)
{
    struct backup_catalogue catalogue;
    struct error ignored;
    char ours[PATH_MAX];
    bool found = false;
    if (backup_catalogue_read(&p->location, p->config->backup_dir, &catalogue, &ignored) != 0)
        return false;
    for (size_t i = 0; i < catalogue.count && !found; i++) {
        int n = snprintf(ours, sizeof ours, "%s/%s", catalogue.dir, catalogue.entries[i].name);
        found = n > 0 && (size_t)n < sizeof ours && strcmp(ours, path) == 0 &&
                backup_catalogue_is_ours(&catalogue.entries[i], &p->location);
    }
    backup_catalogue_free(&catalogue);
    return found;
}

/* The backup from before the change. A migration without a transaction that goes on where an earlier
 * start stopped has its own from before the first of its attempts; this start's backup holds the
 * half of it. *ret_path is freed by the caller; NULL: this start's. */
static void find_first_backup(struct preparation *p, char **ret_path)
{
    struct error ignored;
    *ret_path = NULL;
    if (p->plan.unfinished_count == 0 || p->database == NULL ||
        migrate_history_first_backup(&p->plan.history, p->plan.unfinished[0].version, ret_path,
                                     &ignored) != 0)
        *ret_path = NULL;
    if (*ret_path != NULL && !is_our_backup(p, *ret_path)) {
        free(*ret_path);
        *ret_path = NULL;
    }
}

/* Whether all that is in the database now is also in the backup, or in what an earlier failure kept
 * aside: a restart loop that fails in the same way again and again must not fill the disk (design
 * fact 11). Records of migrations do not count. */
static bool holds_nothing_new(const struct preparation *p, const char *backup)
{
    const char *left_out[64] = {"schema_migrations", "migration_history", "liteinit_migrations",
                                "liteinit_history"};
    size_t count = 4;
    size_t tools = 0;
    char path[PATH_MAX];
    struct backup_manifest manifest;
    struct error ignored;
    const struct foreign_tool *tool = foreign_tools(&tools);
    for (size_t i = 0; i < tools && count < sizeof left_out / sizeof left_out[0]; i++)
        left_out[count++] = tool[i].table;
    if (backup_is_contained(p->location.db, backup, left_out, count))
        return true;
    int n = snprintf(path, sizeof path, "%s.json", backup);
    if (n < 0 || (size_t)n >= sizeof path || backup_manifest_read(path, &manifest, &ignored) != 0)
        return false;
    bool kept = backup_aside_newest(&p->location, ASIDE_WORD, manifest.created, path) &&
                backup_is_contained(p->location.db, path, left_out, count);
    backup_manifest_free(&manifest);
    return kept;
}

/* The version that failed, and in which direction. */
static int64_t find_failed(const struct preparation *p, const char **ret_direction)
{
    *ret_direction = p->command_ran ? "command" : "up";
    /* On the way back for an older image, before anything of this one was applied. */
    if (p->report.rolled_back < p->way.count) {
        *ret_direction = "down";
        return p->way.steps[p->report.rolled_back].version;
    }
    return p->report.applied < p->plan.pending_count ? p->plan.pending[p->report.applied]->version
                                                     : p->report.last_applied;
}

/* What was done since the backup is ours alone, and need not be kept, as long as nobody else could
 * get in: migrate_command ran while the database was open to all, since an earlier start's backup the
 * app may have run under other settings, and after it is closed here a process that has waited for it
 * may write before the restore has locked it again. */
void step_put_back(struct preparation *p, const struct error *failure)
{
    struct backup_restore restore;
    struct store_probe now = {.stamp = ""};
    struct error err;
    const char *direction = NULL;
    const int64_t version = find_failed(p, &direction);
    cleanup_free char *first = NULL;
    step_activity(p, "restoring");
    find_first_backup(p, &first);
    store_close(p->database);
    p->database = NULL;
    store_interrupt_shield(true);
    const char *backup = first != NULL ? first : p->report.backup;
    bool alone = !p->command_ran && first == NULL;
    if (store_probe(&p->location, false, &now, &err) != 0 || now.wal_size > 0 ||
        (!alone && !holds_nothing_new(p, backup)))
        now.stamp[0] = '\0';
    int result = backup_restore(&p->location, backup, ASIDE_WORD, now.stamp,
                                p->config->busy_timeout, &restore, &err);
    if (result == 0) {
        log_done(p, &restore);
        p->report.applied = 0;
        p->report.rolled_back = 0;
        step_record_failure(p, version, direction, failure);
        p->command_ran = false;
    } else {
        log_error(LOG_ERROR, "restore.failed", &err,
                  LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_TEXT("path", p->report.backup)),
                  "Restore failed");
    }
    store_interrupt_shield(false);
}
