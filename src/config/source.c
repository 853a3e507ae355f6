/* See source.h. */
#include "config/source.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void describe(const struct config_source *source, char *out, size_t size)
{
    const char *path = source->path != NULL ? source->path : "";
    switch (source->type) {
    case CONFIG_SOURCE_DEFAULT:
        (void)snprintf(out, size, "default of %s", source->key->name);
        break;
    case CONFIG_SOURCE_FLAG:
        (void)snprintf(out, size, "flag %s", source->name);
        break;
    case CONFIG_SOURCE_VARIABLE:
        (void)snprintf(out, size, "environment variable %s", source->name);
        break;
    case CONFIG_SOURCE_VARIABLE_FILE:
        (void)snprintf(out, size, "environment variable %s: %.200s", source->name, path);
        break;
    case CONFIG_SOURCE_FILE:
        (void)snprintf(out, size, "%.200s: key \"%s\"", path, source->name);
        break;
    }
}

static enum error_kind kind_of(const struct config_source *source)
{
    return source->type == CONFIG_SOURCE_FLAG ? ERROR_USAGE : ERROR_CONFIG;
}

int config_source_fail(const struct config_source *source, struct error *err, const char *fmt, ...)
{
    char where[384];
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    describe(source, where, sizeof where);
    return error_set(err, kind_of(source), 0, "%s: %s", where, n < 0 ? "bad value" : text);
}

int config_source_wrap(const struct config_source *source, struct error *err)
{
    char where[384];
    char text[sizeof err->msg];
    describe(source, where, sizeof where);
    (void)snprintf(text, sizeof text, "%s: %.600s", where, err->msg);
    memcpy(err->msg, text, sizeof err->msg);
    err->kind = kind_of(source);
    return -1;
}

int config_source_example(const struct config_source *source, struct error *err, const char *value)
{
    const char *shown = value != NULL ? value : source->key->example;
    switch (source->type) {
    case CONFIG_SOURCE_DEFAULT:
        break;
    case CONFIG_SOURCE_FLAG:
    case CONFIG_SOURCE_VARIABLE:
        return error_hint(err, "for example: %s=%s", source->name, shown);
    case CONFIG_SOURCE_VARIABLE_FILE:
        return error_hint(err, "the file should hold one line, for example: %s", shown);
    case CONFIG_SOURCE_FILE:
        if (source->key->type == CONFIG_KEY_INTEGER)
            return error_hint(err, "for example: \"%s\": %s", source->name, shown);
        return error_hint(err, "for example: \"%s\": \"%s\"", source->name, shown);
    }
    return -1;
}

const char *config_source_quote(const struct config_source *source, const char *value,
                                char out[CONFIG_QUOTED_SIZE])
{
    /* user:password@host may stand in an address that was meant for another variable. */
    if (source->type == CONFIG_SOURCE_VARIABLE_FILE || strstr(value, "://") != NULL ||
        strchr(value, '@') != NULL)
        (void)snprintf(out, CONFIG_QUOTED_SIZE, "the value");
    else if (strlen(value) > 80)
        (void)snprintf(out, CONFIG_QUOTED_SIZE, "\"%.72s…\"", value);
    else
        (void)snprintf(out, CONFIG_QUOTED_SIZE, "\"%s\"", value);
    return out;
}
