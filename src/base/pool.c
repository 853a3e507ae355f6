/* See pool.h. */
#include "base/pool.h"

#include <stdlib.h>
#include <string.h>

/* With its head and malloc's own, below a power of two. */
#define BLOCK_SIZE ((size_t)16 * 1024 - 64)

struct pool_block {
    struct pool_block *before;
    size_t used;
    size_t size;
    char texts[];
};

char *pool_copy(struct pool *pool, const char *text)
{
    size_t length = strlen(text) + 1;
    struct pool_block *block = pool->newest;
    if (block == NULL || block->size - block->used < length) {
        size_t size = length > BLOCK_SIZE ? length : BLOCK_SIZE;
        block = malloc(sizeof *block + size);
        if (block == NULL)
            return NULL;
        *block = (struct pool_block){.before = pool->newest, .size = size};
        pool->newest = block;
    }
    char *copy = memcpy(block->texts + block->used, text, length);
    block->used += length;
    return copy;
}

void pool_free(struct pool *pool)
{
    while (pool->newest != NULL) {
        struct pool_block *before = pool->newest->before;
        free(pool->newest);
        pool->newest = before;
    }
}
