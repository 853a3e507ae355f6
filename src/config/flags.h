/* What the flags said; made by config_parse_flags(), read by config_load(). */
#ifndef LITEINIT_CONFIG_FLAGS_H
#define LITEINIT_CONFIG_FLAGS_H

#include "config/config.h"
#include "config/keys.h"

struct config_flags {
    const char *texts[CONFIG_KEY_COUNT]; /* point into argv; NULL: not given */
};

#endif
