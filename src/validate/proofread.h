/*
 * Reads a script as a proofreader does, without running it: what can be said of its text alone.
 */
#ifndef LITEINIT_VALIDATE_PROOFREAD_H
#define LITEINIT_VALIDATE_PROOFREAD_H

#include <stdbool.h>

#include "base/error.h"
#include "layout/script.h"
#include "validate/remarks.h"

struct sqlite3;

/* A string, a quoted name, a comment or a trigger that never ends. (SQLite takes an open comment to
 * reach to the end of the text.) *ret_closed is false then: it should not be run. */
int validate_proofread_text(const struct layout_script *script, struct validate_remarks *remarks,
                            bool *ret_closed, struct error *err);

/* Prepares each statement, without running it, and tells what SQLite's grammar does not know. A
 * table that is not there is no fault here: what makes it may not have run. Nor is, unless the text
 * is `closed`, a statement that never ends. `handle` is a database of our own. */
int validate_proofread_grammar(struct sqlite3 *handle, const struct layout_script *script,
                               bool closed, struct validate_remarks *remarks, struct error *err);

#endif
