/* Runs a program to its end, as a part of a worker's own work. */
#ifndef LITEINIT_PROC_RUN_H
#define LITEINIT_PROC_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Runs argv with the streams and the environment of this process, but for liteinit's own variables,
 * and waits for it. Once `stopped()` is true it gets SIGTERM, in its whole process group; what is left
 * of the group after grace_ms is killed. When this process dies, it is killed. *ret_status is as
 * wait(2) gives it. On an error (ERROR_NOT_FOUND, ERROR_PERMISSION) nothing was run.
 */
int proc_run(char *const *argv, bool (*stopped)(void), int64_t grace_ms, int *ret_status,
             struct error *err);

#endif
