/*
 * Signals by number and by name: SIGTERM, TERM, 15, RTMIN+3.
 *
 * Numbers are the kernel's. The C libraries keep one to three real-time signals for themselves
 * (glibc 32 and 33, musl 34 too) and count SIGRTMIN from behind them; Docker and systemd say 34
 * whatever the C library says, and so do we.
 */
#ifndef LITEINIT_BASE_SIGNALS_H
#define LITEINIT_BASE_SIGNALS_H

#include <stdbool.h>

#define SIGNAL_MAX 64
#define SIGNAL_RTMIN 34

/* "SIGTERM", "SIGRTMIN+3", or "unknown signal" for what is none. Static, never NULL. */
const char *signal_name(int number);

/* A signal's number by its number or name (any case, with or without SIG). False when it is none. */
bool signal_parse(const char *text, int *ret_number);

/* Whether a process can receive the signal and act on it: not SIGKILL and SIGSTOP, and not 32 and
 * 33, which the C library keeps for threads. */
bool signal_is_catchable(int number);

/* True for what a fault of the program itself raises (SIGSEGV, SIGABRT, …). */
bool signal_is_crash(int number);

#endif
