/* See log.h. */
#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define LINE_MAX_BYTES 16000 /* under 16 KiB with the newline and what a log driver puts around */
#define MAX_FIELDS 24
#define HURRIED_WAIT_MS 50

static struct {
    enum log_level level;
    enum log_format format;
    bool format_set;
    bool hurried;
} state = {.level = LOG_INFO, .format = LOG_FORMAT_JSON};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* One line under construction. Once full, what follows is dropped; the reserve lets a JSON object
 * always be closed. */
struct line {
    char data[LINE_MAX_BYTES + 64];
    size_t len;
    size_t max;
};

static void put_bytes(struct line *line, const char *data, size_t size)
{
    if (size > line->max - line->len)
        size = line->max - line->len;
    memcpy(line->data + line->len, data, size);
    line->len += size;
}

static void put(struct line *line, const char *text)
{
    put_bytes(line, text, strlen(text));
}

static void put_number(struct line *line, int64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)number);
    put(line, text);
}

/* A JSON string (RFC 8259). Bytes that are not UTF-8 become U+FFFD; a value that does not fit is
 * cut between characters. */
static void put_json_string(struct line *line, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t left = strlen(text);
    put(line, "\"");
    while (left > 0 && line->len + 8 < line->max) {
        size_t n = text_utf8_length(at, left);
        char escaped[8];
        if (n == 0) {
            put(line, "\xEF\xBF\xBD");
            n = 1;
        } else if (*at == '"' || *at == '\\') {
            escaped[0] = '\\';
            escaped[1] = (char)*at;
            put_bytes(line, escaped, 2);
        } else if (*at == '\n') {
            put(line, "\\n");
        } else if (*at < 0x20 || *at == 0x7F) {
            (void)snprintf(escaped, sizeof escaped, "\\u%04x", *at);
            put(line, escaped);
        } else {
            put_bytes(line, (const char *)at, n);
        }
        at += n;
        left -= n;
    }
    put(line, "\"");
}

/* Text on a terminal or in a pretty line: control characters would let a file name move the
 * reader's cursor. */
static void put_plain(struct line *line, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t left = strlen(text);
    while (left > 0) {
        size_t n = text_utf8_length(at, left);
        if (n == 0 || *at < 0x20 || *at == 0x7F) {
            put(line, *at == '\n' ? " " : "?");
            n = 1;
        } else {
            if (n > line->max - line->len)
                break;
            put_bytes(line, (const char *)at, n);
        }
        at += n;
        left -= n;
    }
}

/* A field is left out when the line is nearly full. */
static bool has_room(const struct line *line, const char *key)
{
    return line->len + strlen(key) + 64 <= line->max;
}

/* Lets a value have a quarter of the line, so that one huge value leaves place for the others;
 * put_json_string closes its quote within `max`. Gives the line's own maximum. */
static size_t limit_value(struct line *line)
{
    size_t whole = line->max;
    size_t room = line->len + LINE_MAX_BYTES / 4;
    line->max = room < whole - 8 ? room : whole - 8;
    return whole;
}

static void put_json_field(struct line *line, const struct log_field *field)
{
    if (!has_room(line, field->key))
        return;
    put(line, ",\"");
    put(line, field->key);
    put(line, "\":");
    if (field->type == LOG_FIELD_TEXT) {
        size_t whole = limit_value(line);
        put_json_string(line, field->text);
        line->max = whole;
    } else if (field->type == LOG_FIELD_BOOL) {
        put(line, field->number != 0 ? "true" : "false");
    } else {
        put_number(line, field->number);
    }
}

static bool present(const struct log_field *field)
{
    return field->type != LOG_FIELD_TEXT || field->text != NULL;
}

static void format_json(struct line *line, enum log_level level, const char *event,
                        const char *time, const char *msg, const struct log_field *fields)
{
    put(line, "{\"time\":\"");
    put(line, time);
    put(line, "\",\"level\":\"");
    put(line, level_names[level]);
    put(line, "\",\"event\":\"");
    put(line, event);
    put(line, "\"");
    struct log_field message = LOG_TEXT("msg", msg);
    put_json_field(line, &message);
    put(line, ",\"component\":\"liteinit\"");
    for (; fields != NULL && fields->key != NULL; fields++)
        if (present(fields))
            put_json_field(line, fields);
    put(line, "}");
}

static void put_logfmt_pair(struct line *line, const char *key, const char *value)
{
    if (!has_room(line, key))
        return;
    put(line, " ");
    put(line, key);
    put(line, "=");
    size_t whole = limit_value(line);
    if (value[0] != '\0' && strpbrk(value, " \t\n\"=\\") == NULL)
        put_plain(line, value);
    else
        put_json_string(line, value);
    line->max = whole;
}

