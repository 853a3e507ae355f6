/*
 * What is to be done: the folder's files against the versions that the database says are applied.
 */
#ifndef LITEINIT_MIGRATE_PLAN_H
#define LITEINIT_MIGRATE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "layout/folder.h"
#include "migrate/history.h"

/* Where the migrations are. */
struct migrate_source {
    const char *folder; /* NULL: there are none, and nothing is pending */
    enum layout_tool tool;
    bool beside_foreign; /* another tool's history is no reason to refuse */
};

/* Sentences about what is not as it should be. */
struct migrate_sentences {
    char **items;
    size_t count;
};

struct migrate_plan {
    struct layout_folder folder; /* path NULL: there is no folder of migrations */
    struct migrate_history history;
    struct migrate_applied *applied; /* ascending */
    size_t applied_count;
    const struct layout_migration **pending; /* in the order of the folder, into which they point */
    size_t pending_count;
    int64_t current;                       /* newest applied version, 0: none */
    int64_t newest;                        /* newest version of the folder, 0: none */
    struct migrate_unfinished *unfinished; /* left half done, without a transaction */
    size_t unfinished_count;
    size_t renumbered; /* applied versions whose records have an older number */
    size_t newer;      /* applied versions, the last ones, that are newer than every file */

    /* Owned by the plan. */
    struct migrate_sentences drift;   /* applied files that are gone or changed */
    struct migrate_sentences notices; /* pending numbers below the newest applied one */
    struct migrate_sentences gaps;    /* numbers that are left out before a pending one */
};

/*
 * Builds the plan up to and including the version that `target` names (its number, or as its tool
 * writes it; NULL: the newest). Reads the database and changes nothing. Errors:
 * ERROR_CONFIG  the folder is malformed, or another tool's history is there and liteinit's is not;
 * ERROR_NOT_FOUND  no folder, or no file of version `target`.
 * Drift and a newer database are no errors here: the caller decides. Free with
 * migrate_plan_free().
 */
int migrate_plan_build(struct sqlite3 *handle, const struct migrate_source *source,
                       const char *target, struct migrate_plan *ret_plan, struct error *err);
void migrate_plan_free(struct migrate_plan *plan);

/* Gives the records the numbers that the folder's layout has for them now (plan->renumbered), in one
 * transaction; before anything else is written. Does nothing when none has changed. */
int migrate_plan_renumber(struct migrate_plan *plan, struct error *err);

/* What migrate_plan_build() would say of the folder's files for a database that is not there yet:
 * asked before one is made. */
int migrate_plan_inspect(const struct migrate_source *source, const char *target,
                         struct error *err);

/* The version that a person means: a label of the folder's, else a number. False when the text is
 * neither. */
bool migrate_plan_version(const struct layout_folder *folder, const char *text,
                          int64_t *ret_version);

/* The drift of a plan as one error of kind ERROR_CONFIG with its remedy. */
int migrate_plan_drift_error(const struct migrate_plan *plan, struct error *err);

/*
 * A migration that was left half done and that this plan does not go on with: ERROR_CONFIG naming it
 * and what to do, since the app of this image must not run on such a schema. 0 when there is none.
 * `way` is what is taken back meanwhile, NULL for nothing.
 */
struct migrate_way_back;
int migrate_plan_check_unfinished(const struct migrate_plan *plan,
                                  const struct migrate_way_back *way, struct error *err);

/* The newest applied version that the folder is not older than: where a newer database has to go back
 * to. 0: all of it is newer. It need not be the folder's newest, which may be pending. */
int64_t migrate_plan_known(const struct migrate_plan *plan);

/* A newer database (plan->newer > 0) as an error of kind ERROR_CONFIG: the versions, who wrote
 * them, and the commands of both ways out. */
int migrate_plan_newer_error(const struct migrate_plan *plan, struct error *err);

#endif
