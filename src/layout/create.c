/* See create.h. */
#include "layout/create.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/text.h"
#include "layout/folder.h"
#include "layout/internal.h"

#define NAME_SIZE 128
/* From here on a number is a date: 2001-01-01 00:00 as yyyymmddhhmm. */
#define FIRST_DATE INT64_C(200101010000)

#define UP_TEXT "-- What this changes, and why.\n\n"
#define DOWN_TEXT                                                                                  \
    "-- The way back: what the up file made goes, and what it changed is as before.\n\n"

/* What the names of one layout are made of. %s is the number, then the name. */
static const struct pattern {
    enum layout_tool tool;
    const char *up;
    const char *down; /* NULL: no file of its own */
    const char *up_text;
    const char *down_text;
} patterns[] = {
    {LAYOUT_LITEINIT, "%s_%s.sql", "%s_%s_down.sql", UP_TEXT, DOWN_TEXT},
    {LAYOUT_GOLANG_MIGRATE, "%s_%s.up.sql", "%s_%s.down.sql", UP_TEXT, DOWN_TEXT},
    {LAYOUT_SQLX, "%s_%s.up.sql", "%s_%s.down.sql", UP_TEXT, DOWN_TEXT},
    {LAYOUT_DBMATE, "%s_%s.sql", NULL, "-- migrate:up\n\n-- migrate:down\n\n", NULL},
    {LAYOUT_GOOSE, "%s_%s.sql", NULL, "-- +goose Up\n\n-- +goose Down\n\n", NULL},
    {LAYOUT_FLYWAY, "V%s__%s.sql", "U%s__%s.sql", UP_TEXT, DOWN_TEXT},
    {LAYOUT_REFINERY, "V%s__%s.sql", NULL, UP_TEXT, NULL},
    {LAYOUT_DIESEL, "%s_%s/up.sql", "%s_%s/down.sql", UP_TEXT, DOWN_TEXT},
};

static const struct pattern *pattern_of(enum layout_tool tool)
{
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        if (patterns[i].tool == tool)
            return &patterns[i];
    return NULL;
}

static bool ends_in_down(const char *name)
{
    size_t length = strlen(name);
    return length >= 5 && strcasecmp(name + length - 5, "_down") == 0;
}

static int clean_name(const char *name, char out[NAME_SIZE], struct error *err)
{
    size_t n = 0;
    bool usable = false;
    for (; *name != '\0' && n + 1 < NAME_SIZE; name++) {
        const unsigned char c = (unsigned char)*name;
        bool plain = c < 0x80 && (isalnum(c) || c == '-' || c == '_');
        usable = usable || (c < 0x80 && isalnum(c));
        if (!plain && c != ' ') {
            (void)error_set(err, ERROR_USAGE, 0, "\"%.60s\" in the migration's name is not usable",
                            name);
            return error_hint(err, "letters, digits, - and _: liteinit new add_prices");
        }
        out[n++] = c == ' ' ? '_' : (char)c;
    }
    out[n] = '\0';
    if (usable && *name == '\0')
        return 0;
    (void)error_set(err, ERROR_USAGE, 0, "the migration's name is %s",
                    usable ? "too long" : "empty");
    return error_hint(err, "say what it does: liteinit new add_prices");
}

/* The whole number of a version: of Flyway's 1.2 it is the part before the dots, since its number
 * holds all four parts. */
static int64_t whole_of(enum layout_tool tool, const struct layout_migration *newest)
{
    char digits[24];
    int64_t whole = newest->version;
    size_t length = strspn(newest->label, "0123456789");
    if (tool == LAYOUT_FLYWAY && length < sizeof digits) {
        (void)snprintf(digits, sizeof digits, "%.*s", (int)length, newest->label);
        (void)text_parse_int(digits, 0, INT64_MAX, &whole);
    }
    return whole;
}

/* How many digits the newest number is written with. */
static int width_of(const struct layout_migration *newest)
{
    const char *name = fs_base_name(newest->up);
    return (int)strspn(name + strcspn(name, "0123456789"), "0123456789");
}

/* The moment, but behind the newest one: two in one second, or a clock that was set back, must not
 * give one number twice or a late one. */
static void next_date(enum layout_tool tool, int64_t newest, char *out, size_t size)
{
    int ms = 0;
    int64_t number = 0;
    struct tm tm = {.tm_mday = 1};
    time_t now = clock_utc(&ms);
    (void)gmtime_r(&now, &tm);
    (void)strftime(out, size, tool == LAYOUT_DIESEL ? "%Y%m%d%H%M%S0000" : "%Y%m%d%H%M%S", &tm);
    if (text_parse_int(out, 0, INT64_MAX, &number) && number <= newest)
        (void)snprintf(out, size, "%" PRId64, newest + 1);
    /* Diesel takes the dashes out again. */
    if (tool == LAYOUT_DIESEL && strlen(out) == LAYOUT_DIESEL_DIGITS) {
        char plain[32];
        (void)snprintf(plain, sizeof plain, "%s", out);
        (void)snprintf(out, size, "%.4s-%.2s-%.2s-%.6s-%.4s", plain, plain + 4, plain + 6,
                       plain + 8, plain + 14);
    }
}

