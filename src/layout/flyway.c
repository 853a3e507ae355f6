/*
 * Flyway's and refinery's names. See internal.h.
 *
 * Flyway (https://documentation.red-gate.com/flyway/flyway-concepts/migrations): V1.2__what.sql is
 * applied, U1.2__what.sql takes it back, R__what.sql is repeated whenever it changes, after all
 * others; folders inside are looked into. A version is numbers with "." or "_" between them, in
 * which zeros at the end do not count. As a number it is itself where all versions of the folder
 * have one part, else its four parts, each with room for four digits.
 * refinery (https://docs.rs/refinery): V1__what.sql and U1__what.sql are both applied, in the order
 * of their numbers; U says that it may come late.
 */
#include "layout/internal.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"

#define PARTS_MAX 4
#define PART_LIMIT INT64_C(10000)
#define FIRST_LIMIT INT64_C(9000000)

static const struct {
    const char *suffix;
    const char *language; /* NULL: SQL */
} endings[] = {
    {".sql", NULL},
    {".java", "Java"},
    {".class", "Java"},
    {".kt", "Kotlin"},
    {".rs", "Rust"},
    {".py", "Python"},
    {".groovy", "Groovy"},
    {".sh", "shell"},
    {".bash", "shell"},
    {".ps1", "PowerShell"},
    {".cmd", "batch commands"},
    {".bat", "batch commands"},
};

/* What Flyway calls around its migrations
 * (https://documentation.red-gate.com/flyway/flyway-concepts/callback-concept). */
static const char *const callbacks[] = {
    "beforeMigrate",
    "afterMigrate",
    "beforeEachMigrate",
    "afterEachMigrate",
    "beforeVersioned",
    "afterVersioned",
    "beforeRepeatables",
    "afterRepeatables",
    "beforeEachMigrateStatement",
    "afterEachMigrateStatement",
};

/* A file name taken apart. */
struct parts {
    const char *file;
    char prefix;
    char description[NAME_MAX + 1];
    char label[64];
    int64_t numbers[PARTS_MAX];
    size_t count;   /* of numbers, without zeros at the end */
    size_t written; /* as many as the name has */
};

/* The ending of a name, or NULL when it is none of a migration. */
static const char *ending_of(const char *name, const char **ret_language)
{
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (layout_has_suffix(name, endings[i].suffix)) {
            *ret_language = endings[i].language;
            return name + strlen(name) - strlen(endings[i].suffix);
        }
    return NULL;
}

bool layout_flyway_name(const char *file, const char *prefixes, const char **ret_language)
{
    const char *name = fs_base_name(file);
    if (name[0] == '\0' || strchr(prefixes, name[0]) == NULL)
        return false;
    const char *end = ending_of(name, ret_language);
    if (end == NULL)
        return false;
    if (name[0] == 'R')
        return text_starts_with(name, "R__");
    if (!isdigit((unsigned char)name[1]))
        return false;
    const char *at = name + 1 + strspn(name + 1, "0123456789.");
    while (*at == '_' && isdigit((unsigned char)at[1]))
        at += 1 + strspn(at + 1, "0123456789.");
    /* The dot of the ending was taken along. */
    return at >= end || text_starts_with(at, "__");
}

static int refuse_name(const struct layout_reader *reader, const char *file, const char *why,
                       struct error *err)
{
    struct error fault;
    layout_fault_set(&fault, ERROR_CONFIG, file, "the migration file %s has no usable version: %s",
                     file, why);
    (void)error_hint(&fault,
                     "name it like V7__what_it_does.sql, or move it out of the folder if it "
                     "is no migration");
    return layout_fault(reader, &fault, err);
}

