/* The line about what the holder of the lock does. */
#include "support.h"

#include <fcntl.h>

#include "store/activity.h"
#include "store/lock.h"

static int fd = -1;

static int setup(void **state)
{
    if (scratch_begin(state) != 0)
        return -1;
    fd = open(scratch_path("lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return fd >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)close(fd);
    return scratch_end(state);
}

static struct store_activity full(void)
{
    return (struct store_activity){
        .phase = "migrating",
        .file = "003_a name.sql",
        .number = 2,
        .of = 5,
        .statement = 3,
        .statements = 7,
        .pages = 1234,
        .elapsed_ms = 43000,
    };
}

static void assert_describes(const struct store_activity *activity, const char *text)
{
    char out[512];
    store_activity_describe(activity, out, sizeof out);
    assert_string_equal(out, text);
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    struct store_activity read;
    const struct store_activity written = full();
    assert_false(store_activity_read(fd, &read));
    store_activity_write(fd, &written);
    assert_true(store_activity_read(fd, &read));
    assert_string_equal(read.phase, written.phase);
    assert_string_equal(read.file, written.file);
    assert_int_equal(read.number, 2);
    assert_int_equal(read.of, 5);
    assert_int_equal(read.statement, 3);
    assert_int_equal(read.statements, 7);
    assert_int_equal(read.pages, 1234);
    assert_int_equal(read.elapsed_ms, 43000);
    assert_describes(&read, "migrating 003_a name.sql (2 of 5), statement 3 of 7, for 43.0 s");
    store_activity_write(fd, NULL);
    assert_false(store_activity_read(fd, &read));
}

static void test_a_shorter_one_leaves_nothing_of_the_longer(void **state)
{
    (void)state;
    struct store_activity read;
    const struct store_activity longer = full();
    const struct store_activity shorter = {.phase = "checking"};
    store_activity_write(fd, &longer);
    store_activity_write(fd, &shorter);
    assert_true(store_activity_read(fd, &read));
    assert_string_equal(read.file, "");
    assert_int_equal(read.of, 0);
    assert_describes(&read, "checking");
}

static void test_the_size_stays(void **state)
{
    (void)state;
    struct stat st;
    struct store_activity activity = full();
    store_activity_write(fd, &activity);
    assert_int_equal(fstat(fd, &st), 0);
    off_t size = st.st_size;
    memset(activity.file, 'x', sizeof activity.file - 1);
    store_activity_write(fd, &activity);
    store_activity_write(fd, NULL);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, size);
    /* It is behind the line of who holds it. */
    assert_true(size > STORE_LOCK_HOLDER_SIZE);
}

static void test_extremes(void **state)
{
    (void)state;
    struct store_activity read;
    struct store_activity activity = {
        .number = INT64_MIN,
        .of = INT64_MIN,
        .statement = INT64_MIN,
        .statements = INT64_MIN,
        .pages = INT64_MIN,
        .elapsed_ms = INT64_MIN,
    };
    memset(activity.phase, 'p', sizeof activity.phase - 1);
    memset(activity.file, 'f', sizeof activity.file - 1);
    store_activity_write(fd, &activity);
    assert_true(store_activity_read(fd, &read));
    assert_string_equal(read.phase, activity.phase);
    assert_string_equal(read.file, activity.file);
    assert_int_equal(read.elapsed_ms, INT64_MIN);
    /* One line, whatever the file is called. */
    activity = full();
    (void)snprintf(activity.file, sizeof activity.file, "a\nb\tc");
    store_activity_write(fd, &activity);
    assert_true(store_activity_read(fd, &read));
    assert_string_equal(read.file, "a?b\tc");
    (void)snprintf(activity.file, sizeof activity.file, "\x1b[2J\xff.sql");
    store_activity_write(fd, &activity);
    assert_true(store_activity_read(fd, &read));
    assert_string_equal(read.file, "?[2J?.sql");
}

/* Nobody who can write the lock file may crash or fool a reader. */
static void test_what_others_wrote(void **state)
{
    (void)state;
    static const char *const lines[] = {"",
                                        "\n",
                                        "x",
                                        "migrating\n",
                                        "migrating\t1\t2\n",
                                        "\t1\t2\t3\t4\t5\t6\tfile\n",
                                        "a\tb\tc\td\te\tf\tg\th\n"};
    struct store_activity read;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, lines[i], strlen(lines[i]), STORE_LOCK_HOLDER_SIZE),
                         strlen(lines[i]));
        assert_false(store_activity_read(fd, &read));
    }
    char noise[2048];
    memset(noise, 'x', sizeof noise);
    assert_int_equal(pwrite(fd, noise, sizeof noise, 0), sizeof noise);
    assert_false(store_activity_read(fd, &read));
}

static void test_small_buffers(void **state)
{
    (void)state;
    const struct store_activity activity = full();
    for (size_t size = 1; size < 80; size++) {
        char out[80];
        memset(out, 'z', sizeof out);
        store_activity_describe(&activity, out, size);
        assert_true(strnlen(out, size) < size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_written_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_shorter_one_leaves_nothing_of_the_longer, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_size_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_extremes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_others_wrote, setup, teardown),
        cmocka_unit_test(test_small_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
