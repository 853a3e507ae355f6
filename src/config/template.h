/* The names of backups: a template with {tokens}, checked when the configuration is read. */
#ifndef LITEINIT_CONFIG_TEMPLATE_H
#define LITEINIT_CONFIG_TEMPLATE_H

#include "base/error.h"
#include "config/source.h"

/* Accepts a template that always makes a file name: known tokens only, no slash, not empty
 * whatever the database is called, not hidden by a leading dot. */
int config_template_check(const char *text, const struct config_source *source, struct error *err);

#endif
