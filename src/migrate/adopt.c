/* See adopt.h. */
#include "migrate/adopt.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "foreign/history.h"
#include "foreign/tools.h"
#include "layout/script.h"
#include "migrate/history.h"
#include "migrate/match.h"
#include "migrate/sums.h"
#include "store/interrupt.h"
#include "store/sql.h"

/* What is known of a file of the folder. */
struct claim {
    bool applied;
    const struct foreign_entry *entry; /* that says so; NULL: none does */
};

struct adoption {
    sqlite3 *handle;
    const struct layout_folder *folder;
    const struct migrate_adopt_options *options;
    struct migrate_history records;
    struct foreign_history history;
    struct claim *claims; /* one for each migration of the folder */
    size_t claimed;
};

static int unknown_tool(const char *name, struct error *err)
{
    char names[320] = "";
    const char *list[FOREIGN_FOUND_MAX];
    size_t count = 0;
    size_t used = 0;
    const struct foreign_tool *tools = foreign_tools(&count);
    for (size_t i = 0; i < count; i++) {
        list[i] = tools[i].name;
        int n = snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", list[i]);
        used += n > 0 && (size_t)n < sizeof names - used ? (size_t)n : 0;
    }
    const char *near = text_nearest(name, list, count);
    (void)error_set(err, ERROR_USAGE, 0,
                    "there is no tool with the name \"%.60s\" whose history "
                    "can be read%s%s%s",
                    name, near != NULL ? "; is it " : "", near != NULL ? near : "",
                    near != NULL ? "?" : "");
    return error_hint(err, "the names are: %s", names);
}

static int strange_table(const struct foreign_tool *tool, struct error *err)
{
    (void)error_set(err, ERROR_CONFIG, 0,
                    "the table %s has not the columns that %s gives it: it cannot be read",
                    tool->table, tool->name);
    return error_hint(err,
                      "nothing was changed; update it with %s first, or say which version of the "
                      "folder the schema has: liteinit adopt --baseline VERSION",
                      tool->name);
}

static int nothing_found(const struct adoption *adoption, const char *tool, struct error *err)
{
    (void)error_set(err, ERROR_NOT_FOUND, 0, "the database has no history of %s to take over",
                    tool != NULL ? tool : "another migration tool");
    if (adoption->records.foreign)
        return error_hint(err, "its table schema_migrations is no known tool's; say which version "
                               "of the folder the schema has: liteinit adopt --baseline VERSION");
    return error_hint(err, "is it the right database? To mark migrations as applied: liteinit "
                           "baseline VERSION");
}

static int several_found(const struct foreign_found *found, size_t count, struct error *err)
{
    char names[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        int n = snprintf(names + used, sizeof names - used, "%s%s (%s)", i > 0 ? ", " : "",
                         found[i].tool->name, found[i].tool->table);
        used += n > 0 && (size_t)n < sizeof names - used ? (size_t)n : 0;
    }
    (void)error_set(err, ERROR_CONFIG, 0, "the database has the histories of %zu tools: %s", count,
                    names);
    return error_hint(err,
                      "nothing was changed; name the one whose files are in the folder: "
                      "liteinit adopt --from %s",
                      found[0].tool->name);
}

/* Somebody's schema_migrations: the user says where the schema is, and it is not read. */
static const struct foreign_tool nobody = {.name = "an unknown tool", .table = "schema_migrations"};

static int detect_tool(const struct adoption *adoption, const struct foreign_tool **ret_tool,
                       bool *ret_readable, struct error *err)
{
    struct foreign_found found[FOREIGN_FOUND_MAX];
    size_t count = 0;
    bool told = adoption->options->baseline >= 0;
    if (foreign_detect(adoption->handle, found, &count, err) != 0)
        return -1;
    if (count > 1)
        return several_found(found, count, err);
    if (count == 0 && !(told && adoption->records.foreign))
        return nothing_found(adoption, NULL, err);
    if (count == 1 && !found[0].readable && !told)
        return strange_table(found[0].tool, err);
    *ret_tool = count == 1 ? found[0].tool : &nobody;
    *ret_readable = count == 1 && found[0].readable;
    return 0;
}

