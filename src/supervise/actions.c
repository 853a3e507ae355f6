/* See internal.h: what the steps of the machine do to processes, timers and the record. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/worker.h"
#include "proc/others.h"
#include "proc/reap.h"
#include "proc/signals.h"
#include "proc/spawn.h"
#include "supervise/internal.h"
#include "supervise/report.h"

/* A process that got SIGKILL is gone in milliseconds, or hangs in the kernel for good. With the
 * default stop_timeout of 8 s, this and the checkpoint fit into Docker's 10 s. */
#define KILL_WAIT_MS 1000
/* How often to look for those whose end nobody tells us. */
#define WATCH_MS 10

static void start_clock(struct supervisor *s, int64_t ms)
{
    /* The loop's idea of now is from its last wake-up. */
    uv_update_time(&s->loop);
    (void)uv_timer_start(&s->clock, supervisor_on_clock, (uint64_t)(ms > 0 ? ms : 0), 0);
}

static bool start_worker(struct supervisor *s, char **argv)
{
    const char *variables[3] = {NULL};
    size_t n = 0;
    struct error err;
    if (s->plan->lock_fd >= 0)
        variables[n++] = WORKER_LOCK_FD "=" PROC_SPAWN_FD_TEXT;
    if (s->last_known && (s->last == LIFE_RUNNING || s->last == LIFE_UNREADABLE))
        variables[n++] = WORKER_LAST_STOP "=unclean";
    else if (s->last_known && s->last == LIFE_ENDED)
        variables[n++] = WORKER_LAST_STOP "=clean";
    const struct proc_spawn spec = {
        .argv = argv,
        .self = true,
        .variables = variables,
        .fd = s->plan->lock_fd,
        .parent_death_signal = SIGTERM,
        .mask = s->plan->inherited_mask,
        .ignore_children = s->ignored_children,
    };
    int status = 0;
    if (proc_spawn(&spec, &s->worker, &status, &err) == 0)
        return true;
    s->worker = 0;
    report_worker_unstartable(&err);
    if (!s->app_attempted)
        s->exit_status = error_exit_status(err.kind);
    return false;
}

void supervisor_read_last_life(struct supervisor *s)
{
    if (s->last_known || s->plan->state_path == NULL)
        return;
    struct life last;
    life_read(s->plan->state_path, &last);
    s->last = last.state;
    s->last_known = true;
    if (last.state == LIFE_RUNNING || last.state == LIFE_UNREADABLE)
        report_last_stop(&last);
}

/* From here on the lock is ours, by the worker or from the start. */
static void begin_life(struct supervisor *s)
{
    struct error err;
    if (s->plan->state_path == NULL)
        return;
    supervisor_read_last_life(s);
    s->life = (struct life){.state = LIFE_RUNNING, .pid = (long)getpid(), .exit_code = -1};
    clock_format_now(s->life.started);
    if (s->plan->config->app_version != NULL)
        (void)snprintf(s->life.app_version, sizeof s->life.app_version, "%s",
                       s->plan->config->app_version);
    if (life_write(s->plan->state_path, &s->life, &err) != 0) {
        report_life_unwritten(&err);
        s->life.state = LIFE_NONE;
    }
}

static void end_life(struct supervisor *s)
{
    struct error err;
    if (s->life.state != LIFE_RUNNING)
        return;
    s->life.state = LIFE_ENDED;
    clock_format_now(s->life.ended);
    s->life.killed = s->app_killed;
    if (life_write(s->plan->state_path, &s->life, &err) != 0)
        report_life_unwritten(&err);
}

