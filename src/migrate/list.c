/* See list.h. */
#include "migrate/list.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

bool migrate_list_has(const struct migrate_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (sqlite3_stricmp(list->names[i], name) == 0)
            return true;
    return false;
}

int migrate_list_add(struct migrate_list *list, const char *name, struct error *err)
{
    if (migrate_list_has(list, name))
        return 0;
    char **grown = realloc((void *)list->names, (list->count + 1) * sizeof *grown);
    char *copy = grown != NULL ? strdup(name) : NULL;
    if (grown != NULL)
        list->names = grown;
    if (copy == NULL)
        return error_set(err, ERROR_IO, ENOMEM, "cannot guard the table %s", name);
    grown[list->count++] = copy;
    return 0;
}

void migrate_list_free(struct migrate_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free((void *)list->names);
    *list = (struct migrate_list){.names = NULL};
}
