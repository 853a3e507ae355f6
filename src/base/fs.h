/*
 * Files that must survive: temporary names, sync, rename, sync of the folder.
 *
 * A file is published by writing a temporary one in the same folder, fdatasync, rename and fsync
 * of the folder, in this order (design fact 5: without the last, a power cut leaves only the
 * temporary name on ext4 and XFS).
 */
#ifndef LITEINIT_BASE_FS_H
#define LITEINIT_BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"

/* Writes all of `data`, through short writes and EINTR. 0, or -1 with errno set. */
int fs_write_all(int fd, const void *data, size_t size);

/* fsync of a folder, so that names made or removed in it survive a power cut. 0, or -1 with errno
 * set. A file system that cannot sync folders (EINVAL) counts as done. */
int fs_sync_dir(const char *path);

/* Reads a whole regular file of at most `max` bytes. *ret_data is NUL-terminated (also when the
 * file holds NUL bytes: use *ret_size) and owned by the caller. Larger files, folders and devices
 * are an error of kind ERROR_DATA. */
int fs_read_file(const char *path, size_t max, char **ret_data, size_t *ret_size,
                 struct error *err);

/* The same for a path that begins at the folder `dir` (or AT_FDCWD), which is what messages call the
 * file. */
int fs_read_file_at(int dir, const char *path, size_t max, char **ret_data, size_t *ret_size,
                    struct error *err);

/* Replaces `path` by a file of `mode` that holds `data`: temporary file beside it, fdatasync,
 * rename, sync of the folder. When root does it and `owner` is not NULL, the file gets that owner,
 * before it has its name: later the name may be another file's. On an error the old file is as it
 * was. */
int fs_replace_file(const char *path, const void *data, size_t size, mode_t mode,
                    const struct stat *owner, struct error *err);

/* Renames without ever replacing an existing file: 0, or -1 with errno set (EEXIST when `to` is
 * there). On file systems without RENAME_NOREPLACE it links and unlinks; without links
 * too it looks first and renames, so that callers who may meet each other need a lock. */
int fs_rename_exclusive(const char *from, const char *to);

/* Bytes that this process may still write on the volume of `path`: blocks free for root when we
 * are root, else those free for everybody (statvfs(3)). -1 with errno set when unknown. */
int64_t fs_free_bytes(const char *path);

/* The part of `path` after its last slash, and the folder before it ("." when there is none). */
const char *fs_base_name(const char *path);
void fs_dir_name(const char *path, char *out, size_t size);

/* "owner 1026:100, mode 0755" of the file, for messages; "not there" when stat fails. */
void fs_describe(const char *path, char *out, size_t size);

/* The remedy when `path` (a file or folder) may not be used by this process: a chown or chmod
 * command to run on the host, or the read-only mount named. Fills err->hint. */
void fs_permission_hint(struct error *err, const char *path);

#endif
