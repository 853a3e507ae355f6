/* `liteinit backup`: one verified backup now. */
#include <cjson/cJSON.h>
#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "backup/snapshot.h"
#include "base/log.h"
#include "cli/command.h"
#include "migrate/history.h"

/* The reason becomes part of a file name. */
static int check_reason(const char *reason, struct error *err)
{
    size_t length = strlen(reason);
    bool plain = length > 0 && length <= 40;
    for (size_t i = 0; i < length; i++)
        plain = plain && (isalnum((unsigned char)reason[i]) || strchr("-_", reason[i]) != NULL);
    if (plain)
        return 0;
    (void)error_set(err, ERROR_USAGE, 0, "the reason \"%.60s\" is not usable in a file name",
                    reason);
    return error_hint(err, "letters, digits, - and _, at most 40: --reason before-cleanup");
}

static int schema_version(struct store_database *database, int64_t *ret_version, struct error *err)
{
    struct migrate_history history;
    struct migrate_applied *applied = NULL;
    size_t count = 0;
    if (migrate_history_open(store_handle(database), &history, err) != 0 ||
        migrate_history_applied(&history, &applied, &count, err) != 0)
        return -1;
    *ret_version = count > 0 ? applied[count - 1].version : 0;
    migrate_applied_free(applied, count);
    return 0;
}

static int print_result(const struct backup_result *result)
{
    struct text_buffer out = {.max = 16384};
    char size[32];
    if (command_flags.json) {
        cJSON *root = cJSON_CreateObject();
        (void)cJSON_AddBoolToObject(root, "ok", 1);
        (void)cJSON_AddStringToObject(root, "path", result->path);
        (void)cJSON_AddNumberToObject(root, "bytes", (double)result->bytes);
        (void)cJSON_AddStringToObject(root, "sha256", result->sha256);
        (void)cJSON_AddNumberToObject(root, "copy_ms", (double)result->copy_ms);
        (void)cJSON_AddNumberToObject(root, "verify_ms", (double)result->verify_ms);
        return command_print_json(root);
    }
    text_format_size(size, sizeof size, result->bytes);
    (void)text_buffer_printf(&out, "%s (%s, verified)\n", result->path, size);
    return command_print_text(&out);
}

int command_backup(const struct invocation *call)
{
    struct store_location location;
    struct store_probe probe;
    struct store_database *database = NULL;
    struct backup_result result;
    struct error err;
    struct backup_request request = {
        .dir = call->config->backup_dir,
        .name = call->config->backup_name,
        .reason = command_flags.reason != NULL ? command_flags.reason : "manual",
        .app_version = call->config->app_version,
        .full_check = call->config->check == CONFIG_CHECK_FULL,
    };
    if (check_reason(request.reason, &err) != 0)
        return command_fail("usage", NULL, &err);
    if (command_open_visitor(call->config, &location, &probe, &database, &err) != 0)
        return command_fail("backup.failed", "Backup failed", &err);
    int status = schema_version(database, &request.schema_version, &err);
    if (status == 0)
        status = backup_snapshot_live(database, &request, &result, &err);
    store_close(database);
    if (status != 0)
        return command_fail("backup.failed", "Backup failed", &err);
    char sentence[PATH_MAX + 160];
    backup_result_describe(&result, sentence, sizeof sentence);
    log_event(LOG_INFO, "backup.done",
              LOG_FIELDS(LOG_TEXT("db", location.db), LOG_TEXT("path", result.path),
                         LOG_NUMBER("bytes", result.bytes), LOG_TEXT("sha256", result.sha256),
                         LOG_NUMBER("version", request.schema_version),
                         LOG_NUMBER("copy_ms", result.copy_ms),
                         LOG_NUMBER("verify_ms", result.verify_ms),
                         LOG_NUMBER("duration_ms", result.copy_ms + result.verify_ms)),
              "%s", sentence);
    return print_result(&result);
}
