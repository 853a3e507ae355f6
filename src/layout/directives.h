/*
 * What a migration asks for besides its statements. In liteinit's own words it stands in the
 * comments before the first statement of a file: `-- liteinit: WORD …`; other tools' markers for
 * the same things are read by their layouts.
 */
#ifndef LITEINIT_LAYOUT_DIRECTIVES_H
#define LITEINIT_LAYOUT_DIRECTIVES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum layout_foreign_keys {
    LAYOUT_FOREIGN_KEYS_OFF,  /* not enforced while it runs; new violations abort */
    LAYOUT_FOREIGN_KEYS_ON,   /* foreign-keys=on: enforced while it runs; new violations abort */
    LAYOUT_FOREIGN_KEYS_WARN, /* foreign-keys=warn: not enforced; new violations are told of */
};

struct layout_directives {
    bool irreversible;       /* there is no way back, on purpose */
    bool no_transaction;     /* statement by statement, each of which stays */
    bool allow_row_loss;     /* tables that the SQL does not name may lose rows */
    bool legacy_alter_table; /* legacy-alter-table=on: PRAGMA legacy_alter_table while it runs */
    enum layout_foreign_keys foreign_keys;
};

/* Reads liteinit's own. An unknown one is ERROR_DATA naming file, line and the nearest known one: a
 * directive that is passed over could cost data. */
int layout_directives_read(const char *file, const char *text, size_t size,
                           struct layout_directives *ret_directives, struct error *err);

/* Adds to `directives` what `more` asks for. */
void layout_directives_add(struct layout_directives *directives,
                           const struct layout_directives *more);

/* Writes those of `directives` that `said` does not have as one line of liteinit's own, with its
 * end; "" when there is none. */
#define LAYOUT_DIRECTIVES_LINE 160
void layout_directives_write(const struct layout_directives *directives,
                             const struct layout_directives *said,
                             char out[LAYOUT_DIRECTIVES_LINE]);

#endif
