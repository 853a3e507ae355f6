/* The commands that work on migrations by hand: the same call, and the same answer. Private to
 * cli/. */
#ifndef LITEINIT_CLI_WORK_H
#define LITEINIT_CLI_WORK_H

#include "cli/command.h"
#include "prepare/prepare.h"

/* Runs it under the lock and prints what was done: JSON with --json, else one line, and nothing at
 * all for `quiet`. Returns the exit status. */
int work_run(const struct invocation *call, enum prepare_work work, const char *target, bool quiet);

/* The same on a private copy (--dry-run), and prints the report. */
int work_rehearse(const struct invocation *call, enum prepare_work work, const char *target);

/* ERROR_NOT_FOUND unless there is a folder of migrations, ERROR_CONFIG when migrate_command makes it
 * of no account. */
int work_require_folder(const struct config *config, struct error *err);

#endif
