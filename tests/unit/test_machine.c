/* The state machine of PID 1: every cell of its table, and 10,000 random lives in a small model of
 * the world, against the promises in machine.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "supervise/machine.h"

#define HISTORIES 10000
#define LONGEST 60

/* Every event that can happen. What is not listed must be impossible. */
static const struct {
    enum machine_state from;
    enum machine_event event;
    enum machine_state to;
    unsigned actions;
} possible[] = {
    {MACHINE_STARTING, MACHINE_BEGIN, MACHINE_PREPARING, MACHINE_START_PREPARE},
    {MACHINE_STARTING, MACHINE_APP_UNSTARTABLE, MACHINE_DONE, MACHINE_STOP_CLOCK | MACHINE_FINISH},
    {MACHINE_STARTING, MACHINE_STOP, MACHINE_DONE, MACHINE_STOP_CLOCK | MACHINE_FINISH},
    {MACHINE_STARTING, MACHINE_FORCE, MACHINE_DONE, MACHINE_STOP_CLOCK | MACHINE_FINISH},
    {MACHINE_STARTING, MACHINE_OTHER, MACHINE_STARTING, 0},

    {MACHINE_PREPARING, MACHINE_WORKER_OK, MACHINE_RUNNING, MACHINE_START_APP},
    {MACHINE_PREPARING, MACHINE_WORKER_FAILED, MACHINE_DONE, MACHINE_STOP_CLOCK | MACHINE_FINISH},
    {MACHINE_PREPARING, MACHINE_STOP, MACHINE_CANCELLING, MACHINE_ASK_WORKER | MACHINE_START_GRACE},
    {MACHINE_PREPARING, MACHINE_FORCE, MACHINE_ABORTING,
     MACHINE_KILL_WORKER | MACHINE_START_KILL_CLOCK},
    {MACHINE_PREPARING, MACHINE_OTHER, MACHINE_PREPARING, 0},

    {MACHINE_CANCELLING, MACHINE_WORKER_OK, MACHINE_DONE, MACHINE_STOP_CLOCK | MACHINE_FINISH},
    {MACHINE_CANCELLING, MACHINE_WORKER_FAILED, MACHINE_DONE, MACHINE_STOP_CLOCK | MACHINE_FINISH},
    {MACHINE_CANCELLING, MACHINE_STOP, MACHINE_CANCELLING, 0},
    {MACHINE_CANCELLING, MACHINE_FORCE, MACHINE_ABORTING,
     MACHINE_KILL_WORKER | MACHINE_START_KILL_CLOCK},
    {MACHINE_CANCELLING, MACHINE_OTHER, MACHINE_CANCELLING, 0},
    {MACHINE_CANCELLING, MACHINE_TIMEOUT, MACHINE_ABORTING,
     MACHINE_KILL_WORKER | MACHINE_START_KILL_CLOCK},

    {MACHINE_ABORTING, MACHINE_WORKER_OK, MACHINE_DONE, MACHINE_STOP_CLOCK | MACHINE_FINISH},
    {MACHINE_ABORTING, MACHINE_WORKER_FAILED, MACHINE_DONE, MACHINE_STOP_CLOCK | MACHINE_FINISH},
    {MACHINE_ABORTING, MACHINE_STOP, MACHINE_ABORTING, 0},
    {MACHINE_ABORTING, MACHINE_FORCE, MACHINE_ABORTING, 0},
    {MACHINE_ABORTING, MACHINE_OTHER, MACHINE_ABORTING, 0},
    {MACHINE_ABORTING, MACHINE_TIMEOUT, MACHINE_DONE, MACHINE_STOP_CLOCK | MACHINE_FINISH},

    {MACHINE_RUNNING, MACHINE_APP_UNSTARTABLE, MACHINE_DRAINING,
     MACHINE_START_GRACE | MACHINE_ASK_REST},
    {MACHINE_RUNNING, MACHINE_APP_EXITED, MACHINE_DRAINING, MACHINE_START_GRACE | MACHINE_ASK_REST},
    {MACHINE_RUNNING, MACHINE_STOP, MACHINE_STOPPING, MACHINE_FORWARD | MACHINE_START_GRACE},
    {MACHINE_RUNNING, MACHINE_FORCE, MACHINE_KILLING, MACHINE_KILL_ALL | MACHINE_START_KILL_CLOCK},
    {MACHINE_RUNNING, MACHINE_OTHER, MACHINE_RUNNING, MACHINE_FORWARD},

    /* The others have what is left of the grace: the clock is not started anew. */
    {MACHINE_STOPPING, MACHINE_APP_EXITED, MACHINE_DRAINING, MACHINE_ASK_REST},
    /* A second stop signal is passed on and changes no clock. */
    {MACHINE_STOPPING, MACHINE_STOP, MACHINE_STOPPING, MACHINE_FORWARD},
    {MACHINE_STOPPING, MACHINE_FORCE, MACHINE_KILLING, MACHINE_KILL_ALL | MACHINE_START_KILL_CLOCK},
    {MACHINE_STOPPING, MACHINE_OTHER, MACHINE_STOPPING, MACHINE_FORWARD},
    {MACHINE_STOPPING, MACHINE_TIMEOUT, MACHINE_KILLING,
     MACHINE_KILL_ALL | MACHINE_START_KILL_CLOCK},

    {MACHINE_KILLING, MACHINE_APP_EXITED, MACHINE_SWEEPING,
     MACHINE_KILL_ALL | MACHINE_START_KILL_CLOCK},
    {MACHINE_KILLING, MACHINE_STOP, MACHINE_KILLING, 0},
    {MACHINE_KILLING, MACHINE_FORCE, MACHINE_KILLING, 0},
    {MACHINE_KILLING, MACHINE_OTHER, MACHINE_KILLING, 0},
    {MACHINE_KILLING, MACHINE_TIMEOUT, MACHINE_DONE, MACHINE_STOP_CLOCK | MACHINE_FINISH},

    {MACHINE_DRAINING, MACHINE_STOP, MACHINE_DRAINING, 0},
    {MACHINE_DRAINING, MACHINE_FORCE, MACHINE_SWEEPING,
     MACHINE_KILL_ALL | MACHINE_START_KILL_CLOCK},
    {MACHINE_DRAINING, MACHINE_OTHER, MACHINE_DRAINING, 0},
    {MACHINE_DRAINING, MACHINE_TIMEOUT, MACHINE_SWEEPING,
     MACHINE_KILL_ALL | MACHINE_START_KILL_CLOCK},
    {MACHINE_DRAINING, MACHINE_ALONE, MACHINE_CHECKPOINTING,
     MACHINE_STOP_CLOCK | MACHINE_START_CHECKPOINT},

    {MACHINE_SWEEPING, MACHINE_STOP, MACHINE_SWEEPING, 0},
    {MACHINE_SWEEPING, MACHINE_FORCE, MACHINE_SWEEPING, 0},
    {MACHINE_SWEEPING, MACHINE_OTHER, MACHINE_SWEEPING, 0},
    {MACHINE_SWEEPING, MACHINE_TIMEOUT, MACHINE_DONE, MACHINE_STOP_CLOCK | MACHINE_FINISH},
    {MACHINE_SWEEPING, MACHINE_ALONE, MACHINE_CHECKPOINTING,
     MACHINE_STOP_CLOCK | MACHINE_START_CHECKPOINT},

    {MACHINE_CHECKPOINTING, MACHINE_WORKER_OK, MACHINE_DONE, MACHINE_STOP_CLOCK | MACHINE_FINISH},
    {MACHINE_CHECKPOINTING, MACHINE_WORKER_FAILED, MACHINE_DONE,
     MACHINE_STOP_CLOCK | MACHINE_FINISH},
    {MACHINE_CHECKPOINTING, MACHINE_STOP, MACHINE_CHECKPOINTING, 0},
    {MACHINE_CHECKPOINTING, MACHINE_FORCE, MACHINE_ABORTING,
     MACHINE_KILL_WORKER | MACHINE_START_KILL_CLOCK},
    {MACHINE_CHECKPOINTING, MACHINE_OTHER, MACHINE_CHECKPOINTING, 0},

    {MACHINE_DONE, MACHINE_STOP, MACHINE_DONE, 0},
    {MACHINE_DONE, MACHINE_FORCE, MACHINE_DONE, 0},
    {MACHINE_DONE, MACHINE_OTHER, MACHINE_DONE, 0},
};

