/* A value's text, checked and put into its field of struct config. */
#ifndef LITEINIT_CONFIG_VALUES_H
#define LITEINIT_CONFIG_VALUES_H

#include <stdbool.h>

#include "base/error.h"
#include "config/config.h"
#include "config/source.h"

/* What became of a good value. */
enum config_value_outcome {
    CONFIG_VALUE_SET,
    CONFIG_VALUE_SET_UNCERTAIN, /* a database of kind CONFIG_DATABASE_UNCERTAIN */
    CONFIG_VALUE_NOT_OURS,      /* DATABASE_URL is another system's: nothing was set */
    CONFIG_VALUE_IN_MEMORY,     /* DATABASE_URL is no file: nothing was set */
};

/*
 * Sets the field of source->key to what `text` says. Values of text keys are not copied: the field
 * then points into `text`, which may be rewritten in place (an address becomes its path), and has
 * to live as long as `config`. On an error the field is as it was.
 * The outcomes other than SET are for variables of the app's (DATABASE_PATH, DATABASE_URL) alone;
 * in LITEINIT_DB or --db these are errors.
 */
int config_value_set(struct config *config, const struct config_source *source, char *text,
                     enum config_value_outcome *ret_outcome, struct error *err);

/* Checks a value without keeping it; `text` is not changed. */
int config_value_check(const struct config_source *source, const char *text, struct error *err);

/* True when fields of this type point to the text they were set from. */
bool config_value_keeps_text(enum config_key_type type);

#endif
