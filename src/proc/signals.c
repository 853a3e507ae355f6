/* See signals.h. */
#include "proc/signals.h"

#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Bytes of a signal mask as the kernel knows it; both C libraries keep it at the front of their
 * larger sigset_t. */
#define KERNEL_MASK_SIZE (PROC_SIGNAL_MAX / 8)

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

const char *proc_signal_name(int number)
{
    static const char *const names[PROC_SIGNAL_MAX + 1] = {
        [SIGHUP] = "SIGHUP",       [SIGINT] = "SIGINT",       [SIGQUIT] = "SIGQUIT",
        [SIGILL] = "SIGILL",       [SIGTRAP] = "SIGTRAP",     [SIGABRT] = "SIGABRT",
        [SIGBUS] = "SIGBUS",       [SIGFPE] = "SIGFPE",       [SIGKILL] = "SIGKILL",
        [SIGUSR1] = "SIGUSR1",     [SIGSEGV] = "SIGSEGV",     [SIGUSR2] = "SIGUSR2",
        [SIGPIPE] = "SIGPIPE",     [SIGALRM] = "SIGALRM",     [SIGTERM] = "SIGTERM",
        [SIGSTKFLT] = "SIGSTKFLT", [SIGCHLD] = "SIGCHLD",     [SIGCONT] = "SIGCONT",
        [SIGSTOP] = "SIGSTOP",     [SIGTSTP] = "SIGTSTP",     [SIGTTIN] = "SIGTTIN",
        [SIGTTOU] = "SIGTTOU",     [SIGURG] = "SIGURG",       [SIGXCPU] = "SIGXCPU",
        [SIGXFSZ] = "SIGXFSZ",     [SIGVTALRM] = "SIGVTALRM", [SIGPROF] = "SIGPROF",
        [SIGWINCH] = "SIGWINCH",   [SIGIO] = "SIGIO",         [SIGPWR] = "SIGPWR",
        [SIGSYS] = "SIGSYS",       [32] = "signal 32",        [33] = "signal 33",
        [34] = "SIGRTMIN",         [35] = "SIGRTMIN+1",       [36] = "SIGRTMIN+2",
        [37] = "SIGRTMIN+3",       [38] = "SIGRTMIN+4",       [39] = "SIGRTMIN+5",
        [40] = "SIGRTMIN+6",       [41] = "SIGRTMIN+7",       [42] = "SIGRTMIN+8",
        [43] = "SIGRTMIN+9",       [44] = "SIGRTMIN+10",      [45] = "SIGRTMIN+11",
        [46] = "SIGRTMIN+12",      [47] = "SIGRTMIN+13",      [48] = "SIGRTMIN+14",
        [49] = "SIGRTMIN+15",      [50] = "SIGRTMIN+16",      [51] = "SIGRTMIN+17",
        [52] = "SIGRTMIN+18",      [53] = "SIGRTMIN+19",      [54] = "SIGRTMIN+20",
        [55] = "SIGRTMIN+21",      [56] = "SIGRTMIN+22",      [57] = "SIGRTMIN+23",
        [58] = "SIGRTMIN+24",      [59] = "SIGRTMIN+25",      [60] = "SIGRTMIN+26",
        [61] = "SIGRTMIN+27",      [62] = "SIGRTMIN+28",      [63] = "SIGRTMIN+29",
        [64] = "SIGRTMIN+30",
    };
    if (number < 1 || number > PROC_SIGNAL_MAX || names[number] == NULL)
        return "unknown signal";
    return names[number];
}

bool proc_signal_is_crash(int number)
{
    switch (number) {
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGABRT:
    case SIGTRAP:
    case SIGSYS:
        return true;
    default:
        return false;
    }
}