static void every_cell_answers_as_drawn(void **state)
{
    (void)state;
    size_t seen = 0;
    for (unsigned s = 0; s < MACHINE_STATE_COUNT; s++) {
        for (unsigned e = 0; e < MACHINE_EVENT_COUNT; e++) {
            const struct machine_step step =
                machine_step((enum machine_state)s, (enum machine_event)e);
            size_t i = 0;
            while (i < sizeof possible / sizeof possible[0] &&
                   (possible[i].from != s || possible[i].event != e))
                i++;
            if (i == sizeof possible / sizeof possible[0]) {
                if (!step.impossible)
                    fail_msg("\"%s\" in %s should be impossible",
                             machine_event_name((enum machine_event)e),
                             machine_state_name((enum machine_state)s));
                assert_int_equal(step.state, s);
                assert_int_equal(step.actions, 0);
                continue;
            }
            seen++;
            if (step.impossible || step.state != possible[i].to ||
                step.actions != possible[i].actions)
                fail_msg("\"%s\" in %s leads to %s with actions %#x, not to %s with %#x",
                         machine_event_name((enum machine_event)e),
                         machine_state_name((enum machine_state)s), machine_state_name(step.state),
                         step.actions, machine_state_name(possible[i].to), possible[i].actions);
        }
    }
    assert_int_equal(seen, sizeof possible / sizeof possible[0]);
}

