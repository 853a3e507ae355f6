/*
 * Reads a script as a proofreader does, without running it: what can be said of its text alone.
 */
#ifndef LITEINIT_MIGRATE_PROOFREAD_H
#define LITEINIT_MIGRATE_PROOFREAD_H

#include <stdbool.h>

#include "base/error.h"
#include "layout/script.h"
#include "migrate/remarks.h"

struct sqlite3;

/* Bytes that are no UTF-8 (SQLite would store them as they are), and a string, a quoted name or a
 * comment that never ends (SQLite takes an open comment to the end of the text for a comment).
 * *ret_closed is false when something never ends: it should not be run then. */
int migrate_proofread_text(const struct layout_script *script, struct migrate_remarks *remarks,
                           bool *ret_closed, struct error *err);

/* Prepares each statement, without running it, and tells what SQLite's grammar does not know. A
 * table that is not there is no fault here: what makes it may not have run. Nor is, unless the text
 * is `closed`, a statement that never ends. `handle` is a database of our own. */
int migrate_proofread_grammar(struct sqlite3 *handle, const struct layout_script *script,
                              bool closed, struct migrate_remarks *remarks, struct error *err);

#endif
