/* Running migrations: on a copy first, back, and forth. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "migrate/apply.h"
#include "migrate/rollback.h"
#include "prepare/rehearse.h"
#include "prepare/steps.h"

/* What rehearse=auto takes for small: copied in a fraction of a second on any disk. */
#define SMALL_DATABASE ((int64_t)64 << 20)

/* What a failed migration leaves, and what to do: at a start the app waits for it, by hand it does
 * not. */
static void add_way_out(const struct preparation *p, enum layout_direction direction,
                        struct error *err)
{
    char rest[PATH_MAX + 64] = "";
    if (err->kind != ERROR_DATA || err->hint[0] != '\0')
        return;
    if (p->report.backup[0] != '\0')
        (void)snprintf(rest, sizeof rest, ". The data from before is also in %s", p->report.backup);
    if (p->request->work == PREPARE_REDO && direction == LAYOUT_UP)
        (void)error_hint(err,
                         "nothing of it was applied, and version %lld stays taken back. Mend the "
                         "file, then: liteinit up%s",
                         (long long)p->way.steps[0].version, rest);
    else if (direction == LAYOUT_DOWN)
        (void)error_hint(err,
                         "nothing of it was taken back%s. Mend the down file, or write a new "
                         "migration that undoes it%s",
                         p->request->work == PREPARE_UP ? "; the app is not started" : "", rest);
    else
        (void)error_hint(err,
                         "nothing of it was applied; the app is not started. Mend the file, or "
                         "start the previous image again%s",
                         rest);
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
                  "The last migration was cut off before it ended: SQLite has rolled back what was "
                  "not committed, and it runs again now");
    return 0;
}

/* The copy takes room of its own, and a disk may fail under it: that says nothing of the migrations,
 * which are safe without a rehearsal too. */
static bool is_about_the_copy(const struct error *err)
{
    return store_error_is_no_room(err) || err->kind == ERROR_IO || err->kind == ERROR_BACKUP ||
           err->kind == ERROR_BUSY || err->kind == ERROR_PERMISSION;
}

/* All of them on a copy, so that a set that fails in the middle leaves the schema where the image
 * from before can still run. */
int step_rehearse(struct preparation *p, struct error *err)
{
    struct prepare_rehearsal rehearsal;
    bool made = false;
    char spent[32];
    if (p->database == NULL || p->fresh || p->plan.pending_count == 0 ||
        p->config->rehearse == CONFIG_REHEARSE_NEVER)
        return 0;
    step_activity(p, "rehearsing");
    const struct migrate_observer observer = step_rehearsal_observer(p);
    const struct prepare_rehearse_request request = {
        .database = p->database,
        .source = &p->source,
        .target = p->request->target,
        .way = p->way.count > 0 ? &p->way : NULL,
        .app_version = p->config->app_version,
        .full_check = p->config->check == CONFIG_CHECK_FULL,
        .check = p->config->check != CONFIG_CHECK_OFF,
        .only_if_free = p->config->rehearse == CONFIG_REHEARSE_AUTO,
        .small = SMALL_DATABASE,
        .unreported = true,
        .observer = &observer,
    };
    int64_t start = clock_monotonic_ms();
    int result = prepare_rehearse(&request, &rehearsal, &made, err);
    text_format_duration(spent, sizeof spent, clock_monotonic_ms() - start);
    if (result == 0 && made)
        log_event(LOG_INFO, "migrate.rehearsed",
                  LOG_FIELDS(LOG_TEXT("db", p->location.db),
                             LOG_NUMBER("count", (int64_t)rehearsal.count),
                             LOG_BOOL("cloned", rehearsal.cloned),
                             LOG_NUMBER("wal_bytes", rehearsal.wal_bytes),
                             LOG_NUMBER("duration_ms", clock_monotonic_ms() - start)),
                  "Rehearsal on a copy of the database went well: %zu migration%s (%s)",
                  rehearsal.count, rehearsal.count == 1 ? "" : "s", spent);
    if (result != 0 && is_about_the_copy(err) && p->config->rehearse == CONFIG_REHEARSE_AUTO) {
        log_error(LOG_WARN, "migrate.rehearsed", err, LOG_FIELDS(LOG_TEXT("db", p->location.db)),
                  "Rehearsal could not be done, ignoring");
        result = 0;
    } else if (result != 0 && err->kind == ERROR_DATA) {
        char remedy[sizeof err->hint];
        (void)snprintf(remedy, sizeof remedy, "%s", err->hint);
        (void)error_hint(err, "%s; the app is not started. The previous image can be started again",
                         remedy);
        step_record_failure(p, rehearsal.failed_version, "up", err);
    } else if (result == 0 && !made) {
        log_event(LOG_DEBUG, "migrate.rehearsed", LOG_FIELDS(LOG_TEXT("db", p->location.db)),
                  "No rehearsal: a copy would cost too much time or room (rehearse is auto)");
    }
    prepare_rehearsal_free(&rehearsal);
    return result;
}

/* The plan again after the schema went back: what is pending may be more now. By hand, nothing but
 * what is to be done again is. */
static int plan_again(struct preparation *p, struct error *err)
{
    size_t kept = 0;
    migrate_plan_free(&p->plan);
    /* By hand, the target was that of the way back. */
    if (migrate_plan_build(store_handle(p->database), &p->source,
                           p->request->work == PREPARE_UP ? p->request->target : NULL, &p->plan,
                           err) != 0)
        return -1;
    p->report.schema_version = p->plan.current;
    if (p->request->work == PREPARE_UP)
        return 0;
    for (size_t i = 0; i < p->plan.pending_count; i++)
        if (p->request->work == PREPARE_REDO &&
            p->plan.pending[i]->version == p->way.steps[0].version)
            p->plan.pending[kept++] = p->plan.pending[i];
    p->plan.pending_count = kept;
    return 0;
}

static struct migrate_apply_options options_of(const struct preparation *p)
{
    return (struct migrate_apply_options){
        .app_version = p->config->app_version,
        .backup = p->report.backup[0] != '\0' ? p->report.backup : NULL,
    };
}

int step_roll_back(struct preparation *p, struct error *err)
{
    const struct migrate_observer observer = step_observer(p);
    const struct migrate_apply_options options = options_of(p);
    if (p->way.count == 0)
        return 0;
    if (mend_history(p, err) != 0)
        return -1;
    int result = migrate_rollback(store_handle(p->database), &p->plan.history, &p->way, &options,
                                  &observer, &p->report.rolled_back, err);
    if (p->report.rolled_back > 0)
        p->checked = false;
    if (result != 0) {
        add_way_out(p, LAYOUT_DOWN, err);
        return -1;
    }
    return plan_again(p, err);
}

int step_migrate(struct preparation *p, struct error *err)
{
    const struct migrate_observer observer = step_observer(p);
    const struct migrate_apply_options options = options_of(p);
    char duration[32];
    if (p->database == NULL)
        return 0;
    if (mend_history(p, err) != 0)
        return -1;
    if (p->plan.pending_count == 0)
        return 0;
    int64_t start = clock_monotonic_ms();
    if (migrate_apply(store_handle(p->database), &p->plan, &options, &observer, &p->report.applied,
                      err) != 0) {
        add_way_out(p, LAYOUT_UP, err);
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
