/* What is to be done: pending migrations, or the way back. */
#include "backup/catalogue.h"
#include "base/log.h"
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

static void log_sentences(const struct preparation *p, enum log_level level, const char *about,
                          const struct migrate_sentences *sentences)
{
    for (size_t i = 0; i < sentences->count; i++)
        log_event(level, "migrate.plan", LOG_FIELDS(LOG_TEXT("db", p->location.db)), "%s %s", about,
                  sentences->items[i]);
}

/* An empty folder is more likely a mistake than an image that has never had a migration. */
static int refuse_newer(struct preparation *p, struct error *err)
{
    p->newer = true;
    return migrate_plan_newer_error(&p->plan, err);
}

static int find_fitting(struct preparation *p, struct error *err)
{
    struct backup_catalogue catalogue;
    if (backup_catalogue_read(&p->location, p->config->backup_dir, &catalogue, err) != 0)
        return -1;
    bool found = backup_catalogue_fitting(&catalogue, &p->location, p->plan.newest, p->fitting);
    backup_catalogue_free(&catalogue);
    if (found)
        return 0;
    p->newer = true;
    (void)error_set(err, ERROR_CONFIG, 0,
                    "the database has schema version %lld, newer than this image, and "
                    "on_newer_schema=restore finds no verified backup in %s of version %lld or "
                    "older",
                    (long long)p->plan.current, catalogue.dir, (long long)p->plan.newest);
    return error_hint(err, "nothing was changed; start the newer image again");
}

/* on_newer_schema=rollback, and a newer migration cannot be taken back. */
static int no_way_back(struct preparation *p, struct error *err)
{
    p->newer = true;
    if (err->kind != ERROR_NOT_FOUND)
        return -1;
    err->kind = ERROR_CONFIG;
    (void)error_wrap(err, "the database has schema version %lld, newer than this image",
                     (long long)p->plan.current);
    return error_hint(err, "nothing was changed; start the newer image again, or go back to a "
                           "backup from before, without what was written since: prepare "
                           "--on-newer-schema restore (see: liteinit backups)");
}

/* A database that a newer image has migrated: refuse it, or find the way to an older one. */
static int decide_newer(struct preparation *p, struct error *err)
{
    const struct log_field *fields =
        LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_NUMBER("version", p->plan.current),
                   LOG_NUMBER("count", (int64_t)p->plan.newer));
    if (p->config->on_newer_schema == CONFIG_ON_NEWER_REFUSE || p->plan.folder.count == 0)
        return refuse_newer(p, err);
    if (p->config->on_newer_schema == CONFIG_ON_NEWER_RESTORE) {
        if (find_fitting(p, err) != 0)
            return -1;
        log_event(LOG_WARN, "schema.newer", fields,
                  "Database has schema version %lld, newer than this image: the backup %s takes "
                  "its place, because on_newer_schema is restore",
                  (long long)p->plan.current, p->fitting);
        return 0;
    }
    if (migrate_way_back_build(&p->plan, migrate_plan_known(&p->plan), &p->way, err) != 0)
        return no_way_back(p, err);
    log_event(LOG_WARN, "schema.newer", fields,
              "Database has schema version %lld, newer than this image: %zu migration%s %s taken "
              "back, because on_newer_schema is rollback",
              (long long)p->plan.current, p->way.count, p->way.count == 1 ? "" : "s",
              p->way.count == 1 ? "is" : "are");
    return 0;
}

