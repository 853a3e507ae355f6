/*
 * Migrations that are folders: diesel's and Prisma's. See internal.h.
 *
 * diesel: <version>_<name>/up.sql, down.sql, metadata.toml; the dashes of a version do not count
 * (https://docs.rs/diesel_migrations/latest/diesel_migrations/struct.FileBasedMigrations.html).
 * It orders versions as texts, and its dates have grown: 2024-01-15-093000 of one release is written
 * 2024-01-15-093000-0000 by a later one. As numbers all dates have the digits of the longest form.
 * Prisma: <version>_<name>/migration.sql, and migration_lock.toml beside the folders
 * (https://www.prisma.io/docs/orm/prisma-migrate/understanding-prisma-migrate/migration-histories);
 * a version is 14 digits, but for the one that people make by hand, 0_init.
 */
#include "layout/internal.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/text.h"

#define LOCK_FILE "migration_lock.toml"
#define LOCK_MAX ((size_t)64 << 10)
/* From so many digits on diesel's versions are dates. */
#define DATE_DIGITS 8

/* A folder's name taken apart. */
struct parts {
    int64_t version;
    char digits[24];
    const char *name;
};

static int refuse_name(const struct layout_reader *reader, const char *folder, const char *why,
                       struct error *err)
{
    struct error fault;
    layout_fault_set(&fault, ERROR_CONFIG, folder,
                     "the migration folder %s has no usable number: %s", folder, why);
    (void)error_hint(&fault,
                     "name it like 20240115093000_what_it_does, or move it away if it is no "
                     "migration");
    return layout_fault(reader, &fault, err);
}

/* NULL, or why the name cannot be used. */
static const char *take_apart(const char *folder, bool dashes, struct parts *ret_parts)
{
    struct parts parts = {.version = 0};
    size_t length = strcspn(folder, "_");
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        if (dashes && folder[i] == '-')
            continue;
        if (!isdigit((unsigned char)folder[i]))
            return "only digits may stand before the underscore";
        if (n + 1 >= sizeof parts.digits)
            return "it has too many digits";
        parts.digits[n++] = folder[i];
    }
    if (n == 0)
        return "it begins with no digit";
    if (!text_parse_int(parts.digits, 0, INT64_MAX, &parts.version))
        return "it is too large";
    parts.name = folder[length] == '_' ? folder + length + 1 : folder + length;
    *ret_parts = parts;
    return NULL;
}

/* The number of a version of diesel: what a date has fewer digits than the longest form is zeros.
 * False when it has more. */
static bool number_of_diesel(struct parts *parts)
{
    char digits[LAYOUT_DIESEL_DIGITS + 1];
    size_t n = strlen(parts->digits);
    if (n > LAYOUT_DIESEL_DIGITS)
        return false;
    if (n < DATE_DIGITS)
        return true;
    (void)memset(digits, '0', sizeof digits - 1);
    digits[sizeof digits - 1] = '\0';
    memcpy(digits, parts->digits, n);
    return text_parse_int(digits, 0, INT64_MAX, &parts->version);
}

static int refuse_empty(const struct layout_reader *reader, const char *folder, const char *file,
                        struct error *err)
{
    struct error fault;
    layout_fault_set(&fault, ERROR_CONFIG, folder, "the migration folder %s has no %s in it",
                     folder, file);
    (void)error_hint(&fault, "bring the file back, or remove the folder (one that was applied "
                             "already must stay)");
    return layout_fault(reader, &fault, err);
}

/* Adds one folder, whose files are `up_name` and down.sql. */
static int add_folder(struct layout_reader *reader, const char *folder, const char *up_name,
                      struct error *err)
{
    bool diesel = reader->folder.tool == LAYOUT_DIESEL;
    char up[NAME_MAX + 32];
    char down[NAME_MAX + 32];
    struct parts parts = {.version = 0};
    (void)snprintf(up, sizeof up, "%s/%s", folder, up_name);
    (void)snprintf(down, sizeof down, "%s/down.sql", folder);
    const char *why = take_apart(folder, diesel, &parts);
    if (why == NULL && diesel && !number_of_diesel(&parts))
        why = "it has more than 18 digits";
    if (why != NULL)
        return refuse_name(reader, folder, why, err);
    if (!layout_file_exists(reader->path, up))
        return refuse_empty(reader, folder, up_name, err);
    /* The tools write a down.sql that is only a comment; it takes nothing back. */
    bool back = layout_file_exists(reader->path, down) && !layout_file_is_blank(reader->path, down);
    struct layout_piece piece = {.version = parts.version,
                                 .label = diesel ? parts.digits : folder,
                                 .name = parts.name,
                                 .up = up,
                                 .down = back ? down : NULL};
    return layout_add(reader, &piece, err);
}

int layout_read_diesel(struct layout_reader *reader, struct error *err)
{
    for (size_t i = 0; i < reader->listing->count; i++) {
        const struct layout_entry *entry = &reader->listing->items[i];
        if (entry->folder && add_folder(reader, entry->name, "up.sql", err) != 0)
            return -1;
        if (!entry->folder && layout_has_suffix(entry->name, ".sql"))
            reader->folder.ignored++;
    }
    return 0;
}

/* The value of `provider = "…"` in the lock file; false when there is none. */
static bool provider_of(char *text, char *out, size_t size)
{
    char *rest = NULL;
    for (char *line = strtok_r(text, "\r\n", &rest); line != NULL;
         line = strtok_r(NULL, "\r\n", &rest)) {
        line += strspn(line, " \t");
        if (!text_starts_with(line, "provider"))
            continue;
        line += strlen("provider");
        line += strspn(line, " \t");
        if (*line != '=')
            continue;
        line++;
        line += strspn(line, " \t\"'");
        (void)snprintf(out, size, "%.*s", (int)strcspn(line, "\"' \t#"), line);
        return true;
    }
    return false;
}

/* Migrations that are written for another database are SQL that this one would misread. */
static int check_provider(const struct layout_reader *reader, struct error *err)
{
    char path[PATH_MAX];
    char provider[64] = "";
    cleanup_free char *text = NULL;
    size_t size = 0;
    if (!layout_file_exists(reader->path, LOCK_FILE))
        return 0;
    if (!layout_path(path, sizeof path, reader->path, LOCK_FILE) ||
        fs_read_file(path, LOCK_MAX, &text, &size, err) != 0)
        return -1;
    if (!provider_of(text, provider, sizeof provider) || strcmp(provider, "sqlite") == 0)
        return 0;
    struct error fault;
    layout_fault_set(&fault, ERROR_CONFIG, LOCK_FILE,
                     "the migrations are written for %s, as %s says: their SQL is not SQLite's",
                     provider, LOCK_FILE);
    (void)error_hint(&fault, "name the folder of the migrations for SQLite with --migrations");
    return layout_fault(reader, &fault, err);
}

int layout_read_prisma(struct layout_reader *reader, struct error *err)
{
    if (check_provider(reader, err) != 0)
        return -1;
    for (size_t i = 0; i < reader->listing->count; i++) {
        const struct layout_entry *entry = &reader->listing->items[i];
        if (entry->folder && add_folder(reader, entry->name, "migration.sql", err) != 0)
            return -1;
        if (!entry->folder && layout_has_suffix(entry->name, ".sql"))
            reader->folder.ignored++;
    }
    return 0;
}
