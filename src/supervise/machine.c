/* See machine.h. */
#include "supervise/machine.h"

#include <assert.h>
#include <stddef.h>

/* Short names for the table. */
#define TO(target, what)                                                                           \
    {                                                                                              \
        .state = MACHINE_##target, .actions = (what)                                               \
    }
#define NEVER(target)                                                                              \
    {                                                                                              \
        .state = MACHINE_##target, .impossible = true                                              \
    }
#define NOTHING 0u
#define KILL (MACHINE_KILL_ALL | MACHINE_START_KILL_CLOCK)
#define ABORT (MACHINE_KILL_WORKER | MACHINE_START_KILL_CLOCK)
#define LEAVE (MACHINE_STOP_CLOCK | MACHINE_FINISH)
#define FOLD (MACHINE_STOP_CLOCK | MACHINE_START_CHECKPOINT)
#define DRAIN_ANEW (MACHINE_START_GRACE | MACHINE_ASK_REST)

/* A row for every state, a column for every event. A column is left out of a row by writing NEVER,
 * so that a new event cannot be forgotten anywhere: the test visits every cell. */
static const struct machine_step table[MACHINE_STATE_COUNT][MACHINE_EVENT_COUNT] =
    {
        [MACHINE_STARTING] =
            {
                [MACHINE_BEGIN] = TO(PREPARING, MACHINE_START_PREPARE),
                [MACHINE_WORKER_OK] = NEVER(STARTING),
                [MACHINE_WORKER_FAILED] = NEVER(STARTING),
                [MACHINE_APP_UNSTARTABLE] = TO(DONE, LEAVE),
                [MACHINE_APP_EXITED] = NEVER(STARTING),
                [MACHINE_STOP] = TO(DONE, LEAVE),
                [MACHINE_FORCE] = TO(DONE, LEAVE),
                [MACHINE_OTHER] = TO(STARTING, NOTHING),
                [MACHINE_TIMEOUT] = NEVER(STARTING),
                [MACHINE_ALONE] = NEVER(STARTING),
            },
        [MACHINE_PREPARING] =
            {
                [MACHINE_BEGIN] = NEVER(PREPARING),
                [MACHINE_WORKER_OK] = TO(RUNNING, MACHINE_START_APP),
                [MACHINE_WORKER_FAILED] = TO(DONE, LEAVE),
                [MACHINE_APP_UNSTARTABLE] = NEVER(PREPARING),
                [MACHINE_APP_EXITED] = NEVER(PREPARING),
                [MACHINE_STOP] = TO(CANCELLING, MACHINE_ASK_WORKER | MACHINE_START_GRACE),
                [MACHINE_FORCE] = TO(ABORTING, ABORT),
                [MACHINE_OTHER] = TO(PREPARING, NOTHING),
                [MACHINE_TIMEOUT] = NEVER(PREPARING),
                [MACHINE_ALONE] = NEVER(PREPARING),
            },
        [MACHINE_CANCELLING] =
            {
                [MACHINE_BEGIN] = NEVER(CANCELLING),
                /* It was ready before it heard of the stop: the app is not started all the same. */
                [MACHINE_WORKER_OK] = TO(DONE, LEAVE),
                [MACHINE_WORKER_FAILED] = TO(DONE, LEAVE),
                [MACHINE_APP_UNSTARTABLE] = NEVER(CANCELLING),
                [MACHINE_APP_EXITED] = NEVER(CANCELLING),
                [MACHINE_STOP] = TO(CANCELLING, NOTHING),
                [MACHINE_FORCE] = TO(ABORTING, ABORT),
                [MACHINE_OTHER] = TO(CANCELLING, NOTHING),
                [MACHINE_TIMEOUT] = TO(ABORTING, ABORT),
                [MACHINE_ALONE] = NEVER(CANCELLING),
            },
        [MACHINE_ABORTING] =
            {
                [MACHINE_BEGIN] = NEVER(ABORTING),
                [MACHINE_WORKER_OK] = TO(DONE, LEAVE),
                [MACHINE_WORKER_FAILED] = TO(DONE, LEAVE),
                [MACHINE_APP_UNSTARTABLE] = NEVER(ABORTING),
                [MACHINE_APP_EXITED] = NEVER(ABORTING),
                [MACHINE_STOP] = TO(ABORTING, NOTHING),
                [MACHINE_FORCE] = TO(ABORTING, NOTHING),
                [MACHINE_OTHER] = TO(ABORTING, NOTHING),
                /* It hangs in the kernel, on a volume that does not answer. */
                [MACHINE_TIMEOUT] = TO(DONE, LEAVE),
                [MACHINE_ALONE] = NEVER(ABORTING),
            },
        [MACHINE_RUNNING] =
            {
                [MACHINE_BEGIN] = NEVER(RUNNING),
                [MACHINE_WORKER_OK] = NEVER(RUNNING),
                [MACHINE_WORKER_FAILED] = NEVER(RUNNING),
                /* Its migrations may have been applied just now, so the checkpoint is due. */
                [MACHINE_APP_UNSTARTABLE] = TO(DRAINING, DRAIN_ANEW),
                [MACHINE_APP_EXITED] = TO(DRAINING, DRAIN_ANEW),
                [MACHINE_STOP] = TO(STOPPING, MACHINE_FORWARD | MACHINE_START_GRACE),
                [MACHINE_FORCE] = TO(KILLING, KILL),
                [MACHINE_OTHER] = TO(RUNNING, MACHINE_FORWARD),
                [MACHINE_TIMEOUT] = NEVER(RUNNING),
                [MACHINE_ALONE] = NEVER(RUNNING),
            },
        [MACHINE_STOPPING] =
            {
                [MACHINE_BEGIN] = NEVER(STOPPING),
                [MACHINE_WORKER_OK] = NEVER(STOPPING),
                [MACHINE_WORKER_FAILED] = NEVER(STOPPING),
                [MACHINE_APP_UNSTARTABLE] = NEVER(STOPPING),
                /* The others have what is left of the grace. */
                [MACHINE_APP_EXITED] = TO(DRAINING, MACHINE_ASK_REST),
                [MACHINE_STOP] = TO(STOPPING, MACHINE_FORWARD),
                [MACHINE_FORCE] = TO(KILLING, KILL),
                [MACHINE_OTHER] = TO(STOPPING, MACHINE_FORWARD),
                [MACHINE_TIMEOUT] = TO(KILLING, KILL),
                [MACHINE_ALONE] = NEVER(STOPPING),
            },
        [MACHINE_KILLING] =
            {
                [MACHINE_BEGIN] = NEVER(KILLING),
                [MACHINE_WORKER_OK] = NEVER(KILLING),
                [MACHINE_WORKER_FAILED] = NEVER(KILLING),
                [MACHINE_APP_UNSTARTABLE] = NEVER(KILLING),
                [MACHINE_APP_EXITED] = TO(SWEEPING, KILL),
                [MACHINE_STOP] = TO(KILLING, NOTHING),
                [MACHINE_FORCE] = TO(KILLING, NOTHING),
                [MACHINE_OTHER] = TO(KILLING, NOTHING),
                /* It hangs in the kernel and may still hold the database: no checkpoint. */
                [MACHINE_TIMEOUT] = TO(DONE, LEAVE),
                [MACHINE_ALONE] = NEVER(KILLING),
            },
        [MACHINE_DRAINING] =
            {
                [MACHINE_BEGIN] = NEVER(DRAINING),
                [MACHINE_WORKER_OK] = NEVER(DRAINING),
                [MACHINE_WORKER_FAILED] = NEVER(DRAINING),
                [MACHINE_APP_UNSTARTABLE] = NEVER(DRAINING),
                [MACHINE_APP_EXITED] = NEVER(DRAINING),
                [MACHINE_STOP] = TO(DRAINING, NOTHING),
                [MACHINE_FORCE] = TO(SWEEPING, KILL),
                [MACHINE_OTHER] = TO(DRAINING, NOTHING),
                [MACHINE_TIMEOUT] = TO(SWEEPING, KILL),
                [MACHINE_ALONE] = TO(CHECKPOINTING, FOLD),
            },
        [MACHINE_SWEEPING] =
            {
                [MACHINE_BEGIN] = NEVER(SWEEPING),
                [MACHINE_WORKER_OK] = NEVER(SWEEPING),
                [MACHINE_WORKER_FAILED] = NEVER(SWEEPING),
                [MACHINE_APP_UNSTARTABLE] = NEVER(SWEEPING),
                [MACHINE_APP_EXITED] = NEVER(SWEEPING),
                [MACHINE_STOP] = TO(SWEEPING, NOTHING),
                [MACHINE_FORCE] = TO(SWEEPING, NOTHING),
                [MACHINE_OTHER] = TO(SWEEPING, NOTHING),
                /* Somebody cannot be killed and may write: no checkpoint (design fact 1). */
                [MACHINE_TIMEOUT] = TO(DONE, LEAVE),
                [MACHINE_ALONE] = TO(CHECKPOINTING, FOLD),
            },
        [MACHINE_CHECKPOINTING] =
            {
                [MACHINE_BEGIN] = NEVER(CHECKPOINTING),
                [MACHINE_WORKER_OK] = TO(DONE, LEAVE),
                [MACHINE_WORKER_FAILED] = TO(DONE, LEAVE),
                [MACHINE_APP_UNSTARTABLE] = NEVER(CHECKPOINTING),
                [MACHINE_APP_EXITED] = NEVER(CHECKPOINTING),
                [MACHINE_STOP] = TO(CHECKPOINTING, NOTHING),
                [MACHINE_FORCE] = TO(ABORTING, ABORT),
                [MACHINE_OTHER] = TO(CHECKPOINTING, NOTHING),
                [MACHINE_TIMEOUT] = NEVER(CHECKPOINTING),
                [MACHINE_ALONE] = NEVER(CHECKPOINTING),
            },
        [MACHINE_DONE] =
            {
                [MACHINE_BEGIN] = NEVER(DONE),
                [MACHINE_WORKER_OK] = NEVER(DONE),
                [MACHINE_WORKER_FAILED] = NEVER(DONE),
                [MACHINE_APP_UNSTARTABLE] = NEVER(DONE),
                [MACHINE_APP_EXITED] = NEVER(DONE),
                [MACHINE_STOP] = TO(DONE, NOTHING),
                [MACHINE_FORCE] = TO(DONE, NOTHING),
                [MACHINE_OTHER] = TO(DONE, NOTHING),
                [MACHINE_TIMEOUT] = NEVER(DONE),
                [MACHINE_ALONE] = NEVER(DONE),
            },
};

struct machine_step machine_step(enum machine_state state, enum machine_event event)
{
    assert(state < MACHINE_STATE_COUNT && event < MACHINE_EVENT_COUNT);
    struct machine_step step = table[state][event];
    assert(!step.impossible || (step.state == state && step.actions == 0));
    assert((step.actions & MACHINE_FINISH) == 0 || step.state == MACHINE_DONE);
    assert((step.actions & MACHINE_START_APP) == 0 || step.state == MACHINE_RUNNING);
    assert((step.actions & MACHINE_START_CHECKPOINT) == 0 || step.state == MACHINE_CHECKPOINTING);
    return step;
}

#define NAME(name, text) [MACHINE_##name] = (text),
const char *machine_state_name(enum machine_state state)
{
    static const char *const names[MACHINE_STATE_COUNT] = {MACHINE_STATES(NAME)};
    return names[state];
}

const char *machine_event_name(enum machine_event event)
{
    static const char *const names[MACHINE_EVENT_COUNT] = {MACHINE_EVENTS(NAME)};
    return names[event];
}
#undef NAME
