/* golang-migrate's, sqlx's, dbmate's and goose's names. */
#include "support_layout.h"

#define BOTH "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n"
#define UP_ONLY "-- migrate:up\nSELECT 1;\n-- migrate:down\n-- nothing\n"
#define GOOSE_BOTH "-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n"

static void golang_migrate_takes_pairs(void **state)
{
    (void)state;
    static const char *const names[] = {"0_zero.up.sql",
                                        "000001_init.up.sql",
                                        "000001_init.down.sql",
                                        "2_slow_down.up.sql",
                                        "10_.up.sql",
                                        "20240115093000_a.b-c d.up.sql",
                                        "20240115093000_other_name.down.sql",
                                        "3_seed.sql",
                                        "4-dash.up.sql",
                                        "README.md",
                                        "schema.sql"};
    static const struct expected expected[] = {
        {0, "0", "zero", "0_zero.up.sql", NULL},
        {1, "1", "init", "000001_init.up.sql", "000001_init.down.sql"},
        {2, "2", "slow_down", "2_slow_down.up.sql", NULL},
        {10, "10", "", "10_.up.sql", NULL},
        {INT64_C(20240115093000), "20240115093000", "a.b-c d", "20240115093000_a.b-c d.up.sql",
         "20240115093000_other_name.down.sql"},
    };
    put_empty(names, COUNT_OF(names));
    struct layout_folder folder = read_as(LAYOUT_GOLANG_MIGRATE);
    assert_migrations(&folder, expected, COUNT_OF(expected));
    assert_int_equal(folder.ignored, 3);
    layout_folder_free(&folder);
}

static void golang_migrate_faults(void **state)
{
    (void)state;
    put("1_a.up.sql", "");
    put("01_b.up.sql", "");
    assert_folder_fails(LAYOUT_GOLANG_MIGRATE, "1_a.up.sql", "have the number 1: 01_b.up.sql and",
                        "next free number");
    sweep();
    put("1_a.up.sql", "");
    put("2_b.down.sql", "");
    assert_folder_fails(LAYOUT_GOLANG_MIGRATE, "2_b.down.sql", "takes version 2 back", "bring its");
    sweep();
    put("18446744073709551615_a.up.sql", "");
    assert_folder_fails(LAYOUT_GOLANG_MIGRATE, "18446744073709551615_a.up.sql", "too large",
                        "007_");
    sweep();
    put("a.sql", "");
    assert_folder_fails(LAYOUT_GOLANG_MIGRATE, "", "has a name that golang-migrate takes", "001_");
}

static void sqlx_takes_single_files_too(void **state)
{
    (void)state;
    static const char *const names[] = {"1_a.sql",    "3_c.down.sql", "2_b_down.sql",
                                        "3_c.up.sql", "4.sql",        "5-e.sql"};
    static const struct expected expected[] = {
        {1, "1", "a", "1_a.sql", NULL},
        {2, "2", "b_down", "2_b_down.sql", NULL},
        {3, "3", "c", "3_c.up.sql", "3_c.down.sql"},
    };
    put_empty(names, COUNT_OF(names));
    put("3_c.down.sql", "DROP TABLE c;");
    struct layout_folder folder = read_as(LAYOUT_SQLX);
    assert_migrations(&folder, expected, COUNT_OF(expected));
    assert_int_equal(folder.ignored, 2);
    layout_folder_free(&folder);
    /* The stub that sqlx-cli writes is no way back. */
    put("3_c.down.sql", "-- Add down migration script here\n");
    folder = read_as(LAYOUT_SQLX);
    assert_null(folder.migrations[2].down);
    layout_folder_free(&folder);
    put("0_zero.sql", "");
    assert_folder_fails(LAYOUT_SQLX, "0_zero.sql", "versions begin with 1", "007_");
}

