/* See script.h. */
#include "layout/script.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"

static int refuse_nul(const char *file, const char *text, struct error *err)
{
    int line = 1;
    for (size_t i = 0; text[i] != '\0'; i++)
        line += text[i] == '\n';
    (void)error_set(err, ERROR_DATA, 0, "the migration %s holds a NUL byte in line %d", file, line);
    (void)snprintf(err->file, sizeof err->file, "%.255s", file);
    err->line = line;
    return error_hint(err, "save it as UTF-8 text (an editor may have written UTF-16)");
}

static int read_text(const struct layout_folder *folder, const char *file, char **ret_text,
                     size_t *ret_size, struct error *err)
{
    char path[PATH_MAX];
    cleanup_free char *text = NULL;
    size_t size = 0;
    int n = snprintf(path, sizeof path, "%s/%s", folder->path, file);
    if (n < 0 || (size_t)n >= sizeof path)
        return error_set(err, ERROR_CONFIG, ENAMETOOLONG, "migration %s", file);
    if (fs_read_file(path, LAYOUT_FILE_MAX, &text, &size, err) != 0)
        return error_wrap(err, "migration %s", file);
    if (strlen(text) != size)
        return refuse_nul(file, text, err);
    *ret_text = text;
    *ret_size = size;
    text = NULL;
    return 0;
}

static int complete(struct layout_script *script, struct error *err)
{
    layout_checksum(script->text, script->size, script->checksum);
    return layout_directives_read(script->file, script->text, script->size, &script->directives,
                                  err);
}

int layout_script_load(const struct layout_folder *folder, const struct layout_migration *migration,
                       enum layout_direction direction, struct layout_script *ret_script,
                       struct error *err)
{
    const char *file = direction == LAYOUT_UP ? migration->up : migration->down;
    struct layout_script script = {.file = strdup(file)};
    int result = 0;
    if (script.file == NULL)
        result = error_set(err, ERROR_IO, ENOMEM, "cannot read the migration %s", file);
    if (result == 0)
        result = read_text(folder, file, &script.text, &script.size, err);
    if (result == 0)
        result = complete(&script, err);
    if (result != 0) {
        layout_script_free(&script);
        return -1;
    }
    *ret_script = script;
    return 0;
}

int layout_script_recall(const char *file, const char *text, struct layout_script *ret_script,
                         struct error *err)
{
    struct layout_script script = {.file = strdup(file), .text = strdup(text)};
    int result = 0;
    if (script.file == NULL || script.text == NULL)
        result = error_set(err, ERROR_IO, ENOMEM, "cannot read the migration %s", file);
    if (result == 0) {
        script.size = strlen(script.text);
        result = complete(&script, err);
    }
    if (result != 0) {
        layout_script_free(&script);
        return -1;
    }
    *ret_script = script;
    return 0;
}

char *layout_script_keep(const struct layout_script *script)
{
    return strdup(script->text);
}

void layout_script_free(struct layout_script *script)
{
    free(script->file);
    free(script->text);
    *script = (struct layout_script){.file = NULL};
}
