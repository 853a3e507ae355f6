/* See create.h. */
#include "layout/create.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "layout/folder.h"

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

/* How many digits the newest number is written with. */
static int width_of(const struct layout_migration *newest)
{
    size_t start = strcspn(newest->up, "0123456789");
    return (int)strspn(newest->up + start, "0123456789");
}

static void next_number(const struct layout_folder *folder, char *out, size_t size)
{
    const struct layout_migration *newest = NULL;
    for (size_t i = 0; i < folder->count; i++)
        if (!folder->migrations[i].repeatable)
            newest = &folder->migrations[i];
    bool dates = folder->tool == LAYOUT_DIESEL || folder->tool == LAYOUT_DBMATE ||
                 (newest != NULL && newest->version >= FIRST_DATE);
    if (dates) {
        int ms = 0;
        struct tm tm = {.tm_mday = 1};
        time_t now = clock_utc(&ms);
        (void)gmtime_r(&now, &tm);
        (void)strftime(out, size,
                       folder->tool == LAYOUT_DIESEL ? "%Y-%m-%d-%H%M%S" : "%Y%m%d%H%M%S", &tm);
        return;
    }
    int width = newest != NULL ? width_of(newest) : 3;
    (void)snprintf(out, size, "%0*" PRId64, width, newest != NULL ? newest->version + 1 : 1);
}

static int write_file(const char *path, const char *text, struct error *err)
{
    cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return error_set(err, error_kind_of_errno(errno), errno, "cannot make %s", path);
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
    if (write_file(created->up, pattern->up_text, err) != 0)
        return -1;
    if (pattern->down == NULL || write_file(created->down, pattern->down_text, err) == 0)
        return 0;
    (void)unlink(created->up);
    return -1;
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
    const struct pattern *pattern = pattern_of(read.tool);
    next_number(&read, number, sizeof number);
    const enum layout_tool found = read.tool;
    layout_folder_free(&read);
    if (pattern == NULL)
        return refuse_tool(found, err);
    if (make_files(folder, pattern, number, clean, &created, err) != 0)
        return -1;
    *ret_created = created;
    return 0;
}
