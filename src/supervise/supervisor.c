/* See supervisor.h. The loop: what happened becomes an event, the machine's answer is performed. */
#include "supervise/supervisor.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "proc/find.h"
#include "proc/memory.h"
#include "proc/others.h"
#include "proc/signals.h"
#include "supervise/internal.h"
#include "supervise/report.h"

#define SIGNALS_AT_ONCE 8
/* The stop signal after which somebody is taken not to want to wait. */
#define STOPS_TO_FORCE 3

static void feed(struct supervisor *s, enum machine_event event)
{
    bool more = true;
    while (more) {
        const enum machine_state before = s->state;
        const struct machine_step step = machine_step(before, event);
        if (step.impossible) {
            /* PID 1 does not die of a surprise: everything else goes with it. */
            log_event(LOG_WARN, "init.surprise", NULL, "Unexpected \"%s\" while %s, ignoring",
                      machine_event_name(event), machine_state_name(before));
            return;
        }
        s->state = step.state;
        if (s->state != before)
            log_event(LOG_DEBUG, "init.state", NULL, "State: %s, after \"%s\"",
                      machine_state_name(s->state), machine_event_name(event));
        more = supervisor_perform(s, before, step.actions, &event);
    }
}

/* Tells the machine about children that the reaping loop has noted. */
static void feed_ended(struct supervisor *s)
{
    s->signal = 0;
    if (s->worker_ended)
        feed(s, supervisor_worker_ended(s));
    if (s->app_ended) {
        supervisor_app_ended(s);
        feed(s, MACHINE_APP_EXITED);
    }
    if ((s->state == MACHINE_DRAINING || s->state == MACHINE_SWEEPING) && supervisor_is_alone(s))
        feed(s, MACHINE_ALONE);
}

static enum machine_event event_of_signal(struct supervisor *s)
{
    switch (s->signal) {
    case SIGTERM:
    case SIGINT:
    case SIGQUIT:
    case PROC_SIGNAL_HALT:
        break;
    default:
        return MACHINE_OTHER;
    }
    s->stops++;
    if (s->stops == 1) {
        s->first_stop = s->signal;
        s->stop_ms = clock_monotonic_ms();
        return MACHINE_STOP;
    }
    return s->signal == SIGQUIT || s->stops >= STOPS_TO_FORCE ? MACHINE_FORCE : MACHINE_STOP;
}

static void take_signal(struct supervisor *s, const struct signalfd_siginfo *info)
{
    const int sig = (int)info->ssi_signo;
    const struct config *config = s->plan->config;
    if (sig < 1 || sig > SIGNAL_MAX)
        return;
    /* Our own write to a log that nobody reads any more. */
    if (sig == SIGPIPE && info->ssi_pid == (uint32_t)getpid())
        return;
    /* Rewritten to nothing: as if it had never been sent. */
    if (config->rewrite[sig] == 0)
        return;
    s->signal = sig;
    feed(s, event_of_signal(s));
    s->signal = 0;
}

/* Signals before children: an app must not be started by the end of its preparation when the same
 * wake-up brings a stop. */
static void take_signals(struct supervisor *s)
{
    struct signalfd_siginfo infos[SIGNALS_AT_ONCE];
    bool children = false;
    ssize_t n;
    do {
        n = read(s->signal_fd, infos, sizeof infos);
        for (ssize_t i = 0; i < n / (ssize_t)sizeof infos[0]; i++) {
            if (infos[i].ssi_signo == SIGCHLD)
                children = true;
            else
                take_signal(s, &infos[i]);
        }
    } while (n == (ssize_t)sizeof infos || (n < 0 && errno == EINTR));
    if (children && s->state != MACHINE_DONE) {
        (void)supervisor_reap(s);
        feed_ended(s);
    }
}

static void on_signals(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    take_signals(handle->data);
}

void supervisor_on_clock(uv_timer_t *timer)
{
    struct supervisor *s = timer->data;
    /* What ended at the last moment ended in time. */
    take_signals(s);
    if (!uv_is_active((uv_handle_t *)timer) && !machine_step(s->state, MACHINE_TIMEOUT).impossible)
        feed(s, MACHINE_TIMEOUT);
}

