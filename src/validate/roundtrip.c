/* See roundtrip.h. */
#include "validate/roundtrip.h"

#include <stdio.h>

#include "validate/schema_diff.h"
#include "validate/trial.h"

/* Whom the comparison of the schemas tells. */
struct listener {
    struct validate_remarks *remarks;
    const char *file;
};

static int tell(void *context, const char *clause, struct error *err)
{
    const struct listener *listener = context;
    struct error fault;
    (void)error_set(&fault, ERROR_DATA, 0, "does not bring the schema back: %s", clause);
    (void)snprintf(fault.file, sizeof fault.file, "%.255s", listener->file);
    return validate_remarks_add(listener->remarks, VALIDATE_FAULT, &fault, err);
}

/* What a script runs into is a remark; what the machine runs into is an error. */
static int remark(struct validate_remarks *remarks, const struct error *fault, struct error *err)
{
    if (fault->kind != ERROR_DATA && fault->kind != ERROR_CONFIG) {
        *err = *fault;
        return -1;
    }
    return validate_remarks_add(remarks, VALIDATE_FAULT, fault, err);
}

static int go(struct sqlite3 *clone, const struct layout_folder *folder,
              const struct layout_migration *migration, const struct layout_script *down,
              const struct migrate_snapshot *before, struct validate_remarks *remarks,
              struct error *err)
{
    struct error fault;
    struct migrate_snapshot after = {.count = 0};
    struct listener listener = {remarks, down->file};
    size_t faults = remarks->faults;
    if (validate_trial_take_back(clone, migration, down, &fault) != 0)
        return remark(remarks, &fault, err);
    if (validate_trial_look(clone, &after, err) != 0)
        return -1;
    int result = validate_schema_compare(before, &after, tell, &listener, err);
    migrate_snapshot_free(&after);
    /* What is left over or gone would be in the way: one fault, told once. */
    if (result != 0 || remarks->faults > faults)
        return result;
    if (validate_trial_apply(clone, folder, migration, &fault) != 0) {
        (void)error_hint(&fault,
                         "it is about applying it again after %.200s: what the down leaves "
                         "is not what was there before",
                         down->file);
        return remark(remarks, &fault, err);
    }
    return 0;
}

int validate_roundtrip(struct sqlite3 *handle, const struct layout_folder *folder,
                       const struct layout_migration *migration, const struct layout_script *down,
                       const struct migrate_snapshot *before, struct validate_remarks *remarks,
                       bool *ret_proved, struct error *err)
{
    struct sqlite3 *clone = NULL;
    size_t faults = remarks->faults;
    if (validate_trial_clone(handle, &clone, err) != 0)
        return -1;
    int result = go(clone, folder, migration, down, before, remarks, err);
    validate_trial_close(clone, handle);
    if (result == 0)
        *ret_proved = remarks->faults == faults;
    return result;
}
