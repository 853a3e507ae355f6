/* See spawn.h. Everything named child_… runs in the child, on a stack of its own in our memory. */
#include "proc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/worker.h"
#include "proc/explain.h"
#include "proc/signals.h"

#define CHILD_STACK_SIZE 16384

#if defined(__SANITIZE_ADDRESS__)
#define ON_FOREIGN_STACK __attribute__((no_sanitize("address")))
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ON_FOREIGN_STACK __attribute__((no_sanitize("address")))
#endif
#endif
#ifndef ON_FOREIGN_STACK
#define ON_FOREIGN_STACK
#endif

/* What the child needs, and what it leaves for the parent when it fails. */
struct child {
    const struct proc_spawn *spec;
    char *const *envp;
    const char *path; /* the folders to look in; NULL when argv[0] has a slash */
    pid_t parent;
    int failure;            /* errno of the step that failed */
    char file[PATH_MAX];    /* the file that was tried last */
    char refused[PATH_MAX]; /* the first one that was there but not executable */
};

/* Executes argv[0] from the first folder of PATH that lets us, as execvp(3) does. */
ON_FOREIGN_STACK static void child_search(struct child *child)
{
    const char *name = child->spec->argv[0];
    size_t name_len = strlen(name);
    const char *at = child->path;
    int failure = ENOENT;
    if (name_len == 0) {
        child->failure = ENOENT;
        return;
    }
    for (;;) {
        size_t dir_len = strcspn(at, ":");
        if (dir_len + 1 + name_len < sizeof child->file) {
            /* An empty entry means the working directory. */
            size_t len = 0;
            if (dir_len > 0) {
                memcpy(child->file, at, dir_len);
                child->file[dir_len] = '/';
                len = dir_len + 1;
            }
            memcpy(child->file + len, name, name_len + 1);
            (void)execve(child->file, child->spec->argv, child->envp);
            /* A folder that we may not look into holds nothing for us: like a shell, and unlike
             * execvp(3), do not let it turn "not found" into "permission denied". */
            if (errno == EACCES) {
                if (failure != EACCES && access(child->file, F_OK) == 0) {
                    memcpy(child->refused, child->file, sizeof child->refused);
                    failure = EACCES;
                }
            } else if (errno != ENOENT && errno != ENOTDIR && errno != ESTALE && errno != ENODEV &&
                       errno != ETIMEDOUT) {
                child->failure = errno;
                return;
            }
        }
        if (at[dir_len] == '\0')
            break;
        at += dir_len + 1;
    }
    child->failure = failure;
    if (failure == EACCES)
        memcpy(child->file, child->refused, sizeof child->file);
    else
        child->file[0] = '\0';
}

/* This same binary, also after the file was replaced, and without /proc by the name that it was
 * executed under. */
ON_FOREIGN_STACK static void child_execute_self(struct child *child)
{
    const char *name = (const char *)getauxval(AT_EXECFN);
    (void)execve("/proc/self/exe", child->spec->argv, child->envp);
    int failure = errno;
    if (name != NULL) {
        (void)execve(name, child->spec->argv, child->envp);
        failure = errno;
    }
    /* Only now: the parent reads it as "nothing could be executed". */
    child->failure = failure;
}

ON_FOREIGN_STACK static bool child_hand_over(int fd)
{
    /* dup2 onto itself would leave close-on-exec standing. */
    if (fd == PROC_SPAWN_FD)
        return fcntl(fd, F_SETFD, 0) == 0;
    return dup2(fd, PROC_SPAWN_FD) >= 0;
}

ON_FOREIGN_STACK static int child_main(void *context)
{
    struct child *child = context;
    const struct proc_spawn *spec = child->spec;

    (void)setpgid(0, 0);
    /* SIGTTOU is blocked, so that a background group may do this. A terminal that is not ours is
     * no reason to keep the app from starting. */
    if (spec->foreground)
        (void)tcsetpgrp(STDIN_FILENO, getpid());
    if (spec->parent_death_signal != 0) {
        (void)prctl(PR_SET_PDEATHSIG, spec->parent_death_signal);
        /* It died before we asked. */
        if (getppid() != child->parent)
            _exit(PROC_SPAWN_NOT_FOUND);
    }
    if (spec->fd >= 0 && !child_hand_over(spec->fd)) {
        child->failure = errno;
        _exit(PROC_SPAWN_NOT_FOUND);
    }
    if (spec->ignore_children) {
        struct sigaction ignore = {.sa_handler = SIG_IGN};
        (void)sigaction(SIGCHLD, &ignore, NULL);
    }
    /* The last step: no handler of ours is installed anywhere, so a signal that arrives between
     * here and the program does what it would do to the program. */
    proc_signals_set_mask(spec->mask);

    if (spec->self) {
        child_execute_self(child);
    } else if (child->path != NULL) {
        child_search(child);
    } else {
        (void)execve(spec->argv[0], spec->argv, child->envp);
        child->failure = errno;
    }
    _exit(PROC_SPAWN_NOT_FOUND);
}

