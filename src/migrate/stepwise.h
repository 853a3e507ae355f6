/*
 * Runs a script that asks for no transaction: statement by statement, each of which stays.
 *
 * Each ordinary statement has a small transaction of ours, together with the note of how far the
 * migration came; a BEGIN … COMMIT block of the file's own is one such unit. So after a failure or
 * a kill at any moment the database knows which statements it has, and the next run of the same
 * version goes on behind them.
 *
 * VACUUM and pragmas run outside a transaction, where alone they have an effect, and the note is
 * written after them. A kill between the two runs them once more, which changes nothing: both are
 * idempotent.
 */
#ifndef LITEINIT_MIGRATE_STEPWISE_H
#define LITEINIT_MIGRATE_STEPWISE_H

#include "migrate/run.h"

/* `note` is that of the attempt before, "" for none. ERROR_CONFIG when the text up to there has
 * changed, or the script asks for a transaction now: what was run already would be run again. */
int migrate_stepwise_run(struct migrate_run *run, const char *note, bool *ret_stands,
                         struct error *err);

#endif
