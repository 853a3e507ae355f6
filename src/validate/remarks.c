/* See remarks.h. */
#include "validate/remarks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *validate_severity_name(enum validate_severity severity)
{
    static const char *const names[] = {"error", "warning", "info"};
    return names[severity];
}

/* One more, empty and not counted yet; NULL when memory is out. */
static struct validate_remark *grow(struct validate_remarks *remarks)
{
    if (remarks->count == remarks->capacity) {
        size_t capacity = remarks->capacity > 0 ? remarks->capacity * 2 : 16;
        struct validate_remark *items = realloc(remarks->items, capacity * sizeof *items);
        if (items == NULL)
            return NULL;
        remarks->items = items;
        remarks->capacity = capacity;
    }
    return &remarks->items[remarks->count];
}

int validate_remarks_take(struct validate_remarks *remarks, struct layout_findings *findings,
                          struct error *err)
{
    int result = 0;
    size_t taken = 0;
    for (; taken < findings->count && result == 0; taken++) {
        struct validate_remark *remark = grow(remarks);
        if (remark == NULL) {
            result = error_set(err, ERROR_IO, ENOMEM, "cannot list what is wrong");
            break;
        }
        *remark =
            (struct validate_remark){.severity = VALIDATE_FAULT, .what = findings->items[taken]};
        findings->items[taken] = (struct layout_finding){.file = NULL};
        remarks->count++;
        remarks->faults++;
    }
    layout_findings_free(findings);
    return result;
}

int validate_remarks_add(struct validate_remarks *remarks, enum validate_severity severity,
                         const struct error *fault, struct error *err)
{
    struct layout_findings one = {.items = NULL};
    if (layout_findings_add(&one, fault, err) != 0 ||
        validate_remarks_take(remarks, &one, err) != 0)
        return -1;
    if (severity != VALIDATE_FAULT) {
        remarks->items[remarks->count - 1].severity = severity;
        remarks->faults--;
        remarks->warnings += severity == VALIDATE_WARNING;
    }
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct validate_remark *left = a;
    const struct validate_remark *right = b;
    int order = (left->rank > right->rank) - (left->rank < right->rank);
    if (order == 0)
        order = strverscmp(left->what.file, right->what.file);
    if (order == 0)
        order = (left->what.line > right->what.line) - (left->what.line < right->what.line);
    if (order == 0)
        order = (left->what.column > right->what.column) - (left->what.column < right->what.column);
    if (order == 0)
        order = (left->severity > right->severity) - (left->severity < right->severity);
    return order != 0 ? order : strcmp(left->what.message, right->what.message);
}

/* A file of the folder and its place in the order. */
struct ranked {
    const char *file;
    size_t rank;
};

static int by_file(const void *a, const void *b)
{
    const struct ranked *left = a;
    const struct ranked *right = b;
    return strcmp(left->file, right->file);
}

/* The files of all migrations, sorted by name. NULL when memory is out. */
static struct ranked *rank_files(const struct layout_folder *folder, size_t *ret_count)
{
    struct ranked *files = calloc(2 * folder->count + 1, sizeof *files);
    size_t count = 0;
    for (size_t i = 0; files != NULL && i < folder->count; i++) {
        const struct layout_migration *migration = &folder->migrations[i];
        files[count++] = (struct ranked){migration->up, 2 * i + 1};
        /* One file may be both. */
        if (migration->down != NULL && strcmp(migration->down, migration->up) != 0)
            files[count++] = (struct ranked){migration->down, 2 * i + 2};
    }
    if (count > 1)
        qsort(files, count, sizeof *files, by_file);
    *ret_count = count;
    return files;
}

int validate_remarks_sort(struct validate_remarks *remarks, const struct layout_folder *folder,
                          struct error *err)
{
    size_t count = 0;
    struct ranked *files = rank_files(folder, &count);
    if (files == NULL)
        return error_set(err, ERROR_IO, ENOMEM, "cannot list what is wrong");
    for (size_t i = 0; i < remarks->count && count > 0; i++) {
        const struct ranked key = {.file = remarks->items[i].what.file};
        const struct ranked *found = bsearch(&key, files, count, sizeof *files, by_file);
        remarks->items[i].rank = found != NULL ? found->rank : 0;
    }
    free(files);
    if (remarks->count > 1)
        qsort(remarks->items, remarks->count, sizeof *remarks->items, by_place);
    return 0;
}

void validate_remarks_free(struct validate_remarks *remarks)
{
    for (size_t i = 0; i < remarks->count; i++) {
        free(remarks->items[i].what.file);
        free(remarks->items[i].what.message);
        free(remarks->items[i].what.hint);
    }
    free(remarks->items);
    *remarks = (struct validate_remarks){.items = NULL};
}
