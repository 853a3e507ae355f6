/* Starting programs: what the child finds, and what is said when it cannot be started. */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "proc/reap.h"
#include "proc/signals.h"
#include "proc/spawn.h"

static char dir[64];
static sigset_t before;

static int begin(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/liteinit-spawn-XXXXXX");
    proc_signals_block_all(&before);
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int end(void **state)
{
    (void)state;
    proc_signals_set_mask(&before);
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *make_file(const char *name, const char *data, size_t size, mode_t mode)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), (ssize_t)size);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
    return path;
}

static int run(struct proc_spawn *spec)
{
    struct error err;
    pid_t pid = 0;
    int status = 0;
    spec->mask = &before;
    if (proc_spawn(spec, &pid, &status, &err) != 0)
        fail_msg("not started: %s", err.msg);
    int ended = 0;
    assert_int_equal(waitpid(pid, &ended, 0), pid);
    return ended;
}

static int run_shell(const char *script, const struct proc_spawn *spec)
{
    char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char *)(uintptr_t)script, NULL};
    struct proc_spawn full = *spec;
    full.argv = argv;
    return run(&full);
}

static void expect_failure(const char *command, int status, const char *message, const char *hint)
{
    struct error err = {.kind = ERROR_NONE};
    char *argv[] = {(char *)(uintptr_t)command, NULL};
    struct proc_spawn spec = {.argv = argv, .fd = -1, .mask = &before};
    pid_t pid = -7;
    int got = 0;
    assert_int_equal(proc_spawn(&spec, &pid, &got, &err), -1);
    assert_int_equal(pid, -7);
    assert_int_equal(got, status);
    if (strstr(err.msg, message) == NULL || strstr(err.msg, command) == NULL)
        fail_msg("the message is: %s", err.msg);
    if (strstr(err.hint, hint) == NULL)
        fail_msg("the hint is: %s", err.hint);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no process is left */
}

static void child_leads_a_group_of_its_own(void **state)
{
    (void)state;
    struct proc_spawn spec = {.fd = -1};
    assert_int_equal(run_shell("set -- $(cut -d' ' -f1,5 /proc/$$/stat); test $1 = $2", &spec), 0);
}

/* The line of /proc/PID/status that shows this mask: 16 hexadecimal digits. */
static uint64_t own_mask(const char *name)
{
    char line[128];
    uint64_t mask = 0;
    FILE *file = fopen("/proc/self/status", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            mask = strtoull(line + strlen(name), NULL, 16);
    assert_int_equal(fclose(file), 0);
    return mask;
}

static int child_shows(const char *name, uint64_t mask, const struct proc_spawn *spec)
{
    /* Without a shell, which has a mask of its own while it waits. */
    char line[64];
    char *argv[] = {(char[]){"grep"}, (char[]){"-q"}, line, (char[]){"/proc/self/status"}, NULL};
    (void)snprintf(line, sizeof line, "^%s\t%016llx$", name, (unsigned long long)mask);
    struct proc_spawn full = *spec;
    full.argv = argv;
    return run(&full);
}

static void child_gets_the_mask_of_before(void **state)
{
    (void)state;
    sigset_t saved = before;
    uint64_t mask = 0;
    struct proc_spawn spec = {.fd = -1};
    memcpy(&mask, &before, sizeof mask);
    assert_int_equal(child_shows("SigBlk:", mask, &spec), 0);
    mask ^= UINT64_C(1) << (SIGUSR1 - 1) | UINT64_C(1) << (PROC_SIGNAL_HALT - 1);
    memcpy(&before, &mask, sizeof mask);
    int status = child_shows("SigBlk:", mask, &spec);
    before = saved;
    assert_int_equal(status, 0);
}

static void children_may_be_ignored(void **state)
{
    (void)state;
    const uint64_t ours = own_mask("SigIgn:");
    struct proc_spawn spec = {.fd = -1, .ignore_children = true};
    assert_int_equal(child_shows("SigIgn:", ours | UINT64_C(1) << (SIGCHLD - 1), &spec), 0);
    struct proc_spawn plain = {.fd = -1};
    assert_int_equal(child_shows("SigIgn:", ours, &plain), 0);
}

static void descriptor_is_handed_over_as_three(void **state)
{
    (void)state;
    const char *path = make_file("lock", "held", 4, 0600);
    for (int wanted = PROC_SPAWN_FD; wanted < PROC_SPAWN_FD + 5; wanted += 4) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        if (fd != wanted) {
            assert_int_equal(dup3(fd, wanted, O_CLOEXEC), wanted);
            (void)close(fd);
        }
        struct proc_spawn spec = {.fd = wanted};
        assert_int_equal(run_shell("test \"$(cat <&3)\" = held", &spec), 0);
        /* Still ours, and still closed in everybody else. */
        struct proc_spawn other = {.fd = -1};
        assert_int_not_equal(run_shell("cat <&3 2>/dev/null", &other), 0);
        assert_int_equal(fcntl(wanted, F_GETFD), FD_CLOEXEC);
        assert_int_equal(close(wanted), 0);
    }
}

