/* The plan, and its execution. */
#include <stdio.h>

#include "backup/catalogue.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "migrate/apply.h"
#include "prepare/steps.h"

void step_plan_log(const struct preparation *p)
{
    const struct migrate_plan *plan = &p->plan;
    const struct log_field *fields =
        LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_NUMBER("version", plan->current),
                   LOG_NUMBER("applied", (int64_t)plan->applied_count),
                   LOG_NUMBER("pending", (int64_t)plan->pending_count));
    if (plan->folder.path == NULL)
        return;
    int64_t last = plan->pending_count > 0 ? plan->pending[plan->pending_count - 1]->version : 0;
    if (plan->pending_count == 0)
        log_event(LOG_INFO, "migrate.plan", fields,
                  "No migration is pending: the schema is at version %lld",
                  (long long)plan->current);
    else
        log_event(LOG_INFO, "migrate.plan", fields,
                  "Starting database migrations: %zu pending, from version %lld to %lld",
                  plan->pending_count, (long long)plan->current,
                  (long long)(last > plan->current ? last : plan->current));
}

int step_plan(struct preparation *p, struct error *err)
{
    if (migrate_plan_build(store_handle(p->database), p->config->migrations, p->target, &p->plan,
                           &p->newer, err) != 0)
        return -1;
    p->report.schema_version = p->plan.current;
    for (size_t i = 0; i < p->plan.notice_count; i++)
        log_event(LOG_WARN, "migrate.plan", LOG_FIELDS(LOG_TEXT("db", p->location.db)),
                  "Migration %s", p->plan.notices[i]);
    if (p->plan.drift_count > 0 && p->config->drift == CONFIG_DRIFT_FAIL)
        return migrate_plan_drift_error(&p->plan, err);
    for (size_t i = 0; i < p->plan.drift_count; i++)
        log_event(LOG_WARN, "migrate.plan", LOG_FIELDS(LOG_TEXT("db", p->location.db)),
                  "Migration drift, passed over because drift is set to warn: %s",
                  p->plan.drift[i]);
    step_plan_log(p);
    return 0;
}

static void on_begin(void *context, const struct migrate_item *item)
{
    const struct preparation *p = context;
    log_event(LOG_INFO, "migrate.apply",
              LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_NUMBER("version", item->version),
                         LOG_TEXT("file", item->file), LOG_NUMBER("number", (int64_t)item->number),
                         LOG_NUMBER("of", (int64_t)item->of)),
              "Applying migration: %s", item->file);
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
    if (p->fresh || store_checkpoint_truncate(p->database, &fold, &ignored) != 0 ||
        !fold.complete || p->report.backup[0] == '\0')
        return;
    store_stamp(store_source_fd(p->database), stamp);
    backup_catalogue_restamp(p->report.backup, stamp);
}

static void on_done(void *context, const struct migrate_item *item, int64_t duration_ms)
{
    struct preparation *p = context;
    char duration[32];
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

static void on_notice(void *context, const char *file, int line, const char *sentence)
{
    const struct preparation *p = context;
    log_event(LOG_INFO, "migrate.notice",
              LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_TEXT("file", file),
                         LOG_NUMBER("line", line)),
              "Migration %s, line %d: %s", file, line, sentence);
}

static void add_way_out(const struct preparation *p, struct error *err)
{
    if (err->kind != ERROR_DATA || err->hint[0] != '\0')
        return;
    if (p->report.backup[0] != '\0')
        (void)error_hint(
            err,
            "nothing of it was applied; the app is not started. Mend the file, or start "
            "the previous image again. The data from before is also in %s",
            p->report.backup);
    else
        (void)error_hint(err,
                         "nothing of it was applied; the app is not started. Mend the file, or "
                         "start the previous image again");
}

/* After the backup, so that the backup of a restart loop stays the one it was. */
static int mend_history(const struct preparation *p, struct error *err)
{
    int64_t mended = 0;
    if (migrate_history_mend(&p->plan.history, &mended, err) != 0)
        return -1;
    if (mended > 0)
        log_event(LOG_WARN, "migrate.rolled_back",
                  LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_NUMBER("attempts", mended)),
                  "The last migration was cut off before it ended: SQLite has rolled it back, and "
                  "it runs again now");
    return 0;
}

int step_migrate(struct preparation *p, struct error *err)
{
    const struct migrate_observer observer = {.context = p,
                                              .begin = on_begin,
                                              .recorded = on_recorded,
                                              .done = on_done,
                                              .notice = on_notice};
    const struct migrate_apply_options options = {
        .app_version = p->config->app_version,
        .backup = p->report.backup[0] != '\0' ? p->report.backup : NULL,
    };
    char duration[32];
    if (mend_history(p, err) != 0)
        return -1;
    if (p->plan.pending_count == 0)
        return 0;
    int64_t start = clock_monotonic_ms();
    if (migrate_apply(store_handle(p->database), &p->plan, &options, &observer, &p->report.applied,
                      err) != 0) {
        add_way_out(p, err);
        return -1;
    }
    p->checked = false;
    int64_t elapsed = clock_monotonic_ms() - start;
    text_format_duration(duration, sizeof duration, elapsed);
    log_event(LOG_INFO, "migrate.done",
              LOG_FIELDS(LOG_TEXT("db", p->location.db),
                         LOG_NUMBER("version", p->report.schema_version),
                         LOG_NUMBER("applied", (int64_t)p->report.applied),
                         LOG_NUMBER("duration_ms", elapsed)),
              "Migration completed successfully! %zu applied, the schema is at version %lld (%s)",
              p->report.applied, (long long)p->report.schema_version, duration);
    return 0;
}
