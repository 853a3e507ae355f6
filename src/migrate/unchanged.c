/* See unchanged.h. */
#include "migrate/unchanged.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "layout/script.h"

/* A thread is worth its making from some hundred files on; more than four wait for each other in
 * the kernel. */
#define FILES_OF_A_THREAD 250
#define MAX_THREADS 4
/* How many files are taken at once. */
#define BLOCK 32
/* musl's own choice, 128 KB, is near what a path and an error take on the way down. */
#define STACK ((size_t)256 << 10)

struct work {
    const struct layout_folder *folder;
    int dir;                /* the folder, open; -1: its path must do */
    const char **checksums; /* what each migration's file should have; NULL: not to be looked at */
    bool *same;
    atomic_size_t next; /* the first that nobody has taken */
};

static bool is_same(const struct work *work, size_t index)
{
    struct layout_script script;
    struct error ignored;
    if (layout_script_load_at(work->folder, work->dir, &work->folder->migrations[index], LAYOUT_UP,
                              &script, &ignored) != 0)
        return false;
    bool same = strcmp(script.checksum, work->checksums[index]) == 0;
    layout_script_free(&script);
    return same;
}

static void *look(void *context)
{
    struct work *work = context;
    for (;;) {
        size_t from = atomic_fetch_add(&work->next, BLOCK);
        if (from >= work->folder->count)
            return NULL;
        size_t to = from + BLOCK < work->folder->count ? from + BLOCK : work->folder->count;
        for (size_t i = from; i < to; i++)
            work->same[i] = work->checksums[i] != NULL && is_same(work, i);
    }
}

/* One walk over both ascending lists. Returns how many files are to be read. */
static size_t find_checksums(const struct layout_folder *folder,
                             const struct migrate_applied *applied, size_t count,
                             const char **checksums)
{
    size_t files = 0;
    size_t a = 0;
    for (size_t f = 0; f < folder->count; f++) {
        const struct layout_migration *file = &folder->migrations[f];
        while (a < count && applied[a].version < file->version)
            a++;
        if (file->repeatable || a == count || applied[a].version != file->version)
            continue;
        checksums[f] = applied[a].checksum;
        files += checksums[f] != NULL;
    }
    return files;
}

static size_t threads_for(size_t files)
{
    cpu_set_t set;
    size_t threads = files / FILES_OF_A_THREAD;
    if (threads > MAX_THREADS)
        threads = MAX_THREADS;
    if (threads < 2 || sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    size_t processors = (size_t)CPU_COUNT(&set);
    return threads < processors ? threads : processors;
}

/* Starts up to `wanted` threads and returns how many: a container may allow none. */
static size_t start(pthread_t *threads, size_t wanted, struct work *work)
{
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;
    size_t started = 0;
    if (wanted == 0 || pthread_attr_init(&attributes) != 0)
        return 0;
    (void)pthread_attr_setstacksize(&attributes, STACK);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (started < wanted && pthread_create(&threads[started], &attributes, look, work) == 0)
        started++;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return started;
}

bool *migrate_unchanged_find(const struct layout_folder *folder,
                             const struct migrate_applied *applied, size_t count)
{
    struct work work = {
        .folder = folder,
        .checksums = calloc(folder->count + 1, sizeof(*work.checksums)),
        .same = calloc(folder->count + 1, sizeof(*work.same)),
    };
    pthread_t threads[MAX_THREADS];
    cleanup_close int dir = open(folder->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    work.dir = dir;
    atomic_init(&work.next, 0);
    if (work.checksums == NULL || work.same == NULL) {
        free((void *)work.checksums);
        free(work.same);
        return NULL;
    }
    size_t files = find_checksums(folder, applied, count, work.checksums);
    size_t started = start(threads, threads_for(files) - 1, &work);
    (void)look(&work);
    for (size_t i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    free((void *)work.checksums);
    return work.same;
}
