/* See warnings.h. */
#include "config/warnings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

void config_warnings_add(struct config_warnings *warnings, const char *hint, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0 || warnings->count == CONFIG_WARNINGS_MAX) {
        warnings->left_out++;
        return;
    }
    struct config_warning *warning = &warnings->list[warnings->count];
    warning->msg = strdup(text);
    if (warning->msg == NULL) {
        warnings->left_out++;
        return;
    }
    warning->hint = hint != NULL ? strdup(hint) : NULL;
    warnings->count++;
}

void config_warnings_log(const struct config_warnings *warnings)
{
    for (size_t i = 0; i < warnings->count; i++)
        log_event(LOG_WARN, "config.warning", LOG_FIELDS(LOG_TEXT("hint", warnings->list[i].hint)),
                  "%s", warnings->list[i].msg);
    if (warnings->left_out > 0)
        log_event(LOG_WARN, "config.warning", NULL, "and %zu more warnings of this kind",
                  warnings->left_out);
}

void config_warnings_free(struct config_warnings *warnings)
{
    for (size_t i = 0; i < warnings->count; i++) {
        free(warnings->list[i].msg);
        free(warnings->list[i].hint);
    }
    memset(warnings, 0, sizeof *warnings);
}
