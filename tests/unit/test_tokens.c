/* Checksums that see the SQL and not its clothes, and the blank at the start of a text. */
#include "support.h"

#include "layout/tokens.h"

static const char *sum_of(const char *text, size_t size)
{
    static char sums[2][LAYOUT_CHECKSUM_SIZE];
    static unsigned next;
    char *sum = sums[next++ % 2];
    /* In a block of exactly its size, so that a sanitizer sees a byte read too many. */
    char *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    layout_checksum(copy, size, sum);
    free(copy);
    return sum;
}

static void assert_same(const char *a, const char *b)
{
    if (strcmp(sum_of(a, strlen(a)), sum_of(b, strlen(b))) != 0)
        fail_msg("these should have one checksum: <%s> <%s>", a, b);
}

static void assert_different(const char *a, const char *b)
{
    if (strcmp(sum_of(a, strlen(a)), sum_of(b, strlen(b))) == 0)
        fail_msg("these should not have one checksum: <%s> <%s>", a, b);
}

static void rule_is_named_and_stays(void **state)
{
    (void)state;
    /* Checksums are in databases: these two must never change under the name t1. */
    assert_string_equal(sum_of("", 0), "t1:e3b0c44298fc1c149afbf4c8996fb924"
                                       "27ae41e4649b934ca495991b7852b855");
    /* printf 'SELECT\0001\000;\000' | sha256sum */
    assert_string_equal(sum_of("SELECT 1;", 9), "t1:2e9be1158eacad299f315900d905445f"
                                                "ecfcf452feebd7560b51595484d69f2c");
}

static void clothes_do_not_count(void **state)
{
    (void)state;
    const char *const plain = "CREATE TABLE t(a TEXT DEFAULT 'x  y');SELECT a FROM t;";
    assert_same(plain, "  CREATE TABLE t ( a TEXT DEFAULT 'x  y' ) ;\n\tSELECT a FROM t ;\n\n");
    assert_same(plain, "CREATE TABLE t(a TEXT DEFAULT 'x  y');\r\nSELECT a FROM t;\r\n");
    assert_same(plain, "-- why\nCREATE TABLE t(a TEXT DEFAULT 'x  y');SELECT a FROM t;-- end");
    assert_same(plain, "/* why */CREATE/**/TABLE t(a TEXT DEFAULT 'x  y');SELECT/* ; */a FROM t;");
    assert_same(plain, "\xEF\xBB\xBF"
                       "CREATE TABLE t(a TEXT DEFAULT 'x  y');SELECT a FROM t;");
    assert_same(plain, "CREATE TABLE t(a TEXT DEFAULT 'x  y');SELECT a FROM t;/* not closed");
    assert_same("", " \t\r\n\f-- nothing\n/* at all */");
    assert_same("SELECT 1 - -1", "SELECT 1 -\n-1");
}

static void every_other_byte_counts(void **state)
{
    (void)state;
    const char *const text = "INSERT INTO \"t\" VALUES ('a''b', x'00', [c d], `e`, 1.5, \xC3\xA4);";
    size_t size = strlen(text);
    char changed[128];
    char original[LAYOUT_CHECKSUM_SIZE];
    (void)snprintf(original, sizeof original, "%s", sum_of(text, size));
    for (size_t i = 0; i < size; i++) {
        if (text[i] == ' ' && text[i + 1] != 'd')
            continue;
        memcpy(changed, text, size);
        changed[i] = changed[i] == 'Q' ? 'R' : 'Q';
        if (strcmp(sum_of(changed, size), original) == 0)
            fail_msg("the change of byte %zu is not seen", i);
        /* Neither is its loss. */
        memcpy(changed, text, i);
        memcpy(changed + i, text + i + 1, size - i - 1);
        if (strcmp(sum_of(changed, size - 1), original) == 0)
            fail_msg("the loss of byte %zu is not seen", i);
    }
}

