/* `liteinit prepare` and `liteinit up`. */
#include <cjson/cJSON.h>
#include <stdint.h>

#include "cli/command.h"
#include "prepare/prepare.h"

static int print_report(const struct prepare_report *report)
{
    cJSON *root = cJSON_CreateObject();
    (void)cJSON_AddBoolToObject(root, "ok", 1);
    (void)cJSON_AddNumberToObject(root, "schema_version", (double)report->schema_version);
    (void)cJSON_AddNumberToObject(root, "applied", (double)report->applied);
    if (report->applied > 0) {
        (void)cJSON_AddNumberToObject(root, "first_applied", (double)report->first_applied);
        (void)cJSON_AddNumberToObject(root, "last_applied", (double)report->last_applied);
    }
    if (report->backup[0] != '\0')
        (void)cJSON_AddStringToObject(root, "backup", report->backup);
    return command_print_json(root);
}

static int prepare_to(const struct invocation *call, int64_t target)
{
    struct prepare_report report;
    struct error err;
    const struct prepare_request request = {.config = call->config, .target = target};
    if (command_require_db(call->config, &err) != 0)
        return command_fail("prepare.failed", "Preparation failed", &err);
    if (prepare_run(&request, &report, &err) != 0)
        return command_fail_quietly(&err);
    return command_flags.json ? print_report(&report) : 0;
}

int command_prepare(const struct invocation *call)
{
    return prepare_to(call, INT64_MAX);
}

int command_up(const struct invocation *call)
{
    int64_t target = INT64_MAX;
    struct error err;
    if (call->word_count == 1 && !text_parse_int(call->words[0], 1, INT64_MAX, &target)) {
        (void)error_set(&err, ERROR_USAGE, 0, "\"%s\" is no version", call->words[0]);
        (void)error_hint(&err, "a version is the number of a migration file: liteinit up 7");
        return command_fail("usage", NULL, &err);
    }
    if (call->config->migrations == NULL) {
        (void)error_set(&err, ERROR_NOT_FOUND, 0, "there is no folder of migrations");
        (void)error_hint(&err, "name it with --migrations, or put the files into /app/migrations");
        return command_fail("migrate.failed", "Migration failed", &err);
    }
    return prepare_to(call, target);
}
