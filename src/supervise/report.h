/* The events of PID 1, in sentences that the owner of a small server understands. */
#ifndef LITEINIT_SUPERVISE_REPORT_H
#define LITEINIT_SUPERVISE_REPORT_H

#include "base/error.h"
#include "proc/others.h"
#include "supervise/internal.h"

void report_init_start(const struct supervisor *s);
void report_last_stop(const struct life *last);
void report_life_unwritten(const struct error *err);
void report_worker_unstartable(const struct error *err);
/* A worker that ended by a signal, or without anybody having asked for its end. */
void report_worker_died(const struct supervisor *s, const char *work, int sig, int exit_status);
void report_worker_killed(const struct supervisor *s);
void report_app_start(const struct supervisor *s);
void report_app_unstartable(const struct supervisor *s, const struct error *err);
/* `sent` is what the app got for s->signal; `sys` is why it did not, 0 when it did. */
void report_forward(const struct supervisor *s, int sent, bool stop, int sys);
/* `timeout`: the clock, not a signal, was the reason. */
void report_app_killed(const struct supervisor *s, bool timeout);
void report_app_exit(const struct supervisor *s);
void report_stragglers(const struct proc_others *others, bool timeout);
/* Why there was no checkpoint: `before` is the state that was left for DONE. */
void report_unkillable(enum machine_state before);
void report_init_exit(const struct supervisor *s, enum machine_state before);

#endif