static void variables_are_added_and_internal_ones_replaced(void **state)
{
    (void)state;
    assert_int_equal(setenv("LITEINIT_INTERNAL_OLD", "1", 1), 0);
    const char *const variables[] = {"LITEINIT_INTERNAL_LOCK_FD=3", NULL};
    struct proc_spawn spec = {.fd = -1, .variables = variables};
    assert_int_equal(run_shell("test \"$LITEINIT_INTERNAL_LOCK_FD\" = 3 && test -n \"$PATH\" && "
                               "test -z \"$LITEINIT_INTERNAL_OLD\"",
                               &spec),
                     0);
    assert_int_equal(unsetenv("LITEINIT_INTERNAL_OLD"), 0);
    struct proc_spawn plain = {.fd = -1};
    assert_int_equal(run_shell("test -z \"$LITEINIT_INTERNAL_LOCK_FD\"", &plain), 0);
}

static void missing_command_is_127(void **state)
{
    (void)state;
    char path[128];
    expect_failure("no-such-command", 127, "in no folder of PATH", "typing error");
    expect_failure("/no/such/command", 127, "not found", "typing error");
    expect_failure("bin/app", 127, "not found", "WORKDIR");
    expect_failure("python app.py", 127, "PATH", "write each word apart");
    expect_failure("", 127, "PATH", "empty word");
    (void)snprintf(path, sizeof path, "%s",
                   make_file("script", "#!/no/such/interpreter -x\n", 26, 0755));
    expect_failure(path, 127, "interpreter /no/such/interpreter is not found", "install");
    (void)snprintf(path, sizeof path, "%s",
                   make_file("windows", "#!/bin/sh\r\ntrue\r\n", 17, 0755));
    expect_failure(path, 127, "Windows line ends", "sed -i");
}

static void unusable_command_is_126(void **state)
{
    (void)state;
    char path[128];
    static const char foreign[64] = "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\266"; /* 182: none */
    static char other[64];
    memcpy(other, foreign, sizeof other);
#if defined(__aarch64__)
    other[18] = 62; /* x86-64 */
    other[19] = 0;
#else
    other[18] = (char)183; /* AArch64 */
    other[19] = 0;
#endif
    expect_failure(dir, 126, "is a folder", "inside");
    (void)snprintf(path, sizeof path, "%s", make_file("plain", "#!/bin/sh\n", 10, 0644));
    expect_failure(path, 126, "Permission denied", "chmod +x");
    (void)snprintf(path, sizeof path, "%s", make_file("text", "echo hello\n", 11, 0755));
    expect_failure(path, 126, "format", "#!/bin/sh");
    (void)snprintf(path, sizeof path, "%s", make_file("empty", "", 0, 0755));
    expect_failure(path, 126, "format", "empty");
    (void)snprintf(path, sizeof path, "%s", make_file("other", other, sizeof other, 0755));
    expect_failure(path, 126, "format", "--platform");
}

