/* Copies a file's content as fast as the volume allows, and sums a file. */
#ifndef LITEINIT_BACKUP_COPY_H
#define LITEINIT_BACKUP_COPY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"

/* Copies all of `from` to the empty file `to`: FICLONE (ioctl_ficlonerange(2)), which shares the
 * blocks until one side changes, else copy_file_range(2), else read and write. Does not sync.
 * ERROR_BACKUP, or ERROR_INTERRUPTED when a stop signal came. */
int backup_copy_file(int from, int to, bool *ret_cloned, int64_t *ret_bytes, struct error *err);

/* The first of these ways alone: needs no room, and takes the same few milliseconds whatever the
 * size. False when the volume cannot do it; `to` is as it was then. */
bool backup_copy_clone(int from, int to, int64_t *ret_bytes);

/* The sum of a whole file. */
int backup_hash_file(int fd, char out[HASH_HEX_SIZE], struct error *err);

/* The same in a thread of its own, beside the check of the same file: both read it from the page
 * cache, and most machines have a second core. Every start is followed by one finish, which waits
 * for it; `fd` stays open until then. `source`, when it is not -1, is a file that must have the same
 * bytes: no check of SQLite's notices a flipped one in a row (design fact 2). */
struct backup_hash_job {
    pthread_t thread;
    bool threaded; /* false: no thread could be had, the work was done at once */
    int fd;
    int source;
    int result;
    char sum[HASH_HEX_SIZE];
    struct error err;
};
void backup_hash_start(struct backup_hash_job *job, int fd, int source);
int backup_hash_finish(struct backup_hash_job *job, char out[HASH_HEX_SIZE], struct error *err);

#endif
