/*
 * The log: one event a line on stderr, written with one write(2), under 16 KiB (Docker's log
 * drivers split longer lines). No heap, so that PID 1 can log when memory is gone.
 *
 * JSON lines carry time, level, event, msg and component first, then what the event knows. Never
 * pass values of the environment or SQL parameters.
 */
#ifndef LITEINIT_BASE_LOG_H
#define LITEINIT_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_FORMAT_JSON, LOG_FORMAT_LOGFMT, LOG_FORMAT_PRETTY };

struct log_field {
    const char *key;  /* NULL ends a list */
    const char *text; /* the value, or NULL when it is the number; a NULL text is left out */
    int64_t number;
    enum { LOG_FIELD_TEXT, LOG_FIELD_NUMBER, LOG_FIELD_BOOL } type;
};

#define LOG_TEXT(k, v) ((struct log_field){.key = (k), .text = (v), .type = LOG_FIELD_TEXT})
#define LOG_NUMBER(k, v) ((struct log_field){.key = (k), .number = (v), .type = LOG_FIELD_NUMBER})
#define LOG_BOOL(k, v) ((struct log_field){.key = (k), .number = (v), .type = LOG_FIELD_BOOL})
#define LOG_FIELDS(...) ((const struct log_field[]){__VA_ARGS__, {.key = NULL}})

/* Before the first call the log is at LOG_INFO, pretty with colours on a terminal, else JSON. */
void log_set_level(enum log_level level);
void log_set_format(enum log_format format);

/* Whether a line waits for its reader: for ever, as the commands do, or not at all. PID 1 must not
 * stand still because nobody reads a pipe; a line that finds no room within a moment is lost. */
void log_set_patient(bool patient);

/* True when stderr is a terminal: what `log_format=auto` asks. */
bool log_is_terminal(void);

/* Writes one event. `fields` may be NULL. `fmt` makes the sentence a person reads. */
void log_event(enum log_level level, const char *event, const struct log_field *fields,
               const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Writes an event for an error: msg is "CONTEXT: the error's message", and its hint, place and
 * codes become fields beside `fields` (NULL for none). */
void log_error(enum log_level level, const char *event, const struct error *err,
               const struct log_field *fields, const char *context);

#endif
