/*
 * The boot work: everything between "a container starts" and "the app may have its database".
 *
 * An ordered table of steps (prepare.c), each of which logs what it did. The first that fails ends
 * it: what was applied before stays, the rest is as it was. The same code serves PID 1's worker,
 * `liteinit prepare` and `liteinit up`.
 */
#ifndef LITEINIT_PREPARE_PREPARE_H
#define LITEINIT_PREPARE_PREPARE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"

struct prepare_request {
    const struct config *config;
    int64_t target; /* migrate up to this version; INT64_MAX: the newest */
};

/* What was done, for --json. */
struct prepare_report {
    int64_t schema_version; /* after it */
    size_t applied;         /* migrations applied now */
    int64_t first_applied;  /* their first and last version; 0: none */
    int64_t last_applied;
    char backup[PATH_MAX]; /* made or used again; "": none */
};

/* Runs all steps. A failure has been logged already when this returns -1 with `err`. */
int prepare_run(const struct prepare_request *request, struct prepare_report *ret_report,
                struct error *err);

#endif
