/* See others.h. */
#include "proc/others.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MAX_PROCESSES 65536 /* more than this are not told apart, only killed by kill(-1) */

struct process {
    pid_t pid;
    pid_t parent;
    bool leads_terminal; /* leads a session that has a controlling terminal */
};

struct table {
    struct process *list; /* sorted by pid */
    size_t count;
    size_t capacity;
};

/* Fills what /proc/PID/stat says (proc_pid_stat(5)); the name in it may hold blanks and
 * parentheses, so the fields are counted from the last ')'. False for one that is gone, or waits to
 * be reaped. */
static bool read_stat(pid_t pid, struct process *out)
{
    char path[64];
    char text[512];
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    if (n <= 0)
        return false;
    text[n] = '\0';
    char *at = strrchr(text, ')');
    if (at == NULL || strlen(at) < 4)
        return false;
    char state = at[2];
    if (state == 'Z' || state == 'X')
        return false;
    at += 4; /* the parenthesis, a blank, the state's letter, a blank */
    long parent = strtol(at, &at, 10);
    (void)strtol(at, &at, 10); /* process group */
    long session = strtol(at, &at, 10);
    long terminal = strtol(at, &at, 10);
    *out = (struct process){.pid = pid,
                            .parent = (pid_t)parent,
                            .leads_terminal = session == (long)pid && terminal != 0};
    return true;
}

static bool table_add(struct table *table, struct process process)
{
    if (table->count == table->capacity) {
        size_t capacity = table->capacity == 0 ? 64 : table->capacity * 2;
        if (capacity > MAX_PROCESSES)
            return false;
        struct process *list = realloc(table->list, capacity * sizeof *list);
        if (list == NULL)
            return false;
        table->list = list;
        table->capacity = capacity;
    }
    table->list[table->count++] = process;
    return true;
}

static int by_pid(const void *left, const void *right)
{
    pid_t a = ((const struct process *)left)->pid;
    pid_t b = ((const struct process *)right)->pid;
    return (a > b) - (a < b);
}

static const struct process *table_find(const struct table *table, pid_t pid)
{
    struct process wanted = {.pid = pid};
    if (table->count == 0)
        return NULL;
    return bsearch(&wanted, table->list, table->count, sizeof *table->list, by_pid);
}

/* A /proc that was mounted for another namespace numbers processes in its own way. */
static bool proc_is_ours(void)
{
    char text[16];
    ssize_t n = readlink("/proc/self", text, sizeof text - 1);
    if (n <= 0)
        return false;
    text[n] = '\0';
    return strtol(text, NULL, 10) == (long)getpid();
}

/* Every process that /proc shows but ourselves. False without a /proc of ours. The list is the
 * caller's to free. */
static bool table_read(struct table *ret_table)
{
    if (!proc_is_ours())
        return false;
    DIR *dir = opendir("/proc");
    if (dir == NULL)
        return false;
    struct table table = {0};
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        char *end = NULL;
        long pid = strtol(entry->d_name, &end, 10);
        struct process process;
        if (pid <= 0 || *end != '\0' || pid == (long)getpid() || !read_stat((pid_t)pid, &process))
            continue;
        if (!table_add(&table, process))
            break;
    }
    (void)closedir(dir);
    if (table.count > 0)
        qsort(table.list, table.count, sizeof *table.list, by_pid);
    *ret_table = table;
    return true;
}

/* True when we are among the forebears. */
static bool descends_from_us(const struct table *table, const struct process *process)
{
    pid_t self = getpid();
    /* /proc was not read in one instant: a pid used again could close a circle. */
    for (size_t depth = 0; process != NULL && depth < table->count + 1; depth++) {
        if (process->parent == self)
            return true;
        process = table_find(table, process->parent);
    }
    return false;
}

/* The processes this file is about: all of the namespace as init, else our descendants. */
static bool table_read_ours(struct table *ret_table)
{
    struct table all;
    if (!table_read(&all))
        return false;
    if (getpid() != 1) {
        struct table kept = {.list = NULL};
        for (size_t i = 0; i < all.count; i++)
            if (descends_from_us(&all, &all.list[i]) && !table_add(&kept, all.list[i]))
                break;
        free(all.list);
        all = kept;
    }
    *ret_table = all;
    return true;
}

void proc_others_adopt(void)
{
    /* Kernels before 3.4 and some sandboxes refuse: then orphans go to another init, ignoring. */
    if (getpid() != 1)
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static void hang_up_terminals(void)
{
    struct table table;
    if (!table_read_ours(&table))
        return;
    for (size_t i = 0; i < table.count; i++)
        if (table.list[i].leads_terminal)
            (void)kill(table.list[i].pid, SIGHUP);
    free(table.list);
}

void proc_others_signal(int sig, pid_t group, bool hang_up)
{
    if (getpid() == 1) {
        if (kill(-1, sig) == 0 && hang_up)
            hang_up_terminals();
        return;
    }
    struct table table;
    if (!table_read_ours(&table)) {
        if (group > 0)
            (void)kill(-group, sig);
        return;
    }
    for (size_t i = 0; i < table.count; i++) {
        (void)kill(table.list[i].pid, sig);
        if (hang_up && table.list[i].leads_terminal)
            (void)kill(table.list[i].pid, SIGHUP);
    }
    free(table.list);
}

bool proc_others_foreign(void)
{
    return getpid() == 1 && kill(-1, 0) == 0;
}

/* The name of a process, as ps(1) shows it; never its arguments, which may hold secrets. */
static void read_name(pid_t pid, char out[32])
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%ld/comm", (long)pid);
    out[0] = '\0';
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = read(fd, out, 31);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

void proc_others_list(pid_t except, struct proc_others *ret_others)
{
    struct proc_others result = {.count = -1};
    struct table table;
    if (table_read_ours(&table)) {
        size_t len = 0;
        result.count = 0;
        for (size_t i = 0; i < table.count; i++) {
            if (table.list[i].pid == except)
                continue;
            result.count++;
            if (len + 48 + sizeof ", …" > sizeof result.names)
                continue;
            char name[32];
            read_name(table.list[i].pid, name);
            int n = snprintf(result.names + len, sizeof result.names - len, "%s%s %ld",
                             len > 0 ? ", " : "", name, (long)table.list[i].pid);
            len += n > 0 ? (size_t)n : 0;
            if (len + 48 + sizeof ", …" > sizeof result.names && i + 1 < table.count)
                (void)snprintf(result.names + len, sizeof result.names - len, ", …");
        }
        free(table.list);
    }
    *ret_others = result;
}
