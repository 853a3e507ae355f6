/* Which files of applied migrations are as they were: few of them, and so many that threads share
 * the work. */
#include "support.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "layout/tokens.h"
#include "migrate/unchanged.h"

#define MANY 1500

static struct migrate_applied applied[MANY];
static char sums[MANY][LAYOUT_CHECKSUM_SIZE];

static const char *name_of(int version)
{
    static char name[32];
    (void)snprintf(name, sizeof name, "%05d_m.sql", version);
    return name;
}

/* Files and records of the versions from 1. */
static struct layout_folder make(int count)
{
    struct error err;
    struct layout_folder folder;
    for (int i = 0; i < count; i++) {
        char text[64];
        int n = snprintf(text, sizeof text, "CREATE TABLE t%d(a);\n", i + 1);
        (void)put_text(name_of(i + 1), text);
        layout_checksum(text, (size_t)n, sums[i]);
        applied[i] = (struct migrate_applied){.version = i + 1, .checksum = sums[i]};
    }
    assert_ok(layout_folder_read(scratch, LAYOUT_LITEINIT, NULL, &folder, &err), &err);
    assert_int_equal(folder.count, count);
    return folder;
}

static bool *find(const struct layout_folder *folder, size_t count)
{
    return migrate_unchanged_finish(migrate_unchanged_start(folder), applied, count);
}

static void expect_all_but(const bool *same, int count, int first, int second, int third)
{
    assert_non_null(same);
    for (int i = 1; i <= count; i++)
        assert_int_equal(same[i - 1], i != first && i != second && i != third);
}

static void whatever_is_not_well_is_told(int count)
{
    struct layout_folder folder = make(count);
    bool *same = find(&folder, (size_t)count);
    expect_all_but(same, count, 0, 0, 0);
    free(same);

    /* One was edited, one is gone since the folder was listed, one is no text any more. */
    (void)put_text(name_of(2), "CREATE TABLE other(a);\n");
    assert_int_equal(unlink(scratch_path(name_of(count / 2))), 0);
    (void)put_text(name_of(count), "CREATE TABLE t(\xFF);\n");
    same = find(&folder, (size_t)count);
    expect_all_but(same, count, 2, count / 2, count);
    free(same);
    layout_folder_free(&folder);
}

static void few_files_are_told(void **state)
{
    (void)state;
    whatever_is_not_well_is_told(8);
}

static void many_files_are_told(void **state)
{
    (void)state;
    sigset_t before;
    sigset_t after;
    assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &before), 0);
    whatever_is_not_well_is_told(MANY);
    assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &after), 0);
    for (int i = 1; i < NSIG; i++)
        assert_int_equal(sigismember(&after, i), sigismember(&before, i));
}

/* Repeatable ones change as they like; without a record, or a checksum in it, nothing is known. */
static void what_cannot_be_compared_is_left_out(void **state)
{
    (void)state;
    struct error err;
    struct layout_folder folder = make(6);
    applied[2].checksum = NULL;
    applied[3].version = 1000;
    bool *same = find(&folder, 4);
    const bool expected[] = {true, true, false, false, false, false};
    assert_non_null(same);
    assert_memory_equal(same, expected, sizeof expected);
    free(same);
    layout_folder_free(&folder);

    for (int i = 1; i <= 6; i++)
        assert_int_equal(unlink(scratch_path(name_of(i))), 0);
    (void)put_text("V1__a.sql", "CREATE TABLE t1(a);\n");
    (void)put_text("R__b.sql", "CREATE TABLE t2(a);\n");
    assert_ok(layout_folder_read(scratch, LAYOUT_FLYWAY, NULL, &folder, &err), &err);
    assert_int_equal(folder.count, 2);
    applied[0] =
        (struct migrate_applied){.version = folder.migrations[1].version, .checksum = sums[1]};
    applied[1] = (struct migrate_applied){.version = 1, .checksum = sums[0]};
    same = find(&folder, 2);
    assert_non_null(same);
    assert_true(same[0]);
    assert_false(same[1]);
    free(same);
    layout_folder_free(&folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_begin, scratch_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(few_files_are_told),
        TEST(many_files_are_told),
        TEST(what_cannot_be_compared_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
