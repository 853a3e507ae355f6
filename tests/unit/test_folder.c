/* The folder of migrations: which files count, what belongs together, what is refused. */
#include "support.h"

#include <fcntl.h>

#include "layout/script.h"

static struct layout_folder read_ok(void)
{
    struct error err;
    struct layout_folder folder;
    assert_ok(layout_folder_read(scratch, LAYOUT_DETECT, NULL, &folder, &err), &err);
    assert_string_equal(folder.path, scratch);
    return folder;
}

static void assert_refused(enum error_kind kind, const char *msg, const char *hint)
{
    struct error err;
    struct layout_folder folder;
    memset(&folder, 0x5A, sizeof folder);
    struct layout_folder untouched = folder;
    assert_fails(layout_folder_read(scratch, LAYOUT_DETECT, NULL, &folder, &err), &err, kind, msg);
    assert_says(err.hint, hint);
    assert_memory_equal(&folder, &untouched, sizeof folder);
}

/* Makes empty files and reads the folder. */
static struct layout_folder with_files(const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)put_text(names[i], "");
    return read_ok();
}

static void assert_file(const struct layout_folder *folder, size_t i, int64_t version,
                        const char *name, const char *up, const char *down)
{
    assert_true(i < folder->count);
    const struct layout_migration *file = &folder->migrations[i];
    assert_int_equal(file->version, version);
    assert_string_equal(file->name, name);
    assert_string_equal(file->up, up);
    if (down == NULL)
        assert_null(file->down);
    else
        assert_string_equal(file->down, down);
}

static void empty_folder_has_none(void **state)
{
    (void)state;
    struct layout_folder folder = read_ok();
    assert_int_equal(folder.count, 0);
    assert_int_equal(folder.ignored, 0);
    layout_folder_free(&folder);
    layout_folder_free(&folder);
}

static void names_are_taken_apart(void **state)
{
    (void)state;
    static const char *const names[] = {"001_init.sql",
                                        "001_init_down.sql",
                                        "2-add-b.up.sql",
                                        "2-add-b.down.sql",
                                        "0000000000000000000003_c.sql",
                                        "4.sql",
                                        "4_down.sql",
                                        "005.name.sql",
                                        "6_slow_down.up.sql",
                                        "20260120094000_a_b.sql",
                                        "9223372036854775807_last.sql"};
    struct layout_folder folder = with_files(names, COUNT_OF(names));
    assert_int_equal(folder.count, 8);
    assert_file(&folder, 0, 1, "init", "001_init.sql", "001_init_down.sql");
    assert_file(&folder, 1, 2, "add-b", "2-add-b.up.sql", "2-add-b.down.sql");
    assert_file(&folder, 2, 3, "c", "0000000000000000000003_c.sql", NULL);
    assert_file(&folder, 3, 4, "", "4.sql", "4_down.sql");
    assert_file(&folder, 4, 5, "name", "005.name.sql", NULL);
    assert_file(&folder, 5, 6, "slow_down", "6_slow_down.up.sql", NULL);
    assert_file(&folder, 6, INT64_C(20260120094000), "a_b", "20260120094000_a_b.sql", NULL);
    assert_file(&folder, 7, INT64_MAX, "last", "9223372036854775807_last.sql", NULL);
    layout_folder_free(&folder);
}

static void numbers_order_not_letters(void **state)
{
    (void)state;
    static const char *const names[] = {"10_j.sql", "9_i.sql", "0011_k.sql", "2_b.sql", "1_a.sql"};
    static const int64_t versions[] = {1, 2, 9, 10, 11};
    struct layout_folder folder = with_files(names, COUNT_OF(names));
    assert_int_equal(folder.count, COUNT_OF(versions));
    for (size_t i = 0; i < folder.count; i++)
        assert_int_equal(folder.migrations[i].version, versions[i]);
    layout_folder_free(&folder);
}

