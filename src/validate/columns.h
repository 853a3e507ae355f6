/* The columns of a table that a CREATE TABLE makes, and how two lists of them differ. */
#ifndef LITEINIT_VALIDATE_COLUMNS_H
#define LITEINIT_VALIDATE_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

struct validate_column {
    char *name;
    char *type;     /* as written, perhaps "" */
    char *fallback; /* its default as SQL; NULL: none */
    bool required;  /* NOT NULL */
    int key;        /* its place in the primary key from 1, or 0 */
};

struct validate_columns {
    struct validate_column *items;
    size_t count;
};

/* Makes the table in a database of its own and asks for its columns. False when that cannot be:
 * a module or function that is not there. Free with validate_columns_free(). */
bool validate_columns_of(const char *create, const char *table,
                         struct validate_columns *ret_columns);
void validate_columns_free(struct validate_columns *columns);

/* Writes difference number `n` (from 0) as a clause like "column c is gone"; false when there are
 * not so many. */
bool validate_columns_differ(const struct validate_columns *before,
                             const struct validate_columns *after, size_t n, char *clause,
                             size_t size);

#endif
