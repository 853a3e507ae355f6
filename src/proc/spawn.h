/*
 * Starting a program: the app, or this same binary as a worker.
 *
 * The child shares our memory until it has executed its program (clone(2) with CLONE_VFORK), so it
 * costs no page tables, and when the call returns the program is either running, in a process
 * group of its own, or the reason why not is known. No signal is lost on the way: the group exists
 * before anybody knows the pid, and signals stay blocked in the child until its last step (design
 * fact 21).
 */
#ifndef LITEINIT_PROC_SPAWN_H
#define LITEINIT_PROC_SPAWN_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/* Where a handed-over descriptor appears in the child. */
#define PROC_SPAWN_FD 3
#define PROC_SPAWN_FD_TEXT "3"

/* What the shell and the container engines say of a program that is there but cannot be executed,
 * and of one that is not there. */
#define PROC_SPAWN_NOT_EXECUTABLE 126
#define PROC_SPAWN_NOT_FOUND 127

/* Where programs are looked for when there is no PATH. */
#define PROC_SPAWN_DEFAULT_PATH "/usr/local/bin:/bin:/usr/bin"

struct proc_spawn {
    char *const *argv;            /* NULL-terminated */
    bool self;                    /* execute this very binary; argv[0] is only its name */
    const char *const *variables; /* more environment, "NAME=value", NULL-terminated; may be NULL */
    int fd;                       /* becomes PROC_SPAWN_FD in the child; -1: none */
    int parent_death_signal;      /* the child gets it when we die; 0: none */
    bool foreground;              /* hand it the terminal at our standard input */
    const sigset_t *mask;         /* the signal mask that the program starts with */
    bool ignore_children;         /* start it with SIGCHLD ignored */
};

/*
 * Starts the program and writes its pid, which is its process group too. argv[0] without a slash
 * is looked up in PATH as execvp(3) does. All signals must be blocked.
 * On failure -1: *ret_status is 126 or 127, `err` names the command, the reason and the remedy, and
 * no process is left.
 */
int proc_spawn(const struct proc_spawn *spec, pid_t *ret_pid, int *ret_status, struct error *err);

#endif
