/* See run.h. */
#include "proc/run.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "proc/signals.h"
#include "proc/spawn.h"

/* How soon a stop is passed on. A signal's handler ends the sleep early. */
#define POLL_MS 20

int proc_run(char *const *argv, bool (*stopped)(void), int *ret_status, struct error *err)
{
    static const char *const no_variables[] = {NULL};
    sigset_t before;
    pid_t pid = 0;
    pid_t ended = 0;
    int status = 0;
    bool asked = false;
    proc_signals_block_all(&before);
    const struct proc_spawn spec = {
        .argv = argv,
        .variables = no_variables,
        .fd = -1,
        .parent_death_signal = SIGKILL,
        .mask = &before,
    };
    int result = proc_spawn(&spec, &pid, &status, err);
    proc_signals_set_mask(&before);
    if (result != 0) {
        err->kind = status == PROC_SPAWN_NOT_FOUND ? ERROR_NOT_FOUND : ERROR_PERMISSION;
        return -1;
    }
    while ((ended = waitpid(pid, &status, WNOHANG)) == 0 || (ended < 0 && errno == EINTR)) {
        if (!asked && stopped()) {
            asked = true;
            (void)kill(-pid, SIGTERM);
        }
        clock_sleep_ms(POLL_MS);
    }
    if (ended < 0)
        return error_set(err, ERROR_IO, errno, "cannot wait for %s", argv[0]);
    *ret_status = status;
    return 0;
}
