/*
 * `liteinit health`: one line and 0 or 1, for Docker's HEALTHCHECK.
 *
 * Who prepares is alive, as long as the lock is held: a container that migrates must not be killed
 * for it (design fact 18). So a preparation counts as healthy, and its line says how far it is.
 */
#include <cjson/cJSON.h>
#include <limits.h>

#include "cli/command.h"
#include "store/activity.h"
#include "supervise/life.h"

static int answer(bool ok, const char *state, const char *sentence,
                  const struct store_activity *activity)
{
    if (command_flags.json) {
        cJSON *root = cJSON_CreateObject();
        (void)cJSON_AddBoolToObject(root, "ok", ok);
        (void)cJSON_AddStringToObject(root, "state", state);
        (void)cJSON_AddStringToObject(root, "message", sentence);
        if (activity != NULL)
            (void)cJSON_AddItemToObject(root, "progress", command_activity_json(activity));
        int status = command_print_json(root);
        return status != 0 || ok ? status : 1;
    }
    struct text_buffer out = {.max = 2048};
    (void)text_buffer_printf(&out, "%s: %s\n", state, sentence);
    int status = command_print_text(&out);
    return status != 0 || ok ? status : 1;
}

int command_health(const struct invocation *call)
{
    struct store_location location;
    struct store_activity activity;
    struct life life;
    struct error err;
    char path[PATH_MAX];
    char sentence[512];
    if (command_require_db(call->config, &err) != 0 ||
        store_locate(call->config->db, &location, &err) != 0) {
        (void)command_fail("status.failed", "The health cannot be told", &err);
        return 1;
    }
    if (!command_is_supervised(&location, &activity))
        return answer(false, "down", "no liteinit looks after the database", NULL);
    if (activity.phase[0] != '\0') {
        store_activity_describe(&activity, sentence, sizeof sentence);
        return answer(true, "preparing", sentence, &activity);
    }
    life_read(store_sibling(&location, ".liteinit.state", path), &life);
    if (life.state == LIFE_RUNNING)
        return answer(true, "running", "the app is up", NULL);
    return answer(true, "preparing", "the database is being prepared", NULL);
}
