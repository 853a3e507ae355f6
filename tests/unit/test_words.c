/* A command taken apart: as a shell would, or not at all. */
#include "support.h"

#include "proc/words.h"

static void assert_words(const char *text, const char *const *expected)
{
    struct error err;
    char **words = NULL;
    size_t i = 0;
    assert_ok(proc_words_split("it", text, &words, &err), &err);
    for (; expected[i] != NULL; i++) {
        assert_non_null(words[i]);
        assert_string_equal(words[i], expected[i]);
    }
    assert_null(words[i]);
    proc_words_free(words);
}

#define WORDS(text, ...) assert_words(text, (const char *const[]){__VA_ARGS__, NULL})

static void test_words(void **state)
{
    (void)state;
    WORDS("a", "a");
    WORDS("a b c", "a", "b", "c");
    WORDS(" \t a \r\n b\n", "a", "b");
    WORDS("npx prisma migrate deploy", "npx", "prisma", "migrate", "deploy");
    WORDS("a --x=1 B=2 *.sql ~ #no {a,b} ? [x] !", "a", "--x=1", "B=2", "*.sql", "~", "#no",
          "{a,b}", "?", "[x]", "!");
    WORDS("./A=b", "./A=b");
}

static void test_quotes(void **state)
{
    (void)state;
    WORDS("a 'b c' d", "a", "b c", "d");
    WORDS("a \"b c\" d", "a", "b c", "d");
    WORDS("a'b'\"c\"d", "abcd");
    WORDS("a '' \"\" b", "a", "", "", "b");
    WORDS("a '\"' \"'\"", "a", "\"", "'");
    WORDS("a '|&;<>()$`\\n'", "a", "|&;<>()$`\\n");
    WORDS("a \"|&;<>()\"", "a", "|&;<>()");
    WORDS("a \"\\\"\\\\\\$\\`\\n\"", "a", "\"\\$`\\n");
    WORDS("a b\\ c \\' \\$ \\\\ \\| x\\", "a", "b c", "'", "$", "\\", "|", "x\\");
}

static void assert_no_words(const char *text, const char *msg, const char *hint)
{
    struct error err;
    char *untouched[] = {NULL};
    char **words = untouched;
    assert_fails(proc_words_split("migrate_command", text, &words, &err), &err, ERROR_CONFIG, msg);
    assert_ptr_equal(words, untouched);
    assert_says(err.msg, "migrate_command");
    assert_says(err.hint, hint);
}

static void test_what_is_for_a_shell(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "a | b", "a && b",    "a; b", "a > b", "a < b", "(a)",    "a $B",     "a \"$B\"",
        "a `b`", "a \"`b`\"", "a|b",  "A=1 b", "_x=",   "A='' b", "a 'b' &c", "\"$HOME\"/x"};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_no_words(texts[i], "without a shell", "sh -c ");
    assert_no_words("it's", "has no end", "close it");
    assert_no_words("a \"b\\\"", "has no end", "close it");
    assert_no_words("", "names no program", "");
    assert_no_words(" \t\n", "names no program", "");
    assert_no_words("''", "names no program", "");
    assert_no_words("\"\" a", "names no program", "");
}

/* The hint is a command that can be pasted, or at least one that ends its quotes. */
static void test_long_ones(void **state)
{
    (void)state;
    struct error err;
    enum { SIZE = 100000 };
    char *text = malloc(SIZE + 1);
    char **words = NULL;
    assert_non_null(text);
    memset(text, 'x', SIZE);
    text[SIZE] = '\0';
    assert_ok(proc_words_split("it", text, &words, &err), &err);
    assert_int_equal(strlen(words[0]), SIZE);
    assert_null(words[1]);
    proc_words_free(words);
    for (size_t i = 1; i < SIZE; i += 2)
        text[i] = ' ';
    assert_ok(proc_words_split("it", text, &words, &err), &err);
    assert_string_equal(words[SIZE / 2 - 1], "x");
    assert_null(words[SIZE / 2]);
    proc_words_free(words);
    text[SIZE - 1] = '|';
    assert_no_words(text, "without a shell", "'x x");
    free(text);
    proc_words_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_what_is_for_a_shell),
        cmocka_unit_test(test_long_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
