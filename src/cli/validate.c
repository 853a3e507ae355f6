/* `liteinit validate`: looks a folder of migrations over, for CI. Needs no database. */
#include <cjson/cJSON.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "validate/validate.h"

/* Where migrations are when nobody says so. */
#define USUAL_FOLDER "migrations"

static int find_folder(const struct invocation *call, const char **ret_path, struct error *err)
{
    struct stat st;
    const char *path = call->config->migrations;
    if (call->word_count > 0)
        path = call->words[0];
    else if (path == NULL && stat(USUAL_FOLDER, &st) == 0 && S_ISDIR(st.st_mode))
        path = USUAL_FOLDER;
    /* A script's variable may have been empty. */
    if (path == NULL || path[0] == '\0') {
        (void)error_set(err, ERROR_NOT_FOUND, 0,
                        "no folder of migrations: none is named, and there is no " USUAL_FOLDER
                        " here");
        return error_hint(err, "name it: liteinit validate path/to/migrations");
    }
    *ret_path = path;
    return 0;
}

/* The remark's file as seen from the current folder, so that editors and CI find it. */
static void print_path(struct text_buffer *out, const char *folder,
                       const struct layout_finding *what)
{
    bool slash = text_ends_with(folder, "/");
    (void)text_buffer_printf(out, "%s%s%s", folder, slash || what->file[0] == '\0' ? "" : "/",
                             what->file);
}

static void print_remark(struct text_buffer *out, const char *folder,
                         const struct validate_remark *remark)
{
    const struct layout_finding *what = &remark->what;
    print_path(out, folder, what);
    if (what->line > 0)
        (void)text_buffer_printf(out, ":%d:%d", what->line, what->column > 0 ? what->column : 1);
    if (remark->severity != VALIDATE_FAULT)
        (void)text_buffer_printf(out, ": %s", validate_severity_name(remark->severity));
    (void)text_buffer_printf(out, ": %s", what->message);
    if (what->hint[0] != '\0')
        (void)text_buffer_printf(out, " (%s)", what->hint);
    (void)text_buffer_printf(out, "\n");
}

static int print_text(const char *folder, const struct validate_result *validation)
{
    struct text_buffer out = {.max = (size_t)64 << 20};
    const struct validate_remarks *remarks = &validation->remarks;
    for (size_t i = 0; i < remarks->count; i++)
        print_remark(&out, folder, &remarks->items[i]);
    (void)text_buffer_printf(&out, "%zu migration%s (%s), %zu reversible: ", validation->migrations,
                             validation->migrations == 1 ? "" : "s",
                             layout_tool_name(validation->tool), validation->reversible);
    if (remarks->faults == 0)
        (void)text_buffer_printf(&out, "ok");
    else
        (void)text_buffer_printf(&out, "%zu error%s", remarks->faults,
                                 remarks->faults == 1 ? "" : "s");
    if (remarks->warnings > 0)
        (void)text_buffer_printf(&out, ", %zu warning%s", remarks->warnings,
                                 remarks->warnings == 1 ? "" : "s");
    if (validation->not_run > 0)
        (void)text_buffer_printf(&out, ", %zu not run", validation->not_run);
    (void)text_buffer_printf(&out, "\n");
    return command_print_text(&out);
}

static cJSON *remark_json(const char *folder, const struct validate_remark *remark)
{
    struct text_buffer path = {.max = 8192};
    const struct layout_finding *what = &remark->what;
    cJSON *item = cJSON_CreateObject();
    print_path(&path, folder, what);
    (void)cJSON_AddStringToObject(item, "file", path.data != NULL ? path.data : what->file);
    if (what->line > 0) {
        (void)cJSON_AddNumberToObject(item, "line", what->line);
        (void)cJSON_AddNumberToObject(item, "column", what->column > 0 ? what->column : 1);
    }
    (void)cJSON_AddStringToObject(item, "severity", validate_severity_name(remark->severity));
    (void)cJSON_AddStringToObject(item, "message", what->message);
    if (what->hint[0] != '\0')
        (void)cJSON_AddStringToObject(item, "hint", what->hint);
    text_buffer_free(&path);
    return item;
}

static int print_json(const char *folder, const struct validate_result *validation)
{
    const struct validate_remarks *remarks = &validation->remarks;
    cJSON *root = cJSON_CreateObject();
    (void)cJSON_AddBoolToObject(root, "ok", remarks->faults == 0);
    (void)cJSON_AddStringToObject(root, "folder", folder);
    (void)cJSON_AddStringToObject(root, "layout", layout_tool_name(validation->tool));
    (void)cJSON_AddNumberToObject(root, "migrations", (double)validation->migrations);
    (void)cJSON_AddNumberToObject(root, "reversible", (double)validation->reversible);
    (void)cJSON_AddNumberToObject(root, "not_run", (double)validation->not_run);
    cJSON *list = cJSON_AddArrayToObject(root, "findings");
    for (size_t i = 0; i < remarks->count; i++)
        (void)cJSON_AddItemToArray(list, remark_json(folder, &remarks->items[i]));
    return command_print_json(root);
}

int command_validate(const struct invocation *call)
{
    struct validate_result validation;
    struct error err;
    /* The key has the layouts' own order. */
    enum layout_tool tool = (enum layout_tool)call->config->layout;
    const char *folder = NULL;
    if (find_folder(call, &folder, &err) != 0 ||
        validate_folder(folder, tool, command_flags.roundtrip, &validation, &err) != 0)
        return command_fail("validate.failed", "The migrations cannot be looked over", &err);
    int status =
        command_flags.json ? print_json(folder, &validation) : print_text(folder, &validation);
    if (status == 0 && validation.remarks.faults > 0)
        status = error_exit_status(ERROR_DATA);
    validate_result_free(&validation);
    return status;
}
