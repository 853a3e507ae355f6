/*
 * What is said of a folder of migrations: faults, warnings and notes, each at its place.
 */
#ifndef LITEINIT_MIGRATE_REMARKS_H
#define LITEINIT_MIGRATE_REMARKS_H

#include <stddef.h>

#include "base/error.h"
#include "layout/findings.h"
#include "layout/folder.h"

enum migrate_severity {
    MIGRATE_FAULT,   /* must be mended: a start would fail, or could not be taken back */
    MIGRATE_WARNING, /* is perhaps not meant so */
    MIGRATE_NOTE,    /* is good to know */
};

struct migrate_remark {
    enum migrate_severity severity;
    struct layout_finding what; /* its file is relative to the folder */
    size_t rank;                /* of the file, for the order; 0 where it is none of the order's */
};

struct migrate_remarks {
    struct migrate_remark *items;
    size_t count;
    size_t capacity;
    size_t faults;
    size_t warnings;
};

/* "error", "warning" or "info"; static. */
const char *migrate_severity_name(enum migrate_severity severity);

/* Adds what an error says. -1 with ERROR_IO in `err` when memory is out. `fault` and `err` may be
 * the same. */
int migrate_remarks_add(struct migrate_remarks *remarks, enum migrate_severity severity,
                        const struct error *fault, struct error *err);

/* Takes over all of a list of findings as faults; the list is empty afterwards. */
int migrate_remarks_take(struct migrate_remarks *remarks, struct layout_findings *findings,
                         struct error *err);

/* Orders them: first what is about the folder and about files that are no migration's, as people
 * count ("9_x" before "10_x"), then by migration in the order of the folder, each by place. -1 with
 * ERROR_IO when memory is out. */
int migrate_remarks_sort(struct migrate_remarks *remarks, const struct layout_folder *folder,
                         struct error *err);
void migrate_remarks_free(struct migrate_remarks *remarks);

#endif
