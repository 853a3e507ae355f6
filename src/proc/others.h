/*
 * The other processes: what is left in our PID namespace when we are its init, else what descends
 * from us. They outlive the app, and may hold the database.
 */
#ifndef LITEINIT_PROC_OTHERS_H
#define LITEINIT_PROC_OTHERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Who is left, for the log. */
struct proc_others {
    int count;       /* -1: cannot be known, there is no /proc of ours */
    char names[256]; /* "python3 17, sh 23, …": name and pid of the first ones */
};

/* Makes orphaned descendants our children when we are not init already (prctl(2)). */
void proc_others_adopt(void);

/* Sends `sig` to all of them. As init this is kill(-1), which needs no /proc; otherwise they are
 * found in /proc, and without it `group` (0: none) is what can be reached. With `hang_up`, those
 * that lead a session on a terminal get SIGHUP too: an interactive shell of `docker exec` ignores
 * SIGTERM. */
void proc_others_signal(int sig, pid_t group, bool hang_up);

/* True when somebody is left who is not our child: as init only, from `docker exec`. */
bool proc_others_foreign(void);

/* Looks who is left, `except` (0: nobody) not counted. */
void proc_others_list(pid_t except, struct proc_others *ret_others);

#endif
