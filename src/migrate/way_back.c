/* See way_back.h. */
#include "migrate/way_back.h"

#include <stdlib.h>

void migrate_way_back_free(struct migrate_way_back *way)
{
    for (size_t i = 0; i < way->count; i++) {
        free(way->steps[i].name);
        layout_script_free(&way->steps[i].script);
    }
    free(way->steps);
    *way = (struct migrate_way_back){.steps = NULL};
}