/* Reads the numbers of the version. NULL, or why there is none. */
static const char *read_version(const char *text, size_t length, struct parts *parts)
{
    char number[24];
    size_t at = 0;
    if (length >= sizeof parts->label)
        return "it is too long";
    while (at < length) {
        size_t digits = strspn(text + at, "0123456789");
        if (digits == 0 || digits >= sizeof number)
            return digits == 0 ? "a part of it is no number" : "it has too many digits";
        (void)snprintf(number, sizeof number, "%.*s", (int)digits, text + at);
        int64_t value = 0;
        if (!text_parse_int(number, 0, INT64_MAX, &value))
            return "it is too large";
        if (parts->written < PARTS_MAX)
            parts->numbers[parts->written] = value;
        else if (value != 0)
            return "it has more than four parts";
        parts->written++;
        at += digits;
        if (at < length && ++at == length)
            return "a part of it is missing";
    }
    parts->count = parts->written < PARTS_MAX ? parts->written : PARTS_MAX;
    while (parts->count > 1 && parts->numbers[parts->count - 1] == 0)
        parts->count--;
    (void)snprintf(parts->label, sizeof parts->label, "%.*s", (int)length, text);
    for (char *c = parts->label; *c != '\0'; c++)
        if (*c == '_')
            *c = '.';
    return parts->written > 0 ? NULL : "there is no number";
}

static const char *take_apart(enum layout_tool tool, const char *file, struct parts *ret_parts)
{
    const char *language = NULL;
    const char *name = fs_base_name(file);
    const char *end = ending_of(name, &language);
    struct parts parts = {.file = file, .prefix = name[0]};
    if (end == NULL)
        end = name + strlen(name);
    const char *separator = strstr(name, "__");
    if (separator != NULL && separator > end)
        separator = NULL;
    if (tool == LAYOUT_REFINERY && separator == NULL)
        return "two underscores and a name are missing";
    const char *stop = separator != NULL ? separator : end;
    if (parts.prefix != 'R') {
        const char *why = read_version(name + 1, (size_t)(stop - name - 1), &parts);
        if (why != NULL)
            return why;
    }
    if (separator != NULL)
        (void)snprintf(parts.description, sizeof parts.description, "%.*s",
                       (int)(end - separator - 2), separator + 2);
    if (tool == LAYOUT_REFINERY && parts.written > 1)
        return "refinery's are whole numbers";
    *ret_parts = parts;
    return NULL;
}

/* A number for what has none: below 0, from the description alone, in which Flyway takes an
 * underscore for a space. 60 bits of SHA-256. */
static int64_t repeatable_version(const char *description)
{
    struct hash hash;
    char sum[HASH_HEX_SIZE];
    hash_start(&hash);
    for (const char *c = description; *c != '\0'; c++)
        hash_add(&hash, *c == '_' ? " " : c, 1);
    hash_finish(&hash, sum);
    sum[15] = '\0';
    return -1 - (int64_t)strtoll(sum, NULL, 16);
}

/* The version as one number that keeps the order. False when it does not fit. */
static bool number_of(const struct parts *parts, bool dotted, int64_t *ret_version)
{
    if (!dotted) {
        *ret_version = parts->numbers[0];
        return true;
    }
    int64_t version = parts->numbers[0];
    if (version >= FIRST_LIMIT)
        return false;
    for (size_t i = 1; i < PARTS_MAX; i++) {
        int64_t number = i < parts->count ? parts->numbers[i] : 0;
        if (number >= PART_LIMIT)
            return false;
        version = version * PART_LIMIT + number;
    }
    *ret_version = version;
    return true;
}

static int refuse_baseline(const struct layout_reader *reader, const char *file, struct error *err)
{
    struct error fault;
    layout_fault_set(
        &fault, ERROR_CONFIG, file,
        "%s is a baseline migration of Flyway, which stands for all versions up to its "
        "own on new databases: liteinit runs each version itself",
        file);
    (void)error_hint(&fault, "where the versions that it stands for are there as V files, move it "
                             "out of the folder; else rename it to begin with V");
    return layout_fault(reader, &fault, err);
}

static int refuse_callback(const struct layout_reader *reader, const char *file, struct error *err)
{
    struct error fault;
    layout_fault_set(&fault, ERROR_CONFIG, file,
                     "%s is a callback of Flyway, which liteinit does not call", file);
    (void)error_hint(&fault, "move it out of the folder; what it does to the schema belongs into a "
                             "V or R migration");
    return layout_fault(reader, &fault, err);
}

