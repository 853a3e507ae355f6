/* `liteinit new`: the next numbered pair of files. */
#include <cjson/cJSON.h>

#include "cli/command.h"
#include "layout/create.h"

/* Where migrations are when nobody says so. */
#define USUAL_FOLDER "migrations"

static int print_json(const struct layout_created *created)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *files = cJSON_AddArrayToObject(root, "files");
    (void)cJSON_AddItemToArray(files, cJSON_CreateString(created->up));
    if (created->down[0] != '\0')
        (void)cJSON_AddItemToArray(files, cJSON_CreateString(created->down));
    return command_print_json(root);
}

int command_new(const struct invocation *call)
{
    struct layout_created created;
    struct error err;
    const char *folder = call->config->migrations != NULL ? call->config->migrations : USUAL_FOLDER;
    if (call->word_count != 1) {
        (void)error_set(&err, ERROR_USAGE, 0, "new needs the NAME of the migration");
        (void)error_hint(&err, "for example: liteinit new add_prices");
        return command_fail("usage", NULL, &err);
    }
    if (layout_create(folder, (enum layout_tool)call->config->layout, call->words[0], &created,
                      &err) != 0)
        return command_fail("migrate.failed", "The migration cannot be made", &err);
    if (command_flags.json)
        return print_json(&created);
    struct text_buffer out = {.max = 16384};
    (void)text_buffer_printf(&out, "%s\n%s%s", created.up, created.down,
                             created.down[0] != '\0' ? "\n" : "");
    return command_print_text(&out);
}