static void names_are_there(void **state)
{
    (void)state;
    assert_string_equal(machine_state_name(MACHINE_STARTING), "starting");
    assert_string_equal(machine_state_name(MACHINE_DONE), "done");
    assert_string_equal(machine_event_name(MACHINE_BEGIN), "begin");
    assert_string_equal(machine_event_name(MACHINE_ALONE), "alone");
}

/* The world that the machine acts upon, and what it has done to it. */
struct world {
    enum machine_state state;
    bool begun;
    bool worker;  /* a worker lives */
    bool app;     /* the app lives */
    int others;   /* processes that the app left behind */
    bool clock;   /* it runs */
    bool stopped; /* a stop signal has come */
    bool unstartable;
    int app_starts;
    int checkpoints;
    int prepares;
    int finishes;
};

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void perform(struct world *world, unsigned actions, uint32_t *seed)
{
    if ((actions & MACHINE_STOP_CLOCK) != 0)
        world->clock = false;
    if ((actions & (MACHINE_START_GRACE | MACHINE_START_KILL_CLOCK)) != 0)
        world->clock = true;
    if ((actions & MACHINE_START_PREPARE) != 0) {
        world->prepares++;
        world->worker = true;
    }
    if ((actions & MACHINE_START_APP) != 0) {
        assert_false(world->stopped);
        assert_false(world->worker);
        world->app_starts++;
        world->unstartable = next_random(seed) % 8 == 0;
        world->app = !world->unstartable;
        world->others = (int)(next_random(seed) % 3);
    }
    if ((actions & (MACHINE_ASK_WORKER | MACHINE_KILL_WORKER)) != 0)
        assert_true(world->worker);
    if ((actions & MACHINE_FORWARD) != 0)
        assert_true(world->app);
    if ((actions & MACHINE_START_CHECKPOINT) != 0) {
        assert_false(world->app);
        assert_int_equal(world->others, 0);
        assert_false(world->worker);
        assert_int_equal(world->app_starts, 1);
        world->checkpoints++;
        world->worker = true;
    }
    if ((actions & MACHINE_FINISH) != 0)
        world->finishes++;
    assert_true(world->app_starts <= 1);
    assert_true(world->prepares <= 1);
    assert_true(world->checkpoints <= 1);
    assert_true(world->finishes <= 1);
    assert_int_equal(world->finishes == 1, world->state == MACHINE_DONE);
}

