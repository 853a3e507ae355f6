/* `liteinit check`: integrity and foreign keys, beside a living app too. */
#include <cjson/cJSON.h>
#include <inttypes.h>

#include "base/log.h"
#include "cli/command.h"
#include "store/check.h"

static int print_json(const struct store_location *location, const struct store_check *check)
{
    bool ok = check->problems == 0 && check->foreign_keys == 0;
    cJSON *root = cJSON_CreateObject();
    (void)cJSON_AddBoolToObject(root, "ok", ok);
    (void)cJSON_AddStringToObject(root, "db", location->db);
    (void)cJSON_AddStringToObject(root, "check", check->full ? "full" : "quick");
    (void)cJSON_AddNumberToObject(root, "problems", (double)check->problems);
    if (check->problems > 0)
        (void)cJSON_AddStringToObject(root, "first_problem", check->first_problem);
    (void)cJSON_AddNumberToObject(root, "foreign_key_violations", (double)check->foreign_keys);
    if (check->foreign_keys > 0)
        (void)cJSON_AddStringToObject(root, "first_violation", check->first_violation);
    (void)cJSON_AddNumberToObject(root, "unchecked_tables", (double)check->unchecked);
    if (check->unchecked > 0)
        (void)cJSON_AddStringToObject(root, "first_unchecked", check->first_unchecked);
    (void)cJSON_AddNumberToObject(root, "duration_ms", (double)check->duration_ms);
    return command_print_json(root);
}

static int print_ok(const struct store_location *location, const struct store_check *check)
{
    struct text_buffer out = {.max = 8192};
    char duration[32];
    text_format_duration(duration, sizeof duration, check->duration_ms);
    (void)text_buffer_printf(&out, "ok: %s (%s check and foreign keys, %s)\n", location->db,
                             check->full ? "full" : "quick", duration);
    if (check->unchecked > 0)
        (void)text_buffer_printf(&out, "not checked, the app itself is needed: %lld %s (%s)\n",
                                 (long long)check->unchecked,
                                 check->unchecked == 1 ? "table" : "tables",
                                 check->first_unchecked);
    return command_print_text(&out);
}

int command_check(const struct invocation *call)
{
    struct store_location location;
    struct store_probe probe;
    struct store_database *database = NULL;
    struct store_check check;
    struct error err;
    if (command_open_visitor(call->config, &location, &probe, &database, &err) != 0)
        return command_fail("check.failed", "Check failed", &err);
    bool full = command_flags.full || call->config->check == CONFIG_CHECK_FULL;
    int status = store_check_run(store_handle(database), full, true, &check, &err);
    if (status == 0 && check.problems > 0)
        status = store_check_error(&check, location.db, &err);
    if (status == 0 && check.foreign_keys > 0) {
        status = error_set(&err, ERROR_DATA, 0, "%" PRId64 " rows break foreign keys: %s",
                           check.foreign_keys, check.first_violation);
        (void)error_hint(&err, "the database is whole; PRAGMA foreign_key_check lists these rows");
    }
    store_close(database);
    if (status == 0)
        return command_flags.json ? print_json(&location, &check) : print_ok(&location, &check);
    log_error(LOG_ERROR, "check.failed", &err, LOG_FIELDS(LOG_TEXT("db", location.db)),
              "Check failed");
    if (command_flags.json && err.kind == ERROR_DATA)
        (void)print_json(&location, &check);
    else
        return command_fail_quietly(&err);
    return error_exit_status(err.kind);
}
