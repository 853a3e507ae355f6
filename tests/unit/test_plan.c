/* The plan: files against what the database says is applied. */
#include "support_db.h"

#include "layout/tokens.h"
#include "migrate/plan.h"

static sqlite3 *db;

static int setup(void **state)
{
    db = db_in_memory();
    return scratch_begin(state);
}

static int teardown(void **state)
{
    int closed = sqlite3_close(db);
    return scratch_end(state) == 0 && closed == SQLITE_OK ? 0 : -1;
}

/* 1_m.sql … N_m.sql, each with a statement of its own. */
static void make_files(int first, int last)
{
    for (int i = first; i <= last; i++) {
        char name[32];
        char text[64];
        (void)snprintf(name, sizeof name, "%03d_m.sql", i);
        (void)snprintf(text, sizeof text, "CREATE TABLE t%d(a);\n", i);
        (void)put_text(name, text);
    }
}

/* As if these files had been applied as they are. */
static void record(int first, int last)
{
    struct error err;
    struct migrate_history history;
    assert_ok(migrate_history_open(db, &history, &err), &err);
    assert_ok(migrate_history_create(&history, &err), &err);
    for (int i = first; i <= last; i++) {
        char text[64];
        char sum[LAYOUT_CHECKSUM_SIZE];
        int n = snprintf(text, sizeof text, "CREATE TABLE t%d(a);\n", i);
        layout_checksum(text, (size_t)n, sum);
        struct migrate_record row = {.version = i, .name = "m", .checksum = sum};
        row.app_version = i == last ? "2.0" : NULL;
        assert_ok(migrate_history_record(&history, &row, &err), &err);
    }
}

static struct migrate_plan build_ok(const char *target)
{
    struct error err;
    struct migrate_plan plan;
    const struct migrate_source source = {.folder = scratch};
    assert_ok(migrate_plan_build(db, &source, target, &plan, &err), &err);
    assert_int_equal(plan.newer, 0);
    return plan;
}

static struct error build_fails(const char *folder, const char *target, enum error_kind kind,
                                const char *msg)
{
    struct error err = {.kind = ERROR_NONE};
    struct migrate_plan plan;
    const struct migrate_source source = {.folder = folder};
    memset(&plan, 0x5A, sizeof plan);
    struct migrate_plan untouched = plan;
    assert_fails(migrate_plan_build(db, &source, target, &plan, &err), &err, kind, msg);
    assert_memory_equal(&plan, &untouched, sizeof plan);
    return err;
}

/* A database that is newer than the folder is planned, and said so when asked. */
static struct error build_newer(const char *target, const char *msg)
{
    struct error err = {.kind = ERROR_NONE};
    struct migrate_plan plan;
    const struct migrate_source source = {.folder = scratch};
    assert_ok(migrate_plan_build(db, &source, target, &plan, &err), &err);
    assert_true(plan.newer > 0);
    assert_fails(migrate_plan_newer_error(&plan, &err), &err, ERROR_CONFIG, msg);
    migrate_plan_free(&plan);
    return err;
}

static void everything_is_pending_at_first(void **state)
{
    (void)state;
    make_files(1, 12);
    struct migrate_plan plan = build_ok(NULL);
    assert_int_equal(plan.pending_count, 12);
    for (size_t i = 0; i < 12; i++)
        assert_int_equal(plan.pending[i]->version, i + 1);
    assert_int_equal(plan.current, 0);
    assert_int_equal(plan.newest, 12);
    assert_int_equal(plan.notices.count + plan.drift.count, 0);
    migrate_plan_free(&plan);
    assert_int_equal(db_int(db, "SELECT count(*) FROM sqlite_schema"), 0);
}

static void only_the_rest_is_pending(void **state)
{
    (void)state;
    make_files(1, 5);
    record(1, 3);
    struct migrate_plan plan = build_ok(NULL);
    assert_int_equal(plan.pending_count, 2);
    assert_int_equal(plan.pending[0]->version, 4);
    assert_int_equal(plan.pending[1]->version, 5);
    assert_int_equal(plan.current, 3);
    assert_int_equal(plan.applied_count, 3);
    assert_int_equal(plan.notices.count + plan.drift.count, 0);
    migrate_plan_free(&plan);
    record(4, 5);
    plan = build_ok(NULL);
    assert_int_equal(plan.pending_count, 0);
    migrate_plan_free(&plan);
    migrate_plan_free(&plan);
}

