/* See unchanged.h. */
#include "migrate/unchanged.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layout/script.h"

/* A thread is worth its making from some hundred files on; more than four wait for each other in
 * the kernel. */
#define FILES_OF_A_THREAD 250
#define MAX_THREADS 4
/* How many files are taken at once. */
#define BLOCK 32
/* musl's own choice, 128 KB, is near what a path and an error take on the way down. */
#define STACK ((size_t)256 << 10)

struct migrate_unchanged {
    const struct layout_folder *folder;
    int dir;                            /* its descriptor, or -1 */
    char (*sums)[LAYOUT_CHECKSUM_SIZE]; /* of each migration; "": not read, or it cannot be */
    atomic_size_t next;                 /* the first that nobody has taken */
    pthread_t threads[MAX_THREADS];
    size_t started;
};

static void sum(struct migrate_unchanged *unchanged, size_t index)
{
    const struct layout_migration *migration = &unchanged->folder->migrations[index];
    struct layout_script script;
    struct error ignored;
    if (migration->repeatable || layout_script_load_at(unchanged->folder, unchanged->dir, migration,
                                                       LAYOUT_UP, &script, &ignored) != 0)
        return;
    memcpy(unchanged->sums[index], script.checksum, LAYOUT_CHECKSUM_SIZE);
    layout_script_free(&script);
}

static void *work(void *context)
{
    struct migrate_unchanged *unchanged = context;
    const size_t count = unchanged->folder->count;
    for (;;) {
        size_t from = atomic_fetch_add(&unchanged->next, BLOCK);
        if (from >= count)
            return NULL;
        for (size_t i = from; i < count && i < from + BLOCK; i++)
            sum(unchanged, i);
    }
}

/* One less than there are processors: the caller works, too. */
static size_t threads_for(size_t files)
{
    cpu_set_t set;
    size_t threads = files / FILES_OF_A_THREAD;
    if (threads > MAX_THREADS)
        threads = MAX_THREADS;
    if (threads < 2 || sched_getaffinity(0, sizeof set, &set) != 0)
        return 0;
    size_t processors = (size_t)CPU_COUNT(&set);
    return (threads < processors ? threads : processors) - 1;
}

/* Starts up to `wanted` threads: a container may allow none. */
static void start(struct migrate_unchanged *unchanged, size_t wanted)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    if (wanted == 0 || pthread_attr_init(&attributes) != 0)
        return;
    (void)pthread_attr_setstacksize(&attributes, STACK);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (unchanged->started < wanted && pthread_create(&unchanged->threads[unchanged->started],
                                                         &attributes, work, unchanged) == 0)
        unchanged->started++;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
}

struct migrate_unchanged *migrate_unchanged_start(const struct layout_folder *folder)
{
    struct migrate_unchanged *unchanged = calloc(1, sizeof *unchanged);
    if (unchanged == NULL)
        return NULL;
    unchanged->folder = folder;
    unchanged->sums = calloc(folder->count + 1, sizeof(*unchanged->sums));
    if (unchanged->sums == NULL) {
        free(unchanged);
        return NULL;
    }
    atomic_init(&unchanged->next, 0);
    unchanged->dir = open(folder->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    start(unchanged, threads_for(folder->count));
    return unchanged;
}

/* One walk over both ascending lists. */
static void compare(const struct migrate_unchanged *unchanged,
                    const struct migrate_applied *applied, size_t count, bool *same)
{
    size_t a = 0;
    for (size_t f = 0; f < unchanged->folder->count; f++) {
        const struct layout_migration *file = &unchanged->folder->migrations[f];
        while (a < count && applied[a].version < file->version)
            a++;
        same[f] = !file->repeatable && a < count && applied[a].version == file->version &&
                  applied[a].checksum != NULL &&
                  strcmp(applied[a].checksum, unchanged->sums[f]) == 0;
    }
}

bool *migrate_unchanged_finish(struct migrate_unchanged *unchanged,
                               const struct migrate_applied *applied, size_t count)
{
    if (unchanged == NULL)
        return NULL;
    bool *same = calloc(unchanged->folder->count + 1, sizeof *same);
    /* Nobody asks: whoever is at work ends at the next block. */
    if (same == NULL || count == 0)
        atomic_store(&unchanged->next, unchanged->folder->count);
    else
        (void)work(unchanged);
    for (size_t i = 0; i < unchanged->started; i++)
        (void)pthread_join(unchanged->threads[i], NULL);
    if (same != NULL)
        compare(unchanged, applied, count, same);
    if (unchanged->dir >= 0)
        (void)close(unchanged->dir);
    free(unchanged->sums);
    free(unchanged);
    return same;
}
