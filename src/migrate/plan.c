/* See plan.h. */
#include "migrate/plan.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "layout/script.h"
#include "migrate/foreign.h"
#include "migrate/unchanged.h"

static int out_of_memory(struct error *err)
{
    return error_set(err, ERROR_IO, ENOMEM, "cannot plan the migrations");
}

__attribute__((format(printf, 3, 4))) static int
add_sentence(struct migrate_sentences *list, struct error *err, const char *fmt, ...)
{
    char text[768];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    char **grown = realloc(list->items, (list->count + 1) * sizeof *grown);
    if (grown == NULL)
        return out_of_memory(err);
    list->items = grown;
    char *copy = strdup(text);
    if (copy == NULL)
        return out_of_memory(err);
    grown[list->count++] = copy;
    return 0;
}

static int check_file(struct migrate_plan *plan, const struct layout_migration *file,
                      const struct migrate_applied *applied, struct error *err)
{
    struct layout_script script;
    if (applied->checksum == NULL)
        return 0;
    if (layout_script_load(&plan->folder, file, LAYOUT_UP, &script, err) != 0)
        return -1;
    bool same = strcmp(script.checksum, applied->checksum) == 0;
    layout_script_free(&script);
    if (same)
        return 0;
    return add_sentence(&plan->drift, err, "%.255s has changed since it was applied on %.24s",
                        file->up,
                        applied->applied_at != NULL ? applied->applied_at : "an unknown day");
}

static int file_gone(struct migrate_plan *plan, const struct migrate_applied *applied,
                     struct error *err)
{
    return add_sentence(&plan->drift, err,
                        "the file of version %lld (%.255s), applied on %.24s, is gone",
                        (long long)applied->version, applied->name != NULL ? applied->name : "",
                        applied->applied_at != NULL ? applied->applied_at : "an unknown day");
}

static int check_usable(const struct layout_folder *folder, const struct layout_migration *file,
                        struct error *err)
{
    struct layout_script script;
    if (layout_script_load(folder, file, LAYOUT_UP, &script, err) != 0)
        return -1;
    layout_script_free(&script);
    return 0;
}

/* Numbers that count up by one have a gap where a file was forgotten; dates have none. */
static int note_gap(struct migrate_plan *plan, const struct layout_migration *file,
                    struct error *err)
{
    const struct layout_migration *before =
        file > plan->folder.migrations && !file[-1].repeatable ? file - 1 : NULL;
    if (before == NULL || file->version - before->version < 2 ||
        file->version - before->version > 9)
        return 0;
    return add_sentence(&plan->gaps, err,
                        "there is a gap in the numbers before %.255s: %s comes before it", file->up,
                        before->up);
}

static int add_pending(struct migrate_plan *plan, const struct layout_migration *file,
                       int64_t target, struct error *err)
{
    if (file->version > target)
        return 0;
    if (check_usable(&plan->folder, file, err) != 0)
        return -1;
    plan->pending[plan->pending_count++] = file;
    if (plan->applied_count == 0 || file->version > plan->current)
        return note_gap(plan, file, err);
    return add_sentence(&plan->notices, err,
                        "%.255s comes late: version %lld is applied already; it runs now", file->up,
                        (long long)plan->current);
}

/* One walk over both ascending lists, without what is repeatable. */
static int compare(struct migrate_plan *plan, int64_t target, const bool *unchanged,
                   struct error *err)
{
    const struct layout_folder *folder = &plan->folder;
    size_t a = 0;
    size_t f = 0;
    while (a < plan->applied_count && plan->applied[a].version < 0)
        a++;
    for (;;) {
        const struct migrate_applied *applied = a < plan->applied_count ? &plan->applied[a] : NULL;
        const struct layout_migration *file =
            f < folder->count && !folder->migrations[f].repeatable ? &folder->migrations[f] : NULL;
        int result = 0;
        if (applied == NULL && file == NULL)
            return 0;
        if (applied == NULL || (file != NULL && file->version < applied->version)) {
            result = add_pending(plan, file, target, err);
            f++;
        } else if (file == NULL || applied->version < file->version) {
            if (file == NULL)
                plan->newer = plan->applied_count - a;
            else
                result = file_gone(plan, applied, err);
            a = file == NULL ? plan->applied_count : a + 1;
        } else {
            result = unchanged[f] ? 0 : check_file(plan, file, applied, err);
            a++;
            f++;
        }
        if (result != 0)
            return -1;
    }
}

