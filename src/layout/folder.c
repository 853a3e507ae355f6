/* See folder.h. */
#include "layout/folder.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/text.h"

/* A file name taken apart. */
struct parts {
    int64_t version;
    bool down;
    char name[NAME_MAX + 1];
};

static int bad_number(const char *file, const char *why, struct error *err)
{
    (void)error_set(err, ERROR_CONFIG, 0, "the migration file %s has no usable number: %s", file,
                    why);
    return error_hint(err, "name it like 007_what_it_does.sql, or move it out of the folder if it "
                           "is no migration");
}

/* Whether a name ends so. Case does not count: people bring 001_INIT.SQL along from Windows. */
static bool has_suffix(const char *name, const char *suffix)
{
    size_t n = strlen(name);
    size_t m = strlen(suffix);
    return n >= m && strcasecmp(name + n - m, suffix) == 0;
}

/* Cuts `suffix` off the end of text, if it is there. */
static bool cut_suffix(char *text, const char *suffix)
{
    if (!has_suffix(text, suffix))
        return false;
    text[strlen(text) - strlen(suffix)] = '\0';
    return true;
}

static int take_apart(const char *file, struct parts *ret_parts, struct error *err)
{
    struct parts parts;
    size_t digits = strspn(file, "0123456789");
    char number[24];
    if (digits >= sizeof number)
        return bad_number(file, "it has too many digits", err);
    memcpy(number, file, digits);
    number[digits] = '\0';
    if (!text_parse_int(number, 0, INT64_MAX, &parts.version))
        return bad_number(file, "it is too large", err);
    if (parts.version == 0)
        return bad_number(file, "versions begin with 1", err);

    (void)snprintf(parts.name, sizeof parts.name, "%s", file + digits);
    (void)cut_suffix(parts.name, ".sql");
    bool marked_up = cut_suffix(parts.name, ".up");
    parts.down = !marked_up && (cut_suffix(parts.name, ".down") || cut_suffix(parts.name, "_down"));
    if (parts.name[0] != '\0' && strchr("_-.", parts.name[0]) == NULL)
        return bad_number(file, "after the number comes an underscore", err);
    if (parts.name[0] != '\0')
        memmove(parts.name, parts.name + 1, strlen(parts.name));
    *ret_parts = parts;
    return 0;
}

static bool is_sql(const char *name)
{
    return name[0] != '.' && has_suffix(name, ".sql");
}

static int duplicate(const char *first, const char *second, int64_t version, struct error *err)
{
    (void)error_set(err, ERROR_CONFIG, 0, "two migration files have the number %lld: %s and %s",
                    (long long)version, first, second);
    return error_hint(err, "give one of them the next free number (one that was applied already "
                           "keeps its number)");
}

/* The entry of this version, made when it is not there. Files arrive in any order. */
static struct layout_migration *entry_of(struct layout_folder *folder, size_t *capacity,
                                         int64_t version)
{
    /* Sorted names give ascending numbers, so the match is nearly always the last. */
    for (size_t i = folder->count; i > 0 && i + 8 > folder->count; i--)
        if (folder->migrations[i - 1].version == version)
            return &folder->migrations[i - 1];
    if (folder->count == *capacity) {
        size_t grown = *capacity > 0 ? *capacity * 2 : 32;
        struct layout_migration *files = realloc(folder->migrations, grown * sizeof *files);
        if (files == NULL)
            return NULL;
        folder->migrations = files;
        *capacity = grown;
    }
    folder->migrations[folder->count] = (struct layout_migration){.version = version};
    return &folder->migrations[folder->count++];
}

static int add_file(struct layout_folder *folder, size_t *capacity, const char *file,
                    struct error *err)
{
    struct parts parts = {.version = 0};
    if (take_apart(file, &parts, err) != 0)
        return -1;
    struct layout_migration *entry = entry_of(folder, capacity, parts.version);
    if (entry == NULL)
        return error_set(err, ERROR_IO, ENOMEM, "cannot list the migrations");
    char **slot = parts.down ? &entry->down : &entry->up;
    if (*slot != NULL)
        return duplicate(*slot, file, parts.version, err);
    *slot = strdup(file);
    if (entry->label == NULL && asprintf(&entry->label, "%lld", (long long)parts.version) < 0)
        entry->label = NULL;
    if (!parts.down) {
        free(entry->name);
        entry->name = strdup(parts.name);
    }
    if (*slot == NULL || entry->label == NULL || (!parts.down && entry->name == NULL))
        return error_set(err, ERROR_IO, ENOMEM, "cannot list the migrations");
    return 0;
}

static int by_version(const void *a, const void *b)
{
    const struct layout_migration *left = a;
    const struct layout_migration *right = b;
    return (left->version > right->version) - (left->version < right->version);
}

static void free_file(struct layout_migration *file)
{
    free(file->label);
    free(file->name);
    free(file->up);
    free(file->down);
}

