/* dbmate's and goose's markers: what is cut out, what is kept, what is refused. */
#include "support_layout.h"

static void assert_script(const char *text, enum layout_tool tool, enum layout_direction direction,
                          const char *cut, bool no_transaction)
{
    put("1_a.sql", text);
    struct layout_script script = load_one(tool, direction);
    assert_string_equal(script.text, cut);
    assert_int_equal(script.size, strlen(text));
    assert_int_equal(script.directives.no_transaction, no_transaction);
    assert_true(script.cut);
    layout_script_free(&script);
}

static void directions_are_cut_out(void **state)
{
    (void)state;
    assert_script("-- migrate:up\nA;\n-- migrate:down\nB;\n", LAYOUT_DBMATE, LAYOUT_UP,
                  "-- migrate:up\nA;\n               \n  \n", false);
    assert_script("-- migrate:up\nA;\n-- migrate:down\nB;\n", LAYOUT_DBMATE, LAYOUT_DOWN,
                  "             \n  \n-- migrate:down\nB;\n", false);
    assert_script("\xEF\xBB\xBF-- why\r\n--migrate:up\r\nA;\r\n--  migrate:down\r\nB;",
                  LAYOUT_DBMATE, LAYOUT_DOWN,
                  "\xEF\xBB\xBF      \r\n            \r\n  \r\n--  migrate:down\r\nB;", false);
    assert_script("-- +goose Up\nA;", LAYOUT_GOOSE, LAYOUT_UP, "-- +goose Up\nA;", false);
    assert_script("\n-- +goose up\nA;\n--+goose   DOWN\nB;\n", LAYOUT_GOOSE, LAYOUT_UP,
                  "\n-- +goose up\nA;\n               \n  \n", false);
    /* Not markers: behind a statement, in another word, in a string of one line. */
    assert_script("-- migrate:up\nA; -- migrate:down\n-- migrate:downs\n'-- migrate:down';",
                  LAYOUT_DBMATE, LAYOUT_UP,
                  "-- migrate:up\nA; -- migrate:down\n-- migrate:downs\n'-- migrate:down';", false);
}

static void markers_say_how(void **state)
{
    (void)state;
    put("1_a.sql", "-- migrate:up transaction:false\nA;\n-- migrate:down\nB;\n");
    struct layout_script script = load_one(LAYOUT_DBMATE, LAYOUT_UP);
    assert_true(script.directives.no_transaction);
    assert_keeps(&script, "-- liteinit: no-transaction\n-- migrate:up transaction:false\nA;\n");
    layout_script_free(&script);
    script = load_one(LAYOUT_DBMATE, LAYOUT_DOWN);
    assert_false(script.directives.no_transaction);
    assert_keeps(&script, "-- migrate:down\nB;\n");
    layout_script_free(&script);

    put("1_a.sql", "-- migrate:up\nA;\n-- migrate:down  transaction:false \nB;\n");
    script = load_one(LAYOUT_DBMATE, LAYOUT_DOWN);
    assert_true(script.directives.no_transaction);
    layout_script_free(&script);

    put("1_a.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nA;\n-- +goose Down\nB;\n");
    script = load_one(LAYOUT_GOOSE, LAYOUT_UP);
    assert_true(script.directives.no_transaction);
    layout_script_free(&script);
    script = load_one(LAYOUT_GOOSE, LAYOUT_DOWN);
    assert_true(script.directives.no_transaction);
    assert_keeps(&script, "-- liteinit: no-transaction\n-- +goose Down\nB;\n");
    layout_script_free(&script);
}