int step_plan(struct preparation *p, struct error *err)
{
    if (step_command_words(p, err) != 0)
        return -1;
    if (p->database == NULL)
        return 0;
    if (migrate_plan_build(store_handle(p->database), &p->source, p->request->target, &p->plan,
                           err) != 0 ||
        migrate_plan_renumber(&p->plan, err) != 0)
        return -1;
    p->report.schema_version = p->plan.current;
    if (p->plan.folder.path != NULL && p->plan.folder.count == 0 && p->plan.applied_count == 0)
        log_event(LOG_WARN, "migrate.plan",
                  LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_TEXT("path", p->plan.folder.path),
                             LOG_TEXT("hint", "if the app's migrations are programs, name its "
                                              "migrator: migrate_command")),
                  "Migration folder %s holds no migration", p->plan.folder.path);
    log_sentences(p, LOG_WARN, "Migration", &p->plan.notices);
    log_sentences(p, LOG_INFO, "Migrations:", &p->plan.gaps);
    if (p->plan.newer > 0 && p->source.folder != NULL && decide_newer(p, err) != 0)
        return -1;
    if (p->plan.drift.count > 0 && p->config->drift == CONFIG_DRIFT_FAIL)
        return migrate_plan_drift_error(&p->plan, err);
    if (p->fitting[0] == '\0' && p->source.folder != NULL &&
        migrate_plan_check_unfinished(&p->plan, &p->way, err) != 0)
        return -1;
    log_sentences(p, LOG_WARN,
                  "Migration drift, passed over because drift is set to warn:", &p->plan.drift);
    /* Of what is pending behind a way back, only what is known of it by now. */
    if (p->fitting[0] == '\0' && (p->way.count == 0 || p->plan.pending_count > 0))
        step_plan_log(p);
    return 0;
}

/* Its way forth must be there before it is taken back. */
static int check_redo(const struct preparation *p, struct error *err)
{
    const struct migrate_step_back *step = &p->way.steps[0];
    const struct layout_migration *file =
        p->way.count == 1 ? layout_folder_find(&p->plan.folder, step->version) : NULL;
    struct layout_script script;
    if (p->way.count == 0) {
        (void)error_set(err, ERROR_NOT_FOUND, 0,
                        "there is nothing to do again: only repeatable migrations are applied");
        return error_hint(err, "one runs again when its file changes: liteinit up");
    }
    if (file == NULL) {
        (void)error_set(err, ERROR_NOT_FOUND, 0,
                        "version %lld (%.255s) cannot be done again: its file is not there",
                        (long long)step->version, step->name);
        return error_hint(err, "nothing was changed; name the folder that has it: --migrations");
    }
    if (layout_script_load(&p->plan.folder, file, LAYOUT_UP, &script, err) != 0)
        return -1;
    layout_script_free(&script);
    return 0;
}

int step_back_target(const struct migrate_plan *plan, const char *text, int64_t *ret_target,
                     struct error *err)
{
    *ret_target = MIGRATE_LAST;
    if (text == NULL || migrate_plan_version(&plan->folder, text, ret_target))
        return 0;
    (void)error_set(err, ERROR_USAGE, 0, "\"%.100s\" is no version", text);
    return error_hint(err, "a version is the number of a migration: liteinit down 7");
}

int step_plan_back(struct preparation *p, struct error *err)
{
    int64_t target = MIGRATE_LAST;
    if (migrate_plan_build(store_handle(p->database), &p->source, NULL, &p->plan, err) != 0 ||
        migrate_plan_renumber(&p->plan, err) != 0)
        return -1;
    p->report.schema_version = p->plan.current;
    if (step_back_target(&p->plan, p->request->target, &target, err) != 0 ||
        migrate_way_back_build(&p->plan, target, &p->way, err) != 0 ||
        (p->request->work == PREPARE_REDO && check_redo(p, err) != 0))
        return -1;
    /* What is pending is none of this command's business, but for redo: see step_migrate(). */
    p->plan.pending_count = 0;
    if (migrate_plan_check_unfinished(&p->plan, &p->way, err) != 0)
        return -1;
    log_event(LOG_INFO, "migrate.plan",
              LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_NUMBER("version", p->plan.current),
                         LOG_NUMBER("count", (int64_t)p->way.count)),
              p->way.count == 0 ? "Nothing is to be taken back: the schema is at version %lld"
                                : "Starting to roll back from version %lld",
              (long long)p->plan.current);
    p->settled = p->way.count == 0;
    return 0;
}
