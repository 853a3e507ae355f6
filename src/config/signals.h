/* Signals as people and Docker write them: SIGTERM, TERM, 15, RTMIN+3. */
#ifndef LITEINIT_CONFIG_SIGNALS_H
#define LITEINIT_CONFIG_SIGNALS_H

#include <stdbool.h>

/* A signal's number from 1 to CONFIG_SIGNAL_MAX by its number or name (any case, with or without
 * SIG). False when it is none. */
bool config_signal_parse(const char *text, int *ret_signal);

/* "SIGTERM", or "signal 37" for one without a name; static or in `out`. */
const char *config_signal_name(int number, char out[16]);

/* Whether a process can receive the signal and act on it: not SIGKILL and SIGSTOP, and not 32 and
 * 33, which the C library keeps for threads. */
bool config_signal_is_catchable(int number);

#endif