static const struct migrate_applied *find_applied(const struct migrate_plan *plan, int64_t version)
{
    for (size_t i = 0; i < plan->applied_count && plan->applied[i].version <= version; i++)
        if (plan->applied[i].version == version)
            return &plan->applied[i];
    return NULL;
}

/* They run when they are new or have changed, behind all others, and only with the newest. */
static int add_repeatables(struct migrate_plan *plan, int64_t target, struct error *err)
{
    for (size_t i = 0; i < plan->folder.count && target == INT64_MAX; i++) {
        const struct layout_migration *file = &plan->folder.migrations[i];
        struct layout_script script;
        if (!file->repeatable)
            continue;
        if (layout_script_load(&plan->folder, file, LAYOUT_UP, &script, err) != 0)
            return -1;
        const struct migrate_applied *applied = find_applied(plan, file->version);
        bool same = applied != NULL && applied->checksum != NULL &&
                    strcmp(applied->checksum, script.checksum) == 0;
        layout_script_free(&script);
        if (!same)
            plan->pending[plan->pending_count++] = file;
    }
    return 0;
}

bool migrate_plan_version(const struct layout_folder *folder, const char *text,
                          int64_t *ret_version)
{
    for (size_t i = 0; i < folder->count; i++)
        if (strcmp(folder->migrations[i].label, text) == 0) {
            *ret_version = folder->migrations[i].version;
            return true;
        }
    return text_parse_int(text, 0, INT64_MAX, ret_version);
}

/* The version up to which the plan goes; INT64_MAX: all of them. */
static int find_target(const struct layout_folder *folder, const char *target, int64_t *ret_version,
                       struct error *err)
{
    *ret_version = INT64_MAX;
    if (target == NULL)
        return 0;
    if (!migrate_plan_version(folder, target, ret_version)) {
        (void)error_set(err, ERROR_USAGE, 0, "\"%.100s\" is no version", target);
        return error_hint(err, "a version is the number of a migration file: liteinit up 7");
    }
    if (layout_folder_find(folder, *ret_version) != NULL)
        return 0;
    (void)error_set(err, ERROR_NOT_FOUND, 0, "there is no migration with the number %.100s in %s",
                    target, folder->path);
    return error_hint(err, "see which ones there are: liteinit status");
}

/* With records of ours, the other tool's table came with a migration of the app, or was taken
 * over. */
static int refuse_foreign_history(const struct migrate_plan *plan, struct error *err)
{
    if (plan->applied_count > 0 || plan->folder.count == 0)
        return 0;
    return migrate_foreign_refuse_history(&plan->history, plan->folder.path, err);
}

static int by_version(const void *a, const void *b)
{
    const struct migrate_applied *left = a;
    const struct migrate_applied *right = b;
    return (left->version > right->version) - (left->version < right->version);
}

/* Flyway's versions are counted anew when the first one with dots comes into the folder: what was
 * applied before is known by its new number from then on. An older image, whose folder has none with
 * dots, must not take the new numbers for newer migrations. */
static int take_new_numbers(struct migrate_plan *plan, struct error *err)
{
    for (size_t i = 0; i < plan->applied_count; i++) {
        struct migrate_applied *applied = &plan->applied[i];
        const struct layout_migration *file =
            layout_folder_renumbered(&plan->folder, applied->version);
        if (file == NULL)
            continue;
        if (file->version < applied->version) {
            (void)error_set(err, ERROR_CONFIG, 0,
                            "%.255s is recorded with the number %lld, as Flyway's versions are "
                            "counted when some of them have dots, and no file here has one",
                            file->up, (long long)applied->version);
            return error_hint(err, "nothing was changed; start the image again whose folder has "
                                   "the versions with dots");
        }
        applied->version = file->version;
        plan->renumbered++;
    }
    if (plan->renumbered > 0)
        qsort(plan->applied, plan->applied_count, sizeof *plan->applied, by_version);
    if (plan->applied_count > 0 && plan->applied[plan->applied_count - 1].version > plan->current)
        plan->current = plan->applied[plan->applied_count - 1].version;
    return 0;
}

static int64_t newest_of(const struct layout_folder *folder)
{
    int64_t newest = 0;
    for (size_t i = 0; i < folder->count; i++)
        if (folder->migrations[i].version > newest)
            newest = folder->migrations[i].version;
    return newest;
}

