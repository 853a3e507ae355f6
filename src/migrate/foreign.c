/* See foreign.h. */
#include "migrate/foreign.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
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

static const char *const tables[] = {
    "goose_db_version",        "_sqlx_migrations",   "flyway_schema_history",
    "refinery_schema_history", "_prisma_migrations", "__diesel_schema_migrations",
    "__drizzle_migrations",    "knex_migrations",    "django_migrations",
    "alembic_version",
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

int migrate_foreign_find_history(sqlite3 *handle, const char **ret_table, struct error *err)
{
    *ret_table = NULL;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        bool exists = false;
        if (sql_table_exists(handle, tables[i], &exists, err) != 0)
            return -1;
        if (exists) {
            *ret_table = tables[i];
            return 0;
        }
    }
    return 0;
}
