/* See signals.h. */
#include "config/signals.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "config/config.h"

/* Docker's and glibc's first real-time signal. musl's SIGRTMIN is one more, but STOPSIGNAL
 * SIGRTMIN+3 in an image means 37 whatever this binary was linked with. */
#define FIRST_REAL_TIME 34

static const struct {
    const char *name;
    int number;
} names[] = {
    {"HUP", SIGHUP},       {"INT", SIGINT},   {"QUIT", SIGQUIT},   {"ILL", SIGILL},
    {"TRAP", SIGTRAP},     {"ABRT", SIGABRT}, {"BUS", SIGBUS},     {"FPE", SIGFPE},
    {"KILL", SIGKILL},     {"USR1", SIGUSR1}, {"SEGV", SIGSEGV},   {"USR2", SIGUSR2},
    {"PIPE", SIGPIPE},     {"ALRM", SIGALRM}, {"TERM", SIGTERM},   {"CHLD", SIGCHLD},
    {"CONT", SIGCONT},     {"STOP", SIGSTOP}, {"TSTP", SIGTSTP},   {"TTIN", SIGTTIN},
    {"TTOU", SIGTTOU},     {"URG", SIGURG},   {"XCPU", SIGXCPU},   {"XFSZ", SIGXFSZ},
    {"VTALRM", SIGVTALRM}, {"PROF", SIGPROF}, {"WINCH", SIGWINCH}, {"IO", SIGIO},
    {"POLL", SIGIO},       {"PWR", SIGPWR},   {"SYS", SIGSYS},     {"IOT", SIGABRT},
};

/* RTMIN, RTMIN+n, RTMAX, RTMAX-n. */
static bool parse_real_time(const char *name, int *ret_signal)
{
    int64_t distance = 0;
    bool from_top = strncasecmp(name, "RTMAX", 5) == 0;
    if (!from_top && strncasecmp(name, "RTMIN", 5) != 0)
        return false;
    const char *rest = name + 5;
    if (*rest != '\0') {
        if (*rest != (from_top ? '-' : '+') ||
            !text_parse_int(rest + 1, 0, CONFIG_SIGNAL_MAX - FIRST_REAL_TIME, &distance))
            return false;
    }
    *ret_signal = from_top ? CONFIG_SIGNAL_MAX - (int)distance : FIRST_REAL_TIME + (int)distance;
    return true;
}

bool config_signal_parse(const char *text, int *ret_signal)
{
    int64_t number = 0;
    if (text_parse_int(text, 1, CONFIG_SIGNAL_MAX, &number)) {
        *ret_signal = (int)number;
        return true;
    }
    const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(name, names[i].name) == 0) {
            *ret_signal = names[i].number;
            return true;
        }
    }
    return parse_real_time(name, ret_signal);
}

const char *config_signal_name(int number, char out[16])
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].number == number) {
            (void)snprintf(out, 16, "SIG%s", names[i].name);
            return out;
        }
    }
    (void)snprintf(out, 16, "signal %d", number);
    return out;
}

bool config_signal_is_catchable(int number)
{
    return number >= 1 && number <= CONFIG_SIGNAL_MAX && number != SIGKILL && number != SIGSTOP &&
           number != 32 && number != 33;
}