/* Whether this can happen in the world as it is. */
static bool can_happen(const struct world *world, enum machine_event event)
{
    const bool draining = world->state == MACHINE_DRAINING || world->state == MACHINE_SWEEPING;
    switch (event) {
    case MACHINE_BEGIN:
        return !world->begun && world->state != MACHINE_DONE;
    case MACHINE_WORKER_OK:
    case MACHINE_WORKER_FAILED:
        return world->worker && world->state != MACHINE_DONE;
    case MACHINE_APP_UNSTARTABLE:
        return world->unstartable;
    case MACHINE_APP_EXITED:
        return world->app && world->state != MACHINE_DONE;
    case MACHINE_TIMEOUT:
        return world->clock;
    case MACHINE_ALONE:
        return draining && world->others == 0;
    case MACHINE_FORCE:
        return world->stopped;
    default:
        return true;
    }
}

static void happen(struct world *world, enum machine_event event, uint32_t *seed)
{
    switch (event) {
    case MACHINE_BEGIN:
        world->begun = true;
        break;
    case MACHINE_WORKER_OK:
    case MACHINE_WORKER_FAILED:
        world->worker = false;
        break;
    case MACHINE_APP_UNSTARTABLE:
        world->unstartable = false;
        break;
    case MACHINE_APP_EXITED:
        world->app = false;
        break;
    case MACHINE_TIMEOUT:
        world->clock = false;
        break;
    case MACHINE_STOP:
        world->stopped = true;
        break;
    default:
        break;
    }
    const bool was_done = world->state == MACHINE_DONE;
    const struct machine_step step = machine_step(world->state, event);
    if (step.impossible)
        fail_msg("\"%s\" happened in %s", machine_event_name(event),
                 machine_state_name(world->state));
    if (was_done)
        assert_int_equal(step.actions, 0);
    world->state = step.state;
    perform(world, step.actions, seed);
}

static void random_lives_keep_the_promises(void **state)
{
    (void)state;
    unsigned reached[MACHINE_STATE_COUNT] = {0};
    for (uint32_t history = 1; history <= HISTORIES; history++) {
        uint32_t seed = history * 2654435761u;
        struct world world = {.state = MACHINE_STARTING, .unstartable = history % 16 == 0};
        const uint32_t length = next_random(&seed) % LONGEST;
        for (uint32_t i = 0; i < length; i++) {
            enum machine_event event = next_random(&seed) % MACHINE_EVENT_COUNT;
            /* What nobody waits for happens at once. */
            if (world.unstartable)
                event = MACHINE_APP_UNSTARTABLE;
            if (world.others > 0 && next_random(&seed) % 4 == 0)
                world.others--;
            if (can_happen(&world, event))
                happen(&world, event, &seed);
            reached[world.state]++;
        }
        /* Whatever came before: a stop, the clock and the end of what was killed lead out. */
        if (world.unstartable)
            happen(&world, MACHINE_APP_UNSTARTABLE, &seed);
        happen(&world, MACHINE_STOP, &seed);
        for (int i = 0; i < 8 && world.state != MACHINE_DONE; i++) {
            if (world.clock)
                happen(&world, MACHINE_TIMEOUT, &seed);
            else if (world.worker)
                happen(&world, MACHINE_WORKER_FAILED, &seed);
        }
        if (world.state != MACHINE_DONE)
            fail_msg("history %u ends in %s", history, machine_state_name(world.state));
    }
    for (unsigned s = 0; s < MACHINE_STATE_COUNT; s++)
        if (reached[s] == 0)
            fail_msg("no history came through %s", machine_state_name((enum machine_state)s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_answers_as_drawn),
        cmocka_unit_test(names_are_there),
        cmocka_unit_test(random_lives_keep_the_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
