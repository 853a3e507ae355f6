/* See interrupt.h. */
#include "store/interrupt.h"

#include <signal.h>
#include <sqlite3.h>
#include <stddef.h>

static volatile sig_atomic_t stop_requested;
static volatile sig_atomic_t shielded;
static sqlite3 *volatile watched;
static void (*on_tick)(void *context);
static void *tick_context;

/* sqlite3_interrupt() only sets a flag of the connection: SQLite's own shell calls it from its
 * signal handler too. It stops what runs now; the progress handler stops what starts later. */
static void on_stop_signal(int signal)
{
    (void)signal;
    stop_requested = 1;
    sqlite3 *handle = watched;
    if (handle != NULL && !shielded)
        sqlite3_interrupt(handle);
}

static int on_progress(void *unused)
{
    (void)unused;
    if (on_tick != NULL)
        on_tick(tick_context);
    return stop_requested && !shielded;
}

void store_interrupt_setup(void)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    struct sigaction action = {.sa_handler = on_stop_signal};
    sigset_t set;
    (void)sigemptyset(&action.sa_mask);
    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        (void)sigaction(signals[i], &action, NULL);
        (void)sigaddset(&set, signals[i]);
    }
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

bool store_interrupted(void)
{
    return stop_requested != 0 && !shielded;
}

void store_interrupt_watch(sqlite3 *handle)
{
    watched = handle;
    if (handle != NULL)
        sqlite3_progress_handler(handle, 1000, on_progress, NULL);
}

/* A connection has one progress handler (https://www.sqlite.org/c3ref/progress_handler.html), so
 * that whoever wants to hear of progress shares it. */
void store_interrupt_on_tick(void (*tick)(void *context), void *context)
{
    on_tick = tick;
    tick_context = context;
}

void store_interrupt_shield(bool shield)
{
    shielded = shield;
}
