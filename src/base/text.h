/* Text: bounded buffers, durations and sizes as people write them, the nearest of some names. */
#ifndef LITEINIT_BASE_TEXT_H
#define LITEINIT_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A text that grows up to `max` bytes. Start it as {.max = N}; text_buffer_free() ends it. */
struct text_buffer {
    char *data; /* NUL-terminated once something was appended; NULL before */
    size_t len;
    size_t capacity;
    size_t max;
};

/* Appends; false when it would pass `max` or memory is out, and then nothing was appended. */
bool text_buffer_append(struct text_buffer *buffer, const char *data, size_t size);
bool text_buffer_printf(struct text_buffer *buffer, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void text_buffer_free(struct text_buffer *buffer);

/* "500ms", "8s", "2m", "24h" to milliseconds; a bare 0 is fine, other bare numbers are not: the
 * unit is part of the meaning. False on anything else or beyond 10 years. */
bool text_parse_duration(const char *text, int64_t *ret_ms);

/* "64MiB", "1GB", "512k", "1048576" to bytes; KB/MB/GB/TB are powers of 1000, KiB… of 1024, and
 * single letters of 1024. False on anything else. */
bool text_parse_size(const char *text, int64_t *ret_bytes);

/* A whole number of decimal digits between min and max. */
bool text_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret_value);

/* "12.3 MB", "804 kB", "12 B" for people (powers of 1000). */
void text_format_size(char *out, size_t size, int64_t bytes);

/* "350 ms", "2.4 s", "3 min 5 s", "2 h 10 min", "5 days" for people. */
void text_format_duration(char *out, size_t size, int64_t ms);

/* Edit distance (Levenshtein) of two names; names over 63 bytes count as far apart. */
size_t text_distance(const char *a, const char *b);

/* The one of `names` that is nearest to `word`, or NULL when none is near enough to be what was
 * meant. The result points into `names`. */
const char *text_nearest(const char *word, const char *const *names, size_t count);

/* Cuts `text` to at most `length` bytes, between two characters of UTF-8. */
void text_cut(char *text, size_t length);

/* Puts ? in the place of each byte that is no UTF-8 or belongs to a control character, but for line
 * ends and tabs: on a terminal they could hide a line, or worse. The length stays. */
void text_make_plain(char *text, size_t size);

/* True when `text` starts (ends) with `part`. */
bool text_starts_with(const char *text, const char *part);
bool text_ends_with(const char *text, const char *part);

/* Length in bytes (1 to 4) of the valid UTF-8 sequence at `text` of `size` bytes; 0 when it is not
 * valid (RFC 3629: no overlong forms, no surrogates). */
size_t text_utf8_length(const unsigned char *text, size_t size);

/* Writes `word` so that a POSIX shell reads it back as one word, for the commands in hints. Plain
 * words stay plain. Cut at `size`. Returns `out`. */
const char *text_shell_quote(char *out, size_t size, const char *word);

#endif
