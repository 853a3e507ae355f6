/* One liteinit at a time: the lock between processes, handed on, waited for, and named. */
#include "support.h"

#include <fcntl.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/worker.h"
#include "store/interrupt.h"
#include "store/lock.h"

static struct store_location location;

static int setup(void **state)
{
    struct error err;
    if (scratch_begin(state) != 0)
        return -1;
    return store_locate(scratch_path("app.db"), &location, &err);
}

static int open_ok(void)
{
    struct error err;
    int fd = -1;
    assert_ok(store_lock_open(&location, &fd, &err), &err);
    assert_true(fd >= 0);
    return fd;
}

/* A process that takes the lock and keeps it until its pipe is closed. */
struct holder {
    pid_t pid;
    int pipe;
};

static struct holder start_holder(void)
{
    struct holder holder;
    int up[2];
    int down[2];
    char byte = 0;
    assert_int_equal(pipe2(up, O_CLOEXEC), 0);
    assert_int_equal(pipe2(down, O_CLOEXEC), 0);
    holder.pid = fork();
    assert_true(holder.pid >= 0);
    if (holder.pid == 0) {
        struct error err;
        int fd = -1;
        (void)close(up[0]);
        (void)close(down[1]);
        if (store_lock_open(&location, &fd, &err) != 0 ||
            store_lock_take(&location, fd, 0, &err) != 0 || write(up[1], "x", 1) != 1)
            _exit(1);
        (void)!read(down[0], &byte, 1);
        _exit(0);
    }
    (void)close(up[1]);
    (void)close(down[0]);
    holder.pipe = down[1];
    assert_int_equal(read(up[0], &byte, 1), 1);
    (void)close(up[0]);
    return holder;
}

static void end_holder(const struct holder *holder)
{
    int status = 0;
    (void)close(holder->pipe);
    assert_int_equal(waitpid(holder->pid, &status, 0), holder->pid);
    assert_int_equal(status, 0);
}

static int takes_at_once(void *context)
{
    struct error err = {.kind = ERROR_NONE};
    int fd = -1;
    (void)context;
    if (store_lock_open(&location, &fd, &err) != 0)
        return 1;
    return store_lock_take(&location, fd, 0, &err) == 0 ? 42 : (int)err.kind;
}

static void file_is_private_and_closed_on_exec(void **state)
{
    (void)state;
    struct stat st;
    int fd = open_ok();
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_true(is_there(scratch_path("app.db.liteinit.lock")));
    assert_false(is_there(scratch_path("app.db")));
    (void)close(fd);
    /* It is used again, whatever is in it. */
    (void)put_text("app.db.liteinit.lock", "rubbish without an end");
    fd = open_ok();
    struct error err;
    assert_ok(store_lock_take(&location, fd, 0, &err), &err);
    char *text = get_file(scratch_path("app.db.liteinit.lock"), NULL);
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "pid %ld on host ", (long)getpid());
    assert_int_equal(strncmp(text, wanted, strlen(wanted)), 0);
    assert_null(strstr(text, "rubbish"));
    free(text);
    (void)close(fd);
}

static void only_one_has_it(void **state)
{
    (void)state;
    struct error err;
    struct holder holder = start_holder();
    int fd = open_ok();
    assert_false(store_lock_try(fd));
    int64_t start = clock_monotonic_ms();
    assert_fails(store_lock_take(&location, fd, 120, &err), &err, ERROR_BUSY,
                 "another liteinit holds the database");
    assert_true(clock_monotonic_ms() - start >= 120);
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "(pid %ld on host ", (long)holder.pid);
    assert_says(err.msg, wanted);
    assert_says(err.msg, "waited 120 ms");
    assert_says(err.msg, location.db);
    assert_says(err.hint, "--lock-timeout");
    end_holder(&holder);
    assert_true(store_lock_try(fd));
    assert_int_equal(status_of_child(takes_at_once, NULL, false), ERROR_BUSY);
    (void)close(fd);
    assert_int_equal(status_of_child(takes_at_once, NULL, false), 42);
}

