/* Flyway's and refinery's names and versions. */
#include "support_layout.h"

#define E12 INT64_C(1000000000000)
#define E8 INT64_C(100000000)
#define E4 INT64_C(10000)

static void plain_versions_are_numbers(void **state)
{
    (void)state;
    static const char *const names[] = {"V1__create_users.sql",   "U1__create_users.sql",
                                        "V002__two words.sql",    "V10.sql",
                                        "V20240115093000__x.sql", "seed.sql",
                                        "U10__undo.sql",          "notes.md"};
    static const struct expected expected[] = {
        {1, "1", "create_users", "V1__create_users.sql", "U1__create_users.sql"},
        {2, "002", "two words", "V002__two words.sql", NULL},
        {10, "10", "", "V10.sql", "U10__undo.sql"},
        {INT64_C(20240115093000), "20240115093000", "x", "V20240115093000__x.sql", NULL},
    };
    put_empty(names, COUNT_OF(names));
    struct layout_folder folder = read_as(LAYOUT_FLYWAY);
    assert_migrations(&folder, expected, COUNT_OF(expected));
    assert_int_equal(folder.ignored, 1);
    layout_folder_free(&folder);
}

static void dotted_versions_keep_their_order(void **state)
{
    (void)state;
    static const char *const names[] = {
        "V1__a.sql",       "V1.0.1__b.sql",    "V1_2__c.sql",     "V1.10__d.sql",
        "V2.0.0.0__e.sql", "U2__e.sql",        "V1.2.3.4__f.sql", "V8999999.9999.9999.9999__g.sql",
        "V0.1__h.sql",     "V3.0.0.0.0__i.sql"};
    static const struct expected expected[] = {
        {E8, "0.1", "h", "V0.1__h.sql", NULL},
        {E12, "1", "a", "V1__a.sql", NULL},
        {E12 + E4, "1.0.1", "b", "V1.0.1__b.sql", NULL},
        {E12 + 2 * E8, "1.2", "c", "V1_2__c.sql", NULL},
        {E12 + 2 * E8 + 3 * E4 + 4, "1.2.3.4", "f", "V1.2.3.4__f.sql", NULL},
        {E12 + 10 * E8, "1.10", "d", "V1.10__d.sql", NULL},
        {2 * E12, "2.0.0.0", "e", "V2.0.0.0__e.sql", "U2__e.sql"},
        {3 * E12, "3.0.0.0.0", "i", "V3.0.0.0.0__i.sql", NULL},
        {8999999 * E12 + 9999 * E8 + 9999 * E4 + 9999, "8999999.9999.9999.9999", "g",
         "V8999999.9999.9999.9999__g.sql", NULL},
    };
    put_empty(names, COUNT_OF(names));
    struct layout_folder folder = read_as(LAYOUT_DETECT);
    assert_int_equal(folder.tool, LAYOUT_FLYWAY);
    assert_migrations(&folder, expected, COUNT_OF(expected));
    layout_folder_free(&folder);
}

/* With the first version that has dots all numbers are other ones. */
static void numbers_of_before_are_known(void **state)
{
    (void)state;
    put("V1__a.sql", "");
    put("V20__b.sql", "");
    struct layout_folder folder = read_as(LAYOUT_FLYWAY);
    assert_null(layout_folder_renumbered(&folder, 1));
    assert_null(layout_folder_renumbered(&folder, 2));
    assert_null(layout_folder_renumbered(&folder, 2 * E12));
    assert_ptr_equal(layout_folder_renumbered(&folder, 20 * E12), &folder.migrations[1]);
    layout_folder_free(&folder);
    put("V1.1__c.sql", "");
    folder = read_as(LAYOUT_FLYWAY);
    assert_ptr_equal(layout_folder_renumbered(&folder, 1), &folder.migrations[0]);
    assert_ptr_equal(layout_folder_renumbered(&folder, 20), &folder.migrations[2]);
    assert_null(layout_folder_renumbered(&folder, 2));
    assert_null(layout_folder_renumbered(&folder, E12));
    assert_null(layout_folder_renumbered(&folder, INT64_MAX));
    assert_null(layout_folder_renumbered(&folder, -1));
    assert_null(layout_folder_renumbered(&folder, 0));
    layout_folder_free(&folder);
}

