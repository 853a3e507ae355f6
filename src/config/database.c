/* See database.h. */
#include "config/database.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"

/* Names that liteinit and SQLite make beside the database are longer: "-journal", and
 * ".liteinit.state" with a temporary name's ending. */
#define LONGEST_ENDING 32

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes %XX in place. False on a broken one and on %00. */
static bool decode_percent(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        int high = hex_value(from[1]);
        int low = high < 0 ? -1 : hex_value(from[2]);
        if (low < 0 || high * 16 + low == 0)
            return false;
        *to++ = (char)(high * 16 + low);
        from += 2;
    }
    *to = '\0';
    return true;
}

/* Length of a scheme's name in front of ":", as RFC 3986 spells one; 0: there is none. */
static size_t scheme_length(const char *text)
{
    size_t n = 0;
    if (!isalpha((unsigned char)text[0]))
        return 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '+' || text[n] == '-' || text[n] == '.')
        n++;
    return text[n] == ':' ? n : 0;
}

static bool is_scheme(const char *text, size_t length, const char *scheme)
{
    return strlen(scheme) == length && strncasecmp(text, scheme, length) == 0;
}

static bool is_memory(const char *path, const char *query)
{
    return strcmp(path, ":memory:") == 0 || (query != NULL && strstr(query, "mode=memory") != NULL);
}

static int check_path(const char *path, const struct config_source *source, struct error *err)
{
    const char *name = fs_base_name(path);
    if (*path == '\0' || *name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        (void)config_source_fail(source, err, "the value names no file%s",
                                 *path != '\0' && *name == '\0' ? ", but a folder" : "");
        return config_source_example(source, err, NULL);
    }
    for (const char *at = path; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            return config_source_fail(source, err, "the path has a control character in it");
    if (strlen(path) > PATH_MAX - 64 || strlen(name) > NAME_MAX - LONGEST_ENDING) {
        (void)config_source_fail(source, err, "the path is too long");
        return error_hint(err,
                          "a path may have %d bytes and the file's name %d, since names with "
                          "endings are made beside it",
                          PATH_MAX - 64, NAME_MAX - LONGEST_ENDING);
    }
    return 0;
}

/* sqlite:///PATH, where `absolute` begins with one slash; see the header. */
static int check_certain(const char *absolute, const struct config_source *source,
                         enum config_database_kind *ret_kind, struct error *err)
{
    char folder[PATH_MAX];
    const char *relative = absolute + 1;
    *ret_kind = CONFIG_DATABASE_FILE;
    if (getcwd(folder, sizeof folder) == NULL || strcmp(folder, "/") == 0)
        return 0;
    struct stat one;
    struct stat other;
    bool has_absolute = stat(absolute, &one) == 0;
    bool has_relative = stat(relative, &other) == 0;
    if (has_absolute && has_relative && one.st_dev == other.st_dev && one.st_ino == other.st_ino)
        return 0;
    if (has_relative && !has_absolute) {
        (void)config_source_fail(
            source, err,
            "the value says sqlite:///…, which is %.300s for most tools; that is not "
            "there, but %.300s in this folder is",
            absolute, relative);
        return error_hint(err, "say which one the app uses, for example: LITEINIT_DB=%s/%s", folder,
                          relative);
    }
    if (has_relative || !has_absolute)
        *ret_kind = CONFIG_DATABASE_UNCERTAIN;
    return 0;
}

int config_database_parse(char *text, const struct config_source *source,
                          enum config_database_kind *ret_kind, char **ret_path, struct error *err)
{
    size_t scheme = scheme_length(text);
    bool is_file = is_scheme(text, scheme, "file");
    bool is_sqlite = is_scheme(text, scheme, "sqlite") || is_scheme(text, scheme, "sqlite3");
    enum config_database_kind kind = CONFIG_DATABASE_FILE;

    *ret_path = NULL;
    if (!is_file && !is_sqlite) {
        if (scheme > 1) {
            *ret_kind = CONFIG_DATABASE_OTHER;
            return 0;
        }
        if (is_memory(text, NULL)) {
            *ret_kind = CONFIG_DATABASE_MEMORY;
            return 0;
        }
        if (check_path(text, source, err) != 0)
            return -1;
        *ret_kind = kind;
        *ret_path = text;
        return 0;
    }

    char *path = text + scheme + 1;
    bool three_slashes = false;
    if (text_starts_with(path, "//")) {
        path += 2;
        if (is_file && strncasecmp(path, "localhost/", 10) == 0)
            path += 9;
        else if (is_file && *path != '/') {
            (void)config_source_fail(source, err,
                                     "after file:// comes a host's name, and only localhost is "
                                     "possible");
            return error_hint(err, "write file:PATH or file:///ABSOLUTE/PATH");
        }
        three_slashes = is_sqlite && path[0] == '/' && path[1] != '/';
    }
    while (path[0] == '/' && path[1] == '/')
        path++;

    path[strcspn(path, "#")] = '\0';
    char *query = strchr(path, '?');
    if (query != NULL)
        *query++ = '\0';
    if (!decode_percent(path)) {
        (void)config_source_fail(source, err,
                                 "the value has a %% without two hexadecimal digits after it");
        return error_hint(err, "a percent sign in a path is written %%25 in an address");
    }
    if (is_memory(path, query)) {
        *ret_kind = CONFIG_DATABASE_MEMORY;
        return 0;
    }
    if (check_path(path, source, err) != 0)
        return -1;
    if (three_slashes && check_certain(path, source, &kind, err) != 0)
        return -1;
    *ret_kind = kind;
    *ret_path = path;
    return 0;
}
