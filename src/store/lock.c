/* See lock.h. */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/text.h"
#include "base/worker.h"
#include "store/interrupt.h"

#define POLL_MS 50

/* Only what was made just now is given away: whoever may write to the folder can have put a file of
 * root's under this name. */
static int open_or_make(const char *path, bool *ret_made)
{
    const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    int fd = open(path, flags);
    *ret_made = false;
    if (fd >= 0 || errno != ENOENT)
        return fd;
    fd = open(path, flags | O_CREAT | O_EXCL, 0600);
    *ret_made = fd >= 0;
    if (fd < 0 && errno == EEXIST) /* another liteinit was faster */
        fd = open(path, flags);
    return fd;
}

static int cannot_open(const struct store_location *location, const char *path, struct error *err)
{
    int sys = errno;
    bool file_there = access(path, F_OK) == 0;
    const char *culprit = file_there ? path : location->dir;
    char who[80];
    fs_describe(culprit, who, sizeof who);
    (void)error_set(err, error_kind_of_errno(sys), sys, "cannot %s the lock file %s (%s %s)",
                    file_there ? "open" : "make", path, file_there ? "file" : "folder", who);
    if (err->kind == ERROR_PERMISSION)
        fs_permission_hint(err, faccessat(AT_FDCWD, location->dir, W_OK, AT_EACCESS) == 0
                                    ? culprit
                                    : location->dir);
    else if (sys == ENOSPC || sys == EDQUOT)
        (void)error_hint(err, "the volume has no room for one more file: free some (df -h and "
                              "df -i say what has run out)");
    return -1;
}

int store_lock_open(const struct store_location *location, int *ret_fd, struct error *err)
{
    char path[PATH_MAX];
    struct stat st;
    bool made = false;
    (void)store_sibling(location, ".liteinit.lock", path);
    cleanup_close int fd = open_or_make(path, &made);
    if (fd < 0 && errno == ELOOP)
        return store_planted_error(path, err);
    if (fd < 0)
        return cannot_open(location, path, err);
    if (fstat(fd, &st) != 0)
        return error_set(err, ERROR_IO, errno, "cannot look at %s", path);
    if (store_is_planted(location, &st))
        return store_planted_error(path, err);
    if (made)
        store_adopt_owner(location, path);
    *ret_fd = steal_fd(&fd);
    return 0;
}

static bool is_lock_file(const struct store_location *location, int fd)
{
    char path[PATH_MAX];
    struct stat mine;
    struct stat theirs;
    (void)store_sibling(location, ".liteinit.lock", path);
    return fstat(fd, &mine) == 0 && stat(path, &theirs) == 0 && mine.st_dev == theirs.st_dev &&
           mine.st_ino == theirs.st_ino;
}

int store_lock_inherit(const struct store_location *location, int *ret_fd, struct error *err)
{
    const char *text = getenv(WORKER_LOCK_FD);
    int64_t fd = -1;
    if (text != NULL && text_parse_int(text, 3, 1 << 20, &fd) && is_lock_file(location, (int)fd)) {
        (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
        *ret_fd = (int)fd;
        return 0;
    }
    return store_lock_open(location, ret_fd, err);
}

bool store_lock_try(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

void store_lock_holder(int fd, char *out, size_t size)
{
    ssize_t n = pread(fd, out, size - 1, 0);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

static void write_holder(int fd)
{
    char text[256];
    char host[65] = "";
    char now[CLOCK_TEXT_SIZE];
    clock_format_now(now);
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    /* A worker takes the lock for its parent, PID 1, which is who holds it from then on. */
    long pid = getenv(WORKER_LOCK_FD) != NULL ? (long)getppid() : (long)getpid();
    int n = snprintf(text, sizeof text, "pid %ld on host %s since %s", pid, host, now);
    if (n <= 0 || n >= STORE_LOCK_HOLDER_SIZE)
        return;
    /* Always the same size: the disk has nothing to allocate, and readers end at the newline. */
    memset(text + n, ' ', (size_t)(STORE_LOCK_HOLDER_SIZE - n));
    text[n] = '\n';
    text[STORE_LOCK_HOLDER_SIZE - 1] = '\n';
    (void)!pwrite(fd, text, STORE_LOCK_HOLDER_SIZE, 0);
}

int store_lock_take(const struct store_location *location, int fd, int64_t timeout_ms,
                    struct error *err)
{
    int64_t deadline = clock_monotonic_ms() + timeout_ms;
    while (!store_lock_try(fd)) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return error_set(err, ERROR_IO, errno, "cannot lock %s.liteinit.lock", location->db);
        if (store_interrupted())
            return error_set(err, ERROR_INTERRUPTED, 0, "stopped while waiting for the lock of %s",
                             location->db);
        if (clock_monotonic_ms() >= deadline) {
            char holder[256];
            char waited[32];
            store_lock_holder(fd, holder, sizeof holder);
            text_format_duration(waited, sizeof waited, timeout_ms);
            (void)error_set(err, ERROR_BUSY, 0,
                            "another liteinit holds the database %s (%s); waited %s", location->db,
                            holder[0] != '\0' ? holder : "it did not say who it is", waited);
            return error_hint(err,
                              "stop the container that holds it (in Docker the host is its id), or "
                              "wait longer with --lock-timeout");
        }
        clock_sleep_ms(POLL_MS);
    }
    write_holder(fd);
    return 0;
}
