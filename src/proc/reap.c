/* See reap.h. */
#include "proc/reap.h"

#include <errno.h>
#include <sys/wait.h>

bool proc_reap(proc_reap_ended *ended, void *context)
{
    /* One SIGCHLD may stand for any number of children: signals do not queue. */
    for (;;) {
        int status = 0;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid > 0)
            ended(context, pid, status);
        else if (pid == 0)
            return true;
        else if (errno != EINTR)
            return false;
    }
}
