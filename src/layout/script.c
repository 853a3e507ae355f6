/* See script.h. */
#include "layout/script.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/text.h"
#include "layout/internal.h"

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

/* Most are, and eight bytes at once are told as quickly as one. */
static bool is_ascii(const char *text, size_t size)
{
    uint64_t all = 0;
    size_t at = 0;
    for (; at + sizeof all <= size; at += sizeof all) {
        uint64_t word = 0;
        memcpy(&word, text + at, sizeof word);
        all |= word;
    }
    for (; at < size; at++)
        all |= (unsigned char)text[at];
    return (all & UINT64_C(0x8080808080808080)) == 0;
}

/* SQLite takes bytes that are no UTF-8 and keeps them, which the app finds much later. */
static int refuse_bytes(const char *file, const char *text, size_t size, struct error *err)
{
    int line = 1;
    size_t at = 0;
    if (is_ascii(text, size))
        return 0;
    while (at < size) {
        bool ascii = (unsigned char)text[at] < 0x80;
        size_t length = ascii ? 1 : text_utf8_length((const unsigned char *)text + at, size - at);
        if (length == 0) {
            (void)error_set(err, ERROR_DATA, 0,
                            "the migration %s is not UTF-8: byte 0x%02X in line %d", file,
                            (unsigned char)text[at], line);
            (void)snprintf(err->file, sizeof err->file, "%.255s", file);
            err->line = line;
            return error_hint(err, "save it as UTF-8 text (it may be written in an older code, "
                                   "such as Latin-1)");
        }
        line += text[at] == '\n';
        at += length;
    }
    return 0;
}

/* `dir`: the folder's descriptor, or -1. */
static int read_text(const struct layout_folder *folder, int dir, const char *file, char **ret_text,
                     size_t *ret_size, struct error *err)
{
    char path[PATH_MAX];
    cleanup_free char *text = NULL;
    size_t size = 0;
    if (dir < 0 && !layout_path(path, sizeof path, folder->path, file))
        return error_set(err, ERROR_CONFIG, ENAMETOOLONG, "migration %s", file);
    if (fs_read_file_at(dir < 0 ? AT_FDCWD : dir, dir < 0 ? path : file, LAYOUT_FILE_MAX, &text,
                        &size, err) != 0)
        return error_wrap(err, "migration %s", file);
    if (strlen(text) != size)
        return refuse_nul(file, text, err);
    if (refuse_bytes(file, text, size, err) != 0)
        return -1;
    *ret_text = text;
    *ret_size = size;
    text = NULL;
    return 0;
}

/* Run as it stands, such a file would be undone by its own second half. */
static int refuse_markers(const struct layout_script *script, struct error *err)
{
    int line = 0;
    enum layout_tool tool = layout_sections_tool(script->text, script->size, &line);
    if (tool == LAYOUT_DETECT)
        return 0;
    (void)layout_error_at(err, ERROR_CONFIG, script->file, line,
                          "this file is written for %s, which keeps the way up and the way down in "
                          "one file",
                          layout_tool_name(tool));
    return error_hint(err,
                      "nothing was run; put the part behind the down marker into a file of its "
                      "own that ends in _down.sql, and remove the markers; or, if the whole "
                      "folder is written for it, say --layout %s",
                      layout_tool_name(tool));
}

/* Line ends stay, so that places in the text are places in the file, and so does the mark of the
 * byte order. */
