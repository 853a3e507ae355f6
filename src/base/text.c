/* See text.h. */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool buffer_reserve(struct text_buffer *buffer, size_t more)
{
    if (more > buffer->max || buffer->len > buffer->max - more)
        return false;
    size_t need = buffer->len + more + 1;
    if (need <= buffer->capacity)
        return true;
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : 128;
    while (capacity < need)
        capacity *= 2;
    char *data = realloc(buffer->data, capacity);
    if (data == NULL)
        return false;
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool text_buffer_append(struct text_buffer *buffer, const char *data, size_t size)
{
    if (!buffer_reserve(buffer, size))
        return false;
    if (size > 0)
        memcpy(buffer->data + buffer->len, data, size);
    buffer->len += size;
    buffer->data[buffer->len] = '\0';
    return true;
}

bool text_buffer_printf(struct text_buffer *buffer, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !buffer_reserve(buffer, (size_t)n))
        return false;
    va_start(ap, fmt);
    (void)vsnprintf(buffer->data + buffer->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    buffer->len += (size_t)n;
    return true;
}

void text_buffer_free(struct text_buffer *buffer)
{
    free(buffer->data);
    buffer->data = NULL;
    buffer->len = 0;
    buffer->capacity = 0;
}

bool text_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret_value)
{
    if (!isdigit((unsigned char)text[0]))
        return false;
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < min || value > max)
        return false;
    *ret_value = value;
    return true;
}

/* The decimal digits at the start of text; the rest goes to *ret_unit. */
static bool parse_number(const char *text, int64_t *ret_number, const char **ret_unit)
{
    if (!isdigit((unsigned char)text[0]))
        return false;
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0)
        return false;
    *ret_number = value;
    *ret_unit = end;
    return true;
}

struct unit {
    const char *name;
    int64_t factor;
};

static bool scale(int64_t number, const char *unit, const struct unit *units, int64_t max,
                  int64_t *ret_value)
{
    for (; units->name != NULL; units++) {
        if (strcasecmp(unit, units->name) == 0) {
            if (number > max / units->factor)
                return false;
            *ret_value = number * units->factor;
            return true;
        }
    }
    return false;
}

bool text_parse_duration(const char *text, int64_t *ret_ms)
{
    static const struct unit units[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                        {"h", 3600000}, {"d", 86400000}, {NULL, 0}};
    const int64_t ten_years = INT64_C(10) * 366 * 86400000;
    int64_t number = 0;
    const char *unit = NULL;
    if (!parse_number(text, &number, &unit))
        return false;
    if (number == 0 && *unit == '\0') {
        *ret_ms = 0;
        return true;
    }
    return scale(number, unit, units, ten_years, ret_ms);
}

bool text_parse_size(const char *text, int64_t *ret_bytes)
{
    static const struct unit units[] = {{"", 1},
                                        {"B", 1},
                                        {"K", INT64_C(1) << 10},
                                        {"M", INT64_C(1) << 20},
                                        {"G", INT64_C(1) << 30},
                                        {"T", INT64_C(1) << 40},
                                        {"KiB", INT64_C(1) << 10},
                                        {"MiB", INT64_C(1) << 20},
                                        {"GiB", INT64_C(1) << 30},
                                        {"TiB", INT64_C(1) << 40},
                                        {"kB", 1000},
                                        {"MB", 1000000},
                                        {"GB", 1000000000},
                                        {"TB", INT64_C(1000000000000)},
                                        {NULL, 0}};
    int64_t number = 0;
    const char *unit = NULL;
    return parse_number(text, &number, &unit) && scale(number, unit, units, INT64_MAX, ret_bytes);
}

