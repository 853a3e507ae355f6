/* See work.h. */
#include "cli/work.h"

#include <cjson/cJSON.h>
#include <inttypes.h>

static int print_json(const struct prepare_report *report)
{
    cJSON *root = cJSON_CreateObject();
    (void)cJSON_AddBoolToObject(root, "ok", 1);
    (void)cJSON_AddNumberToObject(root, "schema_version", (double)report->schema_version);
    (void)cJSON_AddNumberToObject(root, "applied", (double)report->applied);
    if (report->applied > 0) {
        (void)cJSON_AddNumberToObject(root, "first_applied", (double)report->first_applied);
        (void)cJSON_AddNumberToObject(root, "last_applied", (double)report->last_applied);
    }
    (void)cJSON_AddNumberToObject(root, "rolled_back", (double)report->rolled_back);
    (void)cJSON_AddNumberToObject(root, "recorded", (double)report->recorded);
    command_add_text(root, "tool", report->tool);
    command_add_text(root, "backup", report->backup);
    return command_print_json(root);
}

static int print_text(const struct prepare_report *report)
{
    struct text_buffer out = {.max = 16384};
    (void)text_buffer_printf(&out, "Schema at version %" PRId64 ": ", report->schema_version);
    if (report->rolled_back > 0)
        (void)text_buffer_printf(&out, "%zu rolled back", report->rolled_back);
    if (report->recorded > 0)
        (void)text_buffer_printf(&out, "%zu recorded without running", report->recorded);
    if (report->applied > 0 || report->rolled_back + report->recorded == 0)
        (void)text_buffer_printf(&out, "%s%zu applied", report->rolled_back > 0 ? ", " : "",
                                 report->applied);
    if (report->backup[0] != '\0')
        (void)text_buffer_printf(&out, "; backup %s", report->backup);
    (void)text_buffer_printf(&out, "\n");
    return command_print_text(&out);
}

int work_require_folder(const struct config *config, struct error *err)
{
    if (config->migrate_command != NULL) {
        (void)error_set(err, ERROR_CONFIG, 0,
                        "migrate_command is set: the app's own migrator is in charge, and the "
                        "folder of migrations is left alone");
        return error_hint(err, "use the migrator's own commands; or unset migrate_command");
    }
    if (config->migrations != NULL)
        return 0;
    (void)error_set(err, ERROR_NOT_FOUND, 0, "there is no folder of migrations");
    return error_hint(err, "name it with --migrations, or put the files into /app/migrations");
}

int work_run(const struct invocation *call, enum prepare_work work, const char *target, bool quiet)
{
    struct prepare_report report;
    struct error err;
    const struct prepare_request request = {
        .config = call->config,
        .work = work,
        .target = target,
        .from = command_flags.from,
    };
    if (command_require_db(call->config, &err) != 0)
        return command_fail("prepare.failed", "Preparation failed", &err);
    if (prepare_run(&request, &report, &err) != 0)
        return command_fail_quietly(&err);
    if (command_flags.json)
        return print_json(&report);
    return quiet ? 0 : print_text(&report);
}
