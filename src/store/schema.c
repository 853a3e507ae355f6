/* See schema.h. */
#include "store/schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/sql.h"

int store_schema_hash(sqlite3 *handle, char out[HASH_HEX_SIZE], struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    struct hash hash;
    hash_start(&hash);
    if (sql_prepare(handle,
                    "SELECT type, name, tbl_name, coalesce(sql, '') FROM main.sqlite_schema"
                    " ORDER BY type, name",
                    &statement, err) != 0)
        return -1;
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        for (int i = 0; i < 4; i++) {
            const unsigned char *text = sqlite3_column_text(statement, i);
            /* With its NUL, so that no two columns run together. */
            if (text != NULL)
                hash_add(&hash, text, strlen((const char *)text) + 1);
        }
    if (code != SQLITE_DONE)
        return sql_error(err, handle, "cannot read the schema");
    hash_finish(&hash, out);
    return 0;
}

static int add_table(struct store_schema *schema, const char *name, struct error *err)
{
    struct store_table *tables =
        realloc(schema->tables, (schema->count + 1) * sizeof *schema->tables);
    if (tables == NULL)
        return error_set(err, ERROR_IO, ENOMEM, "cannot list the tables");
    schema->tables = tables;
    char *copy = strdup(name);
    if (copy == NULL)
        return error_set(err, ERROR_IO, ENOMEM, "cannot list the tables");
    schema->tables[schema->count++] = (struct store_table){.name = copy, .rows = -1};
    return 0;
}

static int list_tables(sqlite3 *handle, struct store_schema *schema, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    if (sql_prepare(handle,
                    "SELECT name FROM main.sqlite_schema WHERE type = 'table'"
                    " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
                    &statement, err) != 0)
        return -1;
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        if (add_table(schema, (const char *)sqlite3_column_text(statement, 0), err) != 0)
            return -1;
    return code == SQLITE_DONE ? 0 : sql_error(err, handle, "cannot list the tables");
}

int store_schema_count(sqlite3 *handle, const char *table, int64_t *ret_rows, struct error *err)
{
    char *sql = sqlite3_mprintf("SELECT count(*) FROM main.\"%w\"", table);
    if (sql == NULL)
        return error_set(err, ERROR_IO, ENOMEM, "cannot count the rows of %s", table);
    cleanup_statement sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);
    sqlite3_free(sql);
    /* A virtual table whose module is not compiled in: its shadow tables are counted anyway. Or a
     * key with a collation of the app's own: SQLite cannot open it. */
    if ((code & 0xFF) == SQLITE_ERROR) {
        *ret_rows = -1;
        return 0;
    }
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code != SQLITE_ROW)
        return sql_error(err, handle, "cannot count the rows of %s", table);
    *ret_rows = sqlite3_column_int64(statement, 0);
    return 0;
}

int store_schema_read(sqlite3 *handle, struct store_schema *ret_schema, struct error *err)
{
    struct store_schema schema = {.count = 0};
    int result = store_schema_hash(handle, schema.hash, err);
    if (result == 0)
        result = list_tables(handle, &schema, err);
    for (size_t i = 0; result == 0 && i < schema.count; i++)
        result = store_schema_count(handle, schema.tables[i].name, &schema.tables[i].rows, err);
    if (result != 0) {
        store_schema_free(&schema);
        return -1;
    }
    *ret_schema = schema;
    return 0;
}

void store_schema_free(struct store_schema *schema)
{
    for (size_t i = 0; i < schema->count; i++)
        free(schema->tables[i].name);
    free(schema->tables);
    schema->tables = NULL;
    schema->count = 0;
}

int store_schema_compare(const struct store_schema *expected, const struct store_schema *found,
                         struct error *err)
{
    if (strcmp(expected->hash, found->hash) != 0 || expected->count != found->count)
        return error_set(err, ERROR_DATA, 0, "the schema of the copy differs from its source");
    for (size_t i = 0; i < expected->count; i++)
        if (expected->tables[i].rows != found->tables[i].rows)
            return error_set(err, ERROR_DATA, 0,
                             "table %s has %lld rows in the copy and %lld in its source",
                             expected->tables[i].name, (long long)found->tables[i].rows,
                             (long long)expected->tables[i].rows);
    return 0;
}
