/* See holder.h. Reads /proc/PID/fd, since fcntl(F_GETLK) would need a descriptor of the file, and
 * closing that one drops our own locks (design fact 3). */
#include "store/holder.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static bool has_open(const char *pid, const struct stat *file)
{
    char path[64];
    bool found = false;
    (void)snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return false;
    const struct dirent *entry = NULL;
    while (!found && (entry = readdir(dir)) != NULL) {
        struct stat st;
        found = fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && st.st_dev == file->st_dev &&
                st.st_ino == file->st_ino;
    }
    (void)closedir(dir);
    return found;
}

static void read_name(const char *pid, char *out, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%.20s/comm", pid);
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, size - 1) : 0;
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

void store_holders(const struct store_location *location, char *out, size_t size)
{
    struct stat file;
    size_t len = 0;
    out[0] = '\0';
    DIR *proc = opendir("/proc");
    if (proc == NULL)
        return;
    if (stat(location->db, &file) == 0) {
        const struct dirent *entry = NULL;
        while ((entry = readdir(proc)) != NULL) {
            if (!isdigit((unsigned char)entry->d_name[0]))
                continue;
            long pid = strtol(entry->d_name, NULL, 10);
            if (pid == (long)getpid() || !has_open(entry->d_name, &file))
                continue;
            char name[32];
            read_name(entry->d_name, name, sizeof name);
            int n =
                snprintf(out + len, size - len, "%spid %ld (%s)", len > 0 ? ", " : "", pid, name);
            if (n < 0 || (size_t)n >= size - len)
                break;
            len += (size_t)n;
        }
    }
    (void)closedir(proc);
}