static void format_logfmt(struct line *line, enum log_level level, const char *event,
                          const char *time, const char *msg, const struct log_field *fields)
{
    put(line, "time=");
    put(line, time);
    put_logfmt_pair(line, "level", level_names[level]);
    put_logfmt_pair(line, "event", event);
    put_logfmt_pair(line, "msg", msg);
    put_logfmt_pair(line, "component", "liteinit");
    for (; fields != NULL && fields->key != NULL; fields++) {
        if (!present(fields))
            continue;
        char number[24];
        const char *value = fields->text;
        if (fields->type == LOG_FIELD_BOOL)
            value = fields->number != 0 ? "true" : "false";
        if (fields->type == LOG_FIELD_NUMBER) {
            (void)snprintf(number, sizeof number, "%lld", (long long)fields->number);
            value = number;
        }
        put_logfmt_pair(line, fields->key, value);
    }
}

/* The pretty form is for eyes: the sentence, then the remedy and the failing place on lines of
 * their own. What the other fields hold is in the sentence already. */
static void format_pretty(struct line *line, enum log_level level, const char *event,
                          const char *time, const char *msg, const struct log_field *fields)
{
    static const char *const marks[] = {"debug", "     ", "WARN ", "ERROR"};
    static const char *const colours[] = {"\033[2m", "", "\033[33m", "\033[31m"};
    /* https://no-color.org: set, and not empty */
    const char *no_color = getenv("NO_COLOR");
    bool colour = log_is_terminal() && (no_color == NULL || no_color[0] == '\0');
    put_bytes(line, time + 11, 8);
    put(line, " ");
    if (colour)
        put(line, colours[level]);
    put(line, marks[level]);
    put(line, " ");
    put_plain(line, msg);
    if (colour && colours[level][0] != '\0')
        put(line, "\033[0m");
    (void)event;
    for (; fields != NULL && fields->key != NULL; fields++) {
        if (fields->type != LOG_FIELD_TEXT || fields->text == NULL)
            continue;
        if (strcmp(fields->key, "hint") == 0)
            put(line, "\n               -> ");
        else if (strcmp(fields->key, "statement") == 0)
            put(line, "\n               in: ");
        else
            continue;
        put_plain(line, fields->text);
    }
}

void log_set_level(enum log_level level)
{
    state.level = level;
}

void log_set_format(enum log_format format)
{
    state.format = format;
    state.format_set = true;
}

void log_set_patient(bool patient)
{
    state.hurried = !patient;
}

bool log_is_terminal(void)
{
    return isatty(STDERR_FILENO) == 1;
}

static void write_line(enum log_level level, const char *event, const char *msg,
                       const struct log_field *fields)
{
    struct line line;
    char time[CLOCK_TEXT_SIZE];
    line.len = 0;
    line.max = LINE_MAX_BYTES;
    clock_format_now(time);
    if (!state.format_set)
        log_set_format(log_is_terminal() ? LOG_FORMAT_PRETTY : LOG_FORMAT_JSON);
    switch (state.format) {
    case LOG_FORMAT_JSON:
        format_json(&line, level, event, time, msg, fields);
        break;
    case LOG_FORMAT_LOGFMT:
        format_logfmt(&line, level, event, time, msg, fields);
        break;
    case LOG_FORMAT_PRETTY:
        format_pretty(&line, level, event, time, msg, fields);
        break;
    }
    line.data[line.len++] = '\n';
    /* A pipe that says there is room has it for PIPE_BUF bytes (pipe(7)). */
    struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (state.hurried && (line.len > PIPE_BUF || poll(&room, 1, HURRIED_WAIT_MS) != 1))
        return;
    /* One write, so that lines of the app and of workers never mix inside ours. */
    ssize_t n = 0;
    do {
        n = write(STDERR_FILENO, line.data, line.len);
    } while (n < 0 && errno == EINTR);
}

void log_event(enum log_level level, const char *event, const struct log_field *fields,
               const char *fmt, ...)
{
    if (level < state.level)
        return;
    int saved = errno;
    char msg[4096];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    write_line(level, event, n < 0 ? event : msg, fields);
    errno = saved;
}

void log_error(enum log_level level, const char *event, const struct error *err,
               const struct log_field *fields, const char *context)
{
    struct log_field all[MAX_FIELDS + 1];
    size_t n = 0;
    for (; fields != NULL && fields->key != NULL && n < MAX_FIELDS - 8; fields++)
        all[n++] = *fields;
    all[n++] = LOG_TEXT("file", err->file[0] != '\0' ? err->file : NULL);
    if (err->line > 0) {
        all[n++] = LOG_NUMBER("line", err->line);
        all[n++] = LOG_NUMBER("column", err->column);
    }
    all[n++] = LOG_TEXT("statement", err->statement[0] != '\0' ? err->statement : NULL);
    all[n++] = LOG_TEXT("error", err->msg);
    all[n++] = LOG_NUMBER("exit_code", error_exit_status(err->kind));
    all[n++] = LOG_TEXT("hint", err->hint[0] != '\0' ? err->hint : NULL);
    all[n] = (struct log_field){.key = NULL};
    if (context != NULL)
        log_event(level, event, all, "%s: %s", context, err->msg);
    else
        log_event(level, event, all, "%s", err->msg);
}
