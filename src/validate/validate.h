/*
 * Looks a folder of migrations over as a whole, without a database of the app's: for CI.
 *
 * Every text is read; every up runs, in order, on an empty database in memory, up to the first
 * that fails, since what follows would fail because of it. With a round trip each way back is run
 * on a copy, too, and must bring back the schema that was there before; then its up must run again.
 */
#ifndef LITEINIT_VALIDATE_VALIDATE_H
#define LITEINIT_VALIDATE_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "layout/tool.h"
#include "validate/remarks.h"

struct validate_result {
    enum layout_tool
        tool; /* that the folder is written for; LAYOUT_DETECT when it cannot be told */
    size_t migrations;
    size_t reversible; /* have a way back; with a round trip: one that was proved */
    size_t not_run;    /* ups from the first one on that could not be run */
    struct validate_remarks remarks;
};

/* What is wrong with the folder's content is a remark; errors are about the folder itself
 * (ERROR_NOT_FOUND, ERROR_PERMISSION, ERROR_IO) or ERROR_INTERRUPTED. Free with
 * validate_result_free(). */
int validate_folder(const char *path, enum layout_tool tool, bool roundtrip,
                    struct validate_result *ret_validation, struct error *err);
void validate_result_free(struct validate_result *validation);

#endif