static void other_files_are_left_alone(void **state)
{
    (void)state;
    static const char *const names[] = {"1_a.sql",  "README.md",    "schema.sql", ".2_hidden.sql",
                                        "2_b.sql~", "2_b.sql.orig", "3_c.txt",    "seed.sql"};
    struct layout_folder folder = with_files(names, COUNT_OF(names));
    assert_int_equal(folder.count, 1);
    assert_int_equal(folder.ignored, 2);
    layout_folder_free(&folder);
}

static void only_files_without_numbers_is_a_mistake(void **state)
{
    (void)state;
    (void)put_text("init.sql", "");
    assert_refused(ERROR_CONFIG, "none of the 1 .sql files", "001_");
}

static void unusable_numbers_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"0_a.sql",   "000_a.sql",
                                        "1a.sql",    "1 a.sql",
                                        "12x_a.sql", "9223372036854775808_a.sql",
                                        "1,a.sql",   "000000000000000000000000000001_a.sql"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)put_text(names[i], "");
        assert_refused(ERROR_CONFIG, names[i], "007_what_it_does.sql");
        assert_int_equal(unlink(scratch_path(names[i])), 0);
    }
    (void)put_text("1_\n.sql.sql", "");
    assert_refused(ERROR_CONFIG, "control character", "ls -b");
}

static void one_number_twice_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *first;
        const char *second;
    } cases[] = {{"1_a.sql", "1_b.sql"},
                 {"1_a.sql", "001_a.sql"},
                 {"1_a.sql", "1_a.up.sql"},
                 {"0000001_a.sql", "1.sql"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        (void)put_text(cases[i].first, "");
        (void)put_text(cases[i].second, "");
        assert_refused(ERROR_CONFIG, "have the number 1", "next free number");
        assert_refused(ERROR_CONFIG, cases[i].first, "");
        assert_refused(ERROR_CONFIG, cases[i].second, "");
        assert_int_equal(unlink(scratch_path(cases[i].first)), 0);
        assert_int_equal(unlink(scratch_path(cases[i].second)), 0);
    }
    (void)put_text("1_a.sql", "");
    (void)put_text("1_a_down.sql", "");
    (void)put_text("1_a.down.sql", "");
    assert_refused(ERROR_CONFIG, "have the number 1", "next free number");
}

static void down_without_up_is_refused(void **state)
{
    (void)state;
    (void)put_text("1_a.sql", "");
    (void)put_text("2_b_down.sql", "");
    assert_refused(ERROR_CONFIG, "2_b_down.sql takes version 2 back", ".up.sql");
}

static void many_files_are_sorted(void **state)
{
    (void)state;
    for (int i = 2000; i >= 1; i--) {
        char name[64];
        (void)snprintf(name, sizeof name, "%d_m.sql", i);
        (void)put_text(name, "");
    }
    struct layout_folder folder = read_ok();
    assert_int_equal(folder.count, 2000);
    for (size_t i = 0; i < 2000; i++) {
        assert_int_equal(folder.migrations[i].version, i + 1);
        assert_int_equal(strtoll(folder.migrations[i].up, NULL, 10), (long long)i + 1);
    }
    layout_folder_free(&folder);
}

/* "1_…" and "0001_…_down" stand far apart in a listing. */
static void halves_far_apart_are_joined(void **state)
{
    (void)state;
    char name[64];
    for (int i = 1; i <= 100; i++) {
        (void)snprintf(name, sizeof name, i % 2 != 0 ? "%d_m.sql" : "%04d_m.sql", i);
        (void)put_text(name, "");
        (void)snprintf(name, sizeof name, i % 2 != 0 ? "%04d_m_down.sql" : "%d_m_down.sql", i);
        (void)put_text(name, "");
    }
    struct layout_folder folder = read_ok();
    assert_int_equal(folder.count, 100);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(strtoll(folder.migrations[i].up, NULL, 10), (long long)i + 1);
        assert_int_equal(strtoll(folder.migrations[i].down, NULL, 10), (long long)i + 1);
        assert_string_equal(folder.migrations[i].name, "m");
    }
    layout_folder_free(&folder);

    (void)put_text("00000001_twice.sql", "");
    assert_refused(ERROR_CONFIG, "have the number 1", "next free number");
    assert_int_equal(unlink(scratch_path("00000001_twice.sql")), 0);
    (void)put_text("00000100_m_down.sql", "");
    assert_refused(ERROR_CONFIG, "have the number 100", "next free number");
}

