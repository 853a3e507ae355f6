/* Is there such a program? Asked before anything is prepared for it. */
#ifndef LITEINIT_PROC_FIND_H
#define LITEINIT_PROC_FIND_H

#include <stdbool.h>

#include "base/error.h"

/* True when execvp(3) would find a file of this name that we may execute: a path as it is, a plain
 * name in the folders of PATH. Whether the file can really run is known only by running it. */
bool proc_find(const char *name);

/* The same, and where it is false *ret_status is 126 or 127 and `err` says why, as proc_spawn()
 * would. Returns 0 or -1. */
int proc_find_or_explain(const char *name, int *ret_status, struct error *err);

#endif
