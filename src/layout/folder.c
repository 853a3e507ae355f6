/* See folder.h. Reading is dispatched to the tool's reader; the pieces it found are put together,
 * ordered and looked over here. */
#include "layout/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layout/internal.h"

static int out_of_memory(struct error *err)
{
    return error_set(err, ERROR_IO, ENOMEM, "cannot list the migrations");
}

int layout_add(struct layout_reader *reader, const struct layout_piece *piece, struct error *err)
{
    struct layout_folder *folder = &reader->folder;
    if (folder->count == reader->capacity) {
        size_t grown = reader->capacity > 0 ? reader->capacity * 2 : 32;
        struct layout_migration *list = realloc(folder->migrations, grown * sizeof *list);
        if (list == NULL)
            return out_of_memory(err);
        folder->migrations = list;
        reader->capacity = grown;
    }
    struct layout_migration migration = {
        .version = piece->version,
        .stamp = piece->stamp,
        .label = pool_copy(&folder->texts, piece->label),
        .name = pool_copy(&folder->texts, piece->name),
        .up = piece->up != NULL ? pool_copy(&folder->texts, piece->up) : NULL,
        .down = piece->down != NULL ? pool_copy(&folder->texts, piece->down) : NULL,
        .repeatable = piece->repeatable,
    };
    if (migration.label == NULL || migration.name == NULL ||
        (migration.up == NULL && piece->up != NULL) ||
        (migration.down == NULL && piece->down != NULL))
        return out_of_memory(err);
    folder->migrations[folder->count++] = migration;
    return 0;
}

static const char *file_of(const struct layout_migration *migration)
{
    return migration->up != NULL ? migration->up : migration->down;
}

/* Flyway orders the repeatable ones by description, in which an underscore is a space. */
static int by_description(const char *a, const char *b)
{
    for (; *a != '\0' || *b != '\0'; a++, b++) {
        unsigned char left = (unsigned char)(*a == '_' ? ' ' : *a);
        unsigned char right = (unsigned char)(*b == '_' ? ' ' : *b);
        if (left != right)
            return (left > right) - (left < right);
    }
    return 0;
}

static int by_order(const void *a, const void *b)
{
    const struct layout_migration *left = a;
    const struct layout_migration *right = b;
    if (left->repeatable != right->repeatable)
        return (left->repeatable ? 1 : 0) - (right->repeatable ? 1 : 0);
    int order = left->repeatable ? by_description(left->name, right->name) : 0;
    if (order == 0)
        order = (left->version > right->version) - (left->version < right->version);
    return order != 0 ? order : strcmp(file_of(left), file_of(right));
}

static int duplicate(const struct layout_reader *reader, const char *first, const char *second,
                     const struct layout_migration *migration, struct error *err)
{
    struct error fault;
    if (migration->repeatable) {
        layout_fault_set(&fault, ERROR_CONFIG, second,
                         "two repeatable migrations have the description %s: %s and %s",
                         migration->name, first, second);
        (void)error_hint(&fault, "give one of them another name");
    } else {
        layout_fault_set(&fault, ERROR_CONFIG, second,
                         "two migration files have the number %s: %s and %s", migration->label,
                         first, second);
        (void)error_hint(&fault, "give one of them the next free number (one that was applied "
                                 "already keeps its number)");
    }
    return layout_fault(reader, &fault, err);
}

/* Moves a half to where it is missing; one that is there already stays, and its double is told. */
static int join_half(const struct layout_reader *reader, const struct layout_migration *from,
                     char **slot, char **half, struct error *err)
{
    if (*half == NULL)
        return 0;
    if (*slot != NULL)
        return duplicate(reader, *slot, *half, from, err);
    *slot = *half;
    *half = NULL;
    return 0;
}

/* Puts the pieces of one version together. The list is sorted. */
static int join_halves(struct layout_reader *reader, struct error *err)
{
    struct layout_folder *folder = &reader->folder;
    size_t kept = 0;
    for (size_t i = 0; i < folder->count; i++) {
        struct layout_migration *file = &folder->migrations[i];
        struct layout_migration *last = kept > 0 ? &folder->migrations[kept - 1] : NULL;
        if (last == NULL || last->version != file->version) {
            folder->migrations[kept++] = *file;
            continue;
        }
        if (last->up == NULL && file->up != NULL) {
            last->name = file->name;
            last->label = file->label;
            last->stamp = file->stamp;
        }
        if (join_half(reader, file, &last->up, &file->up, err) != 0 ||
            join_half(reader, file, &last->down, &file->down, err) != 0)
            return -1;
    }
    folder->count = kept;
    return 0;
}

/* Takes those that nothing applies out of the list. */
static int drop_lone_downs(struct layout_reader *reader, struct error *err)
{
    struct layout_folder *folder = &reader->folder;
    size_t kept = 0;
    int result = 0;
    for (size_t i = 0; i < folder->count; i++) {
        struct layout_migration *file = &folder->migrations[i];
        struct error fault;
        if (file->up != NULL || result != 0) {
            folder->migrations[kept++] = *file;
            continue;
        }
        layout_fault_set(&fault, ERROR_CONFIG, file->down,
                         "%s takes version %s back, but there is no file that applies it",
                         file->down, file->label);
        if (folder->tool == LAYOUT_LITEINIT)
            (void)error_hint(&fault, "if it is an up migration whose name happens to end in _down, "
                                     "rename it to end in .up.sql; else bring its up file back");
        else
            (void)error_hint(&fault, "bring its up file back, or move this one out of the folder");
        result = layout_fault(reader, &fault, err);
    }
    folder->count = kept;
    return result;
}

