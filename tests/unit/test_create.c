/* The files of a new migration. */
#include "support_layout.h"

#include "layout/create.h"

static struct layout_created create_ok(enum layout_tool tool, const char *name)
{
    struct error err;
    struct layout_created created;
    assert_ok(layout_create(scratch, tool, name, &created, &err), &err);
    assert_true(is_there(created.up));
    assert_true(created.down[0] == '\0' || is_there(created.down));
    return created;
}

static void assert_creates(enum layout_tool tool, const char *up, const char *down)
{
    char path[PATH_MAX];
    struct layout_created created = create_ok(tool, "it");
    (void)snprintf(path, sizeof path, "%s/%s", scratch, up);
    assert_string_equal(created.up, path);
    (void)snprintf(path, sizeof path, "%s/%s", scratch, down);
    assert_string_equal(created.down, down[0] != '\0' ? path : "");
}

static void assert_create_fails(enum layout_tool tool, const char *name, enum error_kind kind,
                                const char *msg)
{
    struct error err;
    struct layout_created created = {.up = "untouched", .down = "too"};
    assert_fails(layout_create(scratch, tool, name, &created, &err), &err, kind, msg);
    assert_string_equal(created.up, "untouched");
    assert_string_equal(created.down, "too");
}

static void test_numbers(void **state)
{
    (void)state;
    assert_creates(LAYOUT_DETECT, "001_it.sql", "001_it_down.sql");
    assert_creates(LAYOUT_DETECT, "002_it.sql", "002_it_down.sql");
    put("0998_x.sql", "SELECT 1;");
    assert_creates(LAYOUT_DETECT, "0999_it.sql", "0999_it_down.sql");
    put("9999_x.sql", "SELECT 1;");
    assert_creates(LAYOUT_DETECT, "10000_it.sql", "10000_it_down.sql");
    put("9223372036854775807_x.sql", "SELECT 1;");
    assert_create_fails(LAYOUT_DETECT, "it", ERROR_CONFIG, "largest number");
}

static void test_versions_of_flyway(void **state)
{
    (void)state;
    assert_creates(LAYOUT_FLYWAY, "V001__it.sql", "U001__it.sql");
    put("V1.2__x.sql", "SELECT 1;");
    put("V1.2.3__x.sql", "SELECT 1;");
    assert_creates(LAYOUT_FLYWAY, "V2__it.sql", "U2__it.sql");
    put("later_9/V09_1__x.sql", "SELECT 1;");
    assert_creates(LAYOUT_FLYWAY, "V10__it.sql", "U10__it.sql");
    sweep();
    put("V7__x.sql", "SELECT 1;");
    assert_creates(LAYOUT_REFINERY, "V8__it.sql", "");
}

/* Two in one second, and a clock that is behind. */
static void test_dates(void **state)
{
    (void)state;
    put("20240101_x.sql", "SELECT 1;");
    assert_creates(LAYOUT_DETECT, "20240102_it.sql", "20240102_it_down.sql");
    put("29990101000000_x.sql", "SELECT 1;");
    assert_creates(LAYOUT_DETECT, "29990101000001_it.sql", "29990101000001_it_down.sql");
    sweep();
    struct layout_created first = create_ok(LAYOUT_DIESEL, "it");
    struct layout_created second = create_ok(LAYOUT_DIESEL, "it");
    assert_true(strcmp(first.up, second.up) < 0);
    assert_int_equal(strlen(first.up), strlen(second.up));
    struct layout_folder folder = read_as(LAYOUT_DIESEL);
    assert_int_equal(folder.count, 2);
    layout_folder_free(&folder);
}

static void test_names(void **state)
{
    (void)state;
    char longest[128];
    memset(longest, 'x', sizeof longest);
    longest[127] = '\0';
    create_ok(LAYOUT_DETECT, longest);
    create_ok(LAYOUT_DETECT, "a b-c_D9");
    assert_true(is_there(scratch_path("002_a_b-c_D9.sql")));
    sweep();
    static const char *const bad[] = {"",    " ",        "-_-",  "a/b", "..",
                                      "a.b", "\xc3\xa4", "a\tb", "a'b"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_create_fails(LAYOUT_DETECT, bad[i], ERROR_USAGE, "name");
    char over[129];
    memset(over, 'x', sizeof over);
    over[128] = '\0';
    assert_create_fails(LAYOUT_DETECT, over, ERROR_USAGE, "too long");
    assert_create_fails(LAYOUT_DETECT, "take_Down", ERROR_USAGE, "_down");
    create_ok(LAYOUT_GOLANG_MIGRATE, "take_down");
    assert_create_fails(LAYOUT_PRISMA, "x", ERROR_CONFIG, "risma");
}

static void test_nothing_is_overwritten(void **state)
{
    (void)state;
    /* The second of a pair cannot be made: the first does not stay alone. */
    assert_int_equal(symlink("nowhere", scratch_path("001_it.down.sql")), 0);
    struct error err;
    struct layout_created created;
    assert_int_equal(layout_create(scratch, LAYOUT_GOLANG_MIGRATE, "it", &created, &err), -1);
    assert_false(is_there(scratch_path("001_it.up.sql")));
    assert_false(is_there(scratch_path("nowhere")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_numbers, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(test_versions_of_flyway, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(test_dates, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(test_names, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(test_nothing_is_overwritten, scratch_begin, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
