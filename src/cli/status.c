/* `liteinit status`: the database, its migrations and its backups at a glance. */
#include <cjson/cJSON.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "backup/catalogue.h"
#include "cli/command.h"
#include "migrate/plan.h"
#include "store/activity.h"
#include "supervise/life.h"

#define RECENT_ATTEMPTS 5

struct status {
    struct store_location location;
    struct store_probe probe;
    char journal_mode[16];
    bool supervised;                /* a liteinit holds the lock now … */
    struct store_activity activity; /* … and says that it does this; phase "": nothing */
    bool closed; /* it prepares, and nobody else can open the database: the rest is unknown */
    struct life life;
    struct migrate_plan plan;
    struct error plan_error; /* kind ERROR_NONE when the plan is good */
    struct migrate_attempt *attempts;
    size_t attempt_count;
    struct backup_catalogue backups;
};

static void collect_holder(struct status *status)
{
    status->supervised = command_is_supervised(&status->location, &status->activity);
    status->closed = status->activity.phase[0] != '\0';
}

static int collect_contents(const struct config *config, struct status *status, struct error *err)
{
    struct store_database *database = NULL;
    char path[PATH_MAX];
    /* Beside the app's own migrator the folder is of no account. */
    const struct migrate_source source = {
        .folder = config->migrate_command == NULL ? config->migrations : NULL,
        .tool = (enum layout_tool)config->layout};
    const struct migrate_source nothing = {.folder = NULL};
    if (command_open_visitor(config, &status->location, &status->probe, &database, err) != 0)
        return -1;
    (void)snprintf(status->journal_mode, sizeof status->journal_mode, "%s",
                   status->probe.wal_mode ? "wal" : store_journal_mode(database));
    /* A folder that cannot be used, or a newer schema, is part of the answer. */
    if (migrate_plan_build(store_handle(database), &source, NULL, &status->plan,
                           &status->plan_error) != 0 &&
        migrate_plan_build(store_handle(database), &nothing, NULL, &status->plan, err) != 0) {
        store_close(database);
        return -1;
    }
    if (status->plan.newer > 0 && source.folder != NULL)
        (void)migrate_plan_newer_error(&status->plan, &status->plan_error);
    int result = migrate_history_attempts(&status->plan.history, RECENT_ATTEMPTS, &status->attempts,
                                          &status->attempt_count, err);
    store_close(database);
    if (result == 0)
        result =
            backup_catalogue_read(&status->location, config->backup_dir, &status->backups, err);
    life_read(store_sibling(&status->location, ".liteinit.state", path), &status->life);
    return result;
}

static int collect(const struct config *config, struct status *status, struct error *err)
{
    if (command_require_db(config, err) != 0 ||
        store_locate(config->db, &status->location, err) != 0)
        return -1;
    collect_holder(status);
    if (status->closed)
        return 0;
    int result = collect_contents(config, status, err);
    /* A preparation may have begun since, and have closed the database to all others. */
    if (result != 0 && err->kind == ERROR_BUSY)
        collect_holder(status);
    return status->closed ? 0 : result;
}

/* Whether the app is up, as far as it runs under a liteinit. */
static const char *app_state(const struct status *status)
{
    if (!status->supervised)
        return "down";
    return status->life.state == LIFE_RUNNING ? "up" : "preparing";
}

static const char *life_name(const struct status *status)
{
    switch (status->life.state) {
    case LIFE_NONE:
        break;
    case LIFE_RUNNING:
        return status->supervised ? "running" : "unclean";
    case LIFE_ENDED:
        return "ended";
    case LIFE_UNREADABLE:
        return "unreadable";
    }
    return "none";
}

/* While it is prepared, who prepares is the only one who can tell. */
static int print_closed(const struct status *status)
{
    char sentence[512];
    if (command_flags.json) {
        cJSON *root = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(root, "db", status->location.db);
        (void)cJSON_AddStringToObject(root, "app", "preparing");
        (void)cJSON_AddItemToObject(root, "progress", command_activity_json(&status->activity));
        return command_print_json(root);
    }
    struct text_buffer out = {.max = 16384};
    store_activity_describe(&status->activity, sentence, sizeof sentence);
    (void)text_buffer_printf(&out, "Database    %s\nApp         not started yet: %s\n",
                             status->location.db, sentence);
    return command_print_text(&out);
}

