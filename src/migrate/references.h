/* Which table refers to which by a foreign key, as the main schema is now. */
#ifndef LITEINIT_MIGRATE_REFERENCES_H
#define LITEINIT_MIGRATE_REFERENCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct sqlite3;

/* One column of one foreign key. Columns may be NULL: unknown. */
struct migrate_reference {
    char *child;
    char *column;
    char *parent;
    char *target;
};

/* Good for all migrations of a run, as long as the schema's version says so. */
struct migrate_references {
    bool known;     /* false: to be asked for anew, since the schema may have changed */
    bool loaded;    /* for the schema of this version */
    int64_t schema; /* https://www.sqlite.org/pragma.html#pragma_schema_version */
    bool replaces;  /* some table or trigger deletes rows by REPLACE when others are inserted */
    struct migrate_reference *list; /* the columns of one child side by side */
    size_t count;
};

/* Reads them, unless they are known. */
int migrate_references_read(struct sqlite3 *handle, struct migrate_references *references,
                            struct error *err);
void migrate_references_free(struct migrate_references *references);

/* Whether writing this column (NULL: any) of the table can break a key of its own. */
bool migrate_references_from(const struct migrate_references *references, const char *table,
                             const char *column);

/* Whether it can break a key of a table that refers to it. */
bool migrate_references_to(const struct migrate_references *references, const char *table,
                           const char *column);

#endif