static int next_number(const struct layout_folder *folder, char *out, size_t size,
                       struct error *err)
{
    const struct layout_migration *newest = NULL;
    for (size_t i = 0; i < folder->count; i++)
        if (!folder->migrations[i].repeatable)
            newest = &folder->migrations[i];
    const int64_t whole = newest != NULL ? whole_of(folder->tool, newest) : 0;
    if (whole == INT64_MAX) {
        (void)error_set(err, ERROR_CONFIG, 0, "%.255s has the largest number there is", newest->up);
        return error_hint(err, "give it a smaller one");
    }
    if (folder->tool == LAYOUT_DIESEL || folder->tool == LAYOUT_DBMATE || whole >= FIRST_DATE)
        next_date(folder->tool, whole, out, size);
    else
        (void)snprintf(out, size, "%0*" PRId64, newest != NULL ? width_of(newest) : 3, whole + 1);
    return 0;
}

static int write_file(const char *path, const char *text, struct error *err)
{
    cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) {
        int sys = errno;
        (void)error_set(err, error_kind_of_errno(sys), sys, "cannot make %s", path);
        if (sys == EACCES || sys == EROFS)
            return error_hint(err, "make migrations where the app's sources are, not in its "
                                   "container: liteinit new NAME --migrations FOLDER");
        return -1;
    }
    if (fs_write_all(fd, text, strlen(text)) == 0)
        return 0;
    int sys = errno;
    (void)unlink(path);
    return error_set(err, error_kind_of_errno(sys), sys, "cannot write %s", path);
}

static int make_path(const char *folder, const char *format, const char *number, const char *name,
                     char out[PATH_MAX], struct error *err)
{
    char file[NAME_MAX + 1];
    /* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral): of the table above */
    int n = snprintf(file, sizeof file, format, number, name);
    int m = snprintf(out, PATH_MAX, "%s/%s", folder, file);
    if (n > 0 && (size_t)n < sizeof file && m > 0 && m < PATH_MAX)
        return 0;
    return error_set(err, ERROR_CONFIG, ENAMETOOLONG, "cannot make a migration in %s", folder);
}

static int make_files(const char *folder, const struct pattern *pattern, const char *number,
                      const char *name, struct layout_created *created, struct error *err)
{
    char dir[PATH_MAX];
    if (make_path(folder, pattern->up, number, name, created->up, err) != 0 ||
        (pattern->down != NULL &&
         make_path(folder, pattern->down, number, name, created->down, err) != 0))
        return -1;
    fs_dir_name(created->up, dir, sizeof dir);
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        return error_set(err, error_kind_of_errno(errno), errno, "cannot make the folder %s", dir);
    int result = write_file(created->up, pattern->up_text, err);
    if (result == 0 && pattern->down != NULL) {
        result = write_file(created->down, pattern->down_text, err);
        if (result != 0)
            (void)unlink(created->up);
    }
    /* The migration's own folder; one with something in it stays. */
    if (result != 0 && strcmp(dir, folder) != 0)
        (void)rmdir(dir);
    return result;
}

static int refuse_tool(enum layout_tool tool, struct error *err)
{
    (void)error_set(err, ERROR_CONFIG, 0, "a migration of %s is made by its own tool",
                    layout_tool_name(tool));
    return error_hint(err, "let it write the folder; liteinit reads it as it is");
}

int layout_create(const char *folder, enum layout_tool tool, const char *name,
                  struct layout_created *ret_created, struct error *err)
{
    struct layout_folder read = {.count = 0};
    struct layout_created created = {.down = ""};
    char clean[NAME_SIZE];
    char number[32];
    if (clean_name(name, clean, err) != 0 ||
        (tool != LAYOUT_DETECT && pattern_of(tool) == NULL && refuse_tool(tool, err) != 0))
        return -1;
    /* A folder of liteinit's own is made with its first migration. */
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return error_set(err, error_kind_of_errno(errno), errno, "cannot make the folder %s",
                         folder);
    if (layout_folder_read(folder, tool, NULL, &read, err) != 0)
        return -1;
    const enum layout_tool found = read.tool;
    const struct pattern *pattern = pattern_of(found);
    int result = next_number(&read, number, sizeof number, err);
    layout_folder_free(&read);
    if (pattern == NULL)
        return refuse_tool(found, err);
    if (result != 0)
        return -1;
    /* It would be read as the way back of a migration that is not there. */
    if (found == LAYOUT_LITEINIT && ends_in_down(clean)) {
        (void)error_set(err, ERROR_USAGE, 0,
                        "the migration's name ends in _down, which marks a way back");
        return error_hint(err, "say what it does in other words; its way back is made with it");
    }
    if (make_files(folder, pattern, number, clean, &created, err) != 0)
        return -1;
    *ret_created = created;
    return 0;
}
