/* Makes the files of a new migration, in the layout that the folder has. */
#ifndef LITEINIT_LAYOUT_CREATE_H
#define LITEINIT_LAYOUT_CREATE_H

#include <limits.h>

#include "base/error.h"
#include "layout/tool.h"

struct layout_created {
    char up[PATH_MAX];   /* the files that were made, with the folder */
    char down[PATH_MAX]; /* ""; the way back is in `up`, or the layout has none */
};

/*
 * Gives it the next number: one more than the newest, as wide as the others; or the present moment in
 * UTC where the others are dates. A folder that is not there is made. `name` becomes part of the
 * names: letters, digits, - and _; blanks become _. No file is ever overwritten. ERROR_USAGE for a
 * name without a letter or digit, ERROR_CONFIG for a layout whose own tool has to make the files
 * (Prisma, drizzle), and what reading the folder says.
 */
int layout_create(const char *folder, enum layout_tool tool, const char *name,
                  struct layout_created *ret_created, struct error *err);

#endif
