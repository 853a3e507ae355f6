/* A short list of table names. Letters of both cases are the same, as in SQLite. */
#ifndef LITEINIT_MIGRATE_LIST_H
#define LITEINIT_MIGRATE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct migrate_list {
    char **names;
    size_t count;
};

bool migrate_list_has(const struct migrate_list *list, const char *name);

/* Adds the name, unless it is there. ERROR_IO when memory is out. */
int migrate_list_add(struct migrate_list *list, const char *name, struct error *err);
void migrate_list_free(struct migrate_list *list);

#endif
