/* Directives: `-- liteinit: WORD …` in the comments before the first statement of a file. */
#ifndef LITEINIT_MIGRATE_DIRECTIVES_H
#define LITEINIT_MIGRATE_DIRECTIVES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct migrate_directives {
    bool irreversible; /* there is no way back, on purpose */
    bool foreign_keys; /* foreign-keys=on: enforced while the migration runs */
};

/* Reads them. An unknown one is ERROR_DATA naming file, line and the nearest known one: a
 * directive that is passed over could cost data. */
int migrate_directives_read(const char *file, const char *text, size_t size,
                            struct migrate_directives *ret_directives, struct error *err);

#endif