static void target_ends_the_plan(void **state)
{
    (void)state;
    make_files(1, 5);
    record(1, 2);
    struct migrate_plan plan = build_ok("4");
    assert_int_equal(plan.pending_count, 2);
    assert_int_equal(plan.pending[1]->version, 4);
    migrate_plan_free(&plan);
    plan = build_ok("1");
    assert_int_equal(plan.pending_count, 0);
    migrate_plan_free(&plan);
    struct error err = build_fails(scratch, "6", ERROR_NOT_FOUND, "number 6");
    assert_says(err.hint, "liteinit status");
}

static void late_files_run_with_a_notice(void **state)
{
    (void)state;
    make_files(1, 4);
    record(1, 1);
    record(3, 3);
    struct migrate_plan plan = build_ok(NULL);
    assert_int_equal(plan.pending_count, 2);
    assert_int_equal(plan.pending[0]->version, 2);
    assert_int_equal(plan.pending[1]->version, 4);
    assert_int_equal(plan.notices.count, 1);
    assert_says(plan.notices.items[0], "002_m.sql comes late: version 3 is applied already");
    migrate_plan_free(&plan);
}

static void changed_and_missing_files_are_drift(void **state)
{
    (void)state;
    struct error err;
    make_files(1, 4);
    record(1, 3);
    /* Other clothes are no drift. */
    (void)put_text("001_m.sql", "-- a comment\r\nCREATE TABLE t1 ( a ) ;");
    struct migrate_plan plan = build_ok(NULL);
    assert_int_equal(plan.drift.count, 0);
    migrate_plan_free(&plan);

    (void)put_text("001_m.sql", "CREATE TABLE t1(a, b);\n");
    assert_int_equal(unlink(scratch_path("002_m.sql")), 0);
    plan = build_ok(NULL);
    assert_int_equal(plan.drift.count, 2);
    assert_says(plan.drift.items[0], "001_m.sql has changed since it was applied on 20");
    assert_says(plan.drift.items[1], "the file of version 2 (m), applied on 20");
    assert_int_equal(plan.pending_count, 1);
    assert_int_equal(migrate_plan_drift_error(&plan, &err), -1);
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_says(err.msg, "001_m.sql has changed");
    assert_says(err.msg, "(and 1 more like it)");
    assert_says(err.hint, "--drift warn");
    migrate_plan_free(&plan);

    /* A row without a checksum, as a hand would write it, cannot differ. */
    db_exec(db, "UPDATE schema_migrations SET checksum = NULL, applied_at = NULL");
    plan = build_ok(NULL);
    assert_int_equal(plan.drift.count, 1);
    assert_says(plan.drift.items[0], "an unknown day");
    migrate_plan_free(&plan);
}

static void newer_database_is_refused(void **state)
{
    (void)state;
    make_files(1, 3);
    record(1, 5);
    struct error err =
        build_newer(NULL, "schema version 5 and this image knows only up to 3: 2 newer "
                          "migrations");
    assert_says(err.msg, "4_m");
    assert_says(err.msg, "version 2.0 of the app");
    assert_says(err.hint, "start the newer image again");
    db_exec(db, "UPDATE schema_migrations SET backup = '/b/gone.db' WHERE version = 4");
    err = build_newer(NULL, "schema version 5");
    assert_null(strstr(err.hint, "/b/gone.db"));
    char sql[PATH_MAX + 64];
    const char *backup = put_text("old.db", "");
    (void)snprintf(sql, sizeof sql, "UPDATE schema_migrations SET backup = '%s' WHERE version = 4",
                   backup);
    db_exec(db, sql);
    err = build_newer(NULL, "schema version 5");
    assert_says(err.hint, backup);
    db_exec(db, "DELETE FROM schema_migrations WHERE version = 4");
    (void)build_newer(NULL, "1 newer migration was");
    /* A pending file below does not hide it, and no target goes around it. */
    db_exec(db, "DELETE FROM schema_migrations WHERE version = 2");
    (void)build_newer("3", "schema version 5");
}

static void empty_folder_after_migrations_is_newer_too(void **state)
{
    (void)state;
    record(1, 2);
    (void)build_newer(NULL, "knows only up to 0");
}

