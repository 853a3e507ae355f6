/* See fs.h. */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

int fs_write_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

int fs_sync_dir(const char *path)
{
    cleanup_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (fsync(fd) != 0 && errno != EINVAL)
        return -1;
    return 0;
}

int fs_read_file(const char *path, size_t max, char **ret_data, size_t *ret_size, struct error *err)
{
    return fs_read_file_at(AT_FDCWD, path, max, ret_data, ret_size, err);
}

int fs_read_file_at(int dir, const char *path, size_t max, char **ret_data, size_t *ret_size,
                    struct error *err)
{
    /* O_NONBLOCK: a FIFO under this name must not hang us. openat(): musl's open() sets
     * close-on-exec a second time with fcntl(2), which ten thousand migrations feel. */
    cleanup_close int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        int sys = errno;
        (void)error_set(err, error_kind_of_errno(sys), sys, "cannot open %s", path);
        if (err->kind == ERROR_PERMISSION)
            fs_permission_hint(err, path);
        return -1;
    }
    struct stat st;
    if (fstat(fd, &st) != 0)
        return error_set(err, ERROR_IO, errno, "cannot look at %s", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_DATA, 0, "%s is not a regular file", path);
    if (st.st_size < 0 || (uintmax_t)st.st_size > max)
        return error_set(err, ERROR_DATA, 0, "%s is larger than %zu bytes", path, max);

    /* One byte more than it had: a file that grows meanwhile is noticed. */
    size_t capacity = (size_t)st.st_size + 1;
    cleanup_free char *data = malloc(capacity + 1);
    if (data == NULL)
        return error_set(err, ERROR_IO, ENOMEM, "cannot read %s", path);
    size_t size = 0;
    while (size < capacity) {
        ssize_t n = read(fd, data + size, capacity - size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, ERROR_IO, errno, "cannot read %s", path);
        size += (size_t)n;
        /* With room for one byte more, a read that stops where the file ended has met its end. */
        if (n == 0 || size == (size_t)st.st_size)
            break;
    }
    if (size == capacity)
        return error_set(err, ERROR_IO, 0, "%s is being written at this moment", path);
    data[size] = '\0';
    *ret_data = data;
    *ret_size = size;
    data = NULL;
    return 0;
}

int fs_replace_file(const char *path, const void *data, size_t size, mode_t mode,
                    const struct stat *owner, struct error *err)
{
    char temp[PATH_MAX];
    char dir[PATH_MAX];
    int n = snprintf(temp, sizeof temp, "%s.%ld.tmp", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof temp)
        return error_set(err, ERROR_CONFIG, ENAMETOOLONG, "cannot write %s", path);
    fs_dir_name(path, dir, sizeof dir);

    /* A leftover of a process that had our pid (pid 1 is always 1) would stand in the way. */
    (void)unlink(temp);
    cleanup_close int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return error_set(err, error_kind_of_errno(errno), errno, "cannot create %s", temp);
    if (owner != NULL && geteuid() == 0)
        (void)!fchown(fd, owner->st_uid, owner->st_gid);
    /* open(2) has taken the umask's bits off; volumes without modes (exFAT) refuse, ignoring. */
    (void)fchmod(fd, mode);
    if (fs_write_all(fd, data, size) != 0 || fdatasync(fd) != 0) {
        int sys = errno;
        (void)unlink(temp);
        return error_set(err, error_kind_of_errno(sys), sys, "cannot write %s", temp);
    }
    if (rename(temp, path) != 0) {
        int sys = errno;
        (void)unlink(temp);
        return error_set(err, error_kind_of_errno(sys), sys, "cannot rename %s to %s", temp, path);
    }
    if (fs_sync_dir(dir) != 0)
        return error_set(err, error_kind_of_errno(errno), errno, "cannot sync the folder %s", dir);
    return 0;
}

int fs_rename_exclusive(const char *from, const char *to)
{
    /* By number: musl has no renameat2() before 1.2.5. */
    if (syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (link(from, to) != 0) {
        if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
            return -1;
        /* Neither can be had on exFAT and some FUSE volumes. Then a look must do. */
        if (faccessat(AT_FDCWD, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
            errno = EEXIST;
            return -1;
        }
        return rename(from, to);
    }
    (void)unlink(from);
    return 0;
}

int64_t fs_free_bytes(const char *path)
{
    struct statvfs vfs;
    if (statvfs(path, &vfs) != 0)
        return -1;
    uint64_t blocks = geteuid() == 0 ? (uint64_t)vfs.f_bfree : (uint64_t)vfs.f_bavail;
    uint64_t unit = vfs.f_frsize > 0 ? vfs.f_frsize : 1;
    if (blocks > (uint64_t)INT64_MAX / unit)
        return INT64_MAX;
    return (int64_t)(blocks * unit);
}

const char *fs_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

void fs_dir_name(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        (void)snprintf(out, size, ".");
    else if (slash == path)
        (void)snprintf(out, size, "/");
    else
        (void)snprintf(out, size, "%.*s", (int)(slash - path), path);
}

void fs_describe(const char *path, char *out, size_t size)
{
    struct stat st;
    if (stat(path, &st) != 0)
        (void)snprintf(out, size, "not there");
    else
        (void)snprintf(out, size, "owner %u:%u, mode %04o", (unsigned)st.st_uid,
                       (unsigned)st.st_gid, (unsigned)(st.st_mode & 07777));
}

void fs_permission_hint(struct error *err, const char *path)
{
    char quoted[PATH_MAX + 8];
    struct statvfs vfs;
    struct stat st;
    (void)text_shell_quote(quoted, sizeof quoted, path);
    if (statvfs(path, &vfs) == 0 && (vfs.f_flag & ST_RDONLY) != 0) {
        (void)error_hint(
            err,
            "%s is on a read-only mount: remove \":ro\" from the volume in the compose "
            "file, or read_only where it has no volume",
            quoted);
        return;
    }
    if (stat(path, &st) == 0 && geteuid() == st.st_uid) {
        const char *mode = S_ISDIR(st.st_mode) ? "u+rwx" : "u+rw";
        (void)error_hint(err, "the owner may not write here; run: chmod %s %s", mode, quoted);
        return;
    }
    (void)error_hint(err,
                     "this process is uid %u, gid %u; run this on the host, with the path that is "
                     "mounted there: chown -R %u:%u %s",
                     (unsigned)geteuid(), (unsigned)getegid(), (unsigned)geteuid(),
                     (unsigned)getegid(), quoted);
}
