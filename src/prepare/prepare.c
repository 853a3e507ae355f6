/* See prepare.h. The runner of the steps; the steps are in step_*.c. */
#include "prepare/prepare.h"

#include <string.h>
#include <unistd.h>

#include "backup/catalogue.h"
#include "base/clock.h"
#include "base/log.h"
#include "prepare/steps.h"
#include "store/interrupt.h"

#define ALL (UP | BACK | RECORDS)
#define UP PREPARE_UP
#define BACK (PREPARE_DOWN | PREPARE_REDO)
#define RECORDS (PREPARE_ADOPT | PREPARE_BASELINE | PREPARE_REPAIR)

/* `works` are those that need the step; when it fails, `failed` is the event that says so. */
static const struct step {
    const char *name;
    int (*run)(struct preparation *p, struct error *err);
    const char *failed;
    unsigned works;
} steps[] = {
    {"lock", step_lock, "prepare.failed", ALL},
    {"volume", step_volume, "prepare.failed", ALL},
    {"probe", step_probe, "prepare.failed", ALL},
    {"existing", step_existing, "prepare.failed", BACK | RECORDS},
    {"glance", step_glance, "prepare.failed", UP},
    {"open", step_open, "prepare.failed", ALL},
    {"check", step_check, "check.failed", ALL},
    {"plan", step_plan, "migrate.failed", UP},
    {"plan-back", step_plan_back, "migrate.failed", BACK},
    {"fold", step_fold, "prepare.failed", ALL},
    {"older", step_older, "restore.failed", UP},
    {"space", step_space, "disk.low", UP | BACK},
    {"backup", step_backup, "backup.failed", UP | BACK},
    {"check-before", step_check_before, "check.failed", UP | BACK},
    {"rehearse", step_rehearse, "migrate.failed", UP},
    {"roll-back", step_roll_back, "migrate.failed", UP | BACK},
    {"migrate", step_migrate, "migrate.failed", UP | PREPARE_REDO},
    {"command", step_command, "migrate.failed", UP},
    {"records", step_records, "migrate.failed", RECORDS},
    {"check-after", step_check_after, "check.failed", UP | BACK},
    {"journal-mode", step_journal_mode, "prepare.failed", UP},
    {"settle", step_settle, "prepare.failed", ALL},
    {"retention", step_retention, "backup.failed", UP | BACK},
};

static void log_failure(const struct preparation *p, const struct step *step,
                        const struct error *err)
{
    const char *backup = p->report.backup[0] != '\0' ? p->report.backup : NULL;
    const struct log_field *fields =
        LOG_FIELDS(LOG_TEXT("db", p->location.db[0] != '\0' ? p->location.db : NULL),
                   LOG_TEXT("step", step->name), LOG_TEXT("backup", backup));
    if (err->kind == ERROR_INTERRUPTED)
        log_error(LOG_WARN, "prepare.interrupted", err, fields, "Preparation stopped");
    else if (p->newer)
        log_error(LOG_ERROR, "schema.newer", err, fields, "Preparation failed");
    else if (store_error_is_damage(err) && strcmp(step->failed, "backup.failed") == 0)
        /* The backup's check found it, which is the check of the database too. */
        log_error(LOG_ERROR, "check.failed", err, fields, "Preparation failed");
    else if (strcmp(step->failed, "migrate.failed") == 0)
        log_error(LOG_ERROR, step->failed, err, fields, "Migration failed");
    else if (strcmp(step->failed, "backup.failed") == 0)
        log_error(LOG_ERROR, step->failed, err, fields, "Backup failed");
    else if (strcmp(step->failed, "restore.failed") == 0)
        log_error(LOG_ERROR, step->failed, err, fields, "Restore failed");
    else
        log_error(LOG_ERROR, step->failed, err, fields, "Preparation failed");
}

/* Damaged, or perhaps damaged: not a byte of it may change, and the WAL is evidence and data. After
 * a stop that is so only where the check of what a crash left had not ended. */
static bool must_not_write(const struct error *err, const struct step *step)
{
    if (err->kind == ERROR_INTERRUPTED)
        return step->run == step_check;
    return strcmp(step->failed, "check.failed") == 0 || store_error_is_damage(err);
}

/* After a failure the backup that was just made still has the app's data as it is: only a row in
 * the history came to it, or what a failed migrate_command has left, and the app has not run. So the
 * next start of a restart loop uses it again instead of filling the disk (design fact 11). The stamp
 * can be read only when SQLite has closed the file. */
static void keep_backup_usable(const struct preparation *p)
{
    struct store_probe probe;
    struct error ignored;
    if (p->report.backup[0] == '\0' || p->report.applied > 0 || p->report.rolled_back > 0)
        return;
    if (store_probe(&p->location, false, &probe, &ignored) == 0 && probe.wal_size == 0)
        backup_catalogue_restamp(p->report.backup, probe.stamp);
}

/* on_failure=restore is about a change that began, not about one that was refused. */
static bool wants_put_back(const struct preparation *p, const struct step *step,
                           const struct error *err)
{
    const bool changed = p->report.applied > 0 || p->report.rolled_back > 0 || p->command_ran ||
                         (step->run == step_migrate && p->plan.pending_count > 0);
    return p->config->on_failure == CONFIG_ON_FAILURE_RESTORE && p->report.backup[0] != '\0' &&
           p->request->work == PREPARE_UP && changed && err->kind != ERROR_INTERRUPTED;
}

static int run_steps(struct preparation *p, struct error *err)
{
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && !p->settled; i++) {
        int64_t start = clock_monotonic_ms();
        int result = 0;
        if ((steps[i].works & p->request->work) == 0)
            continue;
        if (store_interrupted())
            result = error_set(err, ERROR_INTERRUPTED, 0, "stopped before the step \"%s\"",
                               steps[i].name);
        else
            result = steps[i].run(p, err);
        if (result == 0) {
            log_event(LOG_DEBUG, "prepare.step",
                      LOG_FIELDS(LOG_TEXT("step", steps[i].name),
                                 LOG_NUMBER("duration_ms", clock_monotonic_ms() - start)),
                      "Step %s is done", steps[i].name);
            continue;
        }
        log_failure(p, &steps[i], err);
        if (wants_put_back(p, &steps[i], err))
            step_put_back(p, err);
        else if (p->database != NULL && must_not_write(err, &steps[i]))
            store_keep_wal(p->database);
        return -1;
    }
    return 0;
}

int prepare_run(const struct prepare_request *request, struct prepare_report *ret_report,
                struct error *err)
{
    const struct config *config = request->config;
    struct preparation p = {
        .config = config,
        .request = request,
        .lock_fd = -1,
        /* The app's own migrator runs instead of the folder. */
        .source = {.folder = config->migrate_command == NULL ? config->migrations : NULL,
                   .tool = (enum layout_tool)config->layout},
    };
    int64_t start = clock_monotonic_ms();
    int result = run_steps(&p, err);
    store_close(p.database);
    if (result != 0)
        keep_backup_usable(&p);
    migrate_plan_free(&p.plan);
    migrate_way_back_free(&p.way);
    migrate_violations_free(&p.violations);
    if (p.lock_fd >= 0) {
        step_activity(&p, NULL);
        (void)close(p.lock_fd);
    }
    if (result == 0) {
        *ret_report = p.report;
        log_event(LOG_DEBUG, "prepare.done",
                  LOG_FIELDS(LOG_NUMBER("duration_ms", clock_monotonic_ms() - start)),
                  "Preparation is done");
    }
    return result;
}
