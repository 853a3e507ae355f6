/*
 * The tokens of an SQL text, as far as needed to tell words from quotes, comments and white space.
 * Parsing statements is SQLite's business; this is for checksums, directives and places.
 */
#ifndef LITEINIT_LAYOUT_TOKENS_H
#define LITEINIT_LAYOUT_TOKENS_H

#include <stddef.h>

#include "base/hash.h"

/* "t1:" (the rule: SHA-256 over tokens, first version) and the sum. */
#define LAYOUT_CHECKSUM_SIZE (3 + HASH_HEX_SIZE)

/* Length of the white space and comments at the start of text, a byte order mark too. An
 * unterminated comment reaches to the end. */
size_t layout_blank_length(const char *text, size_t size);

/* The checksum of a migration: over its tokens, so that comments, white space, line ends and a
 * byte order mark do not count, and every other byte does. */
void layout_checksum(const char *text, size_t size, char out[LAYOUT_CHECKSUM_SIZE]);

#endif