static int read_as(struct layout_reader *reader, struct error *err)
{
    switch (reader->folder.tool) {
    case LAYOUT_FLYWAY:
    case LAYOUT_REFINERY:
        return layout_read_flyway(reader, err);
    case LAYOUT_DIESEL:
        return layout_read_diesel(reader, err);
    case LAYOUT_PRISMA:
        return layout_read_prisma(reader, err);
    case LAYOUT_DRIZZLE:
        return layout_read_drizzle(reader, err);
    default:
        return layout_read_numbered(reader, err);
    }
}

/* A folder that has .sql files, of which none is a migration, is a mistake. */
static int refuse_none(const struct layout_reader *reader, struct error *err)
{
    const struct layout_folder *folder = &reader->folder;
    struct error fault;
    if (folder->tool == LAYOUT_LITEINIT)
        layout_fault_set(&fault, ERROR_CONFIG, "",
                         "none of the %zu .sql files in %s begins with a number", folder->ignored,
                         reader->path);
    else
        layout_fault_set(&fault, ERROR_CONFIG, "",
                         "none of the %zu .sql files in %s has a name that %s takes",
                         folder->ignored, reader->path, layout_tool_name(folder->tool));
    (void)error_hint(&fault, "name them in their order: 001_what_it_does.sql, 002_…");
    return layout_fault(reader, &fault, err);
}

static bool has_control(const char *name)
{
    for (; name != NULL && *name != '\0'; name++)
        if ((unsigned char)*name < ' ' || *name == 0x7F)
            return true;
    return false;
}

/* A line end in a name would make a line of its own wherever the name is told. */
static int refuse_control(const struct layout_reader *reader, struct error *err)
{
    for (size_t i = 0; i < reader->folder.count; i++) {
        const struct layout_migration *file = &reader->folder.migrations[i];
        struct error fault;
        if (!has_control(file->up) && !has_control(file->down))
            continue;
        layout_fault_set(&fault, ERROR_CONFIG, "",
                         "the name of a file of version %.60s holds a control character",
                         has_control(file->label) ? "?" : file->label);
        (void)error_hint(&fault, "rename it; ls -b shows the name");
        if (layout_fault(reader, &fault, err) != 0)
            return -1;
    }
    return 0;
}

static int read_listing(struct layout_reader *reader, struct error *err)
{
    struct layout_folder *folder = &reader->folder;
    size_t told = reader->findings != NULL ? reader->findings->count : 0;
    if (read_as(reader, err) != 0)
        return -1;
    if (folder->count > 1)
        qsort(folder->migrations, folder->count, sizeof *folder->migrations, by_order);
    if (join_halves(reader, err) != 0 || drop_lone_downs(reader, err) != 0 ||
        refuse_control(reader, err) != 0)
        return -1;
    bool silent = reader->findings == NULL || reader->findings->count == told;
    if (folder->count == 0 && folder->ignored > 0 && silent && refuse_none(reader, err) != 0)
        return -1;
    folder->path = strdup(reader->path);
    return folder->path != NULL ? 0 : out_of_memory(err);
}

static int depth_of(enum layout_tool tool)
{
    return tool == LAYOUT_FLYWAY || tool == LAYOUT_REFINERY ? LAYOUT_DEPTH_MAX : 0;
}

int layout_folder_read(const char *path, enum layout_tool tool, struct layout_findings *findings,
                       struct layout_folder *ret_folder, struct error *err)
{
    struct layout_listing listing = {.items = NULL};
    if (layout_list(path, depth_of(tool), &listing, err) != 0)
        return -1;
    int result = 0;
    if (tool == LAYOUT_DETECT) {
        result = layout_detect(path, &listing, &tool, err);
        if (result == 0 && depth_of(tool) > 0) {
            layout_listing_free(&listing);
            result = layout_list(path, depth_of(tool), &listing, err);
        }
    }
    struct layout_reader reader = {
        .path = path, .listing = &listing, .findings = findings, .folder = {.tool = tool}};
    if (result == 0)
        result = read_listing(&reader, err);
    layout_listing_free(&listing);
    if (result != 0) {
        layout_folder_free(&reader.folder);
        return -1;
    }
    *ret_folder = reader.folder;
    return 0;
}

void layout_folder_free(struct layout_folder *folder)
{
    free(folder->migrations);
    pool_free(&folder->texts);
    free(folder->path);
    *folder = (struct layout_folder){.path = NULL};
}

const struct layout_migration *layout_folder_find(const struct layout_folder *folder,
                                                  int64_t version)
{
    /* Those with a number come first and ascend; the repeatable ones do not. */
    size_t low = 0;
    size_t high = folder->count;
    while (high > 0 && folder->migrations[high - 1].repeatable) {
        high--;
        if (folder->migrations[high].version == version)
            return &folder->migrations[high];
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (folder->migrations[middle].version < version)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < folder->count && folder->migrations[low].version == version)
        return &folder->migrations[low];
    return NULL;
}
