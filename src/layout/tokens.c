/* See tokens.h. The lexical rules are those of https://www.sqlite.org/draft/tokenreq.html. */
#include "layout/tokens.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* Length of the comment at text, 0 when none starts there. */
static size_t comment_length(const char *text, size_t size)
{
    if (size < 2)
        return 0;
    if (text[0] == '-' && text[1] == '-') {
        const char *end = memchr(text, '\n', size);
        return end != NULL ? (size_t)(end - text) : size;
    }
    if (text[0] == '/' && text[1] == '*') {
        for (size_t i = 2; i + 1 < size; i++)
            if (text[i] == '*' && text[i + 1] == '/')
                return i + 2;
        return size;
    }
    return 0;
}

size_t layout_blank_length(const char *text, size_t size)
{
    size_t at = 0;
    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        at = 3;
    while (at < size) {
        size_t comment = comment_length(text + at, size - at);
        if (comment == 0 && !is_space(text[at]))
            break;
        at += comment > 0 ? comment : 1;
    }
    return at;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* Length of the quoted token at text: '…', "…", `…` with doubled quotes inside, […]. */
static size_t quoted_length(const char *text, size_t size)
{
    char close = text[0] == '[' ? ']' : text[0];
    size_t at = 1;
    while (at < size) {
        if (text[at] != close) {
            at++;
        } else if (close != ']' && at + 1 < size && text[at + 1] == close) {
            at += 2;
        } else {
            return at + 1;
        }
    }
    return size;
}

static size_t token_length(const char *text, size_t size)
{
    if (text[0] == '\'' || text[0] == '"' || text[0] == '`' || text[0] == '[')
        return quoted_length(text, size);
    if (!is_word(text[0]))
        return 1;
    size_t at = 1;
    while (at < size && is_word(text[at]))
        at++;
    /* x'00' is a blob; x '00' is a column and its alias. */
    if (at == 1 && size > 1 && (text[0] == 'x' || text[0] == 'X') && text[1] == '\'')
        at += quoted_length(text + 1, size - 1);
    return at;
}

void layout_checksum(const char *text, size_t size, char out[LAYOUT_CHECKSUM_SIZE])
{
    struct hash hash;
    char sum[HASH_HEX_SIZE];
    hash_start(&hash);
    size_t at = layout_blank_length(text, size);
    while (at < size) {
        size_t length = token_length(text + at, size - at);
        hash_add(&hash, text + at, length);
        /* A byte that no token holds keeps `a b` apart from `ab`. */
        hash_add(&hash, "", 1);
        at += length;
        at += layout_blank_length(text + at, size - at);
    }
    hash_finish(&hash, sum);
    (void)snprintf(out, LAYOUT_CHECKSUM_SIZE, "t1:%s", sum);
}
