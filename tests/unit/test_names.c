/* The names that a text of SQL holds. */
#include "support.h"

#include "layout/names.h"

static bool has(const char *text, const char *name)
{
    struct error err;
    struct layout_names names;
    size_t size = strlen(text);
    char *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    assert_ok(layout_names_build(copy, size, &names, &err), &err);
    bool found = layout_names_has(&names, name);
    layout_names_free(&names);
    layout_names_free(&names);
    free(copy);
    return found;
}

static void names_are_found_in_any_quoting(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "DROP TABLE items",
        "DROP TABLE \"items\"",
        "DROP TABLE [items]",
        "DROP TABLE `items`",
        "DROP TABLE 'items'",
        "drop table main.ITEMS;",
        "DELETE FROM main.\"Items\"",
        "DELETE FROM(items)",
        "INSERT INTO items(a)VALUES(1)",
        "SELECT 1;UPDATE/**/items",
        "-- x\nUPDATE items SET a",
        "\xEF\xBB\xBFitems",
        "UPDATE \"items",
    };
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        if (!has(forms[i], "items") || !has(forms[i], "iTems"))
            fail_msg("items is not found: %s", forms[i]);
        assert_false(has(forms[i], "item"));
        assert_false(has(forms[i], "items2"));
        assert_false(has(forms[i], ""));
    }
}

static void what_is_no_name_is_not_found(void **state)
{
    (void)state;
    assert_false(has("", "items"));
    assert_false(has("-- items\nSELECT 1 /* items */;", "items"));
    assert_false(has("DROP TABLE items_old; DROP TABLE my_items", "items"));
    assert_false(has("SELECT 'the items are'", "items"));
    assert_false(has("SELECT x'00'", "00"));
    assert_false(has("DROP TABLE \"it ems\"", "items"));
}

static void quotes_inside_are_read_as_one(void **state)
{
    (void)state;
    assert_true(has("DROP TABLE \"a\"\"b\"", "a\"b"));
    assert_true(has("DROP TABLE `a``b`", "A`b"));
    assert_true(has("DROP TABLE 'a''b'", "a'b"));
    assert_true(has("DROP TABLE [a\"b]", "a\"b"));
    assert_true(has("DROP TABLE \"\"\"\"", "\""));
    assert_false(has("DROP TABLE \"a\"\"b\"", "a"));
    assert_true(has("DROP TABLE \"\"", ""));
    /* Only ASCII letters are without case. */
    assert_true(has("DROP TABLE \xC3\xA4", "\xC3\xA4"));
    assert_false(has("DROP TABLE \xC3\xA4", "\xC3\x84"));
}

static void many_names(void **state)
{
    (void)state;
    struct error err;
    struct layout_names names;
    size_t size = 0;
    char *text = malloc((size_t)4 << 20);
    assert_non_null(text);
    for (int i = 0; i < 100000; i++)
        size += (size_t)sprintf(text + size, "INSERT INTO t%d VALUES ('v%d');\n", i, i % 7);
    assert_ok(layout_names_build(text, size, &names, &err), &err);
    assert_int_equal(names.count, 100000 + 7 + 3);
    for (int i = 0; i < 100000; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "T%d", i);
        assert_true(layout_names_has(&names, name));
        (void)snprintf(name, sizeof name, "u%d", i);
        assert_false(layout_names_has(&names, name));
    }
    layout_names_free(&names);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_in_any_quoting),
        cmocka_unit_test(what_is_no_name_is_not_found),
        cmocka_unit_test(quotes_inside_are_read_as_one),
        cmocka_unit_test(many_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
