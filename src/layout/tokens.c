/* See tokens.h. The lexical rules are those of https://www.sqlite.org/draft/tokenreq.html. */
#include "layout/tokens.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* Length of the byte order mark at text, or 0. SQLite takes one for white space. */
static size_t mark_length(const char *text, size_t size)
{
    return size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

/* Length of the comment at text, 0 when none starts there. *ret_closed becomes false when its end
 * is missing. */
static size_t comment_length(const char *text, size_t size, bool *ret_closed)
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
        *ret_closed = false;
        return size;
    }
    return 0;
}

size_t layout_blank_length(const char *text, size_t size)
{
    bool closed = true;
    size_t at = mark_length(text, size);
    while (at < size) {
        size_t comment = comment_length(text + at, size - at, &closed);
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
static size_t quoted_length(const char *text, size_t size, bool *ret_closed)
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
    *ret_closed = false;
    return size;
}

/* The token at text, where no blank is. */
static struct layout_token solid(const char *text, size_t size)
{
    struct layout_token token = {.kind = LAYOUT_TOKEN_OTHER, .size = 1, .closed = true};
    if (text[0] == '\'' || text[0] == '"' || text[0] == '`' || text[0] == '[') {
        token.kind = text[0] == '\'' ? LAYOUT_TOKEN_STRING : LAYOUT_TOKEN_NAME;
        token.size = quoted_length(text, size, &token.closed);
        return token;
    }
    if (!is_word(text[0]))
        return token;
    token.kind = LAYOUT_TOKEN_WORD;
    while (token.size < size && is_word(text[token.size]))
        token.size++;
    /* x'00' is a blob; x '00' is a column and its alias. */
    if (token.size == 1 && size > 1 && (text[0] == 'x' || text[0] == 'X') && text[1] == '\'') {
        token.kind = LAYOUT_TOKEN_BLOB;
        token.size += quoted_length(text + 1, size - 1, &token.closed);
    }
    return token;
}

struct layout_token layout_token_next(const char *text, size_t size)
{
    struct layout_token token = {.kind = LAYOUT_TOKEN_COMMENT, .closed = true};
    token.size = comment_length(text, size, &token.closed);
    if (token.size > 0)
        return token;
    token.kind = LAYOUT_TOKEN_SPACE;
    token.size = mark_length(text, size);
    while (token.size < size && is_space(text[token.size]))
        token.size++;
    return token.size > 0 ? token : solid(text, size);
}

bool layout_token_is(const char *text, const struct layout_token *token, const char *keyword)
{
    return token->kind == LAYOUT_TOKEN_WORD && token->size == strlen(keyword) &&
           strncasecmp(text, keyword, token->size) == 0;
}

void layout_place_of(const char *text, size_t offset, int *ret_line, int *ret_column)
{
    size_t start = mark_length(text, offset);
    int line = 1;
    int column = 1;
    for (size_t i = start; i < offset; i++)
        if (text[i] == '\n') {
            line++;
            start = i + 1;
        }
    for (size_t i = start; i < offset; i++)
        column += ((unsigned char)text[i] & 0xC0) != 0x80;
    *ret_line = line;
    *ret_column = column;
}

void layout_checksum(const char *text, size_t size, char out[LAYOUT_CHECKSUM_SIZE])
{
    static const char kind[] = "t1:";
    struct hash hash;
    hash_start(&hash);
    size_t at = layout_blank_length(text, size);
    while (at < size) {
        size_t length = solid(text + at, size - at).size;
        hash_add(&hash, text + at, length);
        /* A byte that no token holds keeps `a b` apart from `ab`. */
        hash_add(&hash, "", 1);
        at += length;
        at += layout_blank_length(text + at, size - at);
    }
    _Static_assert(sizeof kind - 1 + HASH_HEX_SIZE <= LAYOUT_CHECKSUM_SIZE, "room for both");
    memcpy(out, kind, sizeof kind - 1);
    hash_finish(&hash, out + sizeof kind - 1);
}
