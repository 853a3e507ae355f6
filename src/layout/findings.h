/* What is wrong with a folder of migrations: each fault at its place, all of them in one list. */
#ifndef LITEINIT_LAYOUT_FINDINGS_H
#define LITEINIT_LAYOUT_FINDINGS_H

#include <stddef.h>

#include "base/error.h"

struct layout_finding {
    char *file; /* relative to the folder; "": it is about the folder */
    int line;   /* 0: about the file as a whole */
    int column;
    char *message;
    char *hint; /* "" when there is none */
};

struct layout_findings {
    struct layout_finding *items;
    size_t count;
};

/* Adds what an error says; the place that the message may begin with ("FILE:1:2: ") is left off,
 * since it has fields of its own. -1 with ERROR_IO in `err` when memory is out. `fault` and `err`
 * may be the same. */
int layout_findings_add(struct layout_findings *findings, const struct error *fault,
                        struct error *err);
void layout_findings_free(struct layout_findings *findings);

#endif
