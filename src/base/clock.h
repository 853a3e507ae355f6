/* Time: the monotonic clock for durations and deadlines, UTC for what people read. */
#ifndef LITEINIT_BASE_CLOCK_H
#define LITEINIT_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define CLOCK_TEXT_SIZE 32

/* Milliseconds of CLOCK_MONOTONIC: steps of the wall clock do not move it. */
int64_t clock_monotonic_ms(void);

/* Seconds since 1970 and, in *ret_ms, the milliseconds within that second. */
time_t clock_utc(int *ret_ms);

/* Writes `when` as RFC 3339 in UTC with milliseconds: 2026-01-20T09:40:00.123Z. */
void clock_format(char out[CLOCK_TEXT_SIZE], time_t when, int ms);

/* Writes the present moment in the form of clock_format(). */
void clock_format_now(char out[CLOCK_TEXT_SIZE]);

/* Sleeps `ms` milliseconds, less when a signal handler ran. */
void clock_sleep_ms(int ms);

#endif
