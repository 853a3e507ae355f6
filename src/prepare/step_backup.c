/* Room, the backup before a change, and the retention. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/catalogue.h"
#include "backup/draft.h"
#include "backup/snapshot.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"
#include "prepare/steps.h"

bool step_change_is_due(const struct preparation *p)
{
    return p->plan.pending_count > 0 || p->way.count > 0 || p->config->migrate_command != NULL;
}

static bool backup_is_due(const struct preparation *p)
{
    if (p->fresh || p->config->backup == CONFIG_BACKUP_NEVER)
        return false;
    return step_change_is_due(p) || p->config->backup == CONFIG_BACKUP_ALWAYS;
}

/* The word for name and manifest. */
static const char *backup_reason(const struct preparation *p)
{
    if (p->way.count > 0)
        return "rollback";
    return step_change_is_due(p) ? "migration" : "start";
}

static int require_room(const char *path, const char *what, int64_t need, const char *way_out,
                        struct error *err)
{
    char free_text[32];
    char need_text[32];
    int64_t have = fs_free_bytes(path);
    if (have < 0 || have >= need)
        return 0;
    text_format_size(free_text, sizeof free_text, have);
    text_format_size(need_text, sizeof need_text, need);
    (void)error_set(err, ERROR_BACKUP, 0,
                    "disk too full to begin: %s (%s) has %s free and %s are needed", what, path,
                    free_text, need_text);
    return error_hint(err, "nothing was changed; free space there, or %s", way_out);
}

/* Asked before, not found out after: a migration that rewrites a table needs about the database's
 * size in WAL (design fact 17), the backup its size once more. */
int step_space(struct preparation *p, struct error *err)
{
    char dir[PATH_MAX];
    struct stat here;
    struct stat there;
    int64_t size = p->probe.size + p->probe.wal_size;
    const bool change = step_change_is_due(p);
    if (!change && !backup_is_due(p))
        return 0;
    int64_t need = p->config->min_free >= 0 ? p->config->min_free : 2 * size;
    if (change &&
        require_room(p->location.dir, "the database's volume", need,
                     "set --min-free lower if you know that the migration needs less", err) != 0)
        return -1;
    if (!backup_is_due(p))
        return 0;
    backup_folder_path(&p->location, p->config->backup_dir, dir);
    if (access(dir, F_OK) != 0) {
        char parent[PATH_MAX];
        fs_dir_name(dir, parent, sizeof parent);
        (void)snprintf(dir, sizeof dir, "%s", parent);
    }
    if (stat(dir, &there) != 0 || stat(p->location.dir, &here) != 0)
        return 0;
    /* On one volume, `need` has counted the backup in already. */
    if (here.st_dev == there.st_dev && change)
        return 0;
    return require_room(dir, "the backup volume", size, "name another folder with --backup-dir",
                        err);
}

/* What a rollback brings back: inode, size and SQLite's change counter, but not the times. Outside
 * WAL mode the first commit of every connection moves the counter. */
static bool is_same_commit(const char *left, const char *right)
{
    size_t head = strcspn(left, ":");
    head += left[head] == ':' ? 1 + strcspn(left + head + 1, ":") : 0;
    const char *left_counter = strrchr(left, ':');
    const char *right_counter = strrchr(right, ':');
    return left_counter != NULL && right_counter != NULL && left_counter > left + head &&
           strncmp(left, right, head + 1) == 0 && strcmp(left_counter, right_counter) == 0;
}

/* A migration that was killed outside WAL mode has left a journal, and its rollback has written to
 * the main file: the backup of that commit is noted as equal to it again. The commits of one start
 * of ours share a counter, so the schema's version tells the migrations apart. */
static void recognise_rolled_back(const struct preparation *p,
                                  const struct backup_catalogue *catalogue, const char *stamp)
{
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct backup_entry *entry = &catalogue->entries[i];
        char path[PATH_MAX];
        if (!backup_catalogue_is_ours(entry, &p->location) || entry->manifest.stamp == NULL ||
            entry->manifest.schema_version != p->plan.current ||
            !is_same_commit(entry->manifest.stamp, stamp))
            continue;
        int n = snprintf(path, sizeof path, "%s/%s", catalogue->dir, entry->name);
        if (n > 0 && (size_t)n < sizeof path)
            backup_catalogue_restamp(path, stamp);
    }
}

