/*
 * Signals as PID 1 needs them: all blocked from the first line, read through a descriptor, and
 * given back to every child as they were.
 *
 * The C libraries leave the real-time signals that they keep for themselves (base/signals.h) out of
 * sigfillset(3) and sigprocmask(2), so masks here go to the kernel directly.
 */
#ifndef LITEINIT_PROC_SIGNALS_H
#define LITEINIT_PROC_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

#include "base/signals.h"

/* What systemd and others send to a container's init to halt it: SIGRTMIN+3. */
#define PROC_SIGNAL_HALT (SIGNAL_RTMIN + 3)

/* Blocks every signal and writes the mask of before to *ret_before. The first call of main(): an
 * unblocked SIGTERM to a PID 1 without a handler is thrown away (design fact 14). */
void proc_signals_block_all(sigset_t *ret_before);

/* A non-blocking, close-on-exec signalfd(2) for every signal; -1 with errno set. */
int proc_signals_open(void);

/* Sets the mask of the calling thread, real-time signals of the C library included. */
void proc_signals_set_mask(const sigset_t *mask);

/* Makes sure that ended children wait to be reaped, and that stopped ones do not wake us. Returns
 * true when SIGCHLD was ignored before: the children get it back so. */
bool proc_signals_claim_children(void);

#endif
