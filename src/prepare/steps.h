/* The steps of the preparation and what they hand on to each other. Private to prepare/. */
#ifndef LITEINIT_PREPARE_STEPS_H
#define LITEINIT_PREPARE_STEPS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"
#include "migrate/observer.h"
#include "migrate/plan.h"
#include "migrate/violations.h"
#include "migrate/way_back.h"
#include "prepare/prepare.h"
#include "store/database.h"
#include "store/location.h"

struct preparation {
    const struct config *config;
    const struct prepare_request *request;
    struct migrate_source source;

    struct store_location location;
    int lock_fd;
    bool locked; /* the lock is ours, and so is the line about what we do */
    bool no_wal; /* the volume cannot share memory: WAL would damage the database there */
    struct store_probe probe;
    bool unclean; /* the last life did not end in order, or left a WAL or a journal */
    bool fresh;   /* the database is made now */
    bool settled; /* nothing is to do: the remaining steps are left out */
    struct store_database *database;
    bool folded;      /* a WAL had content, so that the main file is not as probed */
    bool rolled_back; /* a journal had content: the main file is as the last commit left it */
    bool reused;      /* the backup is of an earlier start */
    bool checked;     /* integrity is proved for the content as it is now */
    struct migrate_plan plan;
    struct migrate_way_back way; /* what is to be taken back */
    bool newer;                  /* planning failed because the database is newer than the image */
    char fitting[PATH_MAX];      /* the backup to put in place of a newer database; "": none is */
    bool command_ran;            /* the app's migrator has been at work, and left its mark */
    struct migrate_violations violations; /* of foreign keys, before it */

    size_t notices; /* told of the migration that runs */

    struct prepare_report report;
};

/* In their order. Each returns 0, or -1 with err; the runner logs the error. */
int step_lock(struct preparation *p, struct error *err);
int step_volume(struct preparation *p, struct error *err);
int step_probe(struct preparation *p, struct error *err);
int step_existing(struct preparation *p, struct error *err);
int step_glance(struct preparation *p, struct error *err);
int step_open(struct preparation *p, struct error *err);
int step_check(struct preparation *p, struct error *err);
int step_plan(struct preparation *p, struct error *err);
int step_plan_back(struct preparation *p, struct error *err);
int step_fold(struct preparation *p, struct error *err);
int step_older(struct preparation *p, struct error *err);
int step_space(struct preparation *p, struct error *err);
int step_backup(struct preparation *p, struct error *err);
int step_check_before(struct preparation *p, struct error *err);
int step_rehearse(struct preparation *p, struct error *err);
int step_roll_back(struct preparation *p, struct error *err);
int step_migrate(struct preparation *p, struct error *err);
int step_command(struct preparation *p, struct error *err);
int step_records(struct preparation *p, struct error *err);
int step_check_after(struct preparation *p, struct error *err);
int step_journal_mode(struct preparation *p, struct error *err);
int step_settle(struct preparation *p, struct error *err);
int step_retention(struct preparation *p, struct error *err);

/* Whether a change is due that may cost data: then there is room for it, a backup, a check. */
bool step_change_is_due(const struct preparation *p);

/* What the plan says, also for step_glance(). */
void step_plan_log(const struct preparation *p);

/* The version down to which `text` says to go; NULL: MIGRATE_LAST. ERROR_USAGE when it is none. */
int step_back_target(const struct migrate_plan *plan, const char *text, int64_t *ret_target,
                     struct error *err);

/* Opens the database again after it was closed, or replaced: alone, as step_open() does. */
int step_reopen(struct preparation *p, struct error *err);

/* Whether migrate_command can be taken apart, asked before anything is done for it. */
int step_command_words(const struct preparation *p, struct error *err);

/* The check after migrate_command, besides that of integrity. */
int step_command_check(struct preparation *p, struct error *err);

/* What those who run migrations tell, in the log and in the lock file. */
struct migrate_observer step_observer(struct preparation *p);

/* The same of a rehearsal. */
struct migrate_observer step_rehearsal_observer(struct preparation *p);

/* The phase that `status` shows beside the preparation; NULL: none. */
void step_activity(const struct preparation *p, const char *phase);

/* on_failure=restore: puts the backup from before back after a failed change, and writes the failed
 * attempt into it. A failure is logged. */
void step_put_back(struct preparation *p, const struct error *failure);

/* Writes an attempt that failed without leaving a trace into the history. Failures are passed over. */
void step_record_failure(struct preparation *p, int64_t version, const char *direction,
                         const struct error *failure);

#endif
