/* Which tool a folder is written for. */
#include "support_layout.h"

#define DBMATE "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n"
#define GOOSE "-- +goose Up\nSELECT 1;\n"
#define JOURNAL "{\"dialect\":\"sqlite\",\"entries\":[]}"

struct file {
    const char *name;
    const char *text;
};

static void put_all(const struct file *files)
{
    for (size_t i = 0; files[i].name != NULL; i++)
        put(files[i].name, files[i].text != NULL ? files[i].text : "");
}

static void each_tool_is_known(void **state)
{
    (void)state;
    static const struct {
        enum layout_tool tool;
        struct file files[8];
    } cases[] = {
        {LAYOUT_LITEINIT, {{NULL, NULL}}},
        {LAYOUT_LITEINIT, {{"README.md", NULL}, {"sub/x.sql", NULL}}},
        {LAYOUT_LITEINIT, {{"001_a.sql", NULL}, {"001_a_down.sql", NULL}}},
        {LAYOUT_LITEINIT, {{"001_a.sql", NULL}, {"002_b.up.sql", NULL}, {"002_b.down.sql", NULL}}},
        {LAYOUT_LITEINIT, {{"1.up.sql", NULL}, {"1.down.sql", NULL}}},
        {LAYOUT_LITEINIT, {{"1-a.up.sql", NULL}}},
        {LAYOUT_LITEINIT, {{"1_A.UP.SQL", NULL}}},
        {LAYOUT_LITEINIT,
         {{"001_a.sql", NULL}, {"2020/up.sql", NULL}, {"2021/migration.sql", NULL}}},
        {LAYOUT_LITEINIT, {{"001_a.sql", NULL}, {"002_b.go", NULL}}},
        {LAYOUT_LITEINIT, {{"001_a.sql", "SELECT '\n-- migrate:up\n'; -- +goose Up\n"}}},
        {LAYOUT_LITEINIT, {{"001_a.sql", "-- no-transaction\n"}, {"001_a_down.sql", NULL}}},
        {LAYOUT_LITEINIT, {{"001_a.sql", "-- no-transaction\n"}, {"002-b.sql", NULL}}},
        {LAYOUT_GOLANG_MIGRATE, {{"000001_a.up.sql", NULL}, {"000001_a.down.sql", NULL}}},
        {LAYOUT_GOLANG_MIGRATE, {{"0_a.up.sql", NULL}, {"embed.go", NULL}}},
        {LAYOUT_SQLX, {{"1_a.up.sql", "-- no-transaction\n"}, {"1_a.down.sql", NULL}}},
        {LAYOUT_SQLX, {{"1_a.sql", NULL}, {"2_b.sql", "-- no-transaction\nVACUUM;"}}},
        {LAYOUT_DBMATE, {{"20240101000000_a.sql", DBMATE}, {"schema.sql", NULL}}},
        {LAYOUT_DBMATE, {{"1_a.sql", "\xEF\xBB\xBF/* why */\r\n  --migrate:up\r\nSELECT 1;"}}},
        {LAYOUT_GOOSE, {{"00001_a.sql", GOOSE}, {"00002_b.sql", NULL}, {"00003_c.sql", GOOSE}}},
        {LAYOUT_FLYWAY, {{"V1__a.sql", NULL}, {"U1__a.sql", NULL}}},
        {LAYOUT_FLYWAY, {{"V1__a.sql", NULL}, {"V2__a.sql", NULL}}},
        {LAYOUT_FLYWAY, {{"R__a.sql", NULL}}},
        {LAYOUT_FLYWAY, {{"V1.sql", NULL}}},
        {LAYOUT_FLYWAY,
         {{"V1__a.sql", NULL}, {"V20__a.sql", NULL}, {"U2.1__b.sql", NULL}, {"V2.1__b.sql", NULL}}},
        {LAYOUT_FLYWAY, {{"v1/V1__a.sql", NULL}, {"v2/V2__b.sql", NULL}}},
        {LAYOUT_REFINERY, {{"V1__a.sql", NULL}, {"U3__b.sql", NULL}, {"V2__c.rs", NULL}}},
        {LAYOUT_DIESEL, {{"2024-01-15-093000_a/up.sql", NULL}, {".diesel_lock", NULL}}},
        {LAYOUT_DIESEL, {{"2024_a/up.sql", NULL}, {"setup.sql", NULL}}},
        {LAYOUT_PRISMA, {{"migration_lock.toml", NULL}, {"20240115093000_a/migration.sql", NULL}}},
        {LAYOUT_PRISMA, {{"20240115093000_a/migration.sql", NULL}}},
        {LAYOUT_DRIZZLE, {{"meta/_journal.json", JOURNAL}, {"0000_a.sql", NULL}}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err;
        struct layout_folder folder;
        struct layout_findings findings = {.items = NULL};
        put_all(cases[i].files);
        assert_ok(layout_folder_read(scratch, LAYOUT_DETECT, &findings, &folder, &err), &err);
        if (folder.tool != cases[i].tool)
            fail_msg("case %zu (%s) is taken for %s", i, cases[i].files[0].name,
                     layout_tool_name(folder.tool));
        layout_findings_free(&findings);
        layout_folder_free(&folder);
        sweep();
    }
}

static void only_go_files_are_gooses(void **state)
{
    (void)state;
    put("00001_a.go", "");
    assert_folder_fails(LAYOUT_DETECT, "00001_a.go", "written in Go", "--migrate-command");
    sweep();
    put("001_a_test.go", "");
    assert_detected(LAYOUT_LITEINIT);
}

static void two_tools_are_told_of(void **state)
{
    (void)state;
    static const struct {
        const char *first;
        const char *second;
        struct file files[5];
    } cases[] = {
        {"dbmate", "goose", {{"1_a.sql", DBMATE}, {"2_b.sql", GOOSE}}},
        {"flyway", "liteinit", {{"1_a.sql", NULL}, {"V1__a.sql", NULL}}},
        {"flyway", "liteinit", {{"1_a.sql", NULL}, {"R__a.sql", NULL}}},
        {"flyway", "refinery", {{"V1__a.rs", NULL}, {"R__a.sql", NULL}}},
        {"flyway", "refinery", {{"V1__a.java", NULL}, {"V2__a.rs", NULL}}},
        {"flyway", "refinery", {{"V1__a.sql", NULL}, {"U2__a.sql", NULL}}},
        {"flyway", "refinery", {{"V20__a.sql", NULL}, {"V2_a.sql", NULL}, {"U2__a.sql", NULL}}},
        {"prisma", "diesel", {{"1_a/migration.sql", NULL}, {"2_b/up.sql", NULL}}},
        {"prisma", "liteinit", {{"migration_lock.toml", NULL}, {"1_a.sql", NULL}}},
        {"drizzle", "prisma", {{"meta/_journal.json", JOURNAL}, {"migration_lock.toml", NULL}}},
        {"drizzle", "flyway", {{"meta/_journal.json", JOURNAL}, {"V1__a.sql", NULL}}},
        {"diesel", "flyway", {{"1_a/up.sql", NULL}, {"V1__a.sql", NULL}}},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err;
        struct layout_folder folder;
        put_all(cases[i].files);
        assert_fails(layout_folder_read(scratch, LAYOUT_DETECT, NULL, &folder, &err), &err,
                     ERROR_CONFIG, cases[i].first);
        assert_says(err.msg, cases[i].second);
        assert_says(err.hint, "--layout");
        sweep();
    }
    /* A U file that has its V file makes it Flyway's, whose fault the other one is. */
    static const char *const names[] = {"V1__a.sql", "U1__a.sql", "U2__b.sql"};
    put_empty(names, COUNT_OF(names));
    assert_folder_fails(LAYOUT_DETECT, "U2__b.sql", "takes version 2 back", "");
}

/* The files in the middle are not looked into: loading them refuses what divides them. */
static void marker_in_the_middle_is_refused(void **state)
{
    (void)state;
    char name[32];
    for (int i = 1; i <= 100; i++) {
        (void)snprintf(name, sizeof name, "%03d_m.sql", i);
        put(name, i == 50 ? DBMATE : "SELECT 1;\n");
    }
    struct error err;
    struct layout_script script;
    struct layout_folder folder = read_as(LAYOUT_DETECT);
    assert_int_equal(folder.tool, LAYOUT_LITEINIT);
    assert_fails(layout_script_load(&folder, &folder.migrations[49], LAYOUT_UP, &script, &err),
                 &err, ERROR_CONFIG, "050_m.sql:1: this file is written for dbmate");
    assert_says(err.hint, "--layout dbmate");
    layout_folder_free(&folder);
}

static void told_tool_is_not_doubted(void **state)
{
    (void)state;
    put("1_a.sql", "SELECT 1;");
    put("V1__a.sql", "SELECT 1;");
    put("U2__b.sql", "SELECT 1;");
    struct layout_folder folder = read_as(LAYOUT_LITEINIT);
    assert_int_equal(folder.tool, LAYOUT_LITEINIT);
    assert_int_equal(folder.count, 1);
    assert_int_equal(folder.ignored, 2);
    layout_folder_free(&folder);
    folder = read_as(LAYOUT_REFINERY);
    assert_int_equal(folder.tool, LAYOUT_REFINERY);
    assert_int_equal(folder.count, 2);
    assert_int_equal(folder.ignored, 1);
    layout_folder_free(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_tool_is_known, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(only_go_files_are_gooses, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(two_tools_are_told_of, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(marker_in_the_middle_is_refused, scratch_begin,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(told_tool_is_not_doubted, scratch_begin, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
