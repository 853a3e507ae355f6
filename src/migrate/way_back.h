/*
 * The way back: which applied migrations are to be taken back, in which order, and by which SQL.
 *
 * The newest in order of application comes first. The SQL is that of the folder's down file where
 * the applied file is still in the folder and unchanged; else what the database has kept of it.
 */
#ifndef LITEINIT_MIGRATE_WAY_BACK_H
#define LITEINIT_MIGRATE_WAY_BACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "layout/script.h"

struct migrate_step_back {
    int64_t version;
    char *name;
    struct layout_script script;
};

struct migrate_way_back {
    struct migrate_step_back *steps;
    size_t count;
};

void migrate_way_back_free(struct migrate_way_back *way);

#endif
