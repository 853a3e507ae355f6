/* See foreign.h. */
#include "migrate/foreign.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "foreign/tools.h"
#include "store/sql.h"

static const struct {
    const char *text; /* behind "--" and blanks */
    const char *tool;
} markers[] = {
    {"+goose Up", "goose"},
    {"+goose Down", "goose"},
    {"migrate:up", "dbmate"},
    {"migrate:down", "dbmate"},
};

static const char *tool_of_line(const char *line, size_t length)
{
    char text[64];
    (void)snprintf(text, sizeof text, "%.*s", (int)(length < 60 ? length : 60), line);
    const char *at = text + strspn(text, " \t");
    if (!text_starts_with(at, "--"))
        return NULL;
    at += 2;
    at += strspn(at, " \t");
    for (size_t i = 0; i < sizeof markers / sizeof markers[0]; i++)
        if (text_starts_with(at, markers[i].text))
            return markers[i].tool;
    return NULL;
}

int migrate_foreign_check_file(const char *file, const char *text, size_t size, struct error *err)
{
    size_t at = 0;
    for (int number = 1; at < size; number++) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end != NULL ? (size_t)(end - (text + at)) : size - at;
        const char *tool = tool_of_line(text + at, length);
        if (tool != NULL) {
            (void)error_set(err, ERROR_CONFIG, 0,
                            "%s:%d: this file is written for %s, which keeps the way up and the "
                            "way down in one file",
                            file, number, tool);
            (void)snprintf(err->file, sizeof err->file, "%.255s", file);
            err->line = number;
            err->column = 1;
            return error_hint(err,
                              "nothing was run; put the part behind the down marker into a "
                              "file of its own that ends in _down.sql, and remove the markers");
        }
        at += length + 1;
    }
    return 0;
}

/* A schema_migrations that is neither ours nor any known tool's. */
static int strange_history(const char *folder, struct error *err)
{
    (void)error_set(err, ERROR_CONFIG, 0,
                    "the database has a table schema_migrations that another tool wrote: running "
                    "the files in %s again could destroy data",
                    folder);
    return error_hint(err, "nothing was changed; say which version of the folder the schema has: "
                           "liteinit baseline VERSION; or leave the migrations to that tool: "
                           "LITEINIT_MIGRATIONS=none");
}

/* Whether liteinit has ever done anything here. A table of attempts alone may be another tool's. */
static int has_been_here(const struct migrate_history *history, bool *ret_been, struct error *err)
{
    char sql[96];
    int64_t found = 0;
    *ret_been = false;
    if (!history->applied_exists || !history->history_exists)
        return 0;
    (void)snprintf(sql, sizeof sql, "SELECT 1 FROM main.%s WHERE status = 'success' LIMIT 1",
                   history->history_table);
    if (sql_int(history->handle, sql, 0, &found, err) != 0)
        return -1;
    *ret_been = found == 1;
    return 0;
}

int migrate_foreign_refuse_history(const struct migrate_history *history, const char *folder,
                                   struct error *err)
{
    struct foreign_found found[FOREIGN_FOUND_MAX];
    char more[64] = "";
    size_t count = 0;
    bool been = false;
    if (has_been_here(history, &been, err) != 0)
        return -1;
    if (been)
        return 0;
    if (foreign_detect(history->handle, found, &count, err) != 0)
        return -1;
    if (count == 0 || found[0].tool->columns == NULL)
        return history->foreign ? strange_history(folder, err) : 0;
    if (count > 1)
        (void)snprintf(more, sizeof more, ", and %zu more of other tools", count - 1);
    (void)error_set(err, ERROR_CONFIG, 0,
                    "the database has a table %s, the history of another migration tool (%s)%s: "
                    "running the files in %s again could destroy data",
                    found[0].tool->table, found[0].tool->name, more, folder);
    return error_hint(err, "nothing was changed; take the history over: liteinit adopt (docker "
                           "compose run --rm --entrypoint liteinit SERVICE adopt); or leave the "
                           "migrations to that tool: LITEINIT_MIGRATIONS=none");
}