static int read_records(struct sqlite3 *handle, struct migrate_plan *plan, struct error *err)
{
    if (migrate_history_open(handle, &plan->history, err) != 0 ||
        migrate_history_applied(&plan->history, &plan->applied, &plan->applied_count, err) != 0 ||
        migrate_history_unfinished(&plan->history, &plan->unfinished, &plan->unfinished_count,
                                   err) != 0)
        return -1;
    if (plan->applied_count > 0)
        plan->current = plan->applied[plan->applied_count - 1].version;
    if (plan->current < 0) /* nothing but repeatable ones */
        plan->current = 0;
    return 0;
}

/* The records against the files, whose sums are on the way meanwhile. */
static int match(const struct migrate_source *source, const char *target,
                 struct migrate_unchanged *sums, struct migrate_plan *plan, struct error *err)
{
    int64_t version = INT64_MAX;
    int result = take_new_numbers(plan, err);
    if (result == 0 && !source->beside_foreign)
        result = refuse_foreign_history(plan, err);
    if (result == 0)
        result = find_target(&plan->folder, target, &version, err);
    /* Also after an error: no thread is left behind. */
    cleanup_free bool *unchanged =
        migrate_unchanged_finish(sums, plan->applied, result == 0 ? plan->applied_count : 0);
    if (result != 0)
        return -1;
    plan->pending = calloc(plan->folder.count + 1, sizeof(*plan->pending));
    if (plan->pending == NULL || unchanged == NULL)
        return out_of_memory(err);
    if (compare(plan, version, unchanged, err) != 0)
        return -1;
    return add_repeatables(plan, version, err);
}

static int fill(struct sqlite3 *handle, const struct migrate_source *source, const char *target,
                struct migrate_plan *plan, struct error *err)
{
    struct error missing;
    /* The folder first, so that its files are read while the records are. */
    int listed = source->folder == NULL ? 0
                                        : layout_folder_read(source->folder, source->tool, NULL,
                                                             &plan->folder, &missing);
    struct migrate_unchanged *sums =
        source->folder != NULL && listed == 0 ? migrate_unchanged_start(&plan->folder) : NULL;
    int result = read_records(handle, plan, err);
    if (result == 0 && listed != 0) {
        *err = missing;
        result = -1;
    }
    if (result == 0 && source->folder != NULL) {
        plan->newest = newest_of(&plan->folder);
        return match(source, target, sums, plan, err);
    }
    free(migrate_unchanged_finish(sums, NULL, 0));
    return result;
}

int migrate_plan_inspect(const struct migrate_source *source, const char *target, struct error *err)
{
    struct layout_folder folder = {.path = NULL};
    int64_t version = INT64_MAX;
    if (layout_folder_read(source->folder, source->tool, NULL, &folder, err) != 0)
        return -1;
    int result = find_target(&folder, target, &version, err);
    for (size_t i = 0; i < folder.count && result == 0; i++)
        if (folder.migrations[i].version <= version)
            result = check_usable(&folder, &folder.migrations[i], err);
    layout_folder_free(&folder);
    return result;
}

int migrate_plan_build(struct sqlite3 *handle, const struct migrate_source *source,
                       const char *target, struct migrate_plan *ret_plan, struct error *err)
{
    struct migrate_plan plan = {.current = 0};
    if (fill(handle, source, target, &plan, err) != 0) {
        migrate_plan_free(&plan);
        return -1;
    }
    *ret_plan = plan;
    return 0;
}

static void free_sentences(struct migrate_sentences *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
}

void migrate_plan_free(struct migrate_plan *plan)
{
    migrate_applied_free(plan->applied, plan->applied_count);
    free((void *)plan->pending);
    free(plan->unfinished);
    free_sentences(&plan->drift);
    free_sentences(&plan->notices);
    free_sentences(&plan->gaps);
    layout_folder_free(&plan->folder);
    *plan = (struct migrate_plan){.current = 0};
}

int migrate_plan_drift_error(const struct migrate_plan *plan, struct error *err)
{
    char more[64] = "";
    if (plan->drift.count > 1)
        (void)snprintf(more, sizeof more, " (and %zu more like it)", plan->drift.count - 1);
    (void)error_set(err, ERROR_CONFIG, 0, "applied migrations and their files differ: %s%s",
                    plan->drift.count > 0 ? plan->drift.items[0] : "", more);
    return error_hint(err, "an applied file must stay as it is: bring it back, and put the change "
                           "into a new migration; or accept the file as it is now: liteinit repair "
                           "VERSION, or every difference: --drift warn");
}
