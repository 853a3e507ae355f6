/* adopt, baseline and repair: records change, the app's data does not. */
#include <stdio.h>

#include "base/log.h"
#include "migrate/adopt.h"
#include "migrate/amend.h"
#include "prepare/steps.h"

static int no_version(const char *text, struct error *err)
{
    (void)error_set(err, ERROR_USAGE, 0, "\"%.100s\" is no version", text);
    return error_hint(err, "a version is the number of a migration: liteinit baseline 7");
}

static int adopt(struct preparation *p, struct error *err)
{
    struct layout_folder folder = {.path = NULL};
    struct migrate_adopt_report report;
    struct migrate_adopt_options options = {
        .from = p->request->from,
        .baseline = -1,
        .app_version = p->config->app_version,
    };
    if (layout_folder_read(p->source.folder, p->source.tool, NULL, &folder, err) != 0)
        return -1;
    int result = 0;
    if (p->request->target != NULL &&
        !migrate_plan_version(&folder, p->request->target, &options.baseline))
        result = no_version(p->request->target, err);
    if (result == 0)
        result = migrate_adopt(store_handle(p->database), &folder, &options, &report, err);
    layout_folder_free(&folder);
    if (result != 0)
        return -1;
    p->report.recorded = report.adopted;
    p->report.schema_version = report.version;
    (void)snprintf(p->report.tool, sizeof p->report.tool, "%s", report.tool);
    log_event(LOG_INFO, "migrate.recorded",
              LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_TEXT("tool", report.tool),
                         LOG_NUMBER("count", (int64_t)report.adopted),
                         LOG_NUMBER("version", report.version),
                         LOG_NUMBER("pending", (int64_t)report.pending)),
              "Migration history of %s (table %s) adopted: %zu applied, %zu pending; its table is "
              "as it was",
              report.tool, report.table, report.adopted, report.pending);
    return 0;
}

static int baseline(struct preparation *p, int64_t version, struct error *err)
{
    if (migrate_baseline(&p->plan, version, p->config->app_version, &p->report.recorded, err) != 0)
        return -1;
    if (version > p->report.schema_version)
        p->report.schema_version = version;
    log_event(LOG_INFO, "migrate.recorded",
              LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_NUMBER("version", version),
                         LOG_NUMBER("count", (int64_t)p->report.recorded)),
              "%zu migration%s marked as applied without running, up to version %lld",
              p->report.recorded, p->report.recorded == 1 ? "" : "s", (long long)version);
    return 0;
}

static int repair(struct preparation *p, int64_t version, struct error *err)
{
    bool changed = false;
    if (migrate_repair(&p->plan, version, &changed, err) != 0)
        return -1;
    p->report.recorded = changed;
    log_event(LOG_INFO, "migrate.recorded",
              LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_NUMBER("version", version),
                         LOG_NUMBER("count", changed)),
              changed ? "Migration %lld: its file is accepted as it is now"
                      : "Migration %lld is unchanged since it was applied: nothing to accept",
              (long long)version);
    return 0;
}

int step_records(struct preparation *p, struct error *err)
{
    int64_t version = 0;
    if (p->request->work == PREPARE_ADOPT)
        return adopt(p, err);
    p->source.beside_foreign = true;
    if (migrate_plan_build(store_handle(p->database), &p->source, NULL, &p->plan, err) != 0 ||
        migrate_plan_renumber(&p->plan, err) != 0)
        return -1;
    p->report.schema_version = p->plan.current;
    if (!migrate_plan_version(&p->plan.folder, p->request->target, &version))
        return no_version(p->request->target, err);
    return p->request->work == PREPARE_BASELINE ? baseline(p, version, err)
                                                : repair(p, version, err);
}