/* *ret_readable: false when the table is not what the tool makes, which only a baseline allows. */
static int choose_tool(const struct adoption *adoption, const struct foreign_tool **ret_tool,
                       bool *ret_readable, struct error *err)
{
    const char *from = adoption->options->from;
    bool there = false;
    if (from == NULL)
        return detect_tool(adoption, ret_tool, ret_readable, err);
    const struct foreign_tool *tool = foreign_tool_named(from);
    if (tool == NULL)
        return unknown_tool(from, err);
    *ret_tool = tool;
    if (foreign_tool_has_table(adoption->handle, tool, ret_readable, err) != 0)
        return -1;
    if (*ret_readable)
        return 0;
    if (tool->known_by_name && sql_table_exists(adoption->handle, tool->table, &there, err) != 0)
        return -1;
    if (!there)
        return nothing_found(adoption, tool->name, err);
    return adoption->options->baseline >= 0 ? 0 : strange_table(tool, err);
}

/* Once a migration was applied or taken back here, the other tool's history is of the past: after
 * a way back to the beginning it would bring in what is no more. */
static int find_own_runs(const struct migrate_history *records, bool *ret_there, struct error *err)
{
    char sql[128];
    int64_t found = 0;
    *ret_there = false;
    if (!records->applied_exists || !records->history_exists)
        return 0;
    (void)snprintf(sql, sizeof sql,
                   "SELECT 1 FROM main.%s WHERE status = 'success' AND direction IN ('up', 'down')",
                   records->history_table);
    if (sql_int(records->handle, sql, 0, &found, err) != 0)
        return -1;
    *ret_there = found == 1;
    return 0;
}

static int refuse_own_records(const struct adoption *adoption, struct error *err)
{
    struct migrate_applied *applied = NULL;
    size_t count = 0;
    bool runs = false;
    if (migrate_history_applied(&adoption->records, &applied, &count, err) != 0)
        return -1;
    if (count > 0)
        (void)error_set(err, ERROR_CONFIG, 0,
                        "liteinit has records of its own already: %s has %zu %s, the newest being "
                        "version %lld",
                        adoption->records.applied_table, count, count == 1 ? "row" : "rows",
                        (long long)applied[count - 1].version);
    migrate_applied_free(applied, count);
    if (count > 0)
        return error_hint(err,
                          "nothing was changed, and nothing is needed: a history is taken over "
                          "once; see: liteinit status");
    if (find_own_runs(&adoption->records, &runs, err) != 0)
        return -1;
    if (!runs)
        return 0;
    (void)error_set(err, ERROR_CONFIG, 0,
                    "liteinit has records of its own already: it has run migrations here, and took "
                    "all of them back");
    return error_hint(err, "nothing was changed; see: liteinit history; to mark migrations as "
                           "applied: liteinit baseline VERSION");
}

/* Marks one file. The first entry that names it counts. */
static void claim(struct adoption *adoption, size_t index, const struct foreign_entry *entry)
{
    struct claim *it = &adoption->claims[index];
    adoption->claimed += !it->applied;
    it->applied = true;
    if (it->entry == NULL)
        it->entry = entry;
}

static int needs_baseline(const struct adoption *adoption, const char *why, struct error *err)
{
    const struct foreign_history *history = &adoption->history;
    (void)error_set(err, ERROR_CONFIG, 0, "%s, the history of %s, %s", history->table,
                    history->tool->name, why);
    return error_hint(err, "nothing was changed; say which version of the folder the schema has: "
                           "liteinit adopt --baseline VERSION");
}

static int file_missing(const struct adoption *adoption, const struct foreign_entry *first,
                        size_t missing, struct error *err)
{
    const struct foreign_history *history = &adoption->history;
    char more[64] = "";
    if (missing > 1)
        (void)snprintf(more, sizeof more, " (nor have %zu others)", missing - 1);
    (void)error_set(err, ERROR_CONFIG, 0,
                    "%s, the history of %s, says that %.200s is applied, which has no file in "
                    "%.300s%s",
                    history->table, history->tool->name, first->label, adoption->folder->path,
                    more);
    return error_hint(err, "nothing was changed; is it the right folder (--migrations), and is the "
                           "image as new as the database? Where the files were replaced by others: "
                           "liteinit adopt --baseline VERSION");
}

