/*
 * Files whose names begin with their number: liteinit's own, golang-migrate's, sqlx's, dbmate's and
 * goose's. See internal.h.
 *
 * golang-migrate: {version}_{title}.up.sql and .down.sql, the version from 0
 * (https://github.com/golang-migrate/migrate/blob/master/MIGRATIONS.md).
 * sqlx: <version>_<description>.sql, .up.sql, .down.sql
 * (https://docs.rs/sqlx/latest/sqlx/migrate/trait.MigrationSource.html).
 * dbmate: <version>*.sql, goose: <version>_<name>.sql or .go; both directions are in one file.
 */
#include "layout/internal.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/text.h"
#include "layout/tokens.h"

/* A file name taken apart. */
struct parts {
    int64_t version;
    bool down;
    bool marked; /* .up or .down */
    char label[24];
    char name[NAME_MAX + 1];
};

static int bad_number(const struct layout_reader *reader, const char *file, const char *why,
                      struct error *err)
{
    struct error fault;
    layout_fault_set(&fault, ERROR_CONFIG, file, "the migration file %s has no usable number: %s",
                     file, why);
    (void)error_hint(&fault,
                     "name it like 007_what_it_does.sql, or move it out of the folder if it "
                     "is no migration");
    return layout_fault(reader, &fault, err);
}

/* Cuts `suffix` off the end of text, if it is there. */
static bool cut_suffix(char *text, const char *suffix)
{
    if (!layout_has_suffix(text, suffix))
        return false;
    text[strlen(text) - strlen(suffix)] = '\0';
    return true;
}

/* Whether the name carries the direction, as the tool has it. */
static void cut_direction(enum layout_tool tool, struct parts *parts)
{
    if (tool == LAYOUT_DBMATE || tool == LAYOUT_GOOSE)
        return;
    bool up = cut_suffix(parts->name, ".up");
    parts->down = !up && cut_suffix(parts->name, ".down");
    parts->marked = up || parts->down;
    if (tool == LAYOUT_LITEINIT && !parts->marked)
        parts->down = cut_suffix(parts->name, "_down");
}

/* Why the number cannot be used, or NULL. */
static const char *read_number(enum layout_tool tool, const char *file, size_t digits,
                               struct parts *parts)
{
    bool from_zero = tool == LAYOUT_GOLANG_MIGRATE || tool == LAYOUT_DBMATE;
    if (digits >= sizeof parts->label)
        return "it has too many digits";
    memcpy(parts->label, file, digits);
    parts->label[digits] = '\0';
    if (!text_parse_int(parts->label, 0, INT64_MAX, &parts->version))
        return "it is too large";
    if (parts->version == 0 && !from_zero)
        return "versions begin with 1";
    /* dbmate keeps the digits as they stand; to the others 007 is 7. */
    size_t zeros = strspn(parts->label, "0");
    if (zeros == digits && zeros > 0)
        zeros--;
    if (tool != LAYOUT_DBMATE)
        memmove(parts->label, parts->label + zeros, digits - zeros + 1);
    return NULL;
}

/* Whether the tool would take a file of this name, which ends in .sql and begins with a digit. */
static bool is_taken(enum layout_tool tool, const struct parts *parts)
{
    switch (tool) {
    case LAYOUT_GOLANG_MIGRATE:
        return parts->marked && parts->name[0] == '_';
    case LAYOUT_SQLX:
        return parts->name[0] == '_';
    default:
        return true;
    }
}

/* dbmate and goose: whether there is something behind the down marker. What is wrong with a file is
 * told when it is loaded. */
static bool has_down(const struct layout_reader *reader, const char *file)
{
    char path[PATH_MAX];
    struct error err;
    struct layout_sections sections;
    cleanup_free char *text = NULL;
    size_t size = 0;
    if (!layout_path(path, sizeof path, reader->path, file) ||
        fs_read_file(path, LAYOUT_FILE_MAX, &text, &size, &err) != 0 ||
        layout_sections_find(reader->folder.tool, file, text, size, &sections, &err) != 0)
        return false;
    size_t length = sections.end - sections.down;
    return layout_blank_length(text + sections.down, length) != length;
}

static int add_file(struct layout_reader *reader, const char *file, struct error *err)
{
    enum layout_tool tool = reader->folder.tool;
    struct parts parts = {.version = 0};
    size_t digits = strspn(file, "0123456789");
    /* The callers know that it ends in .sql. It is a name, not a path, and its room is NAME_MAX. */
    size_t length = strlen(file + digits) - strlen(".sql");
    if (length >= sizeof parts.name)
        length = sizeof parts.name - 1;
    memcpy(parts.name, file + digits, length);
    parts.name[length] = '\0';
    cut_direction(tool, &parts);
    if (!is_taken(tool, &parts)) {
        reader->folder.ignored++;
        return 0;
    }
    const char *why = read_number(tool, file, digits, &parts);
    if (why != NULL)
        return bad_number(reader, file, why, err);
    bool separated = parts.name[0] != '\0' && strchr("_-.", parts.name[0]) != NULL;
    bool free_form = tool == LAYOUT_DBMATE;
    if (parts.name[0] != '\0' && !separated && !free_form)
        return bad_number(reader, file, "after the number comes an underscore", err);

    bool both = tool == LAYOUT_DBMATE || tool == LAYOUT_GOOSE;
    struct layout_piece piece = {.version = parts.version,
                                 .label = parts.label,
                                 .name = separated ? parts.name + 1 : parts.name,
                                 .up = parts.down ? NULL : file,
                                 .down = parts.down ? file : NULL};
    if (both && has_down(reader, file))
        piece.down = file;
    /* sqlx writes a down file that is only a comment; it takes nothing back. */
    if (tool == LAYOUT_SQLX && parts.down && layout_file_is_blank(reader->path, file))
        return 0;
    return layout_add(reader, &piece, err);
}

int layout_read_numbered(struct layout_reader *reader, struct error *err)
{
    for (size_t i = 0; i < reader->listing->count; i++) {
        const char *file = reader->listing->items[i].name;
        bool number = isdigit((unsigned char)file[0]) != 0;
        int result = 0;
        if (layout_has_suffix(file, ".sql") && number)
            result = add_file(reader, file, err);
        else if (layout_has_suffix(file, ".sql"))
            reader->folder.ignored++;
        else if (reader->folder.tool == LAYOUT_GOOSE && number && layout_has_suffix(file, ".go") &&
                 !layout_has_suffix(file, "_test.go"))
            result = layout_fault_program(reader, file, "Go", err);
        if (result != 0)
            return -1;
    }
    return 0;
}
