/* Copies a file's content as fast as the volume allows, and sums it as it passes. */
#ifndef LITEINIT_BACKUP_COPY_H
#define LITEINIT_BACKUP_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"

struct backup_copy {
    int64_t bytes;
    bool cloned;                /* FICLONE: shares the blocks until one side changes */
    char sha256[HASH_HEX_SIZE]; /* "" when cloned: nothing has passed, see backup_hash_file() */
};

/* Copies all of `from` to the empty file `to`: FICLONE (ioctl_ficlonerange(2)), else
 * copy_file_range(2), else read and write. Does not sync. ERROR_BACKUP, or ERROR_INTERRUPTED when
 * a stop signal came. */
int backup_copy_file(int from, int to, struct backup_copy *ret_copy, struct error *err);

/* The sum of a whole file. */
int backup_hash_file(int fd, char out[HASH_HEX_SIZE], struct error *err);

#endif
