/* See find.h. */
#include "proc/find.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc/explain.h"
#include "proc/spawn.h"

/* 0, or the errno that execve(2) would give for the file. */
static int look_at(const char *file)
{
    struct stat st;
    if (stat(file, &st) != 0)
        return errno;
    if (!S_ISREG(st.st_mode) || faccessat(AT_FDCWD, file, X_OK, AT_EACCESS) != 0)
        return EACCES;
    return 0;
}

/* 0, or why not; `file` is the one that was there but may not be executed, else "". */
static int search(const char *name, char file[PATH_MAX])
{
    const char *path = getenv("PATH");
    int result = ENOENT;
    file[0] = '\0';
    if (path == NULL)
        path = PROC_SPAWN_DEFAULT_PATH;
    for (const char *at = path; name[0] != '\0'; at++) {
        char candidate[PATH_MAX];
        size_t length = strcspn(at, ":");
        int n = snprintf(candidate, sizeof candidate, "%.*s%s%s", (int)length, at,
                         length > 0 ? "/" : "", name);
        if (n > 0 && (size_t)n < sizeof candidate) {
            int failure = look_at(candidate);
            if (failure == 0)
                return 0;
            if (failure == EACCES && result != EACCES && access(candidate, F_OK) == 0) {
                (void)memcpy(file, candidate, sizeof candidate);
                result = EACCES;
            }
        }
        at += length;
        if (*at == '\0')
            break;
    }
    return result;
}

bool proc_find(const char *name)
{
    char file[PATH_MAX];
    return (strchr(name, '/') != NULL ? look_at(name) : search(name, file)) == 0;
}

int proc_find_or_explain(const char *name, int *ret_status, struct error *err)
{
    char file[PATH_MAX];
    int failure = 0;
    if (strchr(name, '/') != NULL) {
        failure = look_at(name);
        (void)snprintf(file, sizeof file, "%s", name);
    } else {
        failure = search(name, file);
    }
    if (failure == 0)
        return 0;
    *ret_status = proc_explain_exec(name, file, failure, err);
    return -1;
}