static int read_catalogue(const struct preparation *p, const char *stamp,
                          struct backup_catalogue *ret_catalogue, struct error *err)
{
    if (backup_catalogue_read(&p->location, p->config->backup_dir, ret_catalogue, err) != 0)
        return -1;
    if (!p->rolled_back)
        return 0;
    recognise_rolled_back(p, ret_catalogue, stamp);
    backup_catalogue_free(ret_catalogue);
    return backup_catalogue_read(&p->location, p->config->backup_dir, ret_catalogue, err);
}

/* A restart loop must not push the good backups out (design fact 11). */
static bool reuse_backup(struct preparation *p)
{
    struct backup_catalogue catalogue;
    struct error ignored;
    char stamp[STORE_STAMP_SIZE];
    /* As it is now that nobody else can write: the probe was before we had the lock. */
    store_stamp(store_source_fd(p->database), stamp);
    if (p->folded || stamp[0] == '\0' || read_catalogue(p, stamp, &catalogue, &ignored) != 0)
        return false;
    bool found = backup_catalogue_find(&catalogue, &p->location, stamp, p->report.backup);
    backup_catalogue_free(&catalogue);
    if (found)
        log_event(LOG_INFO, "backup.reused",
                  LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_TEXT("path", p->report.backup)),
                  "Backup %s is used again: the app has written nothing since it was made",
                  p->report.backup);
    return found;
}

static void log_done(const struct preparation *p, const struct backup_result *result)
{
    char sentence[PATH_MAX + 160];
    backup_result_describe(result, sentence, sizeof sentence);
    log_event(LOG_INFO, "backup.done",
              LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_TEXT("path", result->path),
                         LOG_NUMBER("bytes", result->bytes), LOG_TEXT("sha256", result->sha256),
                         LOG_NUMBER("version", p->plan.current),
                         LOG_NUMBER("copy_ms", result->copy_ms),
                         LOG_NUMBER("verify_ms", result->verify_ms),
                         LOG_NUMBER("duration_ms", result->copy_ms + result->verify_ms)),
              "%s", sentence);
}

int step_backup(struct preparation *p, struct error *err)
{
    if (!backup_is_due(p)) {
        if (step_change_is_due(p) && !p->fresh)
            log_event(LOG_WARN, "backup.skipped", LOG_FIELDS(LOG_TEXT("db", p->location.db)),
                      "No backup is made before the migration: backup is set to never");
        return 0;
    }
    p->reused = reuse_backup(p);
    if (p->reused)
        return 0;
    struct backup_result result;
    struct backup_request request = {
        .dir = p->config->backup_dir,
        .name = p->config->backup_name,
        .reason = backup_reason(p),
        .app_version = p->config->app_version,
        .schema_version = p->plan.current,
        .full_check = p->config->check == CONFIG_CHECK_FULL,
    };
    step_activity(p, "backing up");
    log_event(LOG_INFO, "backup.start",
              LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_TEXT("reason", request.reason)),
              "Backup of %s begins", p->location.db);
    if (backup_snapshot_cold(p->database, &request, &result, err) != 0)
        return -1;
    (void)snprintf(p->report.backup, sizeof p->report.backup, "%s", result.path);
    p->checked = true;
    log_done(p, &result);
    return 0;
}

static void log_pruned(void *context, const struct backup_entry *entry)
{
    const struct preparation *p = context;
    log_event(LOG_INFO, "backup.pruned",
              LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_TEXT("path", entry->name),
                         LOG_NUMBER("bytes", entry->size)),
              "Backup %s was removed: the retention keeps newer ones", entry->name);
}

/* After all went well: a failed update never removes a backup. A retention that fails costs disk,
 * not data, so the app starts all the same. */
int step_retention(struct preparation *p, struct error *err)
{
    struct backup_catalogue catalogue;
    struct error failure;
    (void)err;
    if (!backup_is_due(p))
        return 0;
    if (backup_catalogue_read(&p->location, p->config->backup_dir, &catalogue, &failure) == 0) {
        int result =
            backup_catalogue_prune(&catalogue, &p->location, p->config->keep, p->config->keep_days,
                                   p->report.backup, log_pruned, p, &failure);
        backup_catalogue_free(&catalogue);
        if (result == 0)
            return 0;
    }
    log_error(LOG_WARN, "backup.failed", &failure, LOG_FIELDS(LOG_TEXT("db", p->location.db)),
              "Old backups could not be removed, ignoring");
    return 0;
}
