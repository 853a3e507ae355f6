/* `liteinit history`: every attempt, with its error. */
#include <cjson/cJSON.h>
#include <limits.h>

#include "cli/command.h"
#include "migrate/history.h"

cJSON *command_attempt_json(const struct migrate_attempt *attempt)
{
    cJSON *item = cJSON_CreateObject();
    (void)cJSON_AddNumberToObject(item, "id", (double)attempt->id);
    (void)cJSON_AddNumberToObject(item, "version", (double)attempt->version);
    command_add_text(item, "direction", attempt->direction);
    command_add_text(item, "status", attempt->status);
    command_add_text(item, "error", attempt->error);
    command_add_text(item, "started_at", attempt->started_at);
    command_add_text(item, "completed_at", attempt->completed_at);
    command_add_text(item, "backup", attempt->backup);
    return item;
}

static int print_json(const struct migrate_attempt *attempts, size_t count)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(root, "attempts");
    for (size_t i = 0; i < count; i++)
        (void)cJSON_AddItemToArray(list, command_attempt_json(&attempts[i]));
    return command_print_json(root);
}

static int print_text(const struct migrate_attempt *attempts, size_t count)
{
    struct text_buffer out = {.max = (size_t)64 << 20};
    if (count == 0)
        (void)text_buffer_printf(&out, "No migration has been tried yet.\n");
    else
        (void)text_buffer_printf(&out, "%-24s %20s  %-9s %-11s %s\n", "STARTED", "VERSION",
                                 "DIRECTION", "STATUS", "ERROR");
    for (size_t i = 0; i < count; i++) {
        const struct migrate_attempt *attempt = &attempts[i];
        char started[64];
        char direction[32];
        char status[32];
        char error[1024];
        (void)text_buffer_printf(
            &out, "%-24s %20lld  %-9s %-11s %s\n",
            command_one_line(started, sizeof started, attempt->started_at),
            (long long)attempt->version,
            command_one_line(direction, sizeof direction, attempt->direction),
            command_one_line(status, sizeof status, attempt->status),
            command_one_line(error, sizeof error, attempt->error != NULL ? attempt->error : ""));
    }
    return command_print_text(&out);
}

int command_history(const struct invocation *call)
{
    struct store_location location;
    struct store_probe probe;
    struct store_database *database = NULL;
    struct migrate_history history;
    struct migrate_attempt *attempts = NULL;
    size_t count = 0;
    struct error err;
    if (command_open_visitor(call->config, &location, &probe, &database, &err) != 0)
        return command_fail("status.failed", "The history cannot be told", &err);
    int result = migrate_history_open(store_handle(database), &history, &err);
    if (result == 0)
        result = migrate_history_attempts(&history, INT_MAX, &attempts, &count, &err);
    store_close(database);
    if (result != 0)
        return command_fail("status.failed", "The history cannot be told", &err);
    result = command_flags.json ? print_json(attempts, count) : print_text(attempts, count);
    migrate_attempts_free(attempts, count);
    return result;
}
