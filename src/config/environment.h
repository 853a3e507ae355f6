/*
 * Keys in the environment: LITEINIT_X, or LITEINIT_X_FILE for the value in a file (Docker's
 * secrets).
 *
 * An empty variable counts as not set: compose files write LITEINIT_X=${X:-}.
 */
#ifndef LITEINIT_CONFIG_ENVIRONMENT_H
#define LITEINIT_CONFIG_ENVIRONMENT_H

#include <stdbool.h>

#include "base/error.h"
#include "config/source.h"
#include "config/warnings.h"

/* The value of a key, in *ret_text, which the caller frees; NULL when it is not set. Line ends at
 * the end of a _FILE's content are left off. Errors (ERROR_CONFIG): both forms are set, the file
 * cannot be read, is larger than 8 KiB, or holds a NUL byte. */
int config_environment_read(const struct config_key *key, char **ret_text,
                            struct config_source *ret_source, struct error *err);

/* The value of key->also[which] in the same way, without a _FILE form. */
int config_environment_read_also(const struct config_key *key, size_t which, char **ret_text,
                                 struct config_source *ret_source, struct error *err);

/* Warns of LITEINIT_… variables that are no key. They are no error: a newer compose file may meet
 * an older image. LITEINIT_INTERNAL_… are for liteinit's own use between its processes. */
void config_environment_warn_unknown(struct config_warnings *warnings);

#endif
