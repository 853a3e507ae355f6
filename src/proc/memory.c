/* See memory.h. */
#include "proc/memory.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif

#ifndef UNDER_SANITIZER

/* What is left in place below the frame: for this function, what it calls, and the red zone. */
#define STACK_IN_USE 4096
/* The deepest that the start goes (the line of the log and the stack of a child among it). */
#define STACK_RELEASED 262144

#define MAX_SEGMENTS 8

struct segments {
    uintptr_t start[MAX_SEGMENTS];
    uintptr_t end[MAX_SEGMENTS];
    size_t count;
};

/* The segments that are mapped read-only from the file: no page of them can be dirty, so nothing
 * is lost by MADV_DONTNEED (madvise(2): later accesses load them anew from the file). Relocated
 * pages are in writable segments and stay. Collected first, since the list is in one of them. */
static int collect_segments(struct dl_phdr_info *info, size_t size, void *context)
{
    struct segments *segments = context;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    (void)size;
    for (int i = 0; i < info->dlpi_phnum && segments->count < MAX_SEGMENTS; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_W) != 0)
            continue;
        uintptr_t start = (uintptr_t)info->dlpi_addr + segment->p_vaddr;
        segments->start[segments->count] = start & ~(page - 1);
        segments->end[segments->count++] = start + segment->p_memsz;
    }
    /* The first object is the program itself; shared libraries are shared, and their text may
     * have been relocated in place. */
    return 1;
}

static void release_segments(void)
{
    struct segments segments = {.count = 0};
    (void)dl_iterate_phdr(collect_segments, &segments);
    for (size_t i = 0; i < segments.count; i++) {
        void *start = (void *)segments.start[i]; /* NOLINT(performance-no-int-to-ptr) */
        (void)madvise(start, segments.end[i] - segments.start[i], MADV_DONTNEED);
    }
}

static void release_stack(void)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const char here = 0;
    uintptr_t end = ((uintptr_t)&here - STACK_IN_USE) & ~(page - 1);
    uintptr_t start = end - STACK_RELEASED;
    /* Parts that were never touched are not mapped; madvise skips these and says ENOMEM. */
    (void)madvise((void *)start, end - start,
                  MADV_DONTNEED); /* NOLINT(performance-no-int-to-ptr) */
}

void proc_memory_release(void)
{
    release_stack();
    release_segments();
}

#else

/* The sanitizer keeps its own books of the stack. */
void proc_memory_release(void)
{
}

#endif