static bool is_callback(const char *file)
{
    const char *name = fs_base_name(file);
    for (size_t i = 0; i < sizeof callbacks / sizeof callbacks[0]; i++) {
        size_t length = strlen(callbacks[i]);
        if (strncmp(name, callbacks[i], length) == 0 &&
            (strcasecmp(name + length, ".sql") == 0 || strncmp(name + length, "__", 2) == 0))
            return true;
    }
    return false;
}

static int add_parts(struct layout_reader *reader, const struct parts *parts, bool dotted,
                     struct error *err)
{
    struct layout_piece piece = {.label = parts->label, .name = parts->description};
    bool down = reader->folder.tool == LAYOUT_FLYWAY && parts->prefix == 'U';
    piece.up = down ? NULL : parts->file;
    piece.down = down ? parts->file : NULL;
    if (parts->prefix == 'R') {
        piece.repeatable = true;
        piece.label = "";
        piece.version = repeatable_version(parts->description);
    } else if (!number_of(parts, dotted, &piece.version)) {
        return refuse_name(reader, parts->file,
                           "beside versions with dots, the first part is below 9000000 and each "
                           "other one below 10000",
                           err);
    }
    return layout_add(reader, &piece, err);
}

/* Looks at one file; *ret_found when it is a migration that can be added. */
static int sort_out(struct layout_reader *reader, const char *file, struct parts *ret_parts,
                    bool *ret_found, struct error *err)
{
    const char *language = NULL;
    bool flyway = reader->folder.tool == LAYOUT_FLYWAY;
    const char *prefixes = flyway ? "VURB" : "VU";
    const char *name = fs_base_name(file);
    bool sql = layout_has_suffix(file, ".sql");
    *ret_found = false;
    if (!layout_flyway_name(file, prefixes, &language)) {
        if (flyway && sql && is_callback(file))
            return refuse_callback(reader, file, err);
        if (sql && strchr("VU", name[0]) != NULL && isdigit((unsigned char)name[1]))
            return refuse_name(reader, file, "after the version come two underscores", err);
        reader->folder.ignored += sql;
        return 0;
    }
    if (language != NULL)
        return layout_fault_program(reader, file, language, err);
    if (name[0] == 'B')
        return refuse_baseline(reader, file, err);
    const char *why = take_apart(reader->folder.tool, file, ret_parts);
    if (why != NULL)
        return refuse_name(reader, file, why, err);
    *ret_found = true;
    return 0;
}

int layout_read_flyway(struct layout_reader *reader, struct error *err)
{
    struct parts parts;
    bool dotted = false;
    bool found = false;
    /* Whether there are dots is known after all names only, so they are gone over twice. */
    for (size_t i = 0; i < reader->listing->count; i++) {
        const char *language = NULL;
        const struct layout_entry *entry = &reader->listing->items[i];
        if (!entry->folder && layout_flyway_name(entry->name, "VU", &language) &&
            language == NULL && take_apart(reader->folder.tool, entry->name, &parts) == NULL)
            dotted = dotted || parts.written > 1;
    }
    for (size_t i = 0; i < reader->listing->count; i++) {
        const struct layout_entry *entry = &reader->listing->items[i];
        if (entry->folder)
            continue;
        if (sort_out(reader, entry->name, &parts, &found, err) != 0 ||
            (found && add_parts(reader, &parts, dotted, err) != 0))
            return -1;
    }
    return 0;
}

const struct layout_migration *layout_folder_renumbered(const struct layout_folder *folder,
                                                        int64_t version)
{
    const int64_t first = PART_LIMIT * PART_LIMIT * PART_LIMIT;
    if (folder->tool != LAYOUT_FLYWAY || version <= 0 ||
        layout_folder_find(folder, version) != NULL)
        return NULL;
    if (version < FIRST_LIMIT)
        return layout_folder_find(folder, version * first);
    return version % first == 0 ? layout_folder_find(folder, version / first) : NULL;
}
