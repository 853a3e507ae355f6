/* Many small texts with one end: copied one behind the other into a few large blocks, and freed all
 * at once. A list of ten thousand names needs a handful of allocations. */
#ifndef LITEINIT_BASE_POOL_H
#define LITEINIT_BASE_POOL_H

struct pool_block;

/* Begin with {0}. The texts stay where they are when the struct is copied or moved; one of the copies
 * is freed. */
struct pool {
    struct pool_block *newest;
};

/* A copy of the text, good until pool_free(). NULL when memory is out. */
char *pool_copy(struct pool *pool, const char *text);

void pool_free(struct pool *pool);

#endif
