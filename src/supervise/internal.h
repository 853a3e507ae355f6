/* What supervisor.c (the loop), actions.c (what it does) and report.c (what it says) share. */
#ifndef LITEINIT_SUPERVISE_INTERNAL_H
#define LITEINIT_SUPERVISE_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "supervise/life.h"
#include "supervise/machine.h"
#include "supervise/supervisor.h"

struct supervisor {
    const struct supervisor_plan *plan;
    enum machine_state state;

    uv_loop_t loop;
    uv_poll_t signals; /* the signal descriptor */
    uv_timer_t clock;  /* gives TIMEOUT */
    uv_prepare_t rest; /* before the first wait with nothing to do but wait */
    uv_timer_t watch;  /* looks whether those who are not our children have gone */
    int signal_fd;

    bool foreground;       /* the terminal at standard input was ours when we began */
    bool ignored_children; /* SIGCHLD was ignored when we began */

    pid_t worker; /* 0: none */
    pid_t app;    /* 0: none */
    pid_t group;  /* the app's, also after its end; 0: it never was */

    /* Set by the reaping loop, taken by the feeder. */
    bool worker_ended;
    bool app_ended;
    int worker_status; /* as wait(2) gives it */
    int app_status;

    int signal;     /* the signal that is being handled */
    int first_stop; /* the signal that began the stop; 0: none */
    int stops;      /* how many have come */

    int64_t started_ms; /* all on the monotonic clock */
    int64_t stop_ms;
    int64_t app_ms;
    bool app_attempted; /* START_APP was performed */
    bool app_killed;

    int exit_status;
    struct life life; /* of this run; state LIFE_NONE until it is on record */
    enum life_state last;
    bool last_known; /* `last` was read */
};

/* Performs the actions of one step that led from `before` to s->state. Returns true with the event
 * that followed at once, when one did. */
bool supervisor_perform(struct supervisor *s, enum machine_state before, unsigned actions,
                        enum machine_event *ret_event);

/* Reaps what has ended; worker_ended and app_ended tell about those two. */
bool supervisor_reap(struct supervisor *s);

/* True when no process but us is left; otherwise makes sure that we look again in time. */
bool supervisor_is_alone(struct supervisor *s);

/* Tells how the last life ended, once, when it did not end in order. */
void supervisor_read_last_life(struct supervisor *s);

/* Turns a worker's end into the machine's event, and says what is to be said. */
enum machine_event supervisor_worker_ended(struct supervisor *s);

/* Takes the terminal back and works out the exit status. */
void supervisor_app_ended(struct supervisor *s);

/* The handlers of the two timers, in supervisor.c. */
void supervisor_on_clock(uv_timer_t *timer);
void supervisor_on_watch(uv_timer_t *timer);
void supervisor_on_rest(uv_prepare_t *prepare);

#endif