static void bad_versions_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *msg;
    } cases[] = {
        {"V1_x.sql", "two underscores"},
        {"V1.2-x.sql", "two underscores"},
        {"V1..2__x.sql", "a part of it is no number"},
        {"V1.__x.sql", "a part of it is missing"},
        {"V1.2.3.4.5__x.sql", "more than four parts"},
        {"V1.10000__x.sql", "each other one below 10000"},
        {"V9000000.1__x.sql", "the first part is below 9000000"},
        {"V9223372036854775808__x.sql", "too large"},
        {"V000000000000000000000000000001__x.sql", "too many digits"},
        {"V1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1__x.sql", "too long"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        put(cases[i].name, "");
        assert_folder_fails(LAYOUT_FLYWAY, cases[i].name, cases[i].msg, "V7__what_it_does.sql");
        sweep();
    }
}

static void faults_of_flyway(void **state)
{
    (void)state;
    put("V1__a.sql", "");
    put("V1.0__b.sql", "");
    assert_folder_fails(LAYOUT_FLYWAY, "V1__a.sql", "have the number 1: V1.0__b.sql and V1__a.sql",
                        "next free number");
    sweep();
    put("V1__a.sql", "");
    put("U2__b.sql", "");
    assert_folder_fails(LAYOUT_FLYWAY, "U2__b.sql", "takes version 2 back", "bring its up file");
    sweep();
    static const struct {
        const char *name;
        const char *msg;
        const char *hint;
    } cases[] = {
        {"V2__b.java", "written in Java", "--migrate-command"},
        {"R__views.kt", "written in Kotlin", "--migrate-command"},
        {"V2__b.class", "written in Java", "--migrate-command"},
        {"V2__b.py", "written in Python", "--migrate-command"},
        {"B5__all.sql", "a baseline migration of Flyway", "begin with V"},
        {"beforeMigrate.sql", "a callback of Flyway", "out of the folder"},
        {"afterMigrate__grants.sql", "a callback of Flyway", "out of the folder"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        put("V1__a.sql", "");
        put(cases[i].name, "");
        assert_folder_fails(LAYOUT_FLYWAY, cases[i].name, cases[i].msg, cases[i].hint);
        sweep();
    }
}

static void repeatable_ones_come_last(void **state)
{
    (void)state;
    static const char *const names[] = {"R__zebra.sql", "R__a_b.sql", "R__a a.sql", "V7__x.sql",
                                        "R__A.sql"};
    static const char *const order[] = {"x", "A", "a a", "a_b", "zebra"};
    int64_t zebra = 0;
    put_empty(names, COUNT_OF(names));
    struct layout_folder folder = read_as(LAYOUT_DETECT);
    assert_int_equal(folder.tool, LAYOUT_FLYWAY);
    assert_int_equal(folder.count, COUNT_OF(order));
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        const struct layout_migration *file = &folder.migrations[i];
        assert_string_equal(file->name, order[i]);
        assert_int_equal(file->repeatable, i > 0);
        assert_true((file->version < 0) == (i > 0));
        assert_null(file->down);
        assert_ptr_equal(layout_folder_find(&folder, file->version), file);
    }
    zebra = folder.migrations[4].version;
    layout_folder_free(&folder);
    /* The number is the description's alone. printf zebra | sha256sum | cut -c 1-15 */
    sweep();
    put("sub/R__zebra.sql", "");
    folder = read_as(LAYOUT_FLYWAY);
    assert_int_equal(folder.migrations[0].version, zebra);
    assert_int_equal(zebra, -1 - INT64_C(0x676cb75018edccf));
    layout_folder_free(&folder);
    put("R__zebra.sql", "");
    assert_folder_fails(LAYOUT_FLYWAY, "sub/R__zebra.sql", "have the description zebra",
                        "another name");
}

