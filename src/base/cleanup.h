/* Scope-bound release: variables marked with these free themselves on every way out. */
#ifndef LITEINIT_BASE_CLEANUP_H
#define LITEINIT_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_close_fd(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static inline void cleanup_free_memory(void *pointer)
{
    free(*(void **)pointer);
}

/* The descriptor is closed at the end of the scope; start it at -1. It may be held for that end
 * alone (a lock): clang would call it unused. */
#define cleanup_close __attribute__((cleanup(cleanup_close_fd), unused))
/* The heap block is freed at the end of the scope; start it at NULL. */
#define cleanup_free __attribute__((cleanup(cleanup_free_memory)))

/* Takes the descriptor out of a cleanup_close variable: the caller owns it from here. */
static inline int steal_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

#endif
