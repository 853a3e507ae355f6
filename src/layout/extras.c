/*
 * What a tool lets a migration say about how it is run, outside the SQL. See internal.h.
 *
 * sqlx: a file whose text begins with `-- no-transaction`
 * (https://docs.rs/sqlx/latest/sqlx/macro.migrate.html).
 * diesel: run_in_transaction = false in metadata.toml.
 * Flyway: executeInTransaction=false in FILE.conf
 * (https://documentation.red-gate.com/flyway/flyway-concepts/migrations/script-configuration-files).
 */
#include "layout/internal.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/text.h"
#include "layout/tokens.h"

#define EXTRA_MAX ((size_t)64 << 10)

/* Reads `key = value` at a line's start; 1 for true, 0 for false, -1 when the line is another one,
 * -2 when the value is neither. */
static int read_flag(const char *line, const char *key)
{
    size_t length = strlen(key);
    line += strspn(line, " \t");
    if (strncmp(line, key, length) != 0)
        return -1;
    line += length;
    line += strspn(line, " \t");
    if (*line != '=' && *line != ':')
        return -1;
    line++;
    line += strspn(line, " \t");
    size_t word = strcspn(line, " \t#");
    if (word == 4 && strncasecmp(line, "true", 4) == 0)
        return 1;
    return word == 5 && strncasecmp(line, "false", 5) == 0 ? 0 : -2;
}

/* The value of a key in a file beside the migration, 1 when the key or the file is not there. */
static int flag_of(const struct layout_folder *folder, const char *file, const char *key,
                   bool *ret_value, struct error *err)
{
    char path[PATH_MAX];
    cleanup_free char *text = NULL;
    size_t size = 0;
    *ret_value = true;
    if (!layout_file_exists(folder->path, file))
        return 0;
    if (!layout_path(path, sizeof path, folder->path, file) ||
        fs_read_file(path, EXTRA_MAX, &text, &size, err) != 0)
        return -1;
    int number = 1;
    for (char *line = text; line != NULL; number++) {
        char *next = strchr(line, '\n');
        if (next != NULL)
            *next++ = '\0';
        line[strcspn(line, "\r")] = '\0';
        int flag = read_flag(line, key);
        if (flag == -2) {
            (void)layout_error_at(err, ERROR_DATA, file, number,
                                  "the value of %s is neither true nor false", key);
            return error_hint(err, "write %s = true or %s = false", key, key);
        }
        if (flag >= 0)
            *ret_value = flag == 1;
        line = next;
    }
    return 0;
}

static int read_diesel(const struct layout_folder *folder, const char *file,
                       struct layout_directives *directives, struct error *err)
{
    char metadata[NAME_MAX + 32];
    bool transaction = true;
    (void)snprintf(metadata, sizeof metadata, "%.*s/metadata.toml", (int)strcspn(file, "/"), file);
    if (flag_of(folder, metadata, "run_in_transaction", &transaction, err) != 0)
        return -1;
    directives->no_transaction = directives->no_transaction || !transaction;
    return 0;
}

/* Where "${" stands outside comments, or SIZE_MAX. */
static size_t find_placeholder(const char *text, size_t size)
{
    size_t at = 0;
    if (memmem(text, size, "${", 2) == NULL)
        return SIZE_MAX;
    while (at < size) {
        struct layout_token token = layout_token_next(text + at, size - at);
        /* Outside quotes the "$" is a word of its own, before the "{". */
        size_t room = token.kind == LAYOUT_TOKEN_WORD && at + token.size < size ? 1 : 0;
        const char *found = token.kind != LAYOUT_TOKEN_COMMENT
                                ? memmem(text + at, token.size + room, "${", 2)
                                : NULL;
        if (found != NULL)
            return (size_t)(found - text);
        at += token.size;
    }
    return SIZE_MAX;
}

static int read_flyway(const struct layout_folder *folder, const char *file, const char *text,
                       size_t size, struct layout_directives *directives, struct error *err)
{
    char conf[PATH_MAX];
    bool transaction = true;
    bool replaced = true;
    int n = snprintf(conf, sizeof conf, "%s.conf", file);
    if (n < 0 || (size_t)n >= sizeof conf)
        return error_set(err, ERROR_CONFIG, ENAMETOOLONG, "%s", file);
    if (flag_of(folder, conf, "executeInTransaction", &transaction, err) != 0 ||
        flag_of(folder, conf, "placeholderReplacement", &replaced, err) != 0)
        return -1;
    directives->no_transaction = directives->no_transaction || !transaction;
    size_t at = replaced ? find_placeholder(text, size) : SIZE_MAX;
    if (at == SIZE_MAX)
        return 0;
    int line = 0;
    int column = 0;
    layout_place_of(text, at, &line, &column);
    (void)layout_error_at(
        err, ERROR_CONFIG, file, line,
        "Flyway would put a value of its configuration in the place of this ${…}, "
        "which liteinit does not know");
    err->column = column;
    return error_hint(err,
                      "write the value into the file; where ${ is meant as it stands, say "
                      "placeholderReplacement=false in %.200s; if the folder is refinery's, say "
                      "--layout refinery",
                      conf);
}

int layout_extras(const struct layout_folder *folder, const char *file, const char *text,
                  size_t size, struct layout_directives *directives, struct error *err)
{
    static const char no_transaction[] = "-- no-transaction";
    switch (folder->tool) {
    case LAYOUT_SQLX:
        if (text_starts_with(text, no_transaction))
            directives->no_transaction = true;
        return 0;
    case LAYOUT_DIESEL:
        return read_diesel(folder, file, directives, err);
    case LAYOUT_FLYWAY:
        return read_flyway(folder, file, text, size, directives, err);
    default:
        return 0;
    }
}