static void folders_inside_are_looked_into(void **state)
{
    (void)state;
    put("2024/q1/V2__b.sql", "");
    put("2024/q1/U2__b.sql", "");
    put("2023/V1__a.sql", "");
    put(".git/V3__hidden.sql", "");
    put("README.md", "");
    assert_int_equal(symlink("..", scratch_path("2023/back")), 0);
    static const struct expected expected[] = {
        {1, "1", "a", "2023/V1__a.sql", NULL},
        {2, "2", "b", "2024/q1/V2__b.sql", "2024/q1/U2__b.sql"},
    };
    struct layout_folder folder = read_as(LAYOUT_DETECT);
    assert_int_equal(folder.tool, LAYOUT_FLYWAY);
    assert_migrations(&folder, expected, COUNT_OF(expected));
    layout_folder_free(&folder);
    put("1/2/3/4/5/6/7/8/9/10/V4__too_deep.sql", "");
    folder = read_as(LAYOUT_FLYWAY);
    assert_int_equal(folder.count, 2);
    layout_folder_free(&folder);
}

static void refinery_applies_both(void **state)
{
    (void)state;
    static const char *const names[] = {"V1__init.sql", "U0__late.sql", "V20240115__b.sql",
                                        "R__views.sql", "seed.sql",     "lib.rs"};
    static const struct expected expected[] = {
        {0, "0", "late", "U0__late.sql", NULL},
        {1, "1", "init", "V1__init.sql", NULL},
        {20240115, "20240115", "b", "V20240115__b.sql", NULL},
    };
    put_empty(names, COUNT_OF(names));
    struct layout_folder folder = read_as(LAYOUT_REFINERY);
    assert_migrations(&folder, expected, COUNT_OF(expected));
    assert_int_equal(folder.ignored, 2);
    layout_folder_free(&folder);
    put("V3__c.rs", "");
    assert_folder_fails(LAYOUT_REFINERY, "V3__c.rs", "written in Rust", "--migrate-command");
    sweep();
    put("V1__a.sql", "");
    put("U1__b.sql", "");
    assert_folder_fails(LAYOUT_REFINERY, "V1__a.sql", "have the number 1", "next free");
    sweep();
    put("V1.2__a.sql", "");
    assert_folder_fails(LAYOUT_REFINERY, "V1.2__a.sql", "whole numbers", "V7__");
    sweep();
    put("V1.sql", "");
    assert_folder_fails(LAYOUT_REFINERY, "V1.sql", "underscores", "V7__");
}

static void configuration_beside_a_file(void **state)
{
    (void)state;
    put("V1__a.sql", "VACUUM;\n");
    struct layout_script script = load_one(LAYOUT_FLYWAY, LAYOUT_UP);
    assert_false(script.directives.no_transaction);
    assert_keeps(&script, "VACUUM;\n");
    layout_script_free(&script);
    put("V1__a.sql.conf", "# why\r\nexecuteInTransaction=false\r\n");
    script = load_one(LAYOUT_FLYWAY, LAYOUT_UP);
    assert_true(script.directives.no_transaction);
    assert_keeps(&script, "-- liteinit: no-transaction\nVACUUM;\n");
    layout_script_free(&script);
    put("V1__a.sql.conf", "executeInTransaction=perhaps\n");
    assert_load_fails(LAYOUT_FLYWAY, ERROR_DATA, 1, "neither true nor false");
}

static void placeholders_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"-- x\nINSERT INTO t VALUES ('${name}');",
                                        "\nCREATE TABLE ${schema}.t (x);", "\nSELECT a${x};",
                                        "\nSELECT \"${flyway:timestamp}\";"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        put("V1__a.sql", texts[i]);
        assert_load_fails(LAYOUT_FLYWAY, ERROR_CONFIG, 2, "which liteinit does not know");
    }
    put("V1__a.sql", "-- ${in} a comment\nSELECT '$', '{', $1;\n");
    struct layout_script script = load_one(LAYOUT_FLYWAY, LAYOUT_UP);
    layout_script_free(&script);
    put("V1__a.sql", "INSERT INTO t VALUES ('${name}');");
    put("V1__a.sql.conf", "placeholderReplacement = false\n");
    script = load_one(LAYOUT_FLYWAY, LAYOUT_UP);
    layout_script_free(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plain_versions_are_numbers, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(dotted_versions_keep_their_order, scratch_begin,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(numbers_of_before_are_known, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(bad_versions_are_refused, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(faults_of_flyway, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(repeatable_ones_come_last, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(folders_inside_are_looked_into, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(refinery_applies_both, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(configuration_beside_a_file, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(placeholders_are_refused, scratch_begin, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
