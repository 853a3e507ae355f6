/* Where statements end, how many there are, and what never ends. */
#include "support.h"

#include <sqlite3.h>
#include <time.h>

#include "layout/split.h"

/* In a block of exactly its size, so that a sanitizer sees a byte read too many. */
static char *exact(const char *text, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    return copy;
}

static void assert_count(const char *text, size_t count)
{
    char *copy = exact(text, strlen(text));
    size_t found = layout_statement_count(copy, strlen(text));
    free(copy);
    if (found != count)
        fail_msg("%zu statements, not %zu: %s", found, count, text);
}

#define TRIGGER                                                                                    \
    "CREATE TRIGGER a AFTER INSERT ON t BEGIN UPDATE t SET x = CASE WHEN 1 THEN 2 END; DELETE "    \
    "FROM u; END;"

static void statements_are_counted(void **state)
{
    (void)state;
    assert_count("", 0);
    assert_count(" \n-- nothing\n/* ; */", 0);
    assert_count(";;; ;", 0);
    assert_count("SELECT 1", 1);
    assert_count("SELECT 1;", 1);
    assert_count("SELECT 1;; -- SELECT 2;\nSELECT ';';;", 2);
    assert_count("INSERT INTO \"a;b\" VALUES ([c;d], `e;f`, x'00', 'it''s; ');SELECT 2", 2);
    assert_count("CREATE TABLE t (x); " TRIGGER " CREATE TABLE u (x);", 3);
    assert_count("create /* ; */ temporary trigger " TRIGGER, 1);
    assert_count("EXPLAIN QUERY PLAN " TRIGGER " SELECT 1;", 2);
    assert_count("explain " TRIGGER " SELECT 1;", 2);
    assert_count("EXPLAIN SELECT 1; END; COMMIT;", 3);
    assert_count("CREATE TABLE trigger_of (x); CREATE INDEX i ON t (a); END;", 3);
    assert_count("BEGIN; " TRIGGER " COMMIT;", 3);
    /* An END that is none: a column, a quoted one, one that more follows. */
    assert_count("CREATE TRIGGER a AFTER INSERT ON t BEGIN SELECT 1; SELECT 2 AS \"END\"; END; S",
                 2);
    assert_count("CREATE TRIGGER a AFTER INSERT ON t BEGIN SELECT 1; \"END\"; END; S;", 2);
    assert_count("CREATE TRIGGER a AFTER INSERT ON t BEGIN SELECT 1; END /* ; */ ; S", 2);
    assert_count("\xEF\xBB\xBF" TRIGGER "\r\nSELECT 1;\r\n", 2);
}

static void lengths_add_up(void **state)
{
    (void)state;
    const char *const text = " SELECT 1 ; " TRIGGER " ;;SELECT ';' -- ;\n; /* end */";
    static const char *const parts[] = {" SELECT 1 ;", " " TRIGGER,          " ;",
                                        ";",           "SELECT ';' -- ;\n;", " /* end */"};
    size_t at = 0;
    size_t size = strlen(text);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        size_t length = layout_statement_length(text + at, size - at);
        assert_int_equal(length, strlen(parts[i]));
        assert_memory_equal(text + at, parts[i], length);
        at += length;
    }
    assert_int_equal(at, size);
    assert_int_equal(layout_statement_length("", 0), 0);
}

/* sqlite3_complete() knows what never ends, too. */
static void agrees_with_sqlite(void **state)
{
    (void)state;
    static const char *const words[] = {"CREATE", "TEMP",  "TRIGGER", "END", ";",   ";",
                                        "x",      "'a;b'", "EXPLAIN", "\"",  "`c`", "[d]",
                                        "-- e\n", "/*f*/", "1.5",     "END", "AS",  "temporary"};
    uint32_t seed = 4711;
    char text[512];
    for (int round = 0; round < 20000; round++) {
        text[0] = '\0';
        for (int i = 0; i < 14; i++) {
            seed = seed * 1664525u + 1013904223u;
            (void)strcat(text, words[(seed >> 16) % COUNT_OF(words)]);
            (void)strcat(text, " ");
        }
        struct error err;
        char *copy = exact(text, strlen(text));
        bool whole = layout_text_check("x", copy, strlen(text), &err) == 0;
        free(copy);
        (void)strcat(text, ";");
        if (whole != (sqlite3_complete(text) != 0))
            fail_msg("%s: %s", whole ? "not complete for SQLite" : "complete for SQLite", text);
    }
}

