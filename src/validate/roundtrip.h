/* The round trip of one migration: up, down, the same schema as before, and up again. */
#ifndef LITEINIT_VALIDATE_ROUNDTRIP_H
#define LITEINIT_VALIDATE_ROUNDTRIP_H

#include <stdbool.h>

#include "base/error.h"
#include "layout/folder.h"
#include "layout/script.h"
#include "migrate/difference.h"
#include "validate/remarks.h"

struct sqlite3;

/* `handle` has the migration applied; `before` is the schema without it. The way is gone on a copy,
 * so that `handle` stays as it is. *ret_proved: nothing was wrong. Errors are those of the machine
 * (memory, a stop signal), not of the script. */
int validate_roundtrip(struct sqlite3 *handle, const struct layout_folder *folder,
                       const struct layout_migration *migration, const struct layout_script *down,
                       const struct migrate_snapshot *before, struct validate_remarks *remarks,
                       bool *ret_proved, struct error *err);

#endif
