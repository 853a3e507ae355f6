/* Faults of a folder and places in its files. See internal.h. */
#include "layout/internal.h"

#include <stdarg.h>
#include <stdio.h>

int layout_fault(const struct layout_reader *reader, const struct error *fault, struct error *err)
{
    if (reader->findings != NULL)
        return layout_findings_add(reader->findings, fault, err);
    *err = *fault;
    return -1;
}

void layout_fault_set(struct error *fault, enum error_kind kind, const char *file, const char *fmt,
                      ...)
{
    char text[sizeof fault->msg];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    (void)error_set(fault, kind, 0, "%s", text);
    (void)snprintf(fault->file, sizeof fault->file, "%.255s", file);
}

int layout_fault_program(const struct layout_reader *reader, const char *file, const char *language,
                         struct error *err)
{
    struct error fault;
    layout_fault_set(&fault, ERROR_CONFIG, file,
                     "the migration %s is written in %s, which liteinit cannot run", file,
                     language);
    (void)error_hint(&fault,
                     "let the app's own migrator run all of them, with liteinit's backup and "
                     "checks around it: name its command with --migrate-command; or rewrite "
                     "this one in SQL");
    return layout_fault(reader, &fault, err);
}

int layout_error_at(struct error *err, enum error_kind kind, const char *file, int line,
                    const char *fmt, ...)
{
    char text[sizeof err->msg];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    (void)error_set(err, kind, 0, "%.255s:%d: %.700s", file, line, text);
    (void)snprintf(err->file, sizeof err->file, "%.255s", file);
    err->line = line;
    err->column = 1;
    return -1;
}
