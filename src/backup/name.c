/* See name.h. */
#include "backup/name.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"

#define REMEDY "for example: --backup-name {date}_{time}{ext}"

struct values {
    char db[NAME_MAX + 1];
    char stem[NAME_MAX + 1];
    char ext[NAME_MAX + 1];
    char date[16];
    char time[16];
    char iso[40];
    char version[24];
};

/* A hidden database (.app.db) has backups that can be seen. */
static const char *visible_name(const char *path)
{
    const char *name = fs_base_name(path);
    return name + strspn(name, ".");
}

static void fill_values(const struct backup_name_parts *parts, struct values *values)
{
    struct tm tm = {.tm_mday = 1};
    (void)snprintf(values->db, sizeof values->db, "%s", visible_name(parts->db));
    (void)snprintf(values->stem, sizeof values->stem, "%s", values->db);
    char *dot = strrchr(values->stem, '.');
    values->ext[0] = '\0';
    if (dot != NULL && dot != values->stem) {
        (void)snprintf(values->ext, sizeof values->ext, "%s", dot);
        *dot = '\0';
    }
    (void)gmtime_r(&parts->when, &tm);
    (void)strftime(values->date, sizeof values->date, "%Y-%m-%d", &tm);
    (void)strftime(values->time, sizeof values->time, "%H-%M-%S", &tm);
    char second[24];
    (void)strftime(second, sizeof second, "%Y-%m-%dT%H-%M-%S", &tm);
    (void)snprintf(values->iso, sizeof values->iso, "%s-%03dZ", second, parts->ms);
    (void)snprintf(values->version, sizeof values->version, "%lld", (long long)parts->version);
}

static const char *value_of(const char *token, size_t length, const struct values *values,
                            const struct backup_name_parts *parts)
{
    const struct {
        const char *name;
        const char *value;
    } table[] = {{"stem", values->stem},    {"ext", values->ext}, {"date", values->date},
                 {"time", values->time},    {"iso", values->iso}, {"version", values->version},
                 {"reason", parts->reason}, {"db", values->db}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strlen(table[i].name) == length && strncmp(table[i].name, token, length) == 0)
            return table[i].value;
    return NULL;
}

/* Puts "-2" before the extension of the database, or at the end when it is not there. */
static void number_name(char name[NAME_MAX + 1], const char *ext, int sequence)
{
    size_t length = strlen(name);
    size_t tail = strlen(ext);
    char copy[NAME_MAX + 1];
    (void)snprintf(copy, sizeof copy, "%s", name);
    if (tail > length || strcmp(copy + length - tail, ext) != 0)
        tail = 0;
    (void)snprintf(name, NAME_MAX + 1, "%.*s-%d%s", (int)(length - tail), copy, sequence,
                   copy + length - tail);
}

int backup_name_expand(const char *pattern, const struct backup_name_parts *parts, int sequence,
                       char out[NAME_MAX + 1], struct error *err)
{
    struct values values;
    size_t n = 0;
    fill_values(parts, &values);
    for (const char *at = pattern; *at != '\0';) {
        const char *close = *at == '{' ? strchr(at, '}') : NULL;
        const char *piece = at;
        size_t length = 1;
        if (close != NULL) {
            piece = value_of(at + 1, (size_t)(close - at) - 1, &values, parts);
            if (piece == NULL) {
                (void)error_set(err, ERROR_CONFIG, 0, "backup_name: unknown token %.*s",
                                (int)(close - at) + 1, at);
                return error_hint(err, REMEDY);
            }
            length = strlen(piece);
        }
        /* Room for the sequence number, the manifest's ".json" and a temporary name's ending. */
        if (n + length > NAME_MAX - 48) {
            (void)error_set(err, ERROR_CONFIG, 0, "backup_name: the name is too long");
            return error_hint(err, REMEDY);
        }
        memcpy(out + n, piece, length);
        n += length;
        at = close != NULL ? close + 1 : at + 1;
    }
    out[n] = '\0';
    if (n == 0 || out[0] == '.' || strchr(out, '/') != NULL) {
        (void)error_set(err, ERROR_CONFIG, 0,
                        "backup_name: \"%s\" is not usable as the name of a file", out);
        return error_hint(err, REMEDY);
    }
    if (sequence > 1)
        number_name(out, values.ext, sequence);
    return 0;
}
