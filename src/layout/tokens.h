/*
 * The tokens of an SQL text, as far as needed to tell words from quotes, comments and white space.
 * Parsing statements is SQLite's business; this is for checksums, directives and places.
 */
#ifndef LITEINIT_LAYOUT_TOKENS_H
#define LITEINIT_LAYOUT_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/hash.h"

/* "t1:" (the rule: SHA-256 over tokens, first version) and the sum. */
#define LAYOUT_CHECKSUM_SIZE (3 + HASH_HEX_SIZE)

/* Length of the white space and comments at the start of text, a byte order mark too. An
 * unterminated comment reaches to the end. */
size_t layout_blank_length(const char *text, size_t size);

enum layout_token_kind {
    LAYOUT_TOKEN_SPACE,   /* white space, or a byte order mark */
    LAYOUT_TOKEN_COMMENT, /* the line end behind a -- comment is not part of it */
    LAYOUT_TOKEN_WORD,    /* a keyword, a bare name, a number */
    LAYOUT_TOKEN_STRING,  /* '…' */
    LAYOUT_TOKEN_NAME,    /* "…", `…`, […] */
    LAYOUT_TOKEN_BLOB,    /* x'…' */
    LAYOUT_TOKEN_OTHER,   /* one byte of anything else */
};

struct layout_token {
    enum layout_token_kind kind;
    size_t size;
    bool closed; /* false: a quote or block comment that reaches to the end without being ended */
};

/* What begins at text, of which there is at least one byte. */
struct layout_token layout_token_next(const char *text, size_t size);

/* Whether this token at text is the keyword, given in capitals. */
bool layout_token_is(const char *text, const struct layout_token *token, const char *keyword);

/* Where the byte at `offset` stands, both counted from 1. Columns count characters, as editors do,
 * and not a byte order mark. */
void layout_place_of(const char *text, size_t offset, int *ret_line, int *ret_column);

/* The checksum of a migration: over its tokens, so that comments, white space, line ends and a
 * byte order mark do not count, and every other byte does. */
void layout_checksum(const char *text, size_t size, char out[LAYOUT_CHECKSUM_SIZE]);

#endif
