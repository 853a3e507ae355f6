/* One direction of a migration: bytes that are refused, and what is kept in the database. */
#include "support_layout.h"

static void utf8_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
    } cases[] = {
        {"SELECT 'gr\xFC\xDF'", 1},
        {"-- a\n-- b\n-- \xE4\n", 3},
        {"SELECT '\xC3", 1},
        {"\n\xED\xA0\x80", 2},
        {"\xC0\xAF", 1},
        {"\xFF\xFE", 1},
        {"SELECT 1;\r\n\xF5\x80\x80\x80", 2},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        put("1_a.sql", cases[i].text);
        assert_load_fails(LAYOUT_LITEINIT, ERROR_DATA, cases[i].line, "1_a.sql is not UTF-8");
    }
    put("1_a.sql", "\xEF\xBB\xBFSELECT 'gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80';\n");
    struct layout_script script = load_one(LAYOUT_LITEINIT, LAYOUT_UP);
    assert_false(script.cut);
    layout_script_free(&script);
}

/* What is liteinit's own is kept byte for byte, whatever it looks like. */
static void own_files_are_kept_as_they_are(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\n\n  SELECT 1;  \r\n\r\n",
        "\xEF\xBB\xBF-- liteinit: irreversible, allow-row-loss\nSELECT 1;",
        "-- liteinit: no-transaction\n-- liteinit: foreign-keys=warn legacy-alter-table=on\n",
        "SELECT 'not ended",
        "SELECT 1\rSELECT 2",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        put("1_a.sql", texts[i]);
        struct layout_script script = load_one(LAYOUT_LITEINIT, LAYOUT_UP);
        assert_keeps(&script, texts[i]);
        layout_script_free(&script);
    }
}

static void sqlx_says_no_transaction(void **state)
{
    (void)state;
    put("1_a.up.sql", "-- no-transaction\nVACUUM;\n");
    put("1_a.down.sql", "\xEF\xBB\xBF  SELECT 1;\n");
    struct layout_script script = load_one(LAYOUT_SQLX, LAYOUT_UP);
    assert_true(script.directives.no_transaction);
    assert_keeps(&script, "-- liteinit: no-transaction\n-- no-transaction\nVACUUM;\n");
    layout_script_free(&script);
    script = load_one(LAYOUT_SQLX, LAYOUT_DOWN);
    assert_false(script.directives.no_transaction);
    assert_keeps(&script, "\xEF\xBB\xBF  SELECT 1;\n");
    layout_script_free(&script);
    /* Nothing may stand before it. */
    put("1_a.up.sql", "\n-- no-transaction\nSELECT 1;\n");
    script = load_one(LAYOUT_SQLX, LAYOUT_UP);
    assert_false(script.directives.no_transaction);
    layout_script_free(&script);
}

/* liteinit's words in a file of another tool's are not said twice. */
static void words_are_kept_once(void **state)
{
    (void)state;
    put("1_a.up.sql", "-- no-transaction\n-- liteinit: no-transaction foreign-keys=on\nVACUUM;\n");
    struct layout_script script = load_one(LAYOUT_SQLX, LAYOUT_UP);
    assert_keeps(&script,
                 "-- no-transaction\n-- liteinit: no-transaction foreign-keys=on\nVACUUM;\n");
    layout_script_free(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(utf8_is_asked_for, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(own_files_are_kept_as_they_are, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(sqlx_says_no_transaction, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(words_are_kept_once, scratch_begin, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