/* The entry's time is theirs too: they were applied before what was applied after it. */
static void claim_up_to(struct adoption *adoption, const struct foreign_entry *entry)
{
    for (size_t i = 0; i < adoption->folder->count; i++)
        if (migrate_match_is_up_to(&adoption->folder->migrations[i], entry->label))
            claim(adoption, i, entry);
}

/* A file that has another checksum than the tool wrote down. One that is to be run again whenever
 * it changes is just left to be run. */
static int check_sum(const struct adoption *adoption, size_t index,
                     const struct foreign_entry *entry, bool *ret_same, struct error *err)
{
    const struct layout_migration *file = &adoption->folder->migrations[index];
    const struct foreign_tool *tool = adoption->history.tool;
    *ret_same = true;
    if (entry->checksum == NULL || tool->sum == FOREIGN_SUM_NONE)
        return 0;
    if (migrate_sums_match_file(tool->sum, entry->checksum, adoption->folder, file, ret_same,
                                err) != 0)
        return -1;
    if (*ret_same || file->repeatable)
        return 0;
    (void)error_set(err, ERROR_CONFIG, 0,
                    "%.255s has changed since %s applied it: its checksum is not the one in %s",
                    file->up, tool->name, adoption->history.table);
    return error_hint(err, "nothing was changed; an applied file must stay as it is: bring it "
                           "back, and put the change into a new migration; or say where the schema "
                           "is: liteinit adopt --baseline VERSION");
}

static int claim_entries(struct adoption *adoption, const struct migrate_match *match,
                         struct error *err)
{
    const struct foreign_history *history = &adoption->history;
    const struct foreign_entry *first_missing = NULL;
    const struct foreign_entry *up_to = NULL; /* the newest of them */
    size_t missing = 0;
    for (size_t i = 0; i < history->count; i++) {
        const struct foreign_entry *entry = &history->entries[i];
        size_t index = migrate_match_find(match, history->tool, entry);
        bool same = true;
        if (entry->up_to && (up_to == NULL || migrate_match_order(up_to->label, entry->label) < 0))
            up_to = entry;
        if (index != MIGRATE_MATCH_NONE) {
            if (check_sum(adoption, index, entry, &same, err) != 0)
                return -1;
            if (same)
                claim(adoption, index, entry);
        } else if (!entry->repeatable && !(entry->up_to && history->tool->has_baselines)) {
            first_missing = missing++ == 0 ? entry : first_missing;
        }
    }
    if (missing == 0 && up_to != NULL)
        claim_up_to(adoption, up_to);
    if (missing == 0)
        return 0;
    if (history->tool->by_app)
        return needs_baseline(adoption, "lists migrations that are not this folder's", err);
    return file_missing(adoption, first_missing, missing, err);
}

static int claim_baseline(struct adoption *adoption, struct error *err)
{
    const struct layout_folder *folder = adoption->folder;
    int64_t baseline = adoption->options->baseline;
    if (layout_folder_find(folder, baseline) == NULL) {
        (void)error_set(err, ERROR_NOT_FOUND, 0,
                        "there is no migration with the number %lld in %.300s", (long long)baseline,
                        folder->path);
        return error_hint(err, "nothing was changed; the versions are listed by: liteinit status");
    }
    for (size_t i = 0; i < folder->count; i++)
        if (!folder->migrations[i].repeatable && folder->migrations[i].version <= baseline)
            claim(adoption, i, NULL);
    return 0;
}

static int find_claims(struct adoption *adoption, struct error *err)
{
    struct migrate_match match = {.count = 0};
    const struct foreign_tool *tool = adoption->history.tool;
    adoption->claims = calloc(adoption->folder->count + 1, sizeof *adoption->claims);
    if (adoption->claims == NULL)
        return error_set(err, ERROR_IO, ENOMEM, "cannot compare the migrations");
    if (adoption->options->baseline >= 0)
        return claim_baseline(adoption, err);
    if (tool->head_only && adoption->history.count > 0)
        return needs_baseline(adoption, "holds the newest revision alone, not the way to it", err);
    if (migrate_match_open(adoption->folder, tool->by_stamp, &match, err) != 0)
        return -1;
    int result = claim_entries(adoption, &match, err);
    migrate_match_free(&match);
    return result;
}