static void dbmate_keeps_both_in_one(void **state)
{
    (void)state;
    put("20240101000000_a.sql", BOTH);
    put("20240102000000_b_down.sql", UP_ONLY);
    put("003.sql", "-- migrate:up\nSELECT 1;\n");
    put("000_zero.up.sql", BOTH);
    put("schema.sql", "");
    put("5_faulty.sql", "SELECT 1;\n");
    static const struct expected expected[] = {
        {0, "000", "zero.up", "000_zero.up.sql", "000_zero.up.sql"},
        {3, "003", "", "003.sql", NULL},
        {5, "5", "faulty", "5_faulty.sql", NULL},
        {INT64_C(20240101000000), "20240101000000", "a", "20240101000000_a.sql",
         "20240101000000_a.sql"},
        {INT64_C(20240102000000), "20240102000000", "b_down", "20240102000000_b_down.sql", NULL},
    };
    struct layout_folder folder = read_as(LAYOUT_DBMATE);
    assert_migrations(&folder, expected, COUNT_OF(expected));
    assert_int_equal(folder.ignored, 1);
    layout_folder_free(&folder);
    put("3_twice.sql", BOTH);
    assert_folder_fails(LAYOUT_DBMATE, "3_twice.sql", "003.sql and 3_twice.sql", "");
}

static void goose_refuses_go(void **state)
{
    (void)state;
    put("00001_a.sql", GOOSE_BOTH);
    put("00003_c.sql", "-- +goose Up\nSELECT 1;\n-- +goose Down\n");
    put("main.go", "");
    put("00003_c_test.go", "");
    static const struct expected expected[] = {
        {1, "1", "a", "00001_a.sql", "00001_a.sql"},
        {3, "3", "c", "00003_c.sql", NULL},
    };
    struct layout_folder folder = read_as(LAYOUT_GOOSE);
    assert_migrations(&folder, expected, COUNT_OF(expected));
    layout_folder_free(&folder);
    put("00002_b.go", "package migrations");
    assert_folder_fails(LAYOUT_GOOSE, "00002_b.go", "00002_b.go is written in Go",
                        "--migrate-command");
    sweep();
    put("0_zero.sql", GOOSE_BOTH);
    assert_folder_fails(LAYOUT_GOOSE, "0_zero.sql", "versions begin with 1", "007_");
}

/* With a list, every fault is in it, and what is left is the result. */
static void all_faults_are_found(void **state)
{
    (void)state;
    static const char *const names[] = {
        "1_a.sql", "001_b.sql",    "2_lone_down.sql", "0_zero.sql",   "3x.sql",
        "4_d.sql", "4_d_down.sql", "5_e.sql",         "4_d.down.sql", "x.sql"};
    static const char *const files[] = {"0_zero.sql", "3x.sql", "1_a.sql", "4_d_down.sql",
                                        "2_lone_down.sql"};
    static const struct expected expected[] = {
        {1, "1", "b", "001_b.sql", NULL},
        {4, "4", "d", "4_d.sql", "4_d.down.sql"},
        {5, "5", "e", "5_e.sql", NULL},
    };
    struct error err;
    struct layout_folder folder;
    struct layout_findings findings = {.items = NULL};
    put_empty(names, COUNT_OF(names));
    assert_ok(layout_folder_read(scratch, LAYOUT_DETECT, &findings, &folder, &err), &err);
    assert_int_equal(findings.count, COUNT_OF(files));
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        assert_string_equal(findings.items[i].file, files[i]);
        assert_true(findings.items[i].hint[0] != '\0');
    }
    assert_migrations(&folder, expected, COUNT_OF(expected));
    layout_findings_free(&findings);
    layout_folder_free(&folder);
}

static void many_files_are_read_in_time(void **state)
{
    (void)state;
    char name[64];
    for (int i = 1; i <= 2000; i++) {
        (void)snprintf(name, sizeof name, "%d_m.sql", i);
        (void)put_text(name, GOOSE_BOTH);
    }
    struct layout_folder folder = read_as(LAYOUT_DETECT);
    assert_int_equal(folder.tool, LAYOUT_GOOSE);
    assert_int_equal(folder.count, 2000);
    for (int i = 1; i <= 2000; i++) {
        const struct layout_migration *file = layout_folder_find(&folder, i);
        assert_non_null(file);
        assert_int_equal(file->version, i);
        assert_non_null(file->down);
    }
    assert_null(layout_folder_find(&folder, 2001));
    assert_null(layout_folder_find(&folder, 0));
    assert_null(layout_folder_find(&folder, -1));
    layout_folder_free(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(golang_migrate_takes_pairs, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(golang_migrate_faults, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(sqlx_takes_single_files_too, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(dbmate_keeps_both_in_one, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(goose_refuses_go, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(all_faults_are_found, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(many_files_are_read_in_time, scratch_begin, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
