/* `up --dry-run` and `down --dry-run`: what would be done, done to a private copy (prepare.h). */
#include "prepare/rehearse.h"
#include "prepare/steps.h"

/* The way back that `down` would go. */
static int plan_back(const struct prepare_request *request, const struct migrate_plan *plan,
                     struct migrate_way_back *ret_way, struct error *err)
{
    int64_t target = MIGRATE_LAST;
    if (step_back_target(plan, request->target, &target, err) != 0)
        return -1;
    return migrate_way_back_build(plan, target, ret_way, err);
}

static int refuse(const struct prepare_request *request, const struct migrate_plan *plan,
                  struct error *err)
{
    if (request->work == PREPARE_DOWN)
        return 0;
    if (plan->newer > 0)
        return migrate_plan_newer_error(plan, err);
    if (plan->drift.count > 0 && request->config->drift == CONFIG_DRIFT_FAIL)
        return migrate_plan_drift_error(plan, err);
    return 0;
}

int prepare_dry_run(const struct prepare_request *request, struct store_database *database,
                    struct prepare_rehearsal *ret_rehearsal, struct error *err)
{
    const struct config *config = request->config;
    const struct migrate_source source = {
        .folder = config->migrations,
        .tool = (enum layout_tool)config->layout,
    };
    struct migrate_plan plan;
    struct migrate_way_back way = {.count = 0};
    bool made = false;
    const bool back = request->work == PREPARE_DOWN;
    *ret_rehearsal = (struct prepare_rehearsal){.count = 0};
    if (migrate_plan_build(store_handle(database), &source, back ? NULL : request->target, &plan,
                           err) != 0)
        return -1;
    int result = refuse(request, &plan, err);
    if (result == 0 && back)
        result = plan_back(request, &plan, &way, err);
    bool due = back ? way.count > 0 : plan.pending_count > 0;
    migrate_plan_free(&plan);
    const struct prepare_rehearse_request rehearse = {
        .database = database,
        .source = &source,
        .target = back ? NULL : request->target,
        .way = back ? &way : NULL,
        .only_back = back,
        .app_version = config->app_version,
        .check = config->check != CONFIG_CHECK_OFF,
        .full_check = config->check == CONFIG_CHECK_FULL,
    };
    if (result == 0 && due)
        result = prepare_rehearse(&rehearse, ret_rehearsal, &made, err);
    migrate_way_back_free(&way);
    return result;
}
