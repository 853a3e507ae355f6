/* See hash.h. */
#include "base/hash.h"

#include <nettle/sha2.h>

_Static_assert(sizeof(struct sha256_ctx) <= sizeof(struct hash), "room for nettle's context");
_Static_assert(_Alignof(struct sha256_ctx) <= _Alignof(struct hash), "and its alignment");

static struct sha256_ctx *context(struct hash *hash)
{
    return (struct sha256_ctx *)(void *)hash->opaque;
}

void hash_start(struct hash *hash)
{
    sha256_init(context(hash));
}

void hash_add(struct hash *hash, const void *data, size_t size)
{
    sha256_update(context(hash), size, data);
}

void hash_finish(struct hash *hash, char out[HASH_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[SHA256_DIGEST_SIZE];
    sha256_digest(context(hash), sizeof sum, sum);
    for (size_t i = 0; i < sizeof sum; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[2 * sizeof sum] = '\0';
}
