/* The tables of a database: their number of rows and one hash over the schema. */
#ifndef LITEINIT_STORE_SCHEMA_H
#define LITEINIT_STORE_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"

struct sqlite3;

struct store_table {
    char *name;
    int64_t rows; /* -1: cannot be counted here (a module or a collation of the app's own) */
};

struct store_schema {
    char hash[HASH_HEX_SIZE]; /* over type, name, table and SQL of every object */
    struct store_table *tables;
    size_t count;
};

/* The hash alone. */
int store_schema_hash(struct sqlite3 *handle, char out[HASH_HEX_SIZE], struct error *err);

/* Reads names and hash, and counts the rows of every table. The caller frees the result with
 * store_schema_free(). */
int store_schema_read(struct sqlite3 *handle, struct store_schema *ret_schema, struct error *err);
void store_schema_free(struct store_schema *schema);

/* Counts the rows of one table of the main schema; -1 as above. */
int store_schema_count(struct sqlite3 *handle, const char *table, int64_t *ret_rows,
                       struct error *err);

/* ERROR_DATA naming the first difference (schema or number of rows) between two, else 0. */
int store_schema_compare(const struct store_schema *expected, const struct store_schema *found,
                         struct error *err);

#endif
