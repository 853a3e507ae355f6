/* See validate.h. */
#include "validate/validate.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "layout/folder.h"
#include "layout/script.h"
#include "migrate/difference.h"
#include "store/interrupt.h"
#include "validate/proofread.h"
#include "validate/roundtrip.h"
#include "validate/trial.h"

/* Numbers from here on are dates and times, which have no gaps. */
#define FIRST_TIMESTAMP 100000

/* The work in hand. */
struct look {
    struct layout_folder folder;
    struct sqlite3 *trial;
    struct migrate_snapshot before; /* as the migrations so far have left it */
    struct validate_result *out;
    bool roundtrip;
    bool running; /* no up has failed yet */
};

__attribute__((format(printf, 5, 6))) static int add(struct look *look,
                                                     enum validate_severity severity,
                                                     const char *file, struct error *err,
                                                     const char *fmt, ...)
{
    struct error fault;
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    (void)error_set(&fault, ERROR_DATA, 0, "%s", text);
    (void)snprintf(fault.file, sizeof fault.file, "%.255s", file);
    return validate_remarks_add(&look->out->remarks, severity, &fault, err);
}

/* A fault of a file: a remark, unless it is the machine's. */
static int add_fault(struct look *look, const char *file, struct error *fault, struct error *err)
{
    if (fault->kind == ERROR_INTERRUPTED || fault->kind == ERROR_BUG) {
        *err = *fault;
        return -1;
    }
    if (fault->file[0] == '\0')
        (void)snprintf(fault->file, sizeof fault->file, "%.255s", file);
    return validate_remarks_add(&look->out->remarks, VALIDATE_FAULT, fault, err);
}

/* One direction, read. */
struct text {
    struct layout_script script;
    bool loaded; /* else nothing can be said of it, and nothing is to be freed */
    bool closed; /* else it should not be run */
};

static int read_text(struct look *look, const struct layout_migration *migration,
                     enum layout_direction direction, struct text *text, struct error *err)
{
    struct error fault;
    *text = (struct text){.loaded = false};
    if (layout_script_load(&look->folder, migration, direction, &text->script, &fault) != 0)
        return add_fault(look, direction == LAYOUT_UP ? migration->up : migration->down, &fault,
                         err);
    text->loaded = true;
    return validate_proofread_text(&text->script, &look->out->remarks, &text->closed, err);
}

/* What is not run is proofread. */
static int read_grammar(struct look *look, const struct text *text, struct error *err)
{
    return validate_proofread_grammar(look->trial, &text->script, text->closed, &look->out->remarks,
                                      err);
}

static int run_up(struct look *look, const struct layout_migration *migration, bool *ret_applied,
                  struct error *err)
{
    struct error fault;
    *ret_applied = validate_trial_apply(look->trial, &look->folder, migration, &fault) == 0;
    return *ret_applied ? 0 : add_fault(look, migration->up, &fault, err);
}

static int look_at_up(struct look *look, const struct layout_migration *migration,
                      bool *ret_applied, bool *ret_irreversible, struct error *err)
{
    struct text text;
    *ret_applied = false;
    *ret_irreversible = false;
    int result = read_text(look, migration, LAYOUT_UP, &text, err);
    if (result == 0 && text.loaded) {
        *ret_irreversible = text.script.directives.irreversible;
        result = look->running && text.closed ? run_up(look, migration, ret_applied, err)
                                              : read_grammar(look, &text, err);
    }
    if (text.loaded)
        layout_script_free(&text.script);
    look->running = look->running && *ret_applied;
    return result;
}

static int look_at_down(struct look *look, const struct layout_migration *migration, bool applied,
                        struct error *err)
{
    struct text text;
    size_t faults = look->out->remarks.faults;
    bool proved = !look->roundtrip;
    int result = read_text(look, migration, LAYOUT_DOWN, &text, err);
    if (result == 0 && text.loaded) {
        if (look->roundtrip && applied && text.closed)
            result = validate_roundtrip(look->trial, &look->folder, migration, &text.script,
                                        &look->before, &look->out->remarks, &proved, err);
        else
            result = read_grammar(look, &text, err);
    }
    if (text.loaded)
        layout_script_free(&text.script);
    look->out->reversible += proved && look->out->remarks.faults == faults;
    return result;
}

static int look_at_one(struct look *look, const struct layout_migration *migration,
                       struct error *err)
{
    bool applied = false;
    bool irreversible = false;
    if (look_at_up(look, migration, &applied, &irreversible, err) != 0)
        return -1;
    look->out->not_run += !applied;
    if (irreversible && migration->down != NULL && strcmp(migration->down, migration->up) != 0) {
        if (add(look, VALIDATE_WARNING, migration->down, err,
                "is never used: %s says that it is irreversible", migration->up) != 0)
            return -1;
    } else if (migration->down != NULL) {
        if (look_at_down(look, migration, applied, err) != 0)
            return -1;
    } else if (look->roundtrip && applied && !irreversible && !migration->repeatable) {
        if (add(look, VALIDATE_NOTE, migration->up, err, "irreversible: nothing takes it back") !=
            0)
            return -1;
    }
    if (!look->roundtrip || !applied)
        return 0;
    migrate_snapshot_free(&look->before);
    return validate_trial_look(look->trial, &look->before, err);
}

