/* Records that are changed by hand: baseline and repair. */
#include "support_db.h"

#include "migrate/amend.h"

static sqlite3 *db;

static int setup(void **state)
{
    db = db_in_memory();
    return scratch_begin(state);
}

static int teardown(void **state)
{
    db_close(db);
    return scratch_end(state);
}

static struct migrate_plan plan_of_folder(void)
{
    struct error err;
    struct migrate_plan plan;
    const struct migrate_source source = {.folder = scratch, .beside_foreign = true};
    assert_ok(migrate_plan_build(db, &source, NULL, &plan, &err), &err);
    return plan;
}

static size_t baseline_ok(int64_t version)
{
    struct error err;
    size_t recorded = 0;
    struct migrate_plan plan = plan_of_folder();
    assert_ok(migrate_baseline(&plan, version, "v1", &recorded, &err), &err);
    assert_int_equal(sqlite3_get_autocommit(db), 1);
    migrate_plan_free(&plan);
    return recorded;
}

static void baseline_fails(int64_t version, enum error_kind kind, const char *msg)
{
    struct error err;
    size_t recorded = 77;
    struct migrate_plan plan = plan_of_folder();
    assert_fails(migrate_baseline(&plan, version, NULL, &recorded, &err), &err, kind, msg);
    assert_int_equal(sqlite3_get_autocommit(db), 1);
    assert_int_equal(recorded, 77);
    migrate_plan_free(&plan);
}

static int repair(int64_t version, bool *ret_changed, struct error *err)
{
    struct migrate_plan plan = plan_of_folder();
    int result = migrate_repair(&plan, version, ret_changed, err);
    assert_int_equal(sqlite3_get_autocommit(db), 1);
    migrate_plan_free(&plan);
    return result;
}

static void assert_repairs(int64_t version, bool changed)
{
    struct error err;
    bool said = !changed;
    assert_ok(repair(version, &said, &err), &err);
    assert_int_equal(said, changed);
}

static void test_baseline(void **state)
{
    (void)state;
    put_text("1_a.sql", "CREATE TABLE a (x);");
    put_text("1_a_down.sql", "DROP TABLE a;");
    put_text("2_b.sql", "-- liteinit: irreversible\nSELECT 2;");
    put_text("2_b_down.sql", "SELECT 1;");
    put_text("3_c.sql", "SELECT 3;");
    baseline_fails(4, ERROR_NOT_FOUND, "no migration with the number 4");
    baseline_fails(0, ERROR_NOT_FOUND, "no migration with the number 0");
    assert_int_equal(db_int(db, "SELECT count(*) FROM sqlite_master"), 0);
    assert_int_equal(baseline_ok(2), 2);
    assert_int_equal(baseline_ok(2), 0);
    assert_int_equal(baseline_ok(3), 1);
    assert_string_equal(db_text(db, "SELECT group_concat(version || coalesce(down_sql, '-'), '|')"
                                    " FROM schema_migrations"),
                        "1DROP TABLE a;|2-|3-");
    assert_string_equal(db_text(db, "SELECT group_concat(direction || version || status, '|')"
                                    " FROM migration_history"),
                        "baseline1success|baseline2success|baseline3success");
    /* Nothing was run. */
    assert_int_equal(db_int(db, "SELECT count(*) FROM sqlite_master WHERE name = 'a'"), 0);
}

static void test_a_file_that_cannot_be_read_in_the_middle(void **state)
{
    (void)state;
    put_text("1_a.sql", "SELECT 1;");
    put_text("2_b.sql", "SELECT 2;");
    put_file("2_b_down.sql", "SELECT\0 2;", 10);
    put_text("3_c.sql", "SELECT 3;");
    baseline_fails(3, ERROR_DATA, "2_b_down.sql");
    assert_int_equal(db_int(db, "SELECT count(*) FROM schema_migrations"), 0);
    assert_int_equal(db_int(db, "SELECT count(*) FROM migration_history"), 0);
}

static void test_repair(void **state)
{
    (void)state;
    struct error err;
    bool changed = false;
    put_text("1_a.sql", "SELECT 1;");
    assert_int_equal(repair(1, &changed, &err), -1);
    assert_says(err.msg, "it is not applied");
    assert_int_equal(baseline_ok(1), 1);
    assert_repairs(1, false);
    put_text("1_a.sql", "/* the same */ SELECT 1;");
    assert_repairs(1, false);
    put_text("1_a.sql", "SELECT 2;");
    put_text("1_a_down.sql", "SELECT 'back';");
    assert_repairs(1, true);
    assert_repairs(1, false);
    assert_string_equal(db_text(db, "SELECT down_sql FROM schema_migrations"), "SELECT 'back';");
    assert_string_equal(db_text(db, "SELECT direction FROM migration_history ORDER BY id DESC"),
                        "repair");
    put_text("1_a.sql", "-- liteinit: irreversible\nSELECT 3;");
    assert_repairs(1, true);
    assert_string_equal(db_text(db, "SELECT down_sql FROM schema_migrations"), "(null)");
    assert_int_equal(unlink(scratch_path("1_a.sql")), 0);
    assert_int_equal(unlink(scratch_path("1_a_down.sql")), 0);
    assert_int_equal(repair(1, &changed, &err), -1);
    assert_says(err.msg, "its file is not in the folder");
    assert_says(err.hint, "--drift warn");
}

/* A record of another tool's may have no checksum: there is nothing that differs, and the file is
 * what it is from now on. */
static void test_repair_without_a_checksum(void **state)
{
    (void)state;
    put_text("1_a.sql", "SELECT 1;");
    assert_int_equal(baseline_ok(1), 1);
    db_exec(db, "UPDATE schema_migrations SET checksum = NULL, name = NULL, applied_at = NULL");
    assert_repairs(1, true);
    assert_string_equal(db_text(db, "SELECT substr(checksum, 1, 3) FROM schema_migrations"), "t1:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_baseline, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_file_that_cannot_be_read_in_the_middle, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_repair, setup, teardown),
        cmocka_unit_test_setup_teardown(test_repair_without_a_checksum, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
