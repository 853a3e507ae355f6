/* See clock.h. */
#include "base/clock.h"

#include <stdio.h>

int64_t clock_monotonic_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

time_t clock_utc(int *ret_ms)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    *ret_ms = (int)(ts.tv_nsec / 1000000);
    return ts.tv_sec;
}

void clock_format(char out[CLOCK_TEXT_SIZE], time_t when, int ms)
{
    struct tm tm;
    if (gmtime_r(&when, &tm) == NULL) {
        out[0] = '\0';
        return;
    }
    size_t n = strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(out + n, CLOCK_TEXT_SIZE - n, ".%03dZ", ms);
}

void clock_format_now(char out[CLOCK_TEXT_SIZE])
{
    int ms = 0;
    time_t now = clock_utc(&ms);
    clock_format(out, now, ms);
}

void clock_sleep_ms(int ms)
{
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&ts, NULL);
}