static bool start_app(struct supervisor *s)
{
    /* None of our own, and none that was there before us under such a name. */
    static const char *const no_variables[] = {NULL};
    const struct proc_spawn spec = {
        .argv = s->plan->app_argv,
        .variables = no_variables,
        .fd = -1,
        .foreground = s->foreground,
        .mask = s->plan->inherited_mask,
        .ignore_children = s->ignored_children,
    };
    struct error err;
    int status = 0;
    begin_life(s);
    s->app_attempted = true;
    s->app_ms = clock_monotonic_ms();
    if (proc_spawn(&spec, &s->app, &status, &err) == 0) {
        s->group = s->app;
        report_app_start(s);
        (void)uv_prepare_start(&s->rest, supervisor_on_rest);
        return true;
    }
    s->app = 0;
    s->exit_status = status;
    s->life.exit_code = status;
    report_app_unstartable(s, &err);
    return false;
}

static bool is_stop(int sig)
{
    return sig == SIGTERM || sig == SIGINT || sig == SIGQUIT || sig == PROC_SIGNAL_HALT;
}

/* To the group, and to the app itself where it has left its group. */
static int send_to_app(const struct supervisor *s, int sig)
{
    if (s->plan->config->forward_to == CONFIG_FORWARD_CHILD)
        return kill(s->app, sig);
    int result = kill(-s->group, sig);
    if (result != 0 || getpgid(s->app) != s->group)
        result = kill(s->app, sig);
    return result;
}

static void forward(struct supervisor *s)
{
    const struct config *config = s->plan->config;
    const bool stop = is_stop(s->signal);
    int sent = stop && config->stop_signal != 0 ? config->stop_signal : config->rewrite[s->signal];
    if (s->app == 0 || sent == 0)
        return;
    int sys = send_to_app(s, sent) == 0 ? 0 : errno;
    report_forward(s, sent, stop, sys);
}

/* SIGKILL to the app, when it lives, and to everybody else. `before` tells whose grace is over:
 * the app's, or that of the others. */
static void kill_all(struct supervisor *s, enum machine_state before)
{
    const bool timeout = s->signal == 0;
    struct proc_others others = {.count = 0};
    /* Before they die, or nobody could be named. Once: the later rounds meet the same ones. */
    if (before == MACHINE_DRAINING || before == MACHINE_STOPPING || before == MACHINE_RUNNING)
        proc_others_list(s->app, &others);
    if (s->app != 0) {
        (void)kill(-s->group, SIGKILL);
        (void)kill(s->app, SIGKILL);
        s->app_killed = true;
        report_app_killed(s, timeout);
    }
    proc_others_signal(SIGKILL, s->group, false);
    if (others.count > 0 || (others.count < 0 && s->app == 0))
        report_stragglers(&others, timeout);
}

static void note_ended(void *context, pid_t pid, int status)
{
    struct supervisor *s = context;
    if (pid == s->app) {
        s->app_ended = true;
        s->app_status = status;
    } else if (pid == s->worker) {
        s->worker_ended = true;
        s->worker_status = status;
    }
}

bool supervisor_reap(struct supervisor *s)
{
    return proc_reap(note_ended, s);
}

bool supervisor_is_alone(struct supervisor *s)
{
    const bool children = supervisor_reap(s);
    if (!children && !proc_others_foreign()) {
        (void)uv_timer_stop(&s->watch);
        return true;
    }
    /* Our children's end is a SIGCHLD; that of a `docker exec` is told to nobody here. And once
     * all are being killed, those forked meanwhile are looked for. */
    if ((!children || s->state == MACHINE_SWEEPING) && !uv_is_active((uv_handle_t *)&s->watch)) {
        uv_update_time(&s->loop);
        (void)uv_timer_start(&s->watch, supervisor_on_watch, WATCH_MS, WATCH_MS);
    }
    return false;
}

enum machine_event supervisor_worker_ended(struct supervisor *s)
{
    const int status = s->worker_status;
    const bool asked = s->state == MACHINE_CANCELLING || s->state == MACHINE_ABORTING;
    s->worker_ended = false;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        if (s->app_attempted)
            s->life.wal = LIFE_WAL_FOLDED;
        s->worker = 0;
        return MACHINE_WORKER_OK;
    }
    int exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    if (WIFSIGNALED(status)) {
        const int sig = WTERMSIG(status);
        exit_status = error_exit_status(signal_is_crash(sig) ? ERROR_BUG : ERROR_BUSY);
        if (!asked || signal_is_crash(sig))
            report_worker_died(s, s->app_attempted ? "The checkpoint" : "The preparation", sig,
                               exit_status);
    }
    if (!s->app_attempted)
        s->exit_status = exit_status;
    s->worker = 0;
    return MACHINE_WORKER_FAILED;
}

