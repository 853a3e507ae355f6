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

/* What is left of the group of a leader that has ended gets the rest of the time, too. A number is
 * not given to a new process while a group has it. */
static void end_group(pid_t group, int64_t deadline)
{
    while (kill(-group, 0) == 0) {
        if (clock_monotonic_ms() >= deadline) {
            (void)kill(-group, SIGKILL);
            return;
        }
        clock_sleep_ms(POLL_MS);
    }
}

int proc_run(char *const *argv, bool (*stopped)(void), int64_t grace_ms, int *ret_status,
             struct error *err)
{
    static const char *const no_variables[] = {NULL};
    sigset_t before;
    pid_t pid = 0;
    pid_t ended = 0;
    int status = 0;
    bool asked = false;
    int64_t deadline = INT64_MAX;
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
            deadline = clock_monotonic_ms() + grace_ms;
            (void)kill(-pid, SIGTERM);
        }
        if (clock_monotonic_ms() >= deadline)
            (void)kill(-pid, SIGKILL);
        clock_sleep_ms(POLL_MS);
    }
    if (ended < 0)
        return error_set(err, ERROR_IO, errno, "cannot wait for %s", argv[0]);
    if (asked)
        end_group(pid, deadline);
    *ret_status = status;
    return 0;
}
