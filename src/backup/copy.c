/* See copy.h. */
#include "backup/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "store/interrupt.h"

/* From linux/fs.h, which musl's headers do not bring. */
#ifndef FICLONE
#define FICLONE _IOW(0x94, 9, int)
#endif

/* Bounds what a stop signal waits for, and the memory of the plain way. */
#define CHUNK ((size_t)1 << 20)

static int write_error(struct error *err)
{
    int sys = errno;
    (void)error_set(err, ERROR_BACKUP, sys, "cannot write the backup");
    if (sys == ENOSPC || sys == EDQUOT)
        (void)error_hint(err, "free space on the backup volume, or put backups elsewhere with "
                              "--backup-dir");
    return -1;
}

/* One chunk inside the kernel. *ret_n is 0 at the end of the file, or too early: some file systems
 * answer so instead of with an error (copy_file_range(2), BUGS). False when this way does not work
 * here (another volume, an old kernel), and nothing was copied then. */
static bool copy_in_kernel(int from, int to, int64_t offset, ssize_t *ret_n)
{
    off_t in = offset;
    off_t out = offset;
    do {
        *ret_n = copy_file_range(from, &in, to, &out, CHUNK, 0);
    } while (*ret_n < 0 && errno == EINTR);
    return *ret_n >= 0 || errno == ENOSPC || errno == EDQUOT || errno == EIO;
}

/* All of `size` bytes but at the end of the file. */
static ssize_t read_chunk(int fd, unsigned char *buffer, size_t size, int64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, buffer + done, size - done, offset + (int64_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static int copy_by_hand(int from, int to, int64_t offset, unsigned char *buffer, ssize_t *ret_n,
                        struct error *err)
{
    ssize_t n = read_chunk(from, buffer, CHUNK, offset);
    if (n < 0)
        return error_set(err, ERROR_BACKUP, errno, "cannot read the database for the backup");
    for (ssize_t done = 0; done < n;) {
        ssize_t written = pwrite(to, buffer + done, (size_t)(n - done), offset + done);
        if (written < 0 && errno != EINTR)
            return write_error(err);
        done += written > 0 ? written : 0;
    }
    *ret_n = n;
    return 0;
}

static int copy_content(int from, int to, int64_t *ret_bytes, struct error *err)
{
    cleanup_free unsigned char *buffer = NULL;
    struct stat source;
    int64_t offset = 0;
    bool in_kernel = true;
    ssize_t n = 1;
    if (fstat(from, &source) != 0)
        return error_set(err, ERROR_BACKUP, errno, "cannot look at the database");
    while (n > 0) {
        if (store_interrupted())
            return error_set(err, ERROR_INTERRUPTED, 0, "the backup was stopped");
        if (in_kernel &&
            (!copy_in_kernel(from, to, offset, &n) || (n == 0 && offset < source.st_size))) {
            in_kernel = false;
            buffer = malloc(CHUNK);
            if (buffer == NULL)
                return error_set(err, ERROR_BACKUP, ENOMEM, "cannot copy the database");
        }
        if (in_kernel && n < 0)
            return write_error(err);
        if (!in_kernel && copy_by_hand(from, to, offset, buffer, &n, err) != 0)
            return -1;
        /* Lets the disk begin while the rest is copied. */
        if (n > 0)
            (void)sync_file_range(to, offset, n, SYNC_FILE_RANGE_WRITE);
        offset += n;
    }
    *ret_bytes = offset;
    return 0;
}

/* Not every file system that says yes has done it. */
bool backup_copy_clone(int from, int to, int64_t *ret_bytes)
{
    struct stat source;
    struct stat copy;
    if (ioctl(to, FICLONE, from) != 0 || fstat(from, &source) != 0 || fstat(to, &copy) != 0 ||
        copy.st_size != source.st_size)
        return false;
    *ret_bytes = copy.st_size;
    return true;
}

int backup_copy_file(int from, int to, bool *ret_cloned, int64_t *ret_bytes, struct error *err)
{
    bool cloned = backup_copy_clone(from, to, ret_bytes);
    if (!cloned && copy_content(from, to, ret_bytes, err) != 0)
        return -1;
    *ret_cloned = cloned;
    return 0;
}

/* `source` is what every chunk must equal, or -1. */
static int sum_file(int fd, int source, char out[HASH_HEX_SIZE], struct error *err)
{
    cleanup_free unsigned char *buffer = malloc(2 * CHUNK);
    struct hash hash;
    int64_t offset = 0;
    if (buffer == NULL)
        return error_set(err, ERROR_BACKUP, ENOMEM, "cannot sum the backup");
    hash_start(&hash);
    for (;;) {
        ssize_t n = read_chunk(fd, buffer, CHUNK, offset);
        if (n < 0)
            return error_set(err, ERROR_BACKUP, errno, "cannot read the backup");
        if (store_interrupted())
            return error_set(err, ERROR_INTERRUPTED, 0, "the backup was stopped");
        if (n == 0)
            break;
        if (source >= 0 && (read_chunk(source, buffer + CHUNK, (size_t)n, offset) != n ||
                            memcmp(buffer, buffer + CHUNK, (size_t)n) != 0))
            return error_set(
                err, ERROR_BACKUP, 0,
                "the copy of the database differs from it, somewhere in the %lld bytes "
                "from byte %lld",
                (long long)n, (long long)offset);
        hash_add(&hash, buffer, (size_t)n);
        offset += n;
    }
    hash_finish(&hash, out);
    return 0;
}

int backup_hash_file(int fd, char out[HASH_HEX_SIZE], struct error *err)
{
    return sum_file(fd, -1, out, err);
}

static void *hash_main(void *context)
{
    struct backup_hash_job *job = context;
    job->result = sum_file(job->fd, job->source, job->sum, &job->err);
    return NULL;
}

void backup_hash_start(struct backup_hash_job *job, int fd, int source)
{
    sigset_t all;
    sigset_t before;
    job->fd = fd;
    job->source = source;
    /* Signals are for the thread that is inside SQLite. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    job->threaded = pthread_create(&job->thread, NULL, hash_main, job) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!job->threaded)
        (void)hash_main(job);
}

int backup_hash_finish(struct backup_hash_job *job, char out[HASH_HEX_SIZE], struct error *err)
{
    if (job->threaded)
        (void)pthread_join(job->thread, NULL);
    if (job->result != 0)
        *err = job->err;
    else
        memcpy(out, job->sum, HASH_HEX_SIZE);
    return job->result;
}
