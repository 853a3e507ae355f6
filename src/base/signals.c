/* See signals.h. */
#include "base/signals.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

static const char *const names[SIGNAL_MAX + 1] = {
    [SIGHUP] = "SIGHUP",       [SIGINT] = "SIGINT",       [SIGQUIT] = "SIGQUIT",
    [SIGILL] = "SIGILL",       [SIGTRAP] = "SIGTRAP",     [SIGABRT] = "SIGABRT",
    [SIGBUS] = "SIGBUS",       [SIGFPE] = "SIGFPE",       [SIGKILL] = "SIGKILL",
    [SIGUSR1] = "SIGUSR1",     [SIGSEGV] = "SIGSEGV",     [SIGUSR2] = "SIGUSR2",
    [SIGPIPE] = "SIGPIPE",     [SIGALRM] = "SIGALRM",     [SIGTERM] = "SIGTERM",
    [SIGSTKFLT] = "SIGSTKFLT", [SIGCHLD] = "SIGCHLD",     [SIGCONT] = "SIGCONT",
    [SIGSTOP] = "SIGSTOP",     [SIGTSTP] = "SIGTSTP",     [SIGTTIN] = "SIGTTIN",
    [SIGTTOU] = "SIGTTOU",     [SIGURG] = "SIGURG",       [SIGXCPU] = "SIGXCPU",
    [SIGXFSZ] = "SIGXFSZ",     [SIGVTALRM] = "SIGVTALRM", [SIGPROF] = "SIGPROF",
    [SIGWINCH] = "SIGWINCH",   [SIGIO] = "SIGIO",         [SIGPWR] = "SIGPWR",
    [SIGSYS] = "SIGSYS",       [32] = "signal 32",        [33] = "signal 33",
    [34] = "SIGRTMIN",         [35] = "SIGRTMIN+1",       [36] = "SIGRTMIN+2",
    [37] = "SIGRTMIN+3",       [38] = "SIGRTMIN+4",       [39] = "SIGRTMIN+5",
    [40] = "SIGRTMIN+6",       [41] = "SIGRTMIN+7",       [42] = "SIGRTMIN+8",
    [43] = "SIGRTMIN+9",       [44] = "SIGRTMIN+10",      [45] = "SIGRTMIN+11",
    [46] = "SIGRTMIN+12",      [47] = "SIGRTMIN+13",      [48] = "SIGRTMIN+14",
    [49] = "SIGRTMIN+15",      [50] = "SIGRTMIN+16",      [51] = "SIGRTMIN+17",
    [52] = "SIGRTMIN+18",      [53] = "SIGRTMIN+19",      [54] = "SIGRTMIN+20",
    [55] = "SIGRTMIN+21",      [56] = "SIGRTMIN+22",      [57] = "SIGRTMIN+23",
    [58] = "SIGRTMIN+24",      [59] = "SIGRTMIN+25",      [60] = "SIGRTMIN+26",
    [61] = "SIGRTMIN+27",      [62] = "SIGRTMIN+28",      [63] = "SIGRTMIN+29",
    [64] = "SIGRTMIN+30",
};

/* Second names. */
static const struct {
    const char *name;
    int number;
} aliases[] = {{"POLL", SIGIO}, {"IOT", SIGABRT}};

const char *signal_name(int number)
{
    if (number < 1 || number > SIGNAL_MAX || names[number] == NULL)
        return "unknown signal";
    return names[number];
}

/* RTMIN, RTMIN+n, RTMAX, RTMAX-n. */
static bool parse_real_time(const char *name, int *ret_number)
{
    int64_t distance = 0;
    bool from_top = strncasecmp(name, "RTMAX", 5) == 0;
    if (!from_top && strncasecmp(name, "RTMIN", 5) != 0)
        return false;
    const char *rest = name + 5;
    if (*rest != '\0') {
        if (*rest != (from_top ? '-' : '+') ||
            !text_parse_int(rest + 1, 0, SIGNAL_MAX - SIGNAL_RTMIN, &distance))
            return false;
    }
    *ret_number = from_top ? SIGNAL_MAX - (int)distance : SIGNAL_RTMIN + (int)distance;
    return true;
}

bool signal_parse(const char *text, int *ret_number)
{
    int64_t number = 0;
    if (text_parse_int(text, 1, SIGNAL_MAX, &number)) {
        *ret_number = (int)number;
        return true;
    }
    const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
    for (int i = 1; i < SIGNAL_RTMIN; i++) {
        if (names[i] != NULL && text_starts_with(names[i], "SIG") &&
            strcasecmp(name, names[i] + 3) == 0) {
            *ret_number = i;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (strcasecmp(name, aliases[i].name) == 0) {
            *ret_number = aliases[i].number;
            return true;
        }
    }
    return parse_real_time(name, ret_number);
}

bool signal_is_catchable(int number)
{
    return number >= 1 && number <= SIGNAL_MAX && number != SIGKILL && number != SIGSTOP &&
           number != 32 && number != 33;
}

bool signal_is_crash(int number)
{
    switch (number) {
    case SIGSEGV:
    case SIGBUS:
    case SIGILL:
    case SIGFPE:
    case SIGABRT:
    case SIGTRAP:
    case SIGSYS:
        return true;
    default:
        return false;
    }
}