static void folder_itself_may_be_missing(void **state)
{
    (void)state;
    struct error err;
    struct layout_folder folder;
    assert_fails(layout_folder_read(scratch_path("none"), LAYOUT_DETECT, NULL, &folder, &err), &err,
                 ERROR_NOT_FOUND, "none");
    assert_says(err.hint, "--migrations");
    assert_fails(layout_folder_read(put_text("file", ""), LAYOUT_DETECT, NULL, &folder, &err), &err,
                 ERROR_NOT_FOUND, "Not a directory");
}

static int reads_closed_folder(void *context)
{
    struct error err = {.kind = ERROR_NONE};
    struct layout_folder folder;
    if (layout_folder_read(context, LAYOUT_DETECT, NULL, &folder, &err) == 0)
        return 1;
    return err.kind == ERROR_PERMISSION && err.hint[0] != '\0' ? 42 : 2;
}

static void closed_folder_comes_with_its_remedy(void **state)
{
    (void)state;
    assert_int_equal(chmod(scratch, 0), 0);
    assert_int_equal(status_of_child(reads_closed_folder, scratch, true), 42);
    assert_int_equal(chmod(scratch, 0700), 0);
}

/* The script of file number i, which may fail. */
static int load(const struct layout_folder *folder, size_t i, struct layout_script *ret_script,
                struct error *err)
{
    return layout_script_load(folder, &folder->migrations[i], LAYOUT_UP, ret_script, err);
}

static void files_are_loaded_whole(void **state)
{
    (void)state;
    struct error err;
    struct layout_script script;
    (void)put_text("1_a.sql", "SELECT 1;\n");
    (void)put_file("2_b.sql", "SELECT 1;\nSELECT\0 2;", 20);
    (void)put_file("3_utf16.sql", "\xFF\xFES\0E\0", 6);
    (void)put_text("4_empty.sql", "");
    assert_int_equal(mkdir(scratch_path("5_folder.sql"), 0700), 0);
    struct layout_folder folder = read_ok();
    assert_ok(load(&folder, 0, &script, &err), &err);
    assert_string_equal(script.text, "SELECT 1;\n");
    assert_string_equal(script.file, "1_a.sql");
    assert_int_equal(script.size, 10);
    layout_script_free(&script);
    assert_ok(load(&folder, 3, &script, &err), &err);
    assert_int_equal(script.size, 0);
    layout_script_free(&script);
    assert_fails(load(&folder, 1, &script, &err), &err, ERROR_DATA,
                 "2_b.sql holds a NUL byte in line 2");
    assert_string_equal(err.file, "2_b.sql");
    assert_int_equal(err.line, 2);
    assert_fails(load(&folder, 2, &script, &err), &err, ERROR_DATA, "NUL byte in line 1");
    assert_says(err.hint, "UTF-16");
    assert_fails(load(&folder, 4, &script, &err), &err, ERROR_DATA, "migration 5_folder.sql: ");
    assert_int_equal(unlink(scratch_path("1_a.sql")), 0);
    assert_fails(load(&folder, 0, &script, &err), &err, ERROR_NOT_FOUND, "migration 1_a.sql: ");
    int fd = open(scratch_path("4_empty.sql"), O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)LAYOUT_FILE_MAX + 1), 0);
    assert_int_equal(close(fd), 0);
    assert_fails(load(&folder, 3, &script, &err), &err, ERROR_DATA, "is larger than");
    layout_folder_free(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(empty_folder_has_none, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(names_are_taken_apart, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(numbers_order_not_letters, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(other_files_are_left_alone, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(only_files_without_numbers_is_a_mistake, scratch_begin,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(unusable_numbers_are_refused, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(one_number_twice_is_refused, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(down_without_up_is_refused, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(many_files_are_sorted, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(halves_far_apart_are_joined, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(folder_itself_may_be_missing, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(closed_folder_comes_with_its_remedy, scratch_begin,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(files_are_loaded_whole, scratch_begin, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
