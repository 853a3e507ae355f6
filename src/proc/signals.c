/* See signals.h. */
#include "proc/signals.h"

#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Bytes of a signal mask as the kernel knows it; both C libraries keep it at the front of their
 * larger sigset_t. */
#define KERNEL_MASK_SIZE (SIGNAL_MAX / 8)

void proc_signals_block_all(sigset_t *ret_before)
{
    sigset_t all;
    memset(&all, 0xFF, sizeof all);
    memset(ret_before, 0, sizeof *ret_before);
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, ret_before, KERNEL_MASK_SIZE);
}

int proc_signals_open(void)
{
    sigset_t all;
    memset(&all, 0xFF, sizeof all);
    return signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
}

void proc_signals_set_mask(const sigset_t *mask)
{
    (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, NULL, KERNEL_MASK_SIZE);
}

bool proc_signals_claim_children(void)
{
    /* With SIGCHLD ignored the kernel reaps by itself and the app's status is lost (wait(2)). */
    struct sigaction claim = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP};
    struct sigaction before;
    if (sigaction(SIGCHLD, &claim, &before) != 0)
        return false;
    return before.sa_handler == SIG_IGN;
}
