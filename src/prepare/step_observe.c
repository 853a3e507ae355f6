/* What is told of migrations while they run: events, and the line that `status` shows. */
#include <stdio.h>

#include "backup/catalogue.h"
#include "base/log.h"
#include "base/text.h"
#include "prepare/steps.h"
#include "store/activity.h"

static const char *direction_name(const struct migrate_item *item)
{
    return item->direction == LAYOUT_DOWN ? "down" : "up";
}

static const char *phase_name(const struct migrate_item *item)
{
    return item->direction == LAYOUT_DOWN ? "rolling back" : "migrating";
}

static void show(const struct preparation *p, const char *phase, const struct migrate_item *item,
                 const struct migrate_progress *progress)
{
    struct store_activity activity = {
        .number = (int64_t)item->number,
        .of = (int64_t)item->of,
    };
    (void)snprintf(activity.phase, sizeof activity.phase, "%s", phase);
    (void)snprintf(activity.file, sizeof activity.file, "%.255s", item->file);
    if (progress != NULL) {
        activity.statement = (int64_t)progress->statement;
        activity.statements = (int64_t)progress->statements;
        activity.pages = progress->pages;
        activity.elapsed_ms = progress->elapsed_ms;
    }
    store_activity_write(p->lock_fd, &activity);
}

static void on_begin(void *context, const struct migrate_item *item)
{
    struct preparation *p = context;
    p->notices = 0;
    show(p, phase_name(item), item, NULL);
    log_event(LOG_INFO, "migrate.apply",
              LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_NUMBER("version", item->version),
                         LOG_TEXT("file", item->file), LOG_TEXT("direction", direction_name(item)),
                         LOG_NUMBER("number", (int64_t)item->number),
                         LOG_NUMBER("of", (int64_t)item->of)),
              item->direction == LAYOUT_DOWN ? "Rolling back migration: %s"
                                             : "Applying migration: %s",
              item->file);
}

/*
 * From here on a kill may come at any moment, and a container that is killed again and again must
 * use the one backup again (design fact 11). So the row that says "running" goes into the main
 * file now, and the backup is noted as equal to what the file then is, but for that row: a
 * transaction that never commits leaves the main file as it is, in WAL mode not even touched.
 *
 * It also makes the main file as long as it will have to be if the migration fails: where its WAL
 * fills the disk, the fold at the end needs no more room, and gives the WAL's back.
 */
static void on_recorded(void *context)
{
    const struct preparation *p = context;
    struct store_checkpoint fold;
    struct error ignored;
    char stamp[STORE_STAMP_SIZE];
    /* What went back in this start is in the backup as it was before. */
    if (p->fresh || p->report.rolled_back > 0 ||
        store_checkpoint_truncate(p->database, &fold, &ignored) != 0 || !fold.complete ||
        p->report.backup[0] == '\0')
        return;
    store_stamp(store_source_fd(p->database), stamp);
    backup_catalogue_restamp(p->report.backup, stamp);
}

static void log_progress(const struct preparation *p, const char *what,
                         const struct migrate_item *item, const struct migrate_progress *progress)
{
    char elapsed[32];
    text_format_duration(elapsed, sizeof elapsed, progress->elapsed_ms);
    log_event(
        LOG_INFO, "migrate.progress",
        LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_NUMBER("version", item->version),
                   LOG_TEXT("file", item->file), LOG_TEXT("direction", direction_name(item)),
                   LOG_NUMBER("number", (int64_t)item->number), LOG_NUMBER("of", (int64_t)item->of),
                   LOG_NUMBER("statement_number", (int64_t)progress->statement),
                   LOG_NUMBER("statements", (int64_t)progress->statements),
                   LOG_NUMBER("pages", progress->pages),
                   LOG_NUMBER("duration_ms", progress->elapsed_ms)),
        "%s %s still runs after %s: statement %zu of %zu, %lld pages written", what, item->file,
        elapsed, progress->statement, progress->statements, (long long)progress->pages);
}

static void on_progress(void *context, const struct migrate_item *item,
                        const struct migrate_progress *progress)
{
    const struct preparation *p = context;
    show(p, phase_name(item), item, progress);
    log_progress(p, "Migration", item, progress);
}

static void on_rehearsal_begin(void *context, const struct migrate_item *item)
{
    show(context, "rehearsing", item, NULL);
}

static void on_rehearsal_progress(void *context, const struct migrate_item *item,
                                  const struct migrate_progress *progress)
{
    const struct preparation *p = context;
    show(p, "rehearsing", item, progress);
    log_progress(p, "Rehearsal of migration", item, progress);
}

struct migrate_observer step_rehearsal_observer(struct preparation *p)
{
    return (struct migrate_observer){
        .context = p,
        .begin = on_rehearsal_begin,
        .progress = on_rehearsal_progress,
    };
}

static void on_rolled_back(struct preparation *p, const struct migrate_item *item,
                           int64_t duration_ms)
{
    char duration[32];
    text_format_duration(duration, sizeof duration, duration_ms);
    log_event(LOG_INFO, "migrate.rolled_back",
              LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_NUMBER("version", item->version),
                         LOG_TEXT("file", item->file), LOG_NUMBER("duration_ms", duration_ms)),
              "Rolled back migration %lld with %s (%s)", (long long)item->version, item->file,
              duration);
}

static void on_done(void *context, const struct migrate_item *item, int64_t duration_ms)
{
    struct preparation *p = context;
    char duration[32];
    if (item->direction == LAYOUT_DOWN) {
        on_rolled_back(p, item, duration_ms);
        return;
    }
    text_format_duration(duration, sizeof duration, duration_ms);
    if (p->report.first_applied == 0)
        p->report.first_applied = item->version;
    p->report.last_applied = item->version;
    if (item->version > p->report.schema_version)
        p->report.schema_version = item->version;
    log_event(LOG_INFO, "migrate.applied",
              LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_NUMBER("version", item->version),
                         LOG_TEXT("file", item->file), LOG_NUMBER("duration_ms", duration_ms)),
              "Applied %s (%s)", item->file, duration);
}

/* A dump of a database may hold a hundred thousand statements that are skipped. */
#define MOST_NOTICES 20

static void on_notice(void *context, const char *file, int line, const char *sentence)
{
    struct preparation *p = context;
    if (line > 0 && ++p->notices > MOST_NOTICES) {
        if (p->notices == MOST_NOTICES + 1)
            log_event(
                LOG_INFO, "migrate.notice",
                LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_TEXT("file", file),
                           LOG_NUMBER("line", line)),
                "Migration %s, line %d: more of its statements are skipped, which is not told "
                "one by one",
                file, line);
        return;
    }
    const struct log_field *fields = LOG_FIELDS(LOG_TEXT("db", p->location.db),
                                                LOG_TEXT("file", file), LOG_NUMBER("line", line));
    if (line > 0)
        log_event(LOG_INFO, "migrate.notice", fields, "Migration %s, line %d: %s", file, line,
                  sentence);
    else
        log_event(LOG_WARN, "migrate.notice", fields, "Migration %s: %s", file, sentence);
}

struct migrate_observer step_observer(struct preparation *p)
{
    return (struct migrate_observer){
        .context = p,
        .begin = on_begin,
        .recorded = on_recorded,
        .progress = on_progress,
        .done = on_done,
        .notice = on_notice,
    };
}