void text_format_size(char *out, size_t size, int64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    if (bytes < 1000) {
        (void)snprintf(out, size, "%lld B", (long long)bytes);
        return;
    }
    double value = (double)bytes / 1000;
    size_t unit = 0;
    while (value >= 999.95 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(out, size, "%.1f %s", value, units[unit]);
}

void text_format_duration(char *out, size_t size, int64_t ms)
{
    long long seconds = (ms < 60000 ? ms + 50 : ms) / 1000;
    if (ms < 1000)
        (void)snprintf(out, size, "%lld ms", (long long)ms);
    else if (ms < 59950) /* above, it would read "60.0 s" */
        (void)snprintf(out, size, "%.1f s", (double)ms / 1000);
    else if (seconds < 3600)
        (void)snprintf(out, size, "%lld min %lld s", seconds / 60, seconds % 60);
    else if (seconds < 48LL * 3600)
        (void)snprintf(out, size, "%lld h %lld min", seconds / 3600, seconds / 60 % 60);
    else
        (void)snprintf(out, size, "%lld days", seconds / 86400);
}

#define NAME_MAX_DISTANCE 63

size_t text_distance(const char *a, const char *b)
{
    size_t la = strlen(a);
    size_t lb = strlen(b);
    if (la > NAME_MAX_DISTANCE || lb > NAME_MAX_DISTANCE)
        return la > lb ? la : lb;
    size_t row[NAME_MAX_DISTANCE + 1];
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            size_t best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (change < best)
                best = change;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[lb];
}

const char *text_nearest(const char *word, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t length = strlen(word);
    /* A third of the letters may be wrong: "migratons" finds "migrations", "x" finds nothing. */
    size_t best_distance = length / 3 + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = text_distance(word, names[i]);
        if (distance < best_distance || (distance == best_distance && best == NULL && length > 2)) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}

bool text_starts_with(const char *text, const char *part)
{
    return strncmp(text, part, strlen(part)) == 0;
}

bool text_ends_with(const char *text, const char *part)
{
    size_t n = strlen(text);
    size_t m = strlen(part);
    return n >= m && strcmp(text + n - m, part) == 0;
}

size_t text_utf8_length(const unsigned char *text, size_t size)
{
    if (size == 0)
        return 0;
    unsigned char c = text[0];
    if (c < 0x80)
        return 1;
    size_t n = c >= 0xF0 && c <= 0xF4 ? 4 : c >= 0xE0 ? 3 : c >= 0xC2 ? 2 : 0;
    if (n == 0 || c > 0xF4 || n > size)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    if ((c == 0xE0 && text[1] < 0xA0) || (c == 0xED && text[1] > 0x9F) ||
        (c == 0xF0 && text[1] < 0x90) || (c == 0xF4 && text[1] > 0x8F))
        return 0;
    return n;
}

void text_cut(char *text, size_t length)
{
    if (strnlen(text, length) < length)
        return;
    size_t start = length;
    while (start > 0 && length - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    text[length] = '\0';
    /* A first byte without all of those that belong to it. */
    if (start > 0 && (unsigned char)text[start - 1] >= 0xC0 &&
        text_utf8_length((unsigned char *)text + start - 1, length - start + 1) == 0)
        text[start - 1] = '\0';
}

void text_make_plain(char *text, size_t size)
{
    unsigned char *at = (unsigned char *)text;
    for (size_t n = 0; size > 0; at += n, size -= n) {
        n = text_utf8_length(at, size);
        if (n == 0) {
            *at = '?';
            n = 1;
        } else if ((*at < 0x20 && *at != '\n' && *at != '\t') || *at == 0x7F) {
            *at = '?';
        } else if (*at == 0xC2 && at[1] < 0xA0) { /* U+0080 to U+009F: ISO 6429's C1 */
            at[0] = at[1] = '?';
        }
    }
}

const char *text_shell_quote(char *out, size_t size, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./:=@%+,";
    if (word[0] != '\0' && strspn(word, plain) == strlen(word)) {
        (void)snprintf(out, size, "%s", word);
        return out;
    }
    size_t n = 0;
    if (size < 8) {
        out[0] = '\0';
        return out;
    }
    out[n++] = '\'';
    for (; *word != '\0' && n + 6 < size; word++) {
        if (*word == '\'') {
            memcpy(out + n, "'\\''", 4);
            n += 4;
        } else {
            out[n++] = *word;
        }
    }
    out[n++] = '\'';
    out[n] = '\0';
    return out;
}