static void liteinits_words_count(void **state)
{
    (void)state;
    put("1_a.sql", "\xEF\xBB\xBF-- liteinit: allow-row-loss\n-- migrate:up\n"
                   "-- liteinit: foreign-keys=on\nA;\n-- migrate:down\nB;\n");
    struct layout_script script = load_one(LAYOUT_DBMATE, LAYOUT_UP);
    assert_true(script.directives.allow_row_loss);
    assert_int_equal(script.directives.foreign_keys, LAYOUT_FOREIGN_KEYS_ON);
    assert_keeps(&script, "-- liteinit: allow-row-loss\n-- migrate:up\n"
                          "-- liteinit: foreign-keys=on\nA;\n");
    layout_script_free(&script);
    script = load_one(LAYOUT_DBMATE, LAYOUT_DOWN);
    assert_true(script.directives.allow_row_loss);
    assert_int_equal(script.directives.foreign_keys, LAYOUT_FOREIGN_KEYS_OFF);
    layout_script_free(&script);
    put("1_a.sql", "-- liteinit: nonsense\n-- migrate:up\nA;\n");
    assert_load_fails(LAYOUT_DBMATE, ERROR_DATA, 1, "unknown directive \"nonsense\"");
    put("1_a.sql", "-- migrate:up\n-- liteinit: nonsense\nA;\n");
    assert_load_fails(LAYOUT_DBMATE, ERROR_DATA, 2, "unknown directive \"nonsense\"");
}

/* The checksum of a direction is that of its SQL alone. */
static void checksums_are_of_one_direction(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n",
        "-- why\n-- migrate:up transaction:false\nSELECT /* x */ 1;\r\n-- migrate:down\nSELECT 3;",
        "-- migrate:up\n\nSELECT 1;",
    };
    char first[LAYOUT_CHECKSUM_SIZE];
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        put("1_a.sql", texts[i]);
        struct layout_script script = load_one(LAYOUT_DBMATE, LAYOUT_UP);
        if (i == 0)
            memcpy(first, script.checksum, sizeof first);
        assert_string_equal(script.checksum, first);
        layout_script_free(&script);
    }
}

static void wrong_markers_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum layout_tool tool;
        enum error_kind kind;
        int line;
        const char *text;
        const char *msg;
    } cases[] = {
        {LAYOUT_DBMATE, ERROR_DATA, 1, "SELECT 1;", "\"-- migrate:up\" is missing"},
        {LAYOUT_DBMATE, ERROR_DATA, 1, "", "\"-- migrate:up\" is missing"},
        {LAYOUT_DBMATE, ERROR_DATA, 2, "-- a\nA;\n-- migrate:up\nB;", "before the up marker"},
        {LAYOUT_DBMATE, ERROR_DATA, 1, "-- migrate:down\nB;\n-- migrate:up\nA;", "without an up"},
        {LAYOUT_DBMATE, ERROR_DATA, 2, "-- migrate:up\n-- migrate:up\nA;", "a second up marker"},
        {LAYOUT_DBMATE, ERROR_DATA, 3, "-- migrate:up\n-- migrate:down\n-- migrate:down\n",
         "a second down marker"},
        {LAYOUT_DBMATE, ERROR_DATA, 4, "-- migrate:up\nA;\n-- migrate:down\n-- migrate:up\n",
         "a second up marker"},
        {LAYOUT_DBMATE, ERROR_DATA, 1, "-- migrate:up transaction:no\nA;",
         "unknown option \"transaction:no\""},
        {LAYOUT_DBMATE, ERROR_DATA, 2, "-- migrate:up\n-- migrate:down env:prod\n",
         "unknown option \"env:prod\""},
        {LAYOUT_DBMATE, ERROR_DATA, 3, "-- migrate:up\nSELECT '\n-- migrate:down\n';",
         "inside a string or a comment"},
        {LAYOUT_DBMATE, ERROR_DATA, 3, "-- migrate:up\n/*\n  -- migrate:down\nDROP TABLE a;*/\nA;",
         "inside a string or a comment"},
        {LAYOUT_DBMATE, ERROR_DATA, 3, "-- migrate:up\nA;\n-- +goose Down\nB;",
         "a marker of goose in a file of dbmate"},
        {LAYOUT_GOOSE, ERROR_DATA, 1, "SELECT 1;", "\"-- +goose Up\" is missing"},
        {LAYOUT_GOOSE, ERROR_DATA, 1, "-- migrate:up\nA;", "a marker of dbmate in a file of goose"},
        {LAYOUT_GOOSE, ERROR_DATA, 2, "-- +goose Up\n-- +goose Upwards\nA;",
         "unknown marker \"+goose Upwards\""},
        {LAYOUT_GOOSE, ERROR_DATA, 1, "-- +goose\n", "unknown marker"},
        {LAYOUT_GOOSE, ERROR_DATA, 2, "-- +goose Up\n-- +goose StatementBegin\nA;",
         "has no StatementEnd"},
        {LAYOUT_GOOSE, ERROR_DATA, 2,
         "-- +goose Up\n-- +goose StatementBegin\nA;\n-- +goose Down\n-- +goose StatementEnd\n",
         "has no StatementEnd"},
        {LAYOUT_GOOSE, ERROR_DATA, 2, "-- +goose Up\n-- +goose StatementEnd\nA;",
         "without its StatementBegin"},
        {LAYOUT_GOOSE, ERROR_DATA, 3,
         "-- +goose Up\n-- +goose StatementBegin\n-- +goose StatementBegin\nA;", "has not ended"},
        {LAYOUT_GOOSE, ERROR_DATA, 1, "-- +goose StatementBegin\n-- +goose Up\nA;",
         "before the up marker"},
        {LAYOUT_GOOSE, ERROR_CONFIG, 2, "-- +goose Up\n-- +goose ENVSUB ON\nA;",
         "values of the environment"},
        {LAYOUT_GOOSE, ERROR_CONFIG, 1, "-- +goose ENVSUBST ON\n-- +goose Up\nA;",
         "values of the environment"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        put("1_a.sql", cases[i].text);
        assert_load_fails(cases[i].tool, cases[i].kind, cases[i].line, cases[i].msg);
    }
}

