/* See report.h. */
#include "supervise/report.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "proc/signals.h"

#define DURATION_SIZE 48

static const char *since(char out[DURATION_SIZE], int64_t begin_ms)
{
    text_format_duration(out, DURATION_SIZE, clock_monotonic_ms() - begin_ms);
    return out;
}

void report_init_start(const struct supervisor *s)
{
    const char *app = s->plan->app_argv[0];
    log_event(LOG_INFO, "init.start",
              LOG_FIELDS(LOG_TEXT("version", LITEINIT_VERSION), LOG_NUMBER("pid", getpid()),
                         LOG_TEXT("app", app)),
              "liteinit %s starts for %s", LITEINIT_VERSION, app);
}

void report_last_stop(const struct life *last)
{
    static const char hint[] =
        "nothing to do; when the container is killed at every stop, raise stop_grace_period";
    if (last->state == LIFE_RUNNING)
        log_event(LOG_WARN, "last_stop.unclean",
                  LOG_FIELDS(LOG_TEXT("started", last->started), LOG_TEXT("hint", hint)),
                  "The last run, begun %s, did not end in order: it was killed, or the power "
                  "failed. What it left in the WAL is recovered now",
                  last->started[0] != '\0' ? last->started : "at an unknown time");
    else
        log_event(LOG_WARN, "last_stop.unclean", LOG_FIELDS(LOG_TEXT("hint", hint)),
                  "The record of the last run cannot be read, as after a power failure. "
                  "What it left in the WAL is recovered now");
}

void report_life_unwritten(const struct error *err)
{
    log_error(LOG_WARN, "volume.warning", err, NULL,
              "How this run ends cannot be recorded for the next start, ignoring");
}

void report_worker_unstartable(const struct error *err)
{
    log_error(LOG_ERROR, "worker.died", err, NULL, NULL);
}

void report_worker_died(const struct supervisor *s, const char *work, int sig, int exit_status)
{
    const char *hint = NULL;
    if (sig == SIGKILL)
        hint =
            "the kernel kills when memory is out: raise the container's memory limit (mem_limit)";
    else if (signal_is_crash(sig))
        hint = "this is a bug in liteinit, or faulty memory: the database is as it was, please "
               "report it with this log";
    log_event(s->app_attempted ? LOG_WARN : LOG_ERROR, "worker.died",
              LOG_FIELDS(LOG_NUMBER("pid", s->worker), LOG_TEXT("signal", signal_name(sig)),
                         LOG_NUMBER("exit_code", exit_status), LOG_TEXT("hint", hint)),
              "%s failed: its process was ended by %s; SQLite undoes what was half done", work,
              signal_name(sig));
}

void report_worker_killed(const struct supervisor *s)
{
    char spent[DURATION_SIZE];
    const char *work = s->app_attempted ? "The checkpoint" : "The preparation";
    const struct log_field *fields = LOG_FIELDS(
        LOG_NUMBER("pid", s->worker), LOG_NUMBER("duration_ms", clock_monotonic_ms() - s->stop_ms));
    if (s->signal != 0)
        log_event(LOG_WARN, "worker.killed", fields,
                  "%s was killed at once because %s came while it was stopping; SQLite undoes what "
                  "was half done",
                  work, signal_name(s->signal));
    else
        log_event(LOG_WARN, "worker.killed", fields,
                  "%s did not stop within %s and was killed; SQLite undoes what was half done",
                  work, since(spent, s->stop_ms));
}

void report_app_start(const struct supervisor *s)
{
    char spent[DURATION_SIZE];
    log_event(
        LOG_INFO, "app.start",
        LOG_FIELDS(LOG_NUMBER("pid", s->app), LOG_NUMBER("duration_ms", s->app_ms - s->started_ms)),
        "App started as process %ld after %s", (long)s->app, since(spent, s->started_ms));
}

void report_app_unstartable(const struct supervisor *s, const struct error *err)
{
    log_event(LOG_ERROR, "app.exit",
              LOG_FIELDS(LOG_NUMBER("exit_code", s->exit_status), LOG_TEXT("error", err->msg),
                         LOG_TEXT("hint", err->hint[0] != '\0' ? err->hint : NULL)),
              "App failed to start: %s", err->msg);
}

void report_forward(const struct supervisor *s, int sent, bool stop, int sys)
{
    const char *name = signal_name(s->signal);
    const struct log_field *fields =
        LOG_FIELDS(LOG_TEXT("signal", name), LOG_NUMBER("pid", s->app),
                   LOG_TEXT("sent", sent != s->signal ? signal_name(sent) : NULL),
                   LOG_TEXT("error", sys != 0 ? strerror(sys) : NULL));
    if (sys != 0)
        log_event(LOG_WARN, "signal.forward", fields, "%s could not be forwarded to the app: %s",
                  name, strerror(sys));
    else if (sent != s->signal)
        log_event(stop ? LOG_INFO : LOG_DEBUG, "signal.forward", fields,
                  "Forwarded %s to the app as %s", name, signal_name(sent));
    else
        log_event(stop ? LOG_INFO : LOG_DEBUG, "signal.forward", fields, "Forwarded %s to the app",
                  name);
}