/* execvp(3): a file that may not be executed is passed over for a later one, and remembered when
 * there is none. */
static void path_is_searched_like_execvp(void **state)
{
    (void)state;
    char saved[4096];
    char search[320];
    char first[128];
    char second[128];
    (void)snprintf(saved, sizeof saved, "%s", getenv("PATH"));
    (void)snprintf(first, sizeof first, "%s/first", dir);
    (void)snprintf(second, sizeof second, "%s/second", dir);
    assert_int_equal(mkdir(first, 0755), 0);
    assert_int_equal(mkdir(second, 0755), 0);
    (void)make_file("first/tool", "#!/bin/sh\nexit 1\n", 17, 0644);
    (void)snprintf(search, sizeof search, "/no/such/folder:%s:%s", first, second);
    assert_int_equal(setenv("PATH", search, 1), 0);
    expect_failure("tool", 126, "Permission denied", "first/tool");

    (void)make_file("second/tool", "#!/bin/sh\nexit 42\n", 18, 0755);
    char *argv[] = {(char[]){"tool"}, NULL};
    struct proc_spawn spec = {.argv = argv, .fd = -1};
    int status = run(&spec);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);

    (void)make_file("second/broken", "#!/no/such/interpreter\n", 23, 0755);
    expect_failure("broken", 127, "/no/such/interpreter", "install");
    assert_int_equal(setenv("PATH", saved, 1), 0);
}

static void count(void *context, pid_t pid, int status)
{
    (void)pid;
    *(int *)context += WEXITSTATUS(status);
}

static void all_that_ended_are_reaped(void **state)
{
    (void)state;
    int sum = 0;
    assert_false(proc_reap(count, &sum));
    char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"exit 1"}, NULL};
    for (int i = 0; i < 20; i++) {
        struct proc_spawn spec = {.argv = argv, .fd = -1, .mask = &before};
        struct error err;
        pid_t pid = 0;
        int status = 0;
        assert_int_equal(proc_spawn(&spec, &pid, &status, &err), 0);
    }
    while (proc_reap(count, &sum))
        (void)usleep(1000);
    assert_int_equal(sum, 20);
}

static void signals_have_their_names(void **state)
{
    (void)state;
    assert_string_equal(signal_name(SIGTERM), "SIGTERM");
    assert_string_equal(signal_name(PROC_SIGNAL_HALT), "SIGRTMIN+3");
    assert_string_equal(signal_name(64), "SIGRTMIN+30");
    assert_string_equal(signal_name(0), "unknown signal");
    assert_string_equal(signal_name(65), "unknown signal");
    for (int i = 1; i <= SIGNAL_MAX; i++)
        assert_string_not_equal(signal_name(i), "unknown signal");
    assert_true(signal_is_crash(SIGSEGV));
    assert_false(signal_is_crash(SIGKILL));
}

/* The C libraries leave out the real-time signals that they use themselves; the kernel does not. */
static void every_signal_is_blocked(void **state)
{
    (void)state;
    sigset_t mask;
    proc_signals_block_all(&mask);
    /* All but SIGKILL and SIGSTOP, which the kernel leaves out. */
    assert_int_equal(own_mask("SigBlk:"),
                     ~(UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_leads_a_group_of_its_own),
        cmocka_unit_test(child_gets_the_mask_of_before),
        cmocka_unit_test(children_may_be_ignored),
        cmocka_unit_test(descriptor_is_handed_over_as_three),
        cmocka_unit_test(variables_are_added_and_internal_ones_replaced),
        cmocka_unit_test(missing_command_is_127),
        cmocka_unit_test(unusable_command_is_126),
        cmocka_unit_test(path_is_searched_like_execvp),
        cmocka_unit_test(all_that_ended_are_reaped),
        cmocka_unit_test(signals_have_their_names),
        cmocka_unit_test(every_signal_is_blocked),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