static void holder_that_is_killed_gives_it_back(void **state)
{
    (void)state;
    struct error err;
    int status = 0;
    struct holder holder = start_holder();
    int fd = open_ok();
    assert_int_equal(kill(holder.pid, SIGKILL), 0);
    assert_int_equal(waitpid(holder.pid, &status, 0), holder.pid);
    assert_ok(store_lock_take(&location, fd, 10000, &err), &err);
    (void)close(holder.pipe);
    (void)close(fd);
}

static void waiting_ends_when_it_is_free(void **state)
{
    (void)state;
    struct error err;
    struct holder holder = start_holder();
    int fd = open_ok();
    pid_t freer = fork();
    assert_true(freer >= 0);
    if (freer == 0) {
        /* The holder ends when the last copy of its pipe is closed: this one. */
        clock_sleep_ms(150);
        _exit(0);
    }
    (void)close(holder.pipe);
    assert_false(store_lock_try(fd));
    assert_ok(store_lock_take(&location, fd, 20000, &err), &err);
    assert_int_equal(waitpid(freer, NULL, 0), freer);
    assert_int_equal(waitpid(holder.pid, NULL, 0), holder.pid);
    (void)close(fd);
}

static void silent_holder_is_named_as_such(void **state)
{
    (void)state;
    struct error err;
    int silent = open_ok();
    int fd = open_ok();
    assert_int_equal(flock(silent, LOCK_EX), 0);
    assert_fails(store_lock_take(&location, fd, 0, &err), &err, ERROR_BUSY,
                 "it did not say who it is");
    /* A holder's text may be anything: one line of it is shown. */
    assert_int_equal(pwrite(silent, "first\nsecond", 12, 0), 12);
    assert_fails(store_lock_take(&location, fd, 0, &err), &err, ERROR_BUSY, "(first)");
    (void)close(silent);
    (void)close(fd);
}

/* A worker: takes the lock through the descriptor that it was given, and ends. */
static int worker_takes_it(void *context)
{
    struct error err = {.kind = ERROR_NONE};
    char text[16];
    int fd = -1;
    (void)snprintf(text, sizeof text, "%d", *(int *)context);
    if (setenv(WORKER_LOCK_FD, text, 1) != 0 || store_lock_inherit(&location, &fd, &err) != 0)
        return 1;
    if (fd != *(int *)context || fcntl(fd, F_GETFD) != FD_CLOEXEC)
        return 2;
    if (store_lock_take(&location, fd, 0, &err) != 0)
        return 3;
    return 42;
}

static void what_a_worker_takes_is_its_parents(void **state)
{
    (void)state;
    struct error err;
    int fd = open_ok();
    int handed = fcntl(fd, F_DUPFD, 7); /* without O_CLOEXEC, as after a spawn */
    assert_true(handed >= 7);
    assert_int_equal(status_of_child(worker_takes_it, &handed, false), 42);
    /* The worker is gone, the lock stays, and the file names the parent. */
    assert_int_equal(status_of_child(takes_at_once, NULL, false), ERROR_BUSY);
    assert_true(store_lock_try(fd));
    char *text = get_file(scratch_path("app.db.liteinit.lock"), NULL);
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "pid %ld on host ", (long)getpid());
    assert_says(text, wanted);
    free(text);
    /* A further worker finds it taken by its own description. */
    assert_int_equal(status_of_child(worker_takes_it, &handed, false), 42);
    (void)close(fd);
    assert_int_equal(status_of_child(takes_at_once, NULL, false), ERROR_BUSY);
    (void)close(handed);
    assert_ok(store_lock_open(&location, &fd, &err), &err);
    assert_ok(store_lock_take(&location, fd, 0, &err), &err);
    (void)close(fd);
}