void supervisor_app_ended(struct supervisor *s)
{
    const int status = s->app_status;
    s->app_ended = false;
    if (s->foreground)
        (void)tcsetpgrp(STDIN_FILENO, getpgrp());
    report_app_exit(s);
    s->app = 0;
    int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    s->life.exit_code = code;
    s->life.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    s->exit_status = s->plan->config->expect_exit[code] ? 0 : code;
}

static void finish(struct supervisor *s, enum machine_state before)
{
    if (!s->app_attempted && s->first_stop != 0)
        s->exit_status = 128 + s->first_stop;
    if (before == MACHINE_KILLING) {
        s->exit_status = 128 + SIGKILL;
        s->life.exit_code = s->exit_status;
        s->life.signal = SIGKILL;
    }
    if (before == MACHINE_KILLING || before == MACHINE_SWEEPING) {
        report_unkillable(before);
        s->life.wal = s->plan->checkpoint_argv != NULL ? LIFE_WAL_LEFT : LIFE_WAL_UNKNOWN;
    }
    end_life(s);
    report_init_exit(s, before);
    uv_stop(&s->loop);
}

bool supervisor_perform(struct supervisor *s, enum machine_state before, unsigned actions,
                        enum machine_event *ret_event)
{
    if ((actions & MACHINE_STOP_CLOCK) != 0)
        (void)uv_timer_stop(&s->clock);
    if ((actions & MACHINE_START_GRACE) != 0)
        start_clock(s, s->plan->config->stop_timeout);
    if ((actions & MACHINE_START_KILL_CLOCK) != 0)
        start_clock(s, KILL_WAIT_MS);
    if ((actions & MACHINE_START_PREPARE) != 0) {
        if (s->plan->prepare_argv == NULL) {
            *ret_event = MACHINE_WORKER_OK;
            return true;
        }
        if (!start_worker(s, s->plan->prepare_argv)) {
            *ret_event = MACHINE_WORKER_FAILED;
            return true;
        }
    }
    if ((actions & MACHINE_ASK_WORKER) != 0 && s->worker != 0)
        (void)kill(s->worker, SIGTERM);
    if ((actions & MACHINE_KILL_WORKER) != 0 && s->worker != 0) {
        report_worker_killed(s);
        (void)kill(-s->worker, SIGKILL);
        (void)kill(s->worker, SIGKILL);
    }
    if ((actions & MACHINE_START_APP) != 0 && !start_app(s)) {
        *ret_event = MACHINE_APP_UNSTARTABLE;
        return true;
    }
    if ((actions & MACHINE_FORWARD) != 0)
        forward(s);
    if ((actions & (MACHINE_ASK_REST | MACHINE_KILL_ALL)) != 0 && s->app == 0 &&
        supervisor_is_alone(s)) {
        *ret_event = MACHINE_ALONE;
        return true;
    }
    if ((actions & MACHINE_ASK_REST) != 0)
        proc_others_signal(SIGTERM, s->group, true);
    if ((actions & MACHINE_KILL_ALL) != 0)
        kill_all(s, before);
    if ((actions & MACHINE_START_CHECKPOINT) != 0) {
        if (s->plan->checkpoint_argv == NULL) {
            *ret_event = MACHINE_WORKER_OK;
            return true;
        }
        s->life.wal = LIFE_WAL_LEFT;
        if (!start_worker(s, s->plan->checkpoint_argv)) {
            *ret_event = MACHINE_WORKER_FAILED;
            return true;
        }
    }
    if ((actions & MACHINE_FINISH) != 0)
        finish(s, before);
    return false;
}
