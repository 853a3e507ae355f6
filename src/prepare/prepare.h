/*
 * The work on the database under its lock: everything between "a container starts" and "the app may
 * have its database", and what an operator does to its migrations by hand.
 *
 * An ordered table of steps (prepare.c), each of which logs what it did. The first that fails ends
 * it: what was applied before stays, the rest is as it was. The same code serves PID 1's worker and
 * the commands.
 */
#ifndef LITEINIT_PREPARE_PREPARE_H
#define LITEINIT_PREPARE_PREPARE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"
#include "prepare/rehearsal.h"
#include "store/database.h"

/* What is to be done, and for which steps of the table that is a reason. */
enum prepare_work {
    PREPARE_UP = 1 << 0,       /* the boot work: apply what is pending */
    PREPARE_DOWN = 1 << 1,     /* take migrations back */
    PREPARE_REDO = 1 << 2,     /* take the last one back and apply it again */
    PREPARE_ADOPT = 1 << 3,    /* take another tool's history over */
    PREPARE_BASELINE = 1 << 4, /* mark versions as applied */
    PREPARE_REPAIR = 1 << 5,   /* accept an applied file as it is now */
};

struct prepare_request {
    const struct config *config;
    enum prepare_work work;
    const char *target; /* the version, as a person wrote it. UP: up to this one, NULL: the newest.
                           DOWN: down to this one, NULL: the last one only. BASELINE, REPAIR: it. ADOPT:
                           up to where a tool that keeps no list has applied; NULL: unknown */
    const char *from;   /* ADOPT: whose history; NULL: the one that is there */
};

/* What was done, for --json. */
struct prepare_report {
    int64_t schema_version; /* after it */
    size_t applied;         /* migrations applied now */
    int64_t first_applied;  /* their first and last version; 0: none */
    int64_t last_applied;
    size_t rolled_back;    /* migrations taken back now */
    size_t recorded;       /* records written without running anything */
    char tool[32];         /* ADOPT: whose history it was */
    char backup[PATH_MAX]; /* made or used again; "": none */
};

/* Runs the steps. A failure has been logged already when this returns -1 with `err`. */
int prepare_run(const struct prepare_request *request, struct prepare_report *ret_report,
                struct error *err);

/* `up --dry-run` and `down --dry-run`: the same migrations on a private copy; the database itself is
 * only read, also beside a living app. `work` is PREPARE_UP or PREPARE_DOWN. Free the result with
 * prepare_rehearsal_free(), after a failure too: it says how far it came. Logs nothing. */
int prepare_dry_run(const struct prepare_request *request, struct store_database *database,
                    struct prepare_rehearsal *ret_rehearsal, struct error *err);

#endif