static void what_changes_the_meaning_changes_the_sum(void **state)
{
    (void)state;
    assert_different("SELECT ab", "SELECT a b");
    assert_different("SELECT 'a b'", "SELECT 'a  b'");
    assert_different("SELECT 'a\nb'", "SELECT 'a b'");
    assert_different("SELECT 'a\r\nb'", "SELECT 'a\nb'");
    assert_different("SELECT '--a'", "SELECT '--b'");
    assert_different("SELECT '/*a*/'", "SELECT '/*b*/'");
    assert_different("SELECT \"--a\"", "SELECT \"\"");
    assert_different("SELECT 'a'", "SELECT 'A'");
    assert_different("select 1", "SELECT 1");
    assert_different("SELECT 'a', 'b'", "SELECT 'a'', ''b'");
    assert_different("SELECT 1 -- 2\n", "SELECT 1 - - 2\n");
    assert_different("SELECT 1; -- x\nSELECT 2", "SELECT 1; -- x SELECT 2");
    assert_different("SELECT 1 /* a */ + 2", "SELECT 1 /* a + 2");
    /* A blob, and a column with an alias. */
    assert_different("SELECT x'00' FROM t", "SELECT x '00' FROM t");
    assert_different("SELECT X'00' FROM t", "SELECT X '00' FROM t");
    assert_same("SELECT ax'00'", "SELECT ax '00'");
}

static void random_texts_end(void **state)
{
    (void)state;
    static const char letters[] = "ab'\"`[]-/*;\n \xEF\xBB\xBF\xC3xX0";
    uint32_t seed = 12345;
    char text[40];
    for (int round = 0; round < 20000; round++) {
        size_t size = (size_t)round % sizeof text;
        for (size_t i = 0; i < size; i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = letters[(seed >> 16) % (sizeof letters - 1)];
        }
        char *copy = malloc(size > 0 ? size : 1);
        assert_non_null(copy);
        memcpy(copy, text, size);
        size_t blank = layout_blank_length(copy, size);
        assert_true(blank <= size);
        /* What follows the blank is none. */
        if (blank > 0 && blank < size)
            assert_true(strchr(" \t\r\n\f", copy[blank]) == NULL);
        (void)sum_of(copy, size);
        free(copy);
    }
}

static size_t blank(const char *text)
{
    return layout_blank_length(text, strlen(text));
}

static void blank_reaches_to_the_first_token(void **state)
{
    (void)state;
    assert_int_equal(blank(""), 0);
    assert_int_equal(blank("x"), 0);
    assert_int_equal(blank("- 1"), 0);
    assert_int_equal(blank("-"), 0);
    assert_int_equal(blank("/"), 0);
    assert_int_equal(blank("/ *"), 0);
    assert_int_equal(blank(" \t\r\n\fx"), 5);
    assert_int_equal(blank("\vx"), 0); /* no white space for SQLite */
    assert_int_equal(blank("-- a\nx"), 5);
    assert_int_equal(blank("-- a\r\nx"), 6);
    assert_int_equal(blank("--\n--\nx"), 6);
    assert_int_equal(blank("/**/x"), 4);
    assert_int_equal(blank("/* * / */x"), 9);
    assert_int_equal(blank("/*/ */x"), 6);
    assert_int_equal(blank("/* -- */x"), 8);
    assert_int_equal(blank("-- /*\nx"), 6);
    assert_int_equal(blank("\xEF\xBB\xBFx"), 3);
    assert_int_equal(blank("\xEF\xBB\xBF -- a\nx"), 9);
    assert_int_equal(blank("\xEF\xBB"), 0);
    assert_int_equal(blank("\xEF\xBB\xBF"), 3);
}

static void unterminated_comments_reach_to_the_end(void **state)
{
    (void)state;
    assert_int_equal(blank("-- a"), 4);
    assert_int_equal(blank("--"), 2);
    assert_int_equal(blank("/*"), 2);
    assert_int_equal(blank("/* a"), 4);
    assert_int_equal(blank("/* a *"), 6);
    assert_int_equal(blank("/*/"), 3);
    assert_int_equal(blank("/* a\n-- b\nx"), 11);
    /* The size counts, not a NUL. */
    assert_int_equal(layout_blank_length("  x", 1), 1);
    assert_int_equal(layout_blank_length("/* */x", 4), 4);
    assert_int_equal(layout_blank_length("\xEF\xBB\xBF", 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_is_named_and_stays),
        cmocka_unit_test(clothes_do_not_count),
        cmocka_unit_test(every_other_byte_counts),
        cmocka_unit_test(what_changes_the_meaning_changes_the_sum),
        cmocka_unit_test(random_texts_end),
        cmocka_unit_test(blank_reaches_to_the_first_token),
        cmocka_unit_test(unterminated_comments_reach_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