/* Puts two halves of one version together that were found far apart ("1_a.sql", "001_a_down.sql")
 * and refuses what cannot be put together. The list is sorted. */
static int join_halves(struct layout_folder *folder, struct error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < folder->count; i++) {
        struct layout_migration *file = &folder->migrations[i];
        struct layout_migration *last = kept > 0 ? &folder->migrations[kept - 1] : NULL;
        if (last == NULL || last->version != file->version) {
            struct layout_migration moved = *file;
            *file = (struct layout_migration){.version = 0};
            folder->migrations[kept++] = moved;
            continue;
        }
        if (last->up != NULL && file->up != NULL)
            return duplicate(last->up, file->up, file->version, err);
        if (last->down != NULL && file->down != NULL)
            return duplicate(last->down, file->down, file->version, err);
        if (file->up != NULL) {
            last->up = file->up;
            last->name = file->name;
        } else {
            last->down = file->down;
        }
        free(file->label);
        *file = (struct layout_migration){.version = 0};
    }
    folder->count = kept;
    return 0;
}

static int refuse_lone_downs(const struct layout_folder *folder, struct error *err)
{
    for (size_t i = 0; i < folder->count; i++) {
        const struct layout_migration *file = &folder->migrations[i];
        if (file->up != NULL)
            continue;
        (void)error_set(err, ERROR_CONFIG, 0,
                        "%s takes version %lld back, but there is no file that applies it",
                        file->down, (long long)file->version);
        return error_hint(err, "if it is an up migration whose name happens to end in _down, "
                               "rename it to end in .up.sql; else bring its up file back");
    }
    return 0;
}

static int list_names(const char *path, char ***ret_names, size_t *ret_count, size_t *ret_ignored,
                      struct error *err)
{
    struct dirent **entries = NULL;
    int n = scandir(path, &entries, NULL, alphasort);
    if (n < 0) {
        int sys = errno;
        (void)error_set(err, error_kind_of_errno(sys), sys,
                        "cannot read the folder of migrations %s", path);
        if (err->kind == ERROR_PERMISSION)
            fs_permission_hint(err, path);
        else
            (void)error_hint(err, "COPY the migrations into the image, or name their folder with "
                                  "--migrations");
        return -1;
    }
    char **names = calloc((size_t)n + 1, sizeof *names);
    size_t count = 0;
    size_t ignored = 0;
    bool out_of_memory = names == NULL;
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        if (!out_of_memory && is_sql(name) && isdigit((unsigned char)name[0])) {
            names[count] = strdup(name);
            out_of_memory = names[count] == NULL;
            count += names[count] != NULL;
        } else if (is_sql(name)) {
            ignored++;
        }
        free(entries[i]);
    }
    free(entries);
    *ret_names = names;
    *ret_count = count;
    *ret_ignored = ignored;
    if (out_of_memory)
        return error_set(err, ERROR_IO, ENOMEM, "cannot list the migrations");
    return 0;
}

int layout_folder_read(const char *path, enum layout_tool tool, struct layout_findings *findings,
                       struct layout_folder *ret_folder, struct error *err)
{
    (void)tool;
    (void)findings;
    struct layout_folder folder = {.tool = LAYOUT_LITEINIT};
    char **names = NULL;
    size_t count = 0;
    size_t capacity = 0;
    int result = list_names(path, &names, &count, &folder.ignored, err);
    for (size_t i = 0; i < count && result == 0; i++)
        result = add_file(&folder, &capacity, names[i], err);
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    if (result == 0 && folder.count > 1)
        qsort(folder.migrations, folder.count, sizeof *folder.migrations, by_version);
    if (result == 0)
        result = join_halves(&folder, err);
    if (result == 0)
        result = refuse_lone_downs(&folder, err);
    if (result == 0 && folder.count == 0 && folder.ignored > 0) {
        result =
            error_set(err, ERROR_CONFIG, 0, "none of the %zu .sql files in %s begins with a number",
                      folder.ignored, path);
        (void)error_hint(err, "name them in their order: 001_what_it_does.sql, 002_…");
    }
    if (result == 0 && (folder.path = strdup(path)) == NULL)
        result = error_set(err, ERROR_IO, ENOMEM, "cannot list the migrations");
    if (result != 0) {
        layout_folder_free(&folder);
        return -1;
    }
    *ret_folder = folder;
    return 0;
}

void layout_folder_free(struct layout_folder *folder)
{
    for (size_t i = 0; i < folder->count; i++)
        free_file(&folder->migrations[i]);
    free(folder->migrations);
    free(folder->path);
    *folder = (struct layout_folder){.path = NULL};
}

const struct layout_migration *layout_folder_find(const struct layout_folder *folder,
                                                  int64_t version)
{
    for (size_t i = 0; i < folder->count; i++)
        if (folder->migrations[i].version == version)
            return &folder->migrations[i];
    return NULL;
}
