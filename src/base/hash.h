/* SHA-256 and SHA-384 (FIPS 180-4), by nettle, which uses the processor's own instructions where it has them. */
#ifndef LITEINIT_BASE_HASH_H
#define LITEINIT_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_HEX_SIZE 65     /* 64 hexadecimal digits and the end */
#define HASH_384_HEX_SIZE 97 /* 96 and the end */

struct hash {
    uint64_t opaque[24]; /* room for nettle's context (104 bytes in 3.8), used by hash.c alone */
};

void hash_start(struct hash *hash);
void hash_add(struct hash *hash, const void *data, size_t size);

/* Ends the sum and writes it as lower-case hexadecimal. */
void hash_finish(struct hash *hash, char out[HASH_HEX_SIZE]);

/* The SHA-384 of a block, as lower-case hexadecimal: other tools sum their files so. */
void hash_384(const void *data, size_t size, char out[HASH_384_HEX_SIZE]);

#endif
