/*
 * Where a value came from: what an error calls it, whether it may be shown, and how a right one
 * would be written there.
 */
#ifndef LITEINIT_CONFIG_SOURCE_H
#define LITEINIT_CONFIG_SOURCE_H

#include <stddef.h>

#include "base/error.h"
#include "config/keys.h"

enum config_source_type {
    CONFIG_SOURCE_DEFAULT,
    CONFIG_SOURCE_FLAG,
    CONFIG_SOURCE_VARIABLE,
    CONFIG_SOURCE_VARIABLE_FILE, /* LITEINIT_X_FILE: the content is never shown */
    CONFIG_SOURCE_FILE,
};

struct config_source {
    enum config_source_type type;
    const struct config_key *key;
    char name[CONFIG_KEY_NAME_SIZE]; /* as the user wrote it: "--db", "LITEINIT_DB_FILE", "db" */
    const char *path;                /* the file that holds the value; NULL: none */
};

#define CONFIG_QUOTED_SIZE 96

/* Fills err: "environment variable LITEINIT_KEEP: MESSAGE", as ERROR_USAGE for a flag and
 * ERROR_CONFIG for all others. Always returns -1. */
int config_source_fail(const struct config_source *source, struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts the source's name in front of the message that err already has, and gives it the kind of
 * config_source_fail(); the hint stays. Always returns -1. */
int config_source_wrap(const struct config_source *source, struct error *err);

/* Sets the hint "for example: LITEINIT_KEEP=10", with `value` or, when it is NULL, the key's own
 * example. Always returns -1. */
int config_source_example(const struct config_source *source, struct error *err, const char *value);

/* The value in quotes, cut when it is long, or "the value" when it must not be shown: the content
 * of a _FILE, and anything that might be an address with a password in it. Returns `out`. */
const char *config_source_quote(const struct config_source *source, const char *value,
                                char out[CONFIG_QUOTED_SIZE]);

#endif