/* The environment with the variables in front; the block is the caller's, its texts are not.
 * NULL when out of memory. */
static char **environment_with(const char *const *variables)
{
    size_t count = 0;
    while (environ[count] != NULL)
        count++;
    size_t more = 0;
    while (variables[more] != NULL)
        more++;
    char **result = calloc(count + more + 1, sizeof *result);
    if (result == NULL)
        return NULL;
    size_t n = 0;
    for (; n < more; n++)
        result[n] = (char *)(uintptr_t)variables[n];
    for (size_t i = 0; i < count; i++)
        if (!text_starts_with(environ[i], WORKER_PREFIX))
            result[n++] = environ[i];
    return result;
}

/* After ENOENT everywhere: a file of this name whose interpreter is missing, if there is one. */
static void find_existing(struct child *child)
{
    const char *name = child->spec->argv[0];
    for (const char *at = child->path; at != NULL; at = strchr(at, ':')) {
        at += *at == ':';
        size_t dir_len = strcspn(at, ":");
        if (dir_len == 0 || dir_len + 2 + strlen(name) > sizeof child->file)
            continue;
        memcpy(child->file, at, dir_len);
        child->file[dir_len] = '/';
        memcpy(child->file + dir_len + 1, name, strlen(name) + 1);
        if (name[0] != '\0' && access(child->file, F_OK) == 0)
            return;
    }
    child->file[0] = '\0';
}

static int explain(struct child *child, struct error *err)
{
    const char *name = child->spec->argv[0];
    if (child->spec->self) {
        (void)error_set(err, ERROR_BUG, child->failure, "liteinit cannot start itself as a worker");
        (void)error_hint(err, "it needs /proc, or the file that it was started from");
        return PROC_SPAWN_NOT_EXECUTABLE;
    }
    if (child->path == NULL)
        (void)memccpy(child->file, name, '\0', sizeof child->file - 1);
    else if (child->failure == ENOENT)
        find_existing(child);
    return proc_explain_exec(name, child->file, child->failure, err);
}

int proc_spawn(const struct proc_spawn *spec, pid_t *ret_pid, int *ret_status, struct error *err)
{
    struct child child;
    child.spec = spec;
    child.envp = environ;
    child.path = NULL;
    child.parent = getpid();
    child.failure = 0;
    child.file[0] = '\0';
    if (!spec->self && strchr(spec->argv[0], '/') == NULL) {
        child.path = getenv("PATH");
        if (child.path == NULL)
            child.path = PROC_SPAWN_DEFAULT_PATH;
    }
    cleanup_free char **envp = NULL;
    if (spec->variables != NULL) {
        envp = environment_with(spec->variables);
        if (envp == NULL) {
            *ret_status = PROC_SPAWN_NOT_EXECUTABLE;
            return error_set(err, ERROR_BUSY, ENOMEM, "cannot start %s", spec->argv[0]);
        }
        child.envp = envp;
    }

    _Alignas(16) char stack[CHILD_STACK_SIZE];
    pid_t pid = clone(child_main, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &child);
    if (pid < 0) {
        int sys = errno;
        *ret_status = PROC_SPAWN_NOT_EXECUTABLE;
        (void)error_set(err, ERROR_BUSY, sys, "cannot start a process for %s", spec->argv[0]);
        if (sys == EAGAIN)
            (void)error_hint(err, "the limit of processes is reached: raise pids_limit");
        return -1;
    }
    if (child.failure == 0) {
        *ret_pid = pid;
        return 0;
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    *ret_status = explain(&child, err);
    return -1;
}
