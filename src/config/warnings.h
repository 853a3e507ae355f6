/* What the configuration passed over, kept until the log is set up: config_log_warnings(). */
#ifndef LITEINIT_CONFIG_WARNINGS_H
#define LITEINIT_CONFIG_WARNINGS_H

#include <stddef.h>

/* More are counted only: an environment may hold any number of unknown variables. */
#define CONFIG_WARNINGS_MAX 16

struct config_warning {
    char *msg;
    char *hint; /* NULL: none */
};

struct config_warnings {
    struct config_warning list[CONFIG_WARNINGS_MAX];
    size_t count;
    size_t left_out;
};

/* Adds one; `hint` may be NULL. What does not fit (or has no memory) is counted as left out. */
void config_warnings_add(struct config_warnings *warnings, const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

void config_warnings_log(const struct config_warnings *warnings);
void config_warnings_free(struct config_warnings *warnings);

#endif