static void huge_names_in_the_records_do_no_harm(void **state)
{
    (void)state;
    make_files(1, 1);
    record(1, 3);
    db_exec(db, "UPDATE schema_migrations SET name = printf('%.*c', 100000, 'n'),"
                " app_version = printf('%.*c', 100000, 'v'), backup = printf('%.*c', 100000, 'b'),"
                " applied_at = printf('%.*c', 100000, 't')");
    (void)build_newer(NULL, "schema version 3");
    make_files(3, 3);
    struct migrate_plan plan = build_ok(NULL);
    assert_int_equal(plan.drift.count, 1);
    assert_says(plan.drift.items[0], "is gone");
    migrate_plan_free(&plan);
}

static void history_of_another_tool_stops_us(void **state)
{
    (void)state;
    db_exec(db, "CREATE TABLE schema_migrations (version TEXT)");
    struct migrate_plan plan = build_ok(NULL); /* without files: nothing to do */
    assert_int_equal(plan.pending_count, 0);
    migrate_plan_free(&plan);
    make_files(1, 1);
    struct error err = build_fails(scratch, NULL, ERROR_CONFIG,
                                   "schema_migrations, the history of another migration tool "
                                   "(dbmate)");
    assert_says(err.hint, "--entrypoint liteinit SERVICE adopt");
    assert_says(err.hint, "LITEINIT_MIGRATIONS=none");
    db_exec(db, "CREATE TABLE alembic_version (version_num)");
    (void)build_fails(scratch, NULL, ERROR_CONFIG, "and 1 more");
    db_exec(db, "ALTER TABLE schema_migrations ADD COLUMN extra; DROP TABLE alembic_version");
    err = build_fails(scratch, NULL, ERROR_CONFIG, "another tool wrote");
    assert_says(err.hint, "baseline VERSION");
    /* Our tables alone, after an attempt that failed, say nothing. */
    struct migrate_history history;
    int64_t id = 0;
    assert_ok(migrate_history_open(db, &history, &err), &err);
    assert_ok(migrate_history_create(&history, &err), &err);
    assert_ok(migrate_history_start(&history, 1, "up", NULL, &id, &err), &err);
    assert_ok(migrate_history_finish(&history, id, "failed", "", &err), &err);
    (void)build_fails(scratch, NULL, ERROR_CONFIG, "another tool wrote");
    assert_ok(migrate_history_finish(&history, id, "success", "", &err), &err);
    plan = build_ok(NULL);
    migrate_plan_free(&plan);
    /* With records of our own beside it all is well. */
    record(1, 1);
    make_files(2, 2);
    plan = build_ok(NULL);
    assert_int_equal(plan.pending_count, 1);
    migrate_plan_free(&plan);
}

static void what_many_apps_have_stops_nobody(void **state)
{
    (void)state;
    make_files(1, 1);
    db_exec(db, "PRAGMA user_version = 7; CREATE TABLE migrations (id, name);"
                "CREATE VIEW knex_migrations AS SELECT 1 AS id");
    struct migrate_plan plan = build_ok(NULL);
    assert_int_equal(plan.pending_count, 1);
    migrate_plan_free(&plan);
}

static void folder_may_be_absent_on_purpose_only(void **state)
{
    (void)state;
    struct error err;
    struct migrate_plan plan;
    const struct migrate_source nothing = {.folder = NULL};
    record(1, 2);
    assert_ok(migrate_plan_build(db, &nothing, NULL, &plan, &err), &err);
    assert_int_equal(plan.pending_count, 0);
    assert_int_equal(plan.current, 2);
    assert_null(plan.folder.path);
    migrate_plan_free(&plan);
    (void)build_fails(scratch_path("none"), NULL, ERROR_NOT_FOUND, "none");
    (void)put_text("1_a.sql", "");
    (void)put_text("01_a.sql", "");
    (void)build_fails(scratch, NULL, ERROR_CONFIG, "have the number 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_is_pending_at_first, setup, teardown),
        cmocka_unit_test_setup_teardown(only_the_rest_is_pending, setup, teardown),
        cmocka_unit_test_setup_teardown(target_ends_the_plan, setup, teardown),
        cmocka_unit_test_setup_teardown(late_files_run_with_a_notice, setup, teardown),
        cmocka_unit_test_setup_teardown(changed_and_missing_files_are_drift, setup, teardown),
        cmocka_unit_test_setup_teardown(newer_database_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(empty_folder_after_migrations_is_newer_too, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(huge_names_in_the_records_do_no_harm, setup, teardown),
        cmocka_unit_test_setup_teardown(what_many_apps_have_stops_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(history_of_another_tool_stops_us, setup, teardown),
        cmocka_unit_test_setup_teardown(folder_may_be_absent_on_purpose_only, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
