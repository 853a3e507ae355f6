/* See command.h. */
#include "cli/command.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "store/activity.h"
#include "store/lock.h"

struct command_flags command_flags;

/* Help, lists and documents are bounded by what there is; this is far above it. */
#define OUTPUT_MAX ((size_t)64 << 20)

static int write_out(const char *text, size_t size)
{
    struct error err;
    if (fs_write_all(STDOUT_FILENO, text, size) == 0)
        return 0;
    (void)error_set(&err, ERROR_IO, errno, "cannot write the answer to stdout");
    log_error(LOG_ERROR, "output.failed", &err, NULL, NULL);
    return error_exit_status(err.kind);
}

int command_print_json(cJSON *document)
{
    char *text = document != NULL ? cJSON_Print(document) : NULL;
    cJSON_Delete(document);
    if (text == NULL) {
        struct error err;
        (void)error_set(&err, ERROR_IO, ENOMEM, "cannot write the answer");
        log_error(LOG_ERROR, "output.failed", &err, NULL, NULL);
        return error_exit_status(err.kind);
    }
    struct text_buffer line = {.max = OUTPUT_MAX};
    (void)text_buffer_printf(&line, "%s\n", text);
    cJSON_free(text);
    return command_print_text(&line);
}

int command_print_text(struct text_buffer *text)
{
    if (text->data != NULL)
        text_make_plain(text->data, text->len);
    int status = text->data != NULL ? write_out(text->data, text->len) : 0;
    text_buffer_free(text);
    return status;
}

const char *command_one_line(char *out, size_t size, const char *text)
{
    (void)snprintf(out, size, "%s", text != NULL ? text : "-");
    text_cut(out, size - 1);
    for (char *at = out; *at != '\0'; at++)
        if (*at == '\n')
            *at = ' ';
    return out;
}

cJSON *command_error_json(const struct error *err)
{
    cJSON *error = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(error, "message", err->msg);
    (void)cJSON_AddNumberToObject(error, "exit_code", error_exit_status(err->kind));
    if (err->hint[0] != '\0')
        (void)cJSON_AddStringToObject(error, "hint", err->hint);
    if (err->line > 0) {
        (void)cJSON_AddStringToObject(error, "file", err->file);
        (void)cJSON_AddNumberToObject(error, "line", err->line);
        (void)cJSON_AddNumberToObject(error, "column", err->column);
    }
    return error;
}

int command_fail_quietly(const struct error *err)
{
    int status = error_exit_status(err->kind);
    if (!command_flags.json)
        return status;
    cJSON *root = cJSON_CreateObject();
    (void)cJSON_AddBoolToObject(root, "ok", 0);
    (void)cJSON_AddItemToObject(root, "error", command_error_json(err));
    (void)command_print_json(root);
    return status;
}

int command_fail(const char *event, const char *context, const struct error *err)
{
    log_error(LOG_ERROR, event, err, NULL, context);
    return command_fail_quietly(err);
}

int command_require_db(const struct config *config, struct error *err)
{
    if (config->db != NULL)
        return 0;
    (void)error_set(err, ERROR_CONFIG, 0, "no database is configured");
    return error_hint(err, "name it: --db /data/app.db, or LITEINIT_DB=/data/app.db in the compose "
                           "file (DATABASE_PATH and DATABASE_URL are read too)");
}

int command_open_visitor(const struct config *config, struct store_location *ret_location,
                         struct store_probe *ret_probe, struct store_database **ret_database,
                         struct error *err)
{
    if (command_require_db(config, err) != 0 || store_locate(config->db, ret_location, err) != 0 ||
        store_probe(ret_location, false, ret_probe, err) != 0)
        return -1;
    if (ret_probe->kind != STORE_DATABASE) {
        (void)error_set(err, ERROR_NOT_FOUND, 0, "Database not found: %s %s", ret_location->db,
                        ret_probe->kind == STORE_EMPTY ? "is an empty file" : "is not there");
        return error_hint(err, "check --db and the volume; liteinit run (or prepare) makes a new "
                               "database");
    }
    struct error still;
    if (store_open(ret_location, STORE_VISITOR, config->busy_timeout, ret_database, err) == 0)
        return 0;
    /* WAL mode needs to make files in the folder (design fact 19). Where this user may not and
     * nobody has it open, the main file is the whole database and can be read as it is. */
    if (err->kind == ERROR_PERMISSION && !ret_probe->companions &&
        store_open(ret_location, STORE_STILL, 0, ret_database, &still) == 0)
        return 0;
    return -1;
}

void command_add_text(cJSON *object, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0')
        (void)cJSON_AddStringToObject(object, key, text);
}

cJSON *command_activity_json(const struct store_activity *activity)
{
    cJSON *item = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(item, "phase", activity->phase);
    command_add_text(item, "file", activity->file);
    if (activity->of > 0) {
        (void)cJSON_AddNumberToObject(item, "number", (double)activity->number);
        (void)cJSON_AddNumberToObject(item, "of", (double)activity->of);
    }
    if (activity->statements > 0) {
        (void)cJSON_AddNumberToObject(item, "statement", (double)activity->statement);
        (void)cJSON_AddNumberToObject(item, "statements", (double)activity->statements);
        (void)cJSON_AddNumberToObject(item, "pages", (double)activity->pages);
        (void)cJSON_AddNumberToObject(item, "elapsed_ms", (double)activity->elapsed_ms);
    }
    return item;
}

bool command_is_supervised(const struct store_location *location,
                           struct store_activity *ret_activity)
{
    struct error ignored;
    char path[PATH_MAX];
    int fd = -1;
    *ret_activity = (struct store_activity){.number = 0};
    if (access(store_sibling(location, ".liteinit.lock", path), F_OK) != 0 ||
        store_lock_open(location, &fd, &ignored) != 0)
        return false;
    bool held = !store_lock_try(fd);
    if (held)
        (void)store_activity_read(fd, ret_activity);
    (void)close(fd);
    return held;
}
