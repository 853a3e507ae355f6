/* PID 1's own memory: small while the app runs. */
#ifndef LITEINIT_PROC_MEMORY_H
#define LITEINIT_PROC_MEMORY_H

/*
 * Gives back what only the start needed: the program's own pages that nothing has written to,
 * which come back from the page cache when they are needed again, and the stack below the
 * caller's frame, whose content is dead. Called once the app runs and PID 1 has nothing to do but
 * wait. Does nothing where the kernel refuses.
 */
void proc_memory_release(void);

#endif
