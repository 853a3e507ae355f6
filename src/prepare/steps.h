/* The steps of the preparation and what they hand on to each other. Private to prepare/. */
#ifndef LITEINIT_PREPARE_STEPS_H
#define LITEINIT_PREPARE_STEPS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"
#include "migrate/plan.h"
#include "prepare/prepare.h"
#include "store/database.h"
#include "store/location.h"

struct preparation {
    const struct config *config;
    int64_t target;

    struct store_location location;
    int lock_fd;
    bool no_wal; /* the volume cannot share memory: WAL would damage the database there */
    struct store_probe probe;
    bool unclean; /* the last life did not end in order, or left a WAL or a journal */
    bool fresh;   /* the database is made now */
    bool settled; /* nothing is to do: the remaining steps are left out */
    struct store_database *database;
    bool folded;      /* a WAL had content, so that the main file is not as probed */
    bool rolled_back; /* a journal had content: the main file is as the last commit left it */
    bool checked;     /* integrity is proved for the content as it is now */
    struct migrate_plan plan;
    bool newer; /* planning failed because the database is newer than the image */

    struct prepare_report report;
};

/* In their order. Each returns 0, or -1 with err; the runner logs the error. */
int step_lock(struct preparation *p, struct error *err);
int step_volume(struct preparation *p, struct error *err);
int step_probe(struct preparation *p, struct error *err);
int step_glance(struct preparation *p, struct error *err);
int step_open(struct preparation *p, struct error *err);
int step_check(struct preparation *p, struct error *err);
int step_plan(struct preparation *p, struct error *err);
void step_plan_log(const struct preparation *p); /* what the plan says, also for step_glance() */
int step_fold(struct preparation *p, struct error *err);
int step_space(struct preparation *p, struct error *err);
int step_backup(struct preparation *p, struct error *err);
int step_check_before(struct preparation *p, struct error *err);
int step_migrate(struct preparation *p, struct error *err);
int step_check_after(struct preparation *p, struct error *err);
int step_journal_mode(struct preparation *p, struct error *err);
int step_settle(struct preparation *p, struct error *err);
int step_retention(struct preparation *p, struct error *err);

#endif
