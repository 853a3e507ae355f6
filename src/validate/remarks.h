/*
 * What is said of a folder of migrations: faults, warnings and notes, each at its place.
 */
#ifndef LITEINIT_VALIDATE_REMARKS_H
#define LITEINIT_VALIDATE_REMARKS_H

#include <stddef.h>

#include "base/error.h"
#include "layout/findings.h"
#include "layout/folder.h"

enum validate_severity {
    VALIDATE_FAULT,   /* must be mended: a start would fail, or could not be taken back */
    VALIDATE_WARNING, /* is perhaps not meant so */
    VALIDATE_NOTE,    /* is good to know */
};

struct validate_remark {
    enum validate_severity severity;
    struct layout_finding what; /* its file is relative to the folder */
    size_t rank;                /* of the file, for the order; 0 where it is none of the order's */
};

struct validate_remarks {
    struct validate_remark *items;
    size_t count;
    size_t capacity;
    size_t faults;
    size_t warnings;
};

/* "error", "warning" or "info"; static. */
const char *validate_severity_name(enum validate_severity severity);

/* Adds what an error says. -1 with ERROR_IO in `err` when memory is out. `fault` and `err` may be
 * the same. */
int validate_remarks_add(struct validate_remarks *remarks, enum validate_severity severity,
                         const struct error *fault, struct error *err);

/* Takes over all of a list of findings as faults; the list is empty afterwards. */
int validate_remarks_take(struct validate_remarks *remarks, struct layout_findings *findings,
                          struct error *err);

/* Orders them: first what is about the folder and about files that are no migration's, as people
 * count ("9_x" before "10_x"), then by migration in the order of the folder, each by place. -1 with
 * ERROR_IO when memory is out. */
int validate_remarks_sort(struct validate_remarks *remarks, const struct layout_folder *folder,
                          struct error *err);
void validate_remarks_free(struct validate_remarks *remarks);

#endif
