/* See error.h. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

int error_set(struct error *err, enum error_kind kind, int sys, const char *fmt, ...)
{
    /* The arguments may point into err itself (wrapping an old message), so write aside first. */
    char text[sizeof err->msg];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0)
        text[0] = '\0';
    text_cut(text, sys != 0 ? 900 : sizeof text - 1);

    memset(err, 0, sizeof *err);
    err->kind = kind;
    err->sys = sys;
    if (sys != 0)
        (void)snprintf(err->msg, sizeof err->msg, "%.900s: %s", text, strerror(sys));
    else
        (void)snprintf(err->msg, sizeof err->msg, "%s", text);
    return -1;
}

int error_hint(struct error *err, const char *fmt, ...)
{
    char text[sizeof err->hint];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0)
        return -1;
    text_cut(text, sizeof text - 1);
    (void)snprintf(err->hint, sizeof err->hint, "%s", text);
    return -1;
}

int error_wrap(struct error *err, const char *fmt, ...)
{
    char context[256];
    char text[sizeof err->msg];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(context, sizeof context, fmt, ap);
    va_end(ap);
    if (n < 0)
        return -1;
    text_cut(context, sizeof context - 1);
    text_cut(err->msg, 760);
    (void)snprintf(text, sizeof text, "%s: %.760s", context, err->msg);
    memcpy(err->msg, text, sizeof err->msg);
    return -1;
}

enum error_kind error_kind_of_errno(int sys)
{
    switch (sys) {
    case EACCES:
    case EPERM:
    case EROFS:
        return ERROR_PERMISSION;
    case ENOENT:
    case ENOTDIR:
        return ERROR_NOT_FOUND;
    default:
        return ERROR_IO;
    }
}

int error_exit_status(enum error_kind kind)
{
#define ERROR_CASE(k, status, name)                                                                \
    case k:                                                                                        \
        return status;
    switch (kind) {
        ERROR_KINDS(ERROR_CASE)
    case ERROR_KIND_COUNT:
        break;
    }
#undef ERROR_CASE
    return 70;
}

const char *error_status_name(int status)
{
#define ERROR_MATCH(k, value, name)                                                                \
    if (status == (value) && (k) != ERROR_NONE)                                                    \
        return name;
    ERROR_KINDS(ERROR_MATCH)
#undef ERROR_MATCH
    return NULL;
}
