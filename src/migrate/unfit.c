/* A schema that the app of this image must not meet: a newer one, or one left half done (plan.h). */
#include <stdio.h>
#include <unistd.h>

#include "migrate/plan.h"
#include "migrate/way_back.h"

int64_t migrate_plan_known(const struct migrate_plan *plan)
{
    size_t known = plan->applied_count - plan->newer;
    return known > 0 && plan->applied[known - 1].version > 0 ? plan->applied[known - 1].version : 0;
}

/* The backup from before all of the newer ones: that of the one that was applied first, which need
 * not have the lowest number. NULL when there is none, or it is gone. */
static const char *backup_before(const struct migrate_plan *plan)
{
    const struct migrate_applied *first = NULL;
    for (size_t i = plan->applied_count - plan->newer; i < plan->applied_count; i++)
        if (first == NULL || plan->applied[i].position < first->position)
            first = &plan->applied[i];
    return first != NULL && first->backup != NULL && access(first->backup, F_OK) == 0
               ? first->backup
               : NULL;
}

/* Both ways out as commands. The way back by down scripts keeps what the app has written since. */
static int hint_ways_out(const struct migrate_plan *plan, struct error *err)
{
    char back[200];
    char restore[400] = "";
    const struct migrate_applied *stuck = NULL;
    const char *backup = backup_before(plan);
    /* More likely a mistake than an image that has never had a migration. */
    if (plan->folder.count == 0)
        return error_hint(err,
                          "there is no migration in %.200s: if this is the wrong folder, name the "
                          "right one with --migrations; else start the newer image again",
                          plan->folder.path != NULL ? plan->folder.path : "the folder");
    for (size_t i = plan->applied_count - plan->newer; i < plan->applied_count; i++)
        if (!plan->applied[i].has_down)
            stuck = &plan->applied[i];
    if (stuck == NULL)
        (void)snprintf(back, sizeof back,
                       "or keep the data and take the schema back: docker compose run --rm "
                       "--entrypoint liteinit SERVICE down %lld",
                       (long long)migrate_plan_known(plan));
    else
        (void)snprintf(back, sizeof back, "%lld_%.60s has no way back", (long long)stuck->version,
                       stuck->name != NULL ? stuck->name : "");
    if (backup != NULL)
        (void)snprintf(restore, sizeof restore,
                       "; or go back to the backup from before (%.200s): docker compose run --rm "
                       "--entrypoint liteinit SERVICE prepare --on-newer-schema restore",
                       backup);
    return error_hint(err, "start the newer image again; %s%s", back, restore);
}

int migrate_plan_newer_error(const struct migrate_plan *plan, struct error *err)
{
    const struct migrate_applied *oldest = &plan->applied[plan->applied_count - plan->newer];
    const struct migrate_applied *newest = &plan->applied[plan->applied_count - 1];
    char writer[160] = "a newer image";
    if (newest->app_version != NULL)
        (void)snprintf(writer, sizeof writer, "version %.120s of the app", newest->app_version);
    (void)error_set(err, ERROR_CONFIG, 0,
                    "the database has schema version %lld and this image knows only up to %lld: "
                    "%zu newer %s applied, the first being %lld_%.60s, by %s on %.24s",
                    (long long)newest->version, (long long)plan->newest, plan->newer,
                    plan->newer == 1 ? "migration was" : "migrations were",
                    (long long)oldest->version, oldest->name != NULL ? oldest->name : "", writer,
                    newest->applied_at != NULL ? newest->applied_at : "an unknown day");
    return hint_ways_out(plan, err);
}

static bool goes_on(const struct migrate_plan *plan, const struct migrate_way_back *way,
                    const struct migrate_unfinished *unfinished)
{
    for (size_t i = 0; !unfinished->down && i < plan->pending_count; i++)
        if (plan->pending[i]->version == unfinished->version)
            return true;
    for (size_t i = 0; unfinished->down && way != NULL && i < way->count; i++)
        if (way->steps[i].version == unfinished->version)
            return true;
    return false;
}

int migrate_plan_check_unfinished(const struct migrate_plan *plan,
                                  const struct migrate_way_back *way, struct error *err)
{
    for (size_t i = 0; i < plan->unfinished_count; i++) {
        const struct migrate_unfinished *unfinished = &plan->unfinished[i];
        if (goes_on(plan, way, unfinished))
            continue;
        (void)error_set(
            err, ERROR_CONFIG, 0,
            "migration %lld runs without a transaction and was left half %s: %zu of its "
            "statements stay",
            (long long)unfinished->version, unfinished->down ? "taken back" : "applied",
            unfinished->statements);
        if (unfinished->down)
            return error_hint(err, "go on with it: liteinit down; or put the backup from before "
                                   "in the database's place (see: liteinit backups)");
        return error_hint(err, "start the image again that has this migration, it goes on where it "
                               "stopped; or put the backup from before in the database's place "
                               "(see: liteinit backups)");
    }
    return 0;
}