static void wrong_descriptor_is_not_believed(void **state)
{
    (void)state;
    struct error err;
    char text[16];
    int other = open(put_text("other", ""), O_RDWR | O_CLOEXEC);
    assert_true(other >= 3);
    (void)snprintf(text, sizeof text, "%d", other);
    const char *const values[] = {text, "999", "-1", "0", "", "nonsense", "3x", "99999999999"};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        int fd = -1;
        assert_int_equal(setenv(WORKER_LOCK_FD, values[i], 1), 0);
        assert_ok(store_lock_inherit(&location, &fd, &err), &err);
        assert_true(fd >= 3 && fd != other);
        assert_true(store_lock_try(fd));
        (void)close(fd);
    }
    assert_int_equal(unsetenv(WORKER_LOCK_FD), 0);
    int fd = -1;
    assert_ok(store_lock_inherit(&location, &fd, &err), &err);
    (void)close(fd);
    (void)close(other);
}

static void no_file_can_be_made(void **state)
{
    (void)state;
    struct error err;
    int fd = -7;
    assert_int_equal(mkdir(scratch_path("app.db.liteinit.lock"), 0700), 0);
    assert_fails(store_lock_open(&location, &fd, &err), &err, ERROR_IO,
                 "cannot open the lock file");
    assert_int_equal(rmdir(scratch_path("app.db.liteinit.lock")), 0);
    assert_int_equal(symlink("elsewhere", scratch_path("app.db.liteinit.lock")), 0);
    assert_int_equal(store_lock_open(&location, &fd, &err), -1); /* a planted link */
    assert_false(is_there(scratch_path("elsewhere")));
    (void)snprintf(location.db, sizeof location.db, "%s/no/app.db", scratch);
    (void)snprintf(location.dir, sizeof location.dir, "%s/no", scratch);
    assert_fails(store_lock_open(&location, &fd, &err), &err, ERROR_NOT_FOUND, "not there");
    assert_int_equal(fd, -7);
}

static int is_not_allowed(void *context)
{
    struct error err = {.kind = ERROR_NONE};
    int fd = -1;
    (void)context;
    if (store_lock_open(&location, &fd, &err) == 0)
        return 1;
    if (err.kind != ERROR_PERMISSION || strstr(err.msg, "mode 0555") == NULL)
        return 2;
    return err.hint[0] != '\0' ? 42 : 3;
}

static void closed_folder_is_named(void **state)
{
    (void)state;
    assert_int_equal(chmod(scratch, 0555), 0);
    assert_int_equal(status_of_child(is_not_allowed, NULL, true), 42);
    assert_int_equal(chmod(scratch, 0755), 0);
}

static int waits_until_stopped(void *context)
{
    struct error err = {.kind = ERROR_NONE};
    int fd = -1;
    store_interrupt_setup();
    if (store_lock_open(&location, &fd, &err) != 0)
        return 1;
    if (write(*(int *)context, "x", 1) != 1)
        return 2;
    if (store_lock_take(&location, fd, 60000, &err) == 0)
        return 3;
    return err.kind == ERROR_INTERRUPTED ? 42 : 4;
}

static void stop_signal_ends_the_waiting(void **state)
{
    (void)state;
    int ends[2];
    int status = 0;
    char byte = 0;
    struct holder holder = start_holder();
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(waits_until_stopped(&ends[1]));
    assert_int_equal(read(ends[0], &byte, 1), 1);
    int64_t start = clock_monotonic_ms();
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
    assert_true(clock_monotonic_ms() - start < 30000);
    end_holder(&holder);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(file_is_private_and_closed_on_exec, setup, scratch_end),
        cmocka_unit_test_setup_teardown(only_one_has_it, setup, scratch_end),
        cmocka_unit_test_setup_teardown(holder_that_is_killed_gives_it_back, setup, scratch_end),
        cmocka_unit_test_setup_teardown(waiting_ends_when_it_is_free, setup, scratch_end),
        cmocka_unit_test_setup_teardown(silent_holder_is_named_as_such, setup, scratch_end),
        cmocka_unit_test_setup_teardown(what_a_worker_takes_is_its_parents, setup, scratch_end),
        cmocka_unit_test_setup_teardown(wrong_descriptor_is_not_believed, setup, scratch_end),
        cmocka_unit_test_setup_teardown(no_file_can_be_made, setup, scratch_end),
        cmocka_unit_test_setup_teardown(closed_folder_is_named, setup, scratch_end),
        cmocka_unit_test_setup_teardown(stop_signal_ends_the_waiting, setup, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
