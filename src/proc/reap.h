/* Reaping: one loop for every child, ours and the orphans that the kernel gave us. */
#ifndef LITEINIT_PROC_REAP_H
#define LITEINIT_PROC_REAP_H

#include <stdbool.h>
#include <sys/types.h>

/* Told of each child that has ended, with the status of wait(2). */
typedef void proc_reap_ended(void *context, pid_t pid, int status);

/* Reaps every child that has ended, without waiting. True when children are left that still live,
 * false when there is none. */
bool proc_reap(proc_reap_ended *ended, void *context);

#endif