/* A row among the attempts: that it was taken over, and when. */
static int note(const struct adoption *adoption, int64_t version, struct error *err)
{
    int64_t id = 0;
    if (migrate_history_start(&adoption->records, version, "adopt", NULL, &id, err) != 0)
        return -1;
    return migrate_history_finish(&adoption->records, id, "success", NULL, err);
}

static int record(const struct adoption *adoption, size_t index, struct error *err)
{
    const struct layout_migration *file = &adoption->folder->migrations[index];
    const struct foreign_entry *entry = adoption->claims[index].entry;
    struct layout_script script;
    cleanup_free char *down = NULL;
    if (layout_script_load(adoption->folder, file, LAYOUT_UP, &script, err) != 0)
        return -1;
    int result = layout_script_keep_down(adoption->folder, file, &script, &down, err);
    if (result == 0) {
        const struct migrate_record row = {
            .version = file->version,
            .name = file->name,
            .checksum = script.checksum,
            .app_version = adoption->options->app_version,
            .down_sql = down,
            .applied_at = entry != NULL ? entry->applied_at : NULL,
        };
        result = migrate_history_record(&adoption->records, &row, err);
    }
    layout_script_free(&script);
    return result == 0 ? note(adoption, file->version, err) : -1;
}

/* A tool that has a table like ours of the attempts keeps it to itself. */
static void leave_their_attempts(struct adoption *adoption)
{
    const char *aside = adoption->history.tool->aside.table;
    if (aside != NULL && strcmp(aside, adoption->records.history_table) == 0) {
        adoption->records.history_table = "liteinit_history";
        adoption->records.history_exists = false;
    }
}

/* Everything between BEGIN and COMMIT. */
static int adopt_inside(struct adoption *adoption, struct migrate_adopt_report *report,
                        struct error *err)
{
    const struct foreign_tool *tool = &nobody;
    bool readable = false;
    if (migrate_history_open(adoption->handle, &adoption->records, err) != 0 ||
        refuse_own_records(adoption, err) != 0 || choose_tool(adoption, &tool, &readable, err) != 0)
        return -1;
    adoption->history = (struct foreign_history){.tool = tool, .table = tool->table};
    if ((readable && foreign_history_read(adoption->handle, tool, &adoption->history, err) != 0) ||
        find_claims(adoption, err) != 0)
        return -1;
    leave_their_attempts(adoption);
    if (migrate_history_create(&adoption->records, err) != 0)
        return -1;
    report->tool = adoption->history.tool->name;
    report->table = adoption->history.table;
    report->adopted = adoption->claimed;
    report->pending = adoption->folder->count - adoption->claimed;
    for (size_t i = 0; i < adoption->folder->count; i++) {
        if (store_interrupted())
            return error_set(err, ERROR_INTERRUPTED, 0,
                             "taking over the history of %s was stopped; nothing was changed",
                             report->tool);
        if (!adoption->claims[i].applied)
            continue;
        if (record(adoption, i, err) != 0)
            return -1;
        if (adoption->folder->migrations[i].version > report->version)
            report->version = adoption->folder->migrations[i].version;
    }
    /* An empty history leaves a trace too, so that the next start runs the files. */
    return report->adopted > 0 ? 0 : note(adoption, 0, err);
}

int migrate_adopt(sqlite3 *handle, const struct layout_folder *folder,
                  const struct migrate_adopt_options *options,
                  struct migrate_adopt_report *ret_report, struct error *err)
{
    struct adoption adoption = {.handle = handle, .folder = folder, .options = options};
    struct migrate_adopt_report report = {.adopted = 0};
    if (sql_exec(handle, "BEGIN IMMEDIATE", err) != 0)
        return -1;
    int result = adopt_inside(&adoption, &report, err);
    if (result == 0 && sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        result = sql_error(err, handle, "cannot write liteinit's records");
    /* A full disk may have rolled back already: https://www.sqlite.org/lang_transaction.html. */
    if (result != 0 && sqlite3_get_autocommit(handle) == 0)
        (void)sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
    free(adoption.claims);
    foreign_history_free(&adoption.history);
    if (result != 0)
        return -1;
    *ret_report = report;
    return 0;
}