void supervisor_on_watch(uv_timer_t *timer)
{
    struct supervisor *s = timer->data;
    if (s->state != MACHINE_DRAINING && s->state != MACHINE_SWEEPING) {
        (void)uv_timer_stop(timer);
        return;
    }
    if (s->state == MACHINE_SWEEPING)
        proc_others_signal(SIGKILL, s->group, false);
    if (supervisor_is_alone(s))
        feed(s, MACHINE_ALONE);
}

/* The app runs, and the loop is about to wait: the frames above this one are as few as they get. */
void supervisor_on_rest(uv_prepare_t *prepare)
{
    (void)uv_prepare_stop(prepare);
    proc_memory_release();
}

/* The loop with its handles. They are closed by close_loop() also after a failure here. */
static int open_loop(struct supervisor *s)
{
    int code = uv_loop_init(&s->loop);
    if (code != 0)
        return code;
    (void)uv_timer_init(&s->loop, &s->clock);
    (void)uv_timer_init(&s->loop, &s->watch);
    (void)uv_prepare_init(&s->loop, &s->rest);
    s->clock.data = s;
    s->watch.data = s;
    s->signals.data = s;
    code = uv_poll_init(&s->loop, &s->signals, s->signal_fd);
    if (code == 0)
        code = uv_poll_start(&s->signals, UV_READABLE, on_signals);
    return code;
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void close_loop(struct supervisor *s)
{
    uv_walk(&s->loop, close_handle, NULL);
    /* A stop flag that is still set makes the first turn return at once. */
    while (uv_run(&s->loop, UV_RUN_DEFAULT) != 0)
        continue;
    (void)uv_loop_close(&s->loop);
}

static int fail_to_start(int sys, const char *what)
{
    struct error err;
    (void)error_set(&err, sys == ENOMEM ? ERROR_BUSY : ERROR_IO, sys, "%s", what);
    (void)error_hint(&err, "the container has too few file descriptors or too little memory");
    log_error(LOG_ERROR, "init.exit", &err, NULL, "liteinit cannot start");
    return error_exit_status(err.kind);
}

/* An app that is not there is found out before its database is prepared: a word that was mistyped
 * must not apply migrations. What only running it can tell is told by starting it. */
static bool app_is_there(struct supervisor *s)
{
    struct error err;
    if (proc_find_or_explain(s->plan->app_argv[0], &s->exit_status, &err) == 0)
        return true;
    s->app_attempted = true;
    report_app_unstartable(s, &err);
    return false;
}

static void begin(struct supervisor *s)
{
    report_init_start(s);
    /* One turn without waiting: what the loop asks of the kernel is asked before the app is there,
     * since libuv aborts when it is refused; and a stop that came before all this is acted upon. */
    (void)uv_run(&s->loop, UV_RUN_NOWAIT);
    if (s->state != MACHINE_STARTING)
        return;
    if (!app_is_there(s)) {
        feed(s, MACHINE_APP_UNSTARTABLE);
        return;
    }
    if (s->plan->lock_held)
        supervisor_read_last_life(s);
    feed(s, MACHINE_BEGIN);
}

int supervisor_run(const struct supervisor_plan *plan)
{
    struct supervisor s = {
        .plan = plan,
        .state = MACHINE_STARTING,
        .signal_fd = -1,
        .started_ms = clock_monotonic_ms(),
        .life = {.state = LIFE_NONE, .exit_code = -1},
    };
    log_set_patient(false);
    proc_others_adopt();
    s.ignored_children = proc_signals_claim_children();
    const pid_t front = tcgetpgrp(STDIN_FILENO);
    s.foreground = front >= 0 && front == getpgrp();

    s.signal_fd = proc_signals_open();
    if (s.signal_fd < 0)
        return fail_to_start(errno, "no descriptor for signals");
    int code = open_loop(&s);
    if (code != 0) {
        (void)close(s.signal_fd);
        return fail_to_start(-code, "no event loop");
    }

    begin(&s);
    while (s.state != MACHINE_DONE)
        (void)uv_run(&s.loop, UV_RUN_DEFAULT);

    close_loop(&s);
    (void)close(s.signal_fd);
    return s.exit_status;
}