/* In the layouts that keep one direction a file, such a file could be run both ways. */
static void markers_in_other_layouts_are_refused(void **state)
{
    (void)state;
    static const enum layout_tool tools[] = {LAYOUT_LITEINIT, LAYOUT_SQLX};
    for (size_t i = 0; i < COUNT_OF(tools); i++) {
        put("1_a.sql", "-- what\n  --   +goose Up\nA;\n");
        assert_load_fails(tools[i], ERROR_CONFIG, 2, "this file is written for goose");
        put("1_a.sql", "CREATE TABLE a (x);\n-- migrate:down\nDROP TABLE a;\n");
        assert_load_fails(tools[i], ERROR_CONFIG, 2, "this file is written for dbmate");
        put("1_a.sql", "INSERT INTO help VALUES ('\n-- migrate:down\n'); /*\n-- +goose Up\n*/\n");
        struct layout_script script = load_one(tools[i], LAYOUT_UP);
        assert_false(script.cut);
        layout_script_free(&script);
    }
}

static void random_texts_end(void **state)
{
    (void)state;
    static const char *const parts[] = {"-- migrate:up",
                                        "-- migrate:down",
                                        "\n",
                                        "\n",
                                        "\n",
                                        "-- +goose Up",
                                        "-- +goose Down",
                                        "'",
                                        " ",
                                        ";",
                                        "/*",
                                        "*/",
                                        "x",
                                        "\"",
                                        "--",
                                        "transaction:false",
                                        "\xEF\xBB\xBF",
                                        "\r"};
    uint32_t seed = 99;
    char text[1024];
    put("1_a.sql", "-- migrate:up\n");
    struct layout_folder folder = read_as(LAYOUT_DBMATE);
    for (int round = 0; round < 1000; round++) {
        struct error err;
        struct layout_script script;
        text[0] = '\0';
        for (int i = 0; i < 30; i++) {
            seed = seed * 1664525u + 1013904223u;
            (void)strcat(text, parts[(seed >> 16) % COUNT_OF(parts)]);
        }
        (void)put_text("1_a.sql", text);
        folder.tool = round % 2 != 0 ? LAYOUT_DBMATE : LAYOUT_GOOSE;
        if (layout_script_load(&folder, &folder.migrations[0], LAYOUT_UP, &script, &err) != 0)
            continue;
        assert_int_equal(script.size, strlen(text));
        for (size_t i = 0; i < script.size; i++)
            assert_true(script.text[i] == text[i] || script.text[i] == ' ');
        char *kept = layout_script_keep(&script);
        assert_keeps(&script, kept);
        free(kept);
        layout_script_free(&script);
    }
    layout_folder_free(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(directions_are_cut_out, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(markers_say_how, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(liteinits_words_count, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(checksums_are_of_one_direction, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(wrong_markers_are_refused, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(markers_in_other_layouts_are_refused, scratch_begin,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(random_texts_end, scratch_begin, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