static int print_json(const struct status *status)
{
    const struct migrate_plan *plan = &status->plan;
    cJSON *root = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(root, "db", status->location.db);
    (void)cJSON_AddNumberToObject(root, "bytes", (double)status->probe.size);
    (void)cJSON_AddNumberToObject(root, "wal_bytes", (double)status->probe.wal_size);
    (void)cJSON_AddStringToObject(root, "journal_mode", status->journal_mode);
    (void)cJSON_AddStringToObject(root, "app", app_state(status));
    cJSON *life = cJSON_AddObjectToObject(root, "last_life");
    (void)cJSON_AddStringToObject(life, "state", life_name(status));
    command_add_text(life, "started", status->life.started);
    command_add_text(life, "ended", status->life.ended);
    if (status->life.state == LIFE_ENDED) {
        (void)cJSON_AddNumberToObject(life, "exit_code", status->life.exit_code);
        command_add_text(life, "wal", life_wal_name(status->life.wal));
    }
    (void)cJSON_AddNumberToObject(root, "schema_version", (double)plan->current);
    cJSON *applied = cJSON_AddArrayToObject(root, "applied");
    for (size_t i = 0; i < plan->applied_count; i++) {
        cJSON *item = cJSON_CreateObject();
        (void)cJSON_AddNumberToObject(item, "version", (double)plan->applied[i].version);
        command_add_text(item, "name", plan->applied[i].name);
        command_add_text(item, "applied_at", plan->applied[i].applied_at);
        command_add_text(item, "app_version", plan->applied[i].app_version);
        command_add_text(item, "backup", plan->applied[i].backup);
        (void)cJSON_AddBoolToObject(item, "reversible", plan->applied[i].has_down);
        (void)cJSON_AddItemToArray(applied, item);
    }
    cJSON *pending = cJSON_AddArrayToObject(root, "pending");
    for (size_t i = 0; i < plan->pending_count; i++) {
        cJSON *item = cJSON_CreateObject();
        (void)cJSON_AddNumberToObject(item, "version", (double)plan->pending[i]->version);
        command_add_text(item, "file", plan->pending[i]->up);
        (void)cJSON_AddBoolToObject(item, "reversible", plan->pending[i]->down != NULL);
        (void)cJSON_AddItemToArray(pending, item);
    }
    cJSON *unfinished = cJSON_AddArrayToObject(root, "unfinished");
    for (size_t i = 0; i < plan->unfinished_count; i++) {
        cJSON *item = cJSON_CreateObject();
        (void)cJSON_AddNumberToObject(item, "version", (double)plan->unfinished[i].version);
        (void)cJSON_AddStringToObject(item, "direction", plan->unfinished[i].down ? "down" : "up");
        (void)cJSON_AddNumberToObject(item, "statements", (double)plan->unfinished[i].statements);
        (void)cJSON_AddItemToArray(unfinished, item);
    }
    cJSON *drift = cJSON_AddArrayToObject(root, "drift");
    for (size_t i = 0; i < plan->drift.count; i++)
        (void)cJSON_AddItemToArray(drift, cJSON_CreateString(plan->drift.items[i]));
    cJSON *attempts = cJSON_AddArrayToObject(root, "recent");
    for (size_t i = 0; i < status->attempt_count; i++)
        (void)cJSON_AddItemToArray(attempts, command_attempt_json(&status->attempts[i]));
    cJSON *backups = command_backups_json(&status->backups);
    (void)cJSON_AddItemToObject(root, "backups", backups);
    if (status->plan_error.kind != ERROR_NONE)
        command_add_text(root, "problem", status->plan_error.msg);
    return command_print_json(root);
}

