/* See references.h. https://www.sqlite.org/pragma.html#pragma_foreign_key_list */
#include "migrate/references.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/sql.h"

static int out_of_memory(struct error *err)
{
    return error_set(err, ERROR_IO, ENOMEM, "cannot read the foreign keys");
}

static bool copy(sqlite3_stmt *statement, int column, char **ret_text)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    *ret_text = text != NULL ? strdup(text) : NULL;
    return text == NULL || *ret_text != NULL;
}

static bool add(struct migrate_references *references, sqlite3_stmt *statement)
{
    if ((references->count & (references->count - 1)) == 0) {
        size_t capacity = references->count == 0 ? 1 : references->count * 2;
        struct migrate_reference *grown =
            realloc(references->list, capacity * sizeof *references->list);
        if (grown == NULL)
            return false;
        references->list = grown;
    }
    struct migrate_reference *one = &references->list[references->count++];
    *one = (struct migrate_reference){.child = NULL};
    return copy(statement, 0, &one->child) && copy(statement, 1, &one->column) &&
           copy(statement, 2, &one->parent) && copy(statement, 3, &one->target);
}

/* A key that names no columns of its parent means the primary key. A generated column is unknown:
 * it changes with others. Who has a foreign key has the word in its SQL, and asking only those
 * keeps this quick where there are thousands of tables. */
#define KEYS                                                                                       \
    "SELECT m.name, (SELECT x.name FROM pragma_table_xinfo(m.name, 'main') AS x"                   \
    "   WHERE x.name = f.\"from\" COLLATE NOCASE AND x.hidden = 0),"                               \
    "  f.\"table\", (SELECT x.name FROM pragma_table_xinfo(f.\"table\", 'main') AS x"              \
    "   WHERE iif(f.\"to\" IS NULL, x.pk = f.seq + 1, x.name = f.\"to\" COLLATE NOCASE)"           \
    "   AND x.hidden = 0)"                                                                         \
    " FROM main.sqlite_schema AS m, pragma_foreign_key_list(m.name, 'main') AS f"                  \
    " WHERE m.type = 'table' AND instr(lower(m.sql), 'references') > 0"

int migrate_references_read(sqlite3 *handle, struct migrate_references *references,
                            struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int64_t replaces = 0;
    int64_t schema = 0;
    int code = SQLITE_ROW;
    if (references->known)
        return 0;
    if (sql_int(handle, "PRAGMA main.schema_version", 0, &schema, err) != 0)
        return -1;
    references->known = references->loaded && references->schema == schema;
    if (references->known)
        return 0;
    migrate_references_free(references);
    if (sql_int(handle,
                "SELECT 1 FROM main.sqlite_schema WHERE type IN ('table', 'trigger')"
                " AND instr(lower(sql), 'replace') > 0 LIMIT 1",
                0, &replaces, err) != 0 ||
        sql_prepare(handle, KEYS, &statement, err) != 0)
        return error_wrap(err, "cannot read the foreign keys");
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        if (!add(references, statement))
            return out_of_memory(err);
    if (code != SQLITE_DONE)
        return sql_error(err, handle, "cannot read the foreign keys");
    references->replaces = replaces == 1;
    references->schema = schema;
    references->loaded = references->known = true;
    return 0;
}

void migrate_references_free(struct migrate_references *references)
{
    for (size_t i = 0; i < references->count; i++) {
        free(references->list[i].child);
        free(references->list[i].column);
        free(references->list[i].parent);
        free(references->list[i].target);
    }
    free(references->list);
    *references = (struct migrate_references){.list = NULL};
}

/* A column that is not known may be any, and "ROWID" is the authorizer's word for one that may
 * have a name of its own as well. */
static bool may_be(const char *column, const char *written)
{
    return column == NULL || written == NULL || sqlite3_stricmp(written, "ROWID") == 0 ||
           sqlite3_stricmp(column, written) == 0;
}

bool migrate_references_from(const struct migrate_references *references, const char *table,
                             const char *column)
{
    for (size_t i = 0; i < references->count; i++)
        if (sqlite3_stricmp(references->list[i].child, table) == 0 &&
            may_be(references->list[i].column, column))
            return true;
    return false;
}

bool migrate_references_to(const struct migrate_references *references, const char *table,
                           const char *column)
{
    for (size_t i = 0; i < references->count; i++)
        if (references->list[i].parent != NULL &&
            sqlite3_stricmp(references->list[i].parent, table) == 0 &&
            may_be(references->list[i].target, column))
            return true;
    return false;
}