static void lines_in_a_comment(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line; /* of the comment that hides some; 0: none does */
        int column;
    } cases[] = {
        {"", 0, 0},
        {"SELECT 1;\rSELECT 2;\r", 0, 0},
        {"-- why\r\nSELECT 1;\r\n", 0, 0},
        {"-- why\r\r\nSELECT 1; -- end\r", 0, 0},
        {"/* a\rb */ SELECT '-- a\rb';", 0, 0},
        {"-- why\rSELECT 1;", 1, 1},
        {"SELECT 1;\nSELECT 2; -- a \r \t x\nSELECT 3;", 2, 11},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err;
        size_t size = strlen(cases[i].text);
        char *copy = exact(cases[i].text, size);
        if (cases[i].line == 0) {
            assert_ok(layout_line_ends_check("7_a.sql", copy, size, &err), &err);
        } else {
            assert_fails(layout_line_ends_check("7_a.sql", copy, size, &err), &err, ERROR_DATA,
                         "carriage return");
            assert_int_equal(err.line, cases[i].line);
            assert_int_equal(err.column, cases[i].column);
            assert_true(err.hint[0] != '\0');
        }
        free(copy);
    }
}

static void assert_open(const char *text, const char *what, int line, int column)
{
    struct error err;
    char *copy = exact(text, strlen(text));
    assert_fails(layout_text_check("7_a.sql", copy, strlen(text), &err), &err, ERROR_DATA, what);
    free(copy);
    assert_string_equal(err.file, "7_a.sql");
    assert_int_equal(err.line, line);
    assert_int_equal(err.column, column);
    char place[64];
    (void)snprintf(place, sizeof place, "7_a.sql:%d:%d: ", line, column);
    assert_int_equal(strncmp(err.msg, place, strlen(place)), 0);
    assert_true(err.hint[0] != '\0');
}

static void what_never_ends_is_named_where_it_begins(void **state)
{
    (void)state;
    assert_open("'", "the string", 1, 1);
    assert_open("SELECT 1;\nSELECT 'it''s;\nSELECT 2;", "the string", 2, 8);
    assert_open("SELECT 'a', '\xC3\xA4', 'b\n", "the string", 1, 18);
    assert_open("\xEF\xBB\xBFSELECT x'00", "the blob", 1, 8);
    assert_open("SELECT \"a;\n", "the quoted name", 1, 8);
    assert_open("SELECT `a;\n", "the quoted name", 1, 8);
    assert_open("SELECT [a;\n", "the name in brackets", 1, 8);
    assert_open("\r\n\r\n/* not ended", "the comment", 3, 1);
    assert_open("SELECT 1 /*/;", "the comment", 1, 10);
    assert_open("SELECT 1;\n CREATE TRIGGER a AFTER INSERT ON t BEGIN DELETE FROM u;\n",
                "the trigger", 2, 2);
    assert_open("CREATE TEMP TRIGGER a AFTER INSERT ON t BEGIN DELETE FROM u; END x; SELECT 1;",
                "the trigger", 1, 1);
}

static void what_ends_is_fine(void **state)
{
    (void)state;
    struct error err;
    static const char *const texts[] = {"",
                                        "SELECT 1",
                                        "-- an apostrophe's comment",
                                        "/* it's */ SELECT \"it's\", [it's], `it's`;",
                                        TRIGGER,
                                        "CREATE TRIGGER a BEFORE DELETE ON t BEGIN SELECT 1; END",
                                        "CREATE TRIGGER a BEGIN SELECT 1; END\n-- the end\n"};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        assert_ok(layout_text_check("a", texts[i], strlen(texts[i]), &err), &err);
}

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* 2 MB each; what grows with the square of it takes hours. */
static void long_texts_take_linear_time(void **state)
{
    (void)state;
    static const char *const units[] = {"INSERT INTO t VALUES (1, 'a''b');\n",
                                        ";",
                                        "'",
                                        "'' ",
                                        "CREATE TRIGGER ",
                                        "; END ",
                                        "/*",
                                        "-- \n",
                                        "[",
                                        "x'"};
    size_t size = (size_t)2 << 20;
    char *text = malloc(size);
    assert_non_null(text);
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        struct error err;
        size_t unit = strlen(units[i]);
        for (size_t at = 0; at < size; at++)
            text[at] = units[i][at % unit];
        double start = seconds();
        size_t at = 0;
        while (at < size)
            at += layout_statement_length(text + at, size - at);
        (void)layout_statement_count(text, size);
        (void)layout_text_check("a", text, size, &err);
        if (seconds() - start > 10)
            fail_msg("%.1f s for \"%s\"", seconds() - start, units[i]);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_are_counted),
        cmocka_unit_test(lengths_add_up),
        cmocka_unit_test(lines_in_a_comment),
        cmocka_unit_test(agrees_with_sqlite),
        cmocka_unit_test(what_never_ends_is_named_where_it_begins),
        cmocka_unit_test(what_ends_is_fine),
        cmocka_unit_test(long_texts_take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