static void print_migrations(struct text_buffer *out, const struct status *status)
{
    const struct migrate_plan *plan = &status->plan;
    const struct layout_migration *current = layout_folder_find(&plan->folder, plan->current);
    char number[32];
    (void)snprintf(number, sizeof number, "%lld", (long long)plan->current);
    /* As its tool writes it: "1.2" rather than the number that orders it. */
    (void)text_buffer_printf(out, "Schema      version %s, %zu applied, %zu pending\n",
                             current != NULL ? current->label : number, plan->applied_count,
                             plan->pending_count);
    if (status->plan_error.kind != ERROR_NONE)
        (void)text_buffer_printf(out, "Problem     %s\n            -> %s\n", status->plan_error.msg,
                                 status->plan_error.hint);
    for (size_t i = 0; i < plan->unfinished_count; i++)
        (void)text_buffer_printf(out, "Half done   version %lld %s: %zu of its statements stay\n",
                                 (long long)plan->unfinished[i].version,
                                 plan->unfinished[i].down ? "down" : "up",
                                 plan->unfinished[i].statements);
    for (size_t i = 0; i < plan->drift.count; i++)
        (void)text_buffer_printf(out, "Drift       %s\n", plan->drift.items[i]);
    for (size_t i = 0; i < plan->pending_count; i++)
        (void)text_buffer_printf(out, "Pending     %s%s\n", plan->pending[i]->up,
                                 plan->pending[i]->down != NULL ? "" : " (no way back)");
    for (size_t i = 0; i < status->attempt_count; i++) {
        const struct migrate_attempt *attempt = &status->attempts[i];
        char started[64];
        char direction[32];
        char outcome[32];
        char error[1024];
        (void)text_buffer_printf(
            out, "%s %s  version %lld %s: %s%s%s\n", i == 0 ? "Recent     " : "           ",
            command_one_line(started, sizeof started, attempt->started_at),
            (long long)attempt->version,
            command_one_line(direction, sizeof direction, attempt->direction),
            command_one_line(outcome, sizeof outcome, attempt->status),
            attempt->error != NULL ? ": " : "",
            command_one_line(error, sizeof error, attempt->error != NULL ? attempt->error : ""));
    }
}

static void print_life(struct text_buffer *out, const struct status *status)
{
    const struct life *life = &status->life;
    if (status->supervised && life->state == LIFE_RUNNING)
        (void)text_buffer_printf(out, "App         up since %s\n", life->started);
    else if (status->supervised)
        (void)text_buffer_printf(out, "App         not started yet: liteinit prepares\n");
    else if (life->state == LIFE_ENDED)
        (void)text_buffer_printf(out, "Last life   ended %s with status %d, WAL %s\n", life->ended,
                                 life->exit_code, life_wal_name(life->wal));
    else if (life->state != LIFE_NONE)
        (void)text_buffer_printf(out, "Last life   began %s and did not end in order\n",
                                 life->started);
}

static int print_text(const struct status *status)
{
    struct text_buffer out = {.max = (size_t)8 << 20};
    char size[32];
    char wal[32];
    text_format_size(size, sizeof size, status->probe.size);
    text_format_size(wal, sizeof wal, status->probe.wal_size);
    (void)text_buffer_printf(&out, "Database    %s (%s, journal mode %s, WAL %s)\n",
                             status->location.db, size, status->journal_mode, wal);
    print_life(&out, status);
    print_migrations(&out, status);
    if (status->backups.count == 0)
        (void)text_buffer_printf(&out, "Backups     none in %s\n", status->backups.dir);
    else
        (void)text_buffer_printf(&out, "Backups     %zu in %s, newest %s (%s)\n",
                                 status->backups.count, status->backups.dir,
                                 status->backups.entries[0].name,
                                 status->backups.entries[0].verified ? "verified" : "unverified");
    return command_print_text(&out);
}

int command_status(const struct invocation *call)
{
    struct status status;
    struct error err;
    memset(&status, 0, sizeof status);
    int result = collect(call->config, &status, &err);
    if (result == 0 && status.closed)
        result = print_closed(&status);
    else if (result == 0)
        result = command_flags.json ? print_json(&status) : print_text(&status);
    else
        result = command_fail("status.failed", "The status cannot be told", &err);
    migrate_attempts_free(status.attempts, status.attempt_count);
    migrate_plan_free(&status.plan);
    backup_catalogue_free(&status.backups);
    return result;
}
