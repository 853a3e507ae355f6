/*
 * What PID 1 tells its workers by their environment. These variables never reach the app, and are
 * no keys of the configuration.
 */
#ifndef LITEINIT_BASE_WORKER_H
#define LITEINIT_BASE_WORKER_H

/* Every one of them begins so. */
#define WORKER_PREFIX "LITEINIT_INTERNAL_"

/* The descriptor of the lock file, which the worker inherits. */
#define WORKER_LOCK_FD "LITEINIT_INTERNAL_LOCK_FD"

/* How the last life ended: "clean" or "unclean"; not set when nobody knows. */
#define WORKER_LAST_STOP "LITEINIT_INTERNAL_LAST_STOP"

#endif
