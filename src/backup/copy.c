/* See copy.h. */
#include "backup/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
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

/* One chunk: moved inside the kernel where it can, and read once for the sum (the page cache has
 * it then). *method falls back to plain writing and stays there. */
static int copy_chunk(int from, int to, int64_t offset, unsigned char *buffer, ssize_t *ret_n,
                      bool *in_kernel, struct error *err)
{
    ssize_t n = 0;
    do {
        n = pread(from, buffer, CHUNK, offset);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return error_set(err, ERROR_BACKUP, errno, "cannot read the database for the backup");
    size_t done = 0;
    while (*in_kernel && done < (size_t)n) {
        off_t in = offset + (off_t)done;
        off_t out = in;
        ssize_t moved = copy_file_range(from, &in, to, &out, (size_t)n - done, 0);
        if (moved > 0)
            done += (size_t)moved;
        else if (moved < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
            return write_error(err);
        else if (moved == 0 || errno != EINTR)
            *in_kernel = false;
    }
    while (done < (size_t)n) {
        ssize_t written = pwrite(to, buffer + done, (size_t)n - done, offset + (off_t)done);
        if (written < 0 && errno != EINTR)
            return write_error(err);
        done += written > 0 ? (size_t)written : 0;
    }
    *ret_n = n;
    return 0;
}

static int copy_content(int from, int to, struct backup_copy *copy, struct error *err)
{
    cleanup_free unsigned char *buffer = malloc(CHUNK);
    struct hash hash;
    bool in_kernel = true;
    ssize_t n = 1;
    if (buffer == NULL)
        return error_set(err, ERROR_BACKUP, ENOMEM, "cannot copy the database");
    hash_start(&hash);
    while (n > 0) {
        if (store_interrupted())
            return error_set(err, ERROR_INTERRUPTED, 0, "the backup was stopped");
        if (copy_chunk(from, to, copy->bytes, buffer, &n, &in_kernel, err) != 0)
            return -1;
        hash_add(&hash, buffer, (size_t)n);
        /* Lets the disk work while the next chunk is read and summed. */
        if (n > 0)
            (void)sync_file_range(to, copy->bytes, n, SYNC_FILE_RANGE_WRITE);
        copy->bytes += n;
    }
    hash_finish(&hash, copy->sha256);
    return 0;
}

int backup_copy_file(int from, int to, struct backup_copy *ret_copy, struct error *err)
{
    struct backup_copy copy = {.bytes = 0};
    struct stat st;
    if (ioctl(to, FICLONE, from) == 0) {
        if (fstat(to, &st) != 0)
            return error_set(err, ERROR_BACKUP, errno, "cannot look at the backup");
        copy.cloned = true;
        copy.bytes = st.st_size;
    } else if (copy_content(from, to, &copy, err) != 0) {
        return -1;
    }
    *ret_copy = copy;
    return 0;
}

int backup_hash_file(int fd, char out[HASH_HEX_SIZE], struct error *err)
{
    cleanup_free unsigned char *buffer = malloc(CHUNK);
    struct hash hash;
    int64_t offset = 0;
    if (buffer == NULL)
        return error_set(err, ERROR_BACKUP, ENOMEM, "cannot sum the backup");
    hash_start(&hash);
    for (;;) {
        ssize_t n = pread(fd, buffer, CHUNK, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, ERROR_BACKUP, errno, "cannot read the backup");
        if (store_interrupted())
            return error_set(err, ERROR_INTERRUPTED, 0, "the backup was stopped");
        if (n == 0)
            break;
        hash_add(&hash, buffer, (size_t)n);
        offset += n;
    }
    hash_finish(&hash, out);
    return 0;
}
