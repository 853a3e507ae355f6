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

static void write_hex(const uint8_t *sum, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[2 * size] = '\0';
}

void hash_finish(struct hash *hash, char out[HASH_HEX_SIZE])
{
    uint8_t sum[SHA256_DIGEST_SIZE];
    sha256_digest(context(hash), sizeof sum, sum);
    write_hex(sum, sizeof sum, out);
}

void hash_384(const void *data, size_t size, char out[HASH_384_HEX_SIZE])
{
    uint8_t sum[SHA384_DIGEST_SIZE];
    struct sha384_ctx ctx;
    sha384_init(&ctx);
    sha384_update(&ctx, size, data);
    sha384_digest(&ctx, sizeof sum, sum);
    write_hex(sum, sizeof sum, out);
}
