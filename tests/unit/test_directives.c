/* Directives in the comments at the head of a migration. */
#include "support.h"

#include "layout/directives.h"

static struct layout_directives read_ok(const char *text)
{
    struct error err;
    struct layout_directives directives;
    assert_ok(layout_directives_read("007_x.sql", text, strlen(text), &directives, &err), &err);
    return directives;
}

static void assert_read(const char *text, bool irreversible, bool foreign_keys)
{
    struct layout_directives directives = read_ok(text);
    if (directives.irreversible != irreversible ||
        (directives.foreign_keys == LAYOUT_FOREIGN_KEYS_ON) != foreign_keys)
        fail_msg("irreversible %d, foreign-keys %d: %s", directives.irreversible,
                 directives.foreign_keys, text);
}

static void words_are_read(void **state)
{
    (void)state;
    assert_read("", false, false);
    assert_read("SELECT 1;", false, false);
    assert_read("-- liteinit: irreversible\nSELECT 1;", true, false);
    assert_read("-- liteinit: foreign-keys=on\nSELECT 1;", false, true);
    assert_read("-- liteinit: irreversible foreign-keys=on\n", true, true);
    assert_read("-- liteinit: irreversible, foreign-keys=on", true, true);
    assert_read("--liteinit:irreversible\r\n--\tliteinit:\tforeign-keys=on\r\nSELECT 1", true,
                true);
    assert_read("\xEF\xBB\xBF-- liteinit: irreversible\n", true, false);
    assert_read("\n\n  -- a comment\n  -- liteinit: irreversible\n", true, false);
    assert_read("-- liteinit:\n", false, false);
    assert_read("-- LiteInit: irreversible\n", true, false);
}

static void only_the_head_counts(void **state)
{
    (void)state;
    assert_read("SELECT 1;\n-- liteinit: irreversible\n", false, false);
    assert_read("SELECT '\n-- liteinit: nonsense\n';", false, false);
    assert_read("SELECT 1; -- liteinit: nonsense", false, false);
    assert_read("-- see liteinit: nonsense\nSELECT 1;", false, false);
    assert_read("-- liteinit is nonsense\nSELECT 1;", false, false);
    assert_read("-- a\n-- liteinit: irreversible\nSELECT 1;\n-- liteinit: foreign-keys=on\n", true,
                false);
}

static void unknown_one_is_refused_with_the_nearest(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
        const char *msg;
        const char *hint;
    } cases[] = {
        {"-- liteinit: irreversibel\n", 1, "007_x.sql:1: unknown directive \"irreversibel\"",
         "did you mean \"irreversible\"?"},
        {"\xEF\xBB\xBF\r\n\r\n-- liteinit: foreign-keys=off\r\n", 3, "foreign-keys=off",
         "foreign-keys=on"},
        {"-- liteinit: irreversible because\n", 1, "\"because\"", "this version knows"},
        {"-- a\n-- liteinit: IRREVERSIBLE\n", 2, "\"IRREVERSIBLE\"", "irreversible"},
        {"-- liteinit: no-transactions\n", 1, "no-transactions", "\"no-transaction\""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err;
        struct layout_directives directives;
        memset(&directives, 0x5A, sizeof directives);
        struct layout_directives untouched = directives;
        assert_fails(layout_directives_read("007_x.sql", cases[i].text, strlen(cases[i].text),
                                            &directives, &err),
                     &err, ERROR_DATA, cases[i].msg);
        assert_says(err.hint, cases[i].hint);
        assert_string_equal(err.file, "007_x.sql");
        assert_int_equal(err.line, cases[i].line);
        assert_memory_equal(&directives, &untouched, sizeof untouched);
    }
}

static void long_lines_do_no_harm(void **state)
{
    (void)state;
    struct error err;
    struct layout_directives directives;
    char *text = malloc(100000);
    assert_non_null(text);
    memset(text, 'x', 100000);
    memcpy(text, "-- ", 3);
    assert_ok(layout_directives_read("f", text, 100000, &directives, &err), &err);
    memcpy(text, "-- liteinit: ", 13);
    assert_fails(layout_directives_read("f", text, 100000, &directives, &err), &err, ERROR_DATA,
                 "unknown directive");
    /* A word at the end of a long line is read or refused, never passed over. */
    memset(text, ' ', 100000);
    memcpy(text, "-- liteinit: ", 13);
    memcpy(text + 99900, "irreversible\n", 13);
    assert_ok(layout_directives_read("f", text, 100000, &directives, &err), &err);
    assert_true(directives.irreversible);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_read),
        cmocka_unit_test(only_the_head_counts),
        cmocka_unit_test(unknown_one_is_refused_with_the_nearest),
        cmocka_unit_test(long_lines_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
