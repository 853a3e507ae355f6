/* drizzle's journal. */
#include "support_layout.h"

#define JOURNAL "meta/_journal.json"
#define HEAD "{\"version\":\"6\",\"dialect\":\"sqlite\",\"entries\":["
#define FIRST                                                                                      \
    "{\"idx\":0,\"version\":\"6\",\"when\":1700000000001,\"tag\":\"0000_a\",\"breakpoints\":true}"

static void journal_gives_order_and_names(void **state)
{
    (void)state;
    put(JOURNAL, HEAD FIRST ",{\"idx\":1,\"when\":1700000000002,\"tag\":\"0001_swift_hulk\"},"
                            "{\"idx\":5,\"when\":3,\"tag\":\"custom\"}]}\n");
    put("0000_a.sql", "CREATE TABLE a (x);\n--> statement-breakpoint\nCREATE TABLE b (x);");
    put("0001_swift_hulk.sql", "SELECT 1;");
    put("custom.sql", "");
    put("0002_not_named.sql", "");
    put("meta/0000_snapshot.json", "{}");
    static const struct expected expected[] = {
        {0, "0000_a", "a", "0000_a.sql", NULL},
        {1, "0001_swift_hulk", "swift_hulk", "0001_swift_hulk.sql", NULL},
        {5, "custom", "custom", "custom.sql", NULL},
    };
    struct layout_folder folder = read_as(LAYOUT_DETECT);
    assert_int_equal(folder.tool, LAYOUT_DRIZZLE);
    assert_migrations(&folder, expected, COUNT_OF(expected));
    assert_int_equal(folder.migrations[0].stamp, INT64_C(1700000000001));
    assert_int_equal(folder.migrations[1].stamp, INT64_C(1700000000002));
    assert_int_equal(folder.migrations[2].stamp, 3);
    assert_int_equal(folder.ignored, 1);
    layout_folder_free(&folder);
}

static void empty_journal_is_fine(void **state)
{
    (void)state;
    put(JOURNAL, "{\"version\":\"7\",\"dialect\":\"turso\",\"entries\":[]}");
    struct layout_folder folder = read_as(LAYOUT_DETECT);
    assert_int_equal(folder.tool, LAYOUT_DRIZZLE);
    assert_int_equal(folder.count, 0);
    layout_folder_free(&folder);
}

static void malformed_journals_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *msg;
    } cases[] = {
        {"", "no JSON, in line 1"},
        {"{\n\"entries\": [\n}", "no JSON, in line 3"},
        {HEAD "]} x", "no JSON"},
        {"[]", "no list of entries"},
        {"null", "no list of entries"},
        {"{\"dialect\":\"sqlite\"}", "no list of entries"},
        {"{\"dialect\":\"sqlite\",\"entries\":{}}", "no list of entries"},
        {"{\"entries\":[]}", "does not say its dialect"},
        {"{\"dialect\":\"postgresql\",\"entries\":[]}", "written for postgresql"},
        {"{\"dialect\":\"mysql\",\"entries\":[" FIRST "]}", "written for mysql"},
        {HEAD "1]}", "an entry is without"},
        {HEAD "{}]}", "an entry is without"},
        {HEAD "{\"idx\":0,\"when\":1}]}", "an entry is without"},
        {HEAD "{\"idx\":\"0\",\"when\":1,\"tag\":\"a\"}]}", "an entry is without"},
        {HEAD "{\"idx\":-1,\"when\":1,\"tag\":\"a\"}]}", "an entry is without"},
        {HEAD "{\"idx\":0.5,\"when\":1,\"tag\":\"a\"}]}", "an entry is without"},
        {HEAD "{\"idx\":1e300,\"when\":1,\"tag\":\"a\"}]}", "an entry is without"},
        {HEAD "{\"idx\":0,\"tag\":\"a\"}]}", "an entry is without"},
        {HEAD "{\"idx\":0,\"when\":1,\"tag\":\"../a\"}]}", "no name of a file"},
        {HEAD "{\"idx\":0,\"when\":1,\"tag\":\"/etc/passwd\"}]}", "no name of a file"},
        {HEAD "{\"idx\":0,\"when\":1,\"tag\":\".a\"}]}", "no name of a file"},
        {HEAD "{\"idx\":0,\"when\":1,\"tag\":\"\"}]}", "no name of a file"},
        {HEAD "{\"idx\":0,\"when\":1,\"tag\":\"a\\nb\"}]}", "no name of a file"},
        {HEAD "{\"idx\":0,\"when\":1,\"tag\":\"0000_a\\u0000b\"}]}", "not UTF-8 text"},
        {HEAD "{\"idx\":0,\"when\":1,\"tag\":\"\xC3\"}]}", "not UTF-8 text"},
        {HEAD FIRST "," FIRST "]}", "idx 0, which is not above"},
        {HEAD "{\"idx\":1,\"when\":1,\"tag\":\"0001_b\"}," FIRST "]}", "0000_a has the idx 0"},
    };
    put("0000_a.sql", "");
    put("0001_b.sql", "");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        put(JOURNAL, cases[i].text);
        assert_folder_fails(LAYOUT_DETECT, JOURNAL, cases[i].msg, "");
    }
    put(JOURNAL, HEAD FIRST ",{\"idx\":1,\"when\":1,\"tag\":\"0001_gone\"}]}");
    assert_folder_fails(LAYOUT_DETECT, "0001_gone.sql", "which drizzle's journal", "bring");
    put(JOURNAL, HEAD);
    assert_folder_fails(LAYOUT_DRIZZLE, JOURNAL, "no JSON", "drizzle-kit");
}

/* Nesting deep enough to end a reader that calls itself. */
static void deep_journal_is_refused(void **state)
{
    (void)state;
    size_t size = 200000;
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, '[', size);
    text[size] = '\0';
    put(JOURNAL, text);
    assert_folder_fails(LAYOUT_DETECT, JOURNAL, "no JSON", "");
    free(text);
}

static void journal_must_be_there(void **state)
{
    (void)state;
    struct error err;
    struct layout_folder folder;
    put("0000_a.sql", "");
    assert_fails(layout_folder_read(scratch, LAYOUT_DRIZZLE, NULL, &folder, &err), &err,
                 ERROR_NOT_FOUND, "drizzle's journal: ");
    assert_int_equal(mkdir(scratch_path("meta"), 0700), 0);
    FILE *file = fopen(scratch_path(JOURNAL), "w");
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), (16 << 20) + 1), 0);
    assert_int_equal(fclose(file), 0);
    assert_fails(layout_folder_read(scratch, LAYOUT_DRIZZLE, NULL, &folder, &err), &err, ERROR_DATA,
                 "is larger than");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(journal_gives_order_and_names, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(empty_journal_is_fine, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(malformed_journals_are_refused, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(deep_journal_is_refused, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(journal_must_be_there, scratch_begin, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