static void blank_out(char *text, size_t from, size_t to)
{
    if (from == 0 && to >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        from = 3;
    for (size_t i = from; i < to; i++)
        if (text[i] != '\n' && text[i] != '\r')
            text[i] = ' ';
}

/* Leaves one direction of a file of dbmate's or goose's. */
static int cut_out(struct layout_script *script, enum layout_tool tool,
                   enum layout_direction direction, struct error *err)
{
    struct layout_sections sections;
    if (layout_sections_find(tool, script->file, script->text, script->size, &sections, err) != 0)
        return -1;
    /* liteinit's words at the head of the file are meant for both directions. */
    if (layout_directives_read(script->file, script->text, sections.up, &script->directives, err) !=
        0)
        return -1;
    if (direction == LAYOUT_UP ? sections.up_no_transaction : sections.down_no_transaction)
        script->directives.no_transaction = true;
    if (direction == LAYOUT_UP) {
        blank_out(script->text, 0, sections.up);
        blank_out(script->text, sections.down, sections.end);
    } else {
        blank_out(script->text, 0, sections.down);
    }
    script->cut = true;
    return 0;
}

static int complete(struct layout_script *script, struct error *err)
{
    struct layout_directives own;
    layout_checksum(script->text, script->size, script->checksum);
    if (layout_directives_read(script->file, script->text, script->size, &own, err) != 0)
        return -1;
    layout_directives_add(&script->directives, &own);
    return 0;
}

static int load(const struct layout_folder *folder, int dir, enum layout_direction direction,
                struct layout_script *script, struct error *err)
{
    if (read_text(folder, dir, script->file, &script->text, &script->size, err) != 0)
        return -1;
    if (folder->tool == LAYOUT_DBMATE || folder->tool == LAYOUT_GOOSE)
        return cut_out(script, folder->tool, direction, err);
    if (refuse_markers(script, err) != 0)
        return -1;
    return layout_extras(folder, script->file, script->text, script->size, &script->directives,
                         err);
}

int layout_script_load(const struct layout_folder *folder, const struct layout_migration *migration,
                       enum layout_direction direction, struct layout_script *ret_script,
                       struct error *err)
{
    return layout_script_load_at(folder, -1, migration, direction, ret_script, err);
}

int layout_script_load_at(const struct layout_folder *folder, int dir,
                          const struct layout_migration *migration, enum layout_direction direction,
                          struct layout_script *ret_script, struct error *err)
{
    const char *file = direction == LAYOUT_UP ? migration->up : migration->down;
    struct layout_script script = {.file = strdup(file)};
    int result = 0;
    if (script.file == NULL)
        result = error_set(err, ERROR_IO, ENOMEM, "cannot read the migration %s", file);
    if (result == 0)
        result = load(folder, dir, direction, &script, err);
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
    if (script.file == NULL || script.text == NULL) {
        result = error_set(err, ERROR_IO, ENOMEM, "cannot read the migration %s", file);
    } else {
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

static size_t mark_length(const char *text)
{
    return text_starts_with(text, "\xEF\xBB\xBF") ? 3 : 0;
}

struct span {
    const char *text;
    size_t size;
    bool closed; /* false: it ends in a quote or comment that does not */
};

/* A script's text without the blanks around it. White space in a quote that is never ended is none. */
static struct span trimmed(const struct layout_script *script)
{
    struct span span = {.text = script->text + mark_length(script->text), .closed = true};
    span.text += strspn(span.text, " \t\r\n\f");
    size_t left = strlen(span.text);
    for (size_t at = 0; at < left;) {
        struct layout_token token = layout_token_next(span.text + at, left - at);
        at += token.size;
        span.closed = token.closed;
        if (token.kind != LAYOUT_TOKEN_SPACE)
            span.size = at;
    }
    return span;
}

char *layout_script_keep(const struct layout_script *script)
{
    char line[LAYOUT_DIRECTIVES_LINE];
    char *kept = NULL;
    struct error err;
    struct layout_directives said = {.irreversible = false};
    /* It was read when the script was loaded, so it cannot fail now. */
    (void)layout_directives_read(script->file, script->text, script->size, &said, &err);
    layout_directives_write(&script->directives, &said, line);
    if (!script->cut && line[0] == '\0')
        return strdup(script->text);
    struct span span = trimmed(script);
    /* A byte order mark is one at the very start alone, and there this one was not. */
    const char *first = line[0] == '\0' && mark_length(span.text) > 0 ? "\n" : "";
    if (asprintf(&kept, "%s%s%.*s%s", line, first, (int)span.size, span.text,
                 span.closed ? "\n" : "") < 0)
        return NULL;
    return kept;
}

bool layout_script_is_blank(const struct layout_script *script)
{
    size_t at = layout_blank_length(script->text, script->size);
    while (at < script->size && script->text[at] == ';') {
        at++;
        at += layout_blank_length(script->text + at, script->size - at);
    }
    return at == script->size;
}

int layout_script_keep_down(const struct layout_folder *folder,
                            const struct layout_migration *migration,
                            const struct layout_script *up, char **ret_text, struct error *err)
{
    struct layout_script down;
    if (migration->down == NULL || up->directives.irreversible) {
        *ret_text = NULL;
        return 0;
    }
    if (layout_script_load(folder, migration, LAYOUT_DOWN, &down, err) != 0)
        return -1;
    bool blank = layout_script_is_blank(&down);
    char *text = blank ? NULL : layout_script_keep(&down);
    layout_script_free(&down);
    if (text == NULL && !blank)
        return error_set(err, ERROR_IO, ENOMEM, "cannot keep the way back of %s", migration->up);
    *ret_text = text;
    return 0;
}

void layout_script_free(struct layout_script *script)
{
    free(script->file);
    free(script->text);
    *script = (struct layout_script){.file = NULL};
}