static bool is_number(const char *label)
{
    return label[0] != '\0' && label[strspn(label, "0123456789")] == '\0';
}

/* How far `migration` is from the one before it; 0 where that says nothing. */
static int64_t distance(const struct layout_migration *last,
                        const struct layout_migration *migration)
{
    if (migration->version < 0 || migration->version >= FIRST_TIMESTAMP ||
        !is_number(last->label) || !is_number(migration->label))
        return 0;
    return migration->version - last->version;
}

/* A gap is a file that was perhaps forgotten, where most numbers follow one another. */
static int look_for_gaps(struct look *look, struct error *err)
{
    const struct layout_migration *all = look->folder.migrations;
    size_t steps = 0;
    size_t ones = 0;
    for (size_t i = 1; i < look->folder.count; i++) {
        steps += distance(&all[i - 1], &all[i]) > 0;
        ones += distance(&all[i - 1], &all[i]) == 1;
    }
    if (ones * 2 < steps)
        return 0;
    for (size_t i = 1; i < look->folder.count; i++) {
        int64_t step = distance(&all[i - 1], &all[i]);
        long long first = (long long)all[i - 1].version + 1;
        long long last = (long long)all[i].version - 1;
        int result = 0;
        if (step == 2)
            result = add(look, VALIDATE_WARNING, all[i].up, err,
                         "there is no migration with the number %lld", first);
        else if (step > 2)
            result = add(look, VALIDATE_WARNING, all[i].up, err,
                         "there are no migrations with the numbers %lld to %lld", first, last);
        if (result != 0)
            return -1;
    }
    return 0;
}

static int look_at_all(struct look *look, struct error *err)
{
    const struct layout_folder *folder = &look->folder;
    if (folder->count == 0 && look->out->remarks.faults == 0 &&
        add(look, VALIDATE_WARNING, "", err, "there are no migrations in this folder") != 0)
        return -1;
    if (folder->ignored > 0 &&
        add(look, VALIDATE_NOTE, "", err, "%zu .sql %s left alone: no number begins the name",
            folder->ignored, folder->ignored == 1 ? "file is" : "files are") != 0)
        return -1;
    if (folder->count > 1 && look_for_gaps(look, err) != 0)
        return -1;
    if (validate_trial_open(&look->trial, err) != 0 ||
        validate_trial_look(look->trial, &look->before, err) != 0)
        return -1;
    for (size_t i = 0; i < folder->count; i++) {
        if (store_interrupted())
            return error_set(err, ERROR_INTERRUPTED, 0, "stopped before %s",
                             folder->migrations[i].up);
        if (look_at_one(look, &folder->migrations[i], err) != 0)
            return -1;
    }
    return 0;
}

/* Reads the folder; *ret_readable is false when its content is such that nothing can be said of
 * single files. */
static int read_folder(struct look *look, const char *path, enum layout_tool tool,
                       bool *ret_readable, struct error *err)
{
    struct layout_findings findings = {.items = NULL};
    struct error fault;
    *ret_readable = layout_folder_read(path, tool, &findings, &look->folder, &fault) == 0;
    if (validate_remarks_take(&look->out->remarks, &findings, err) != 0)
        return -1;
    if (*ret_readable) {
        look->out->tool = look->folder.tool;
        look->out->migrations = look->folder.count;
        return 0;
    }
    if (fault.kind != ERROR_CONFIG && fault.kind != ERROR_DATA) {
        *err = fault;
        return -1;
    }
    return add_fault(look, "", &fault, err);
}

int validate_folder(const char *path, enum layout_tool tool, bool roundtrip,
                    struct validate_result *ret_validation, struct error *err)
{
    struct validate_result out = {.tool = tool};
    struct look look = {.out = &out, .roundtrip = roundtrip, .running = true};
    bool readable = false;
    int result = read_folder(&look, path, tool, &readable, err);
    if (result == 0 && readable)
        result = look_at_all(&look, err);
    if (result == 0)
        result = validate_remarks_sort(&out.remarks, &look.folder, err);
    migrate_snapshot_free(&look.before);
    validate_trial_close(look.trial, NULL);
    layout_folder_free(&look.folder);
    if (result != 0) {
        validate_result_free(&out);
        return -1;
    }
    *ret_validation = out;
    return 0;
}

void validate_result_free(struct validate_result *validation)
{
    validate_remarks_free(&validation->remarks);
}
