/*
 * PID 1 at work: performs what the state machine (machine.h) decides, in one libuv loop that wakes
 * only for signals, timers and ended children. It never opens the database: workers do, which are
 * this same binary executed again.
 */
#ifndef LITEINIT_SUPERVISE_SUPERVISOR_H
#define LITEINIT_SUPERVISE_SUPERVISOR_H

#include <signal.h>
#include <stdbool.h>

#include "base/error.h"
#include "config/config.h"

struct supervisor_plan {
    const struct config *config;

    char **app_argv; /* NULL-terminated; argv[0] is looked up in PATH as execvp(3) does */

    /* Workers: argv[0], the command, then the flags that liteinit itself was given. */
    char **prepare_argv;    /* NULL: nothing to prepare, start the app at once */
    char **checkpoint_argv; /* NULL: nothing to fold in at the end */

    int lock_fd;            /* the lock file, handed to workers as descriptor 3; -1: none */
    bool lock_held;         /* this process has the lock already */
    const char *state_path; /* the record of each life (life.h); NULL: keep none */

    const sigset_t *inherited_mask; /* the signal mask at start, for the app and the workers */
};

/*
 * Lives the whole life: prepare, app, drain, checkpoint. Returns the exit status for the
 * container. Errors while starting are logged and become their exit status; once the app runs
 * nothing but its end, or a signal, ends this.
 * All signals must be blocked by the caller (design fact 14).
 */
int supervisor_run(const struct supervisor_plan *plan);

#endif