void report_app_killed(const struct supervisor *s, bool timeout)
{
    char spent[DURATION_SIZE];
    const struct log_field *fields =
        LOG_FIELDS(LOG_NUMBER("pid", s->app), LOG_TEXT("signal", signal_name(SIGKILL)),
                   LOG_NUMBER("duration_ms", clock_monotonic_ms() - s->stop_ms),
                   LOG_TEXT("hint", timeout ? "if it needs longer, raise stop_timeout, and the "
                                              "container's stop_grace_period 2 s above it"
                                            : NULL));
    if (timeout)
        log_event(LOG_WARN, "app.killed", fields, "App did not stop within %s and was killed",
                  since(spent, s->stop_ms));
    else
        log_event(LOG_WARN, "app.killed", fields,
                  "App was killed at once because %s came while it was stopping",
                  signal_name(s->signal));
}

void report_app_exit(const struct supervisor *s)
{
    char spent[DURATION_SIZE];
    const bool asked = s->first_stop != 0;
    const int64_t begin = asked ? s->stop_ms : s->app_ms;
    const pid_t pid = s->group;
    (void)since(spent, begin);
    if (WIFSIGNALED(s->app_status)) {
        const int sig = WTERMSIG(s->app_status);
        const char *hint = NULL;
        if (sig == SIGKILL && !s->app_killed)
            hint = "liteinit did not send this: the kernel kills when memory is out (mem_limit)";
        const bool fine = asked && !signal_is_crash(sig);
        log_event(fine ? LOG_INFO : LOG_ERROR, "app.exit",
                  LOG_FIELDS(LOG_NUMBER("pid", pid), LOG_TEXT("signal", signal_name(sig)),
                             LOG_NUMBER("exit_code", 128 + sig),
                             LOG_NUMBER("duration_ms", clock_monotonic_ms() - begin),
                             LOG_TEXT("hint", hint)),
                  asked ? "App stopped by %s after %s" : "App was ended by %s after %s",
                  signal_name(sig), spent);
        return;
    }
    const int code = WEXITSTATUS(s->app_status);
    const bool failed = !asked && code != 0 && !s->plan->config->expect_exit[code];
    log_event(failed ? LOG_ERROR : LOG_INFO, "app.exit",
              LOG_FIELDS(LOG_NUMBER("pid", pid), LOG_NUMBER("exit_code", code),
                         LOG_NUMBER("duration_ms", clock_monotonic_ms() - begin)),
              asked ? "App stopped with status %d after %s"
                    : "App ended by itself with status %d after %s",
              code, spent);
}

void report_stragglers(const struct proc_others *others, bool timeout)
{
    const char *why = timeout ? "did not stop within the grace" : "had not ended yet";
    const struct log_field *fields = LOG_FIELDS(
        others->count >= 0 ? LOG_NUMBER("count", others->count) : LOG_TEXT("count", NULL),
        LOG_TEXT("processes", others->names[0] != '\0' ? others->names : NULL),
        LOG_TEXT("hint", "the app should stop its own processes before it ends"));
    if (others->count < 0)
        log_event(LOG_WARN, "stragglers.killed", fields,
                  "Processes that the app left behind %s and were killed", why);
    else
        log_event(LOG_WARN, "stragglers.killed", fields, "%d other process%s %s and %s killed: %s",
                  others->count, others->count == 1 ? "" : "es", why,
                  others->count == 1 ? "was" : "were", others->names);
}

void report_unkillable(enum machine_state before)
{
    if (before == MACHINE_KILLING)
        log_event(
            LOG_ERROR, "app.exit",
            LOG_FIELDS(LOG_NUMBER("exit_code", 128 + SIGKILL),
                       LOG_TEXT("hint", "look at the disk or the network share it waits for")),
            "App cannot be killed: it hangs in the kernel. The WAL is left for the next start");
    else
        log_event(
            LOG_WARN, "wal.checkpoint",
            LOG_FIELDS(LOG_TEXT("hint", "nothing to do: the next start folds it in")),
            "A process that may use the database cannot be killed, so the WAL is left as it is");
}

void report_init_exit(const struct supervisor *s, enum machine_state before)
{
    char spent[DURATION_SIZE];
    const struct log_field *fields =
        LOG_FIELDS(LOG_NUMBER("exit_code", s->exit_status),
                   LOG_NUMBER("duration_ms", clock_monotonic_ms() - s->started_ms));
    const char *meaning = error_status_name(s->exit_status);
    (void)since(spent, s->started_ms);
    if (s->app_attempted)
        log_event(LOG_INFO, "init.exit", fields, "liteinit ends with status %d after %s",
                  s->exit_status, spent);
    else if (s->first_stop != 0)
        log_event(LOG_INFO, "init.exit", fields, "Stopped by %s %s; the app was not started",
                  signal_name(s->first_stop),
                  before == MACHINE_STARTING ? "at the first moment" : "during the preparation");
    else
        log_event(LOG_ERROR, "init.exit", fields,
                  "The preparation failed with status %d (%s); the app was not started",
                  s->exit_status, meaning != NULL ? meaning : "unknown");
}
