/*
 * What PID 1 does next: a pure function over one table, without a clock, a process or a signal in
 * it. supervisor.c feeds it what happened and performs what it answers.
 *
 *  STARTING ─begin─► PREPARING ─ok─► RUNNING ─stop─► STOPPING ─timeout, force─► KILLING
 *                     │     │          │                │                        │     │
 *                   stop  failed    app ends         app ends                 app ends │
 *                     ▼     │          └───► DRAINING ◄─┘                        │     │
 *             CANCELLING    │                │      │                            │     │
 *              │      │     │              alone  timeout, force                 │  timeout
 *         timeout, worker   │                │      └───────────► SWEEPING ◄─────┘     │
 *          force    ends    │                ▼                     │    │              │
 *              ▼      │     │          CHECKPOINTING ◄────alone────┘    │              │
 *        ABORTING ◄───┼─────┼───force────┘   │                          │              │
 *              │      │     │           worker ends                  timeout           │
 *              ▼      ▼     ▼                ▼                          ▼              ▼
 *             DONE   DONE  DONE             DONE                       DONE           DONE
 *
 * ABORTING is DONE when the worker ends or the clock does. In STARTING a stop, or an app that is not
 * there, is DONE at once; an app that turns out not to start when it is due goes the way of one that
 * ended, since its migrations may be new.
 *
 * Promises, each asserted by the unit test over random histories: the app is started at most once,
 * and never after a stop signal; the checkpoint is started at most once, and never while the app
 * or a process that it left behind lives; after DONE nothing happens; a stop signal and the clock
 * bring every state to DONE.
 */
#ifndef LITEINIT_SUPERVISE_MACHINE_H
#define LITEINIT_SUPERVISE_MACHINE_H

#include <stdbool.h>

/* X(state, name) */
#define MACHINE_STATES(X)                                                                          \
    X(STARTING, "starting")           /* nothing runs yet */                                       \
    X(PREPARING, "preparing")         /* the worker prepares the database */                       \
    X(CANCELLING, "cancelling")       /* it was asked to roll back, the clock runs */              \
    X(ABORTING, "aborting")           /* the worker got SIGKILL, the clock runs */                 \
    X(RUNNING, "running")             /* the app runs */                                           \
    X(STOPPING, "stopping")           /* it was asked to stop, the clock runs */                   \
    X(KILLING, "killing")             /* everything got SIGKILL, the app is not reaped yet */      \
    X(DRAINING, "draining")           /* the app is gone, others were asked to stop, clock runs */ \
    X(SWEEPING, "sweeping")           /* the app is gone, others got SIGKILL, the clock runs */    \
    X(CHECKPOINTING, "checkpointing") /* the worker folds the WAL in */                            \
    X(DONE, "done")                   /* nothing is left but to exit */

/* X(event, name) */
#define MACHINE_EVENTS(X)                                                                          \
    X(BEGIN, "begin")                                                                              \
    X(WORKER_OK, "worker ok")         /* ended with 0, or there was nothing for it to do */        \
    X(WORKER_FAILED, "worker failed") /* ended otherwise, or could not be started */               \
    X(APP_UNSTARTABLE, "app unstartable")                                                          \
    X(APP_EXITED, "app exited")                                                                    \
    X(STOP, "stop")   /* a signal that asks to stop */                                             \
    X(FORCE, "force") /* one more of them, from somebody who will not wait */                      \
    X(OTHER, "other") /* any other signal */                                                       \
    X(TIMEOUT, "timeout")                                                                          \
    X(ALONE, "alone") /* no other process is left */

/* X(action, bit) in the order in which they are performed. */
#define MACHINE_ACTIONS(X)                                                                         \
    X(STOP_CLOCK, 0)                                                                               \
    X(START_GRACE, 1)      /* the clock runs for stop_timeout */                                   \
    X(START_KILL_CLOCK, 2) /* the clock runs for what a killed process needs to go */              \
    X(START_PREPARE, 3)                                                                            \
    X(ASK_WORKER, 4)  /* SIGTERM to the worker */                                                  \
    X(KILL_WORKER, 5) /* SIGKILL to it */                                                          \
    X(START_APP, 6)                                                                                \
    X(FORWARD, 7)  /* the signal of this event, to the app */                                      \
    X(ASK_REST, 8) /* SIGTERM to all that is left */                                               \
    X(KILL_ALL, 9) /* SIGKILL to the app and its group, if it lives, and to all others */          \
    X(START_CHECKPOINT, 10)                                                                        \
    X(FINISH, 11)

#define MACHINE_ENUM(name, ...) MACHINE_##name,
enum machine_state { MACHINE_STATES(MACHINE_ENUM) MACHINE_STATE_COUNT };
enum machine_event { MACHINE_EVENTS(MACHINE_ENUM) MACHINE_EVENT_COUNT };
#undef MACHINE_ENUM
#define MACHINE_ENUM(name, bit) MACHINE_##name = 1u << (bit),
enum machine_action { MACHINE_ACTIONS(MACHINE_ENUM) };
#undef MACHINE_ENUM

struct machine_step {
    enum machine_state state;
    unsigned actions; /* bits of enum machine_action */
    bool impossible;  /* this event cannot happen in this state; nothing is done */
};

/* The answer to `event` in `state`. */
struct machine_step machine_step(enum machine_state state, enum machine_event event);

const char *machine_state_name(enum machine_state state);
const char *machine_event_name(enum machine_event event);

#endif
