/* Schemas that an image must not meet: newer ones, and those that were left half done. */
#include "support_records.h"

#include "migrate/plan.h"
#include "migrate/way_back.h"

static void apply(int64_t version, const struct migrate_record *more)
{
    struct error err;
    int64_t id = 0;
    struct migrate_record record = *more;
    record.version = version;
    assert_ok(migrate_history_start(&history, version, "up", NULL, &id, &err), &err);
    assert_ok(migrate_history_record(&history, &record, &err), &err);
    assert_ok(migrate_history_finish(&history, id, "success", NULL, &err), &err);
}

static struct migrate_plan plan_of_folder(void)
{
    struct error err;
    struct migrate_plan plan;
    const struct migrate_source source = {.folder = scratch};
    assert_ok(migrate_plan_build(db, &source, NULL, &plan, &err), &err);
    return plan;
}

static struct error newer_error(size_t newer, int64_t known)
{
    struct error err;
    struct migrate_plan plan = plan_of_folder();
    assert_int_equal(plan.newer, newer);
    assert_int_equal(migrate_plan_known(&plan), known);
    assert_fails(migrate_plan_newer_error(&plan, &err), &err, ERROR_CONFIG, "knows only up to");
    migrate_plan_free(&plan);
    return err;
}

static const struct migrate_record with_down = {.name = "n", .down_sql = "SELECT 1;"};

static void test_newer(void **state)
{
    (void)state;
    char backup[PATH_MAX];
    (void)snprintf(backup, sizeof backup, "%s", put_text("before.db", "x"));
    put_text("1_a.sql", "SELECT 1;");
    apply(1, &with_down);
    apply(2, &(struct migrate_record){.name = "b",
                                      .down_sql = "X",
                                      .app_version = "v2",
                                      .backup = backup,
                                      .applied_at = "2026-01-02T03:04:05.000Z"});
    struct error err = newer_error(1, 1);
    assert_says(err.msg, "schema version 2");
    assert_says(err.msg, "up to 1");
    assert_says(err.msg, "2_b, by version v2 of the app on 2026-01-02T03:04:05.000Z");
    assert_says(err.hint, "SERVICE down 1");
    assert_says(err.hint, "--on-newer-schema restore");
    assert_says(err.hint, backup);
    apply(3, &(struct migrate_record){.name = "c"});
    err = newer_error(2, 1);
    assert_says(err.hint, "3_c has no way back");
    assert_null(strstr(err.hint, "down 1"));
}

/* The image's own newest may be pending: the way back goes to what is applied. */
static void test_what_is_known(void **state)
{
    (void)state;
    put_text("1_a.sql", "SELECT 1;");
    put_text("5_e.sql", "SELECT 1;");
    apply(1, &with_down);
    apply(7, &with_down);
    assert_says(newer_error(1, 1).hint, "SERVICE down 1");
    db_exec(db, "DELETE FROM schema_migrations WHERE version = 1");
    assert_says(newer_error(1, 0).hint, "SERVICE down 0");
    apply(-3, &(struct migrate_record){.name = "view"});
    assert_says(newer_error(1, 0).hint, "SERVICE down 0");
}

static void test_records_without_words_and_long_ones(void **state)
{
    (void)state;
    char name[3000];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    put_text("1_a.sql", "SELECT 1;");
    apply(1, &with_down);
    apply(2, &(struct migrate_record){.name = NULL});
    db_exec(db, "UPDATE schema_migrations SET applied_at = NULL");
    struct error err = newer_error(1, 1);
    assert_says(err.msg, "2_, by a newer image on an unknown day");
    db_exec(db, "DELETE FROM schema_migrations WHERE version = 2");
    apply(INT64_MAX, &(struct migrate_record){
                         .name = name, .app_version = name, .backup = name, .down_sql = "X"});
    err = newer_error(1, 1);
    assert_says(err.msg, "9223372036854775807_xxx");
    assert_says(err.hint, "SERVICE down 1");
}

static void test_an_empty_folder(void **state)
{
    (void)state;
    apply(1, &with_down);
    struct error err = newer_error(1, 0);
    assert_says(err.hint, scratch);
    assert_says(err.hint, "--migrations");
    assert_null(strstr(err.hint, "down 0"));
}

/* An attempt at a file without a transaction of which two statements stay. */
static void leave_half_done(int64_t version, const char *direction)
{
    struct error err;
    int64_t id = 0;
    assert_ok(migrate_history_start(&history, version, direction, NULL, &id, &err), &err);
    assert_ok(migrate_history_note(&history, id, "2:abc", &err), &err);
    assert_ok(migrate_history_finish(&history, id, "failed", "no", &err), &err);
}

static void assert_unfinished(const struct migrate_way_back *way, const char *msg, const char *hint)
{
    struct error err;
    struct migrate_plan plan = plan_of_folder();
    int result = migrate_plan_check_unfinished(&plan, way, &err);
    migrate_plan_free(&plan);
    if (msg == NULL) {
        assert_ok(result, &err);
        return;
    }
    assert_fails(result, &err, ERROR_CONFIG, msg);
    assert_says(err.hint, hint);
}

static void test_half_done(void **state)
{
    (void)state;
    put_text("1_a.sql", "SELECT 1;");
    apply(1, &with_down);
    assert_unfinished(NULL, NULL, NULL);
    leave_half_done(2, "up");
    assert_unfinished(NULL,
                      "migration 2 runs without a transaction and was left half applied: 2 of",
                      "start the image again that has this migration");
    put_text("2_b.sql", "-- liteinit: no-transaction\nSELECT 1;");
    assert_unfinished(NULL, NULL, NULL);
    apply(2, &with_down);
    assert_unfinished(NULL, NULL, NULL);
    leave_half_done(2, "down");
    assert_unfinished(NULL, "left half taken back", "liteinit down");
    struct migrate_step_back step = {.version = 2};
    const struct migrate_way_back way = {.steps = &step, .count = 1};
    assert_unfinished(&way, NULL, NULL);
    step.version = 1;
    assert_unfinished(&way, "left half taken back", "liteinit down");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_newer, records_begin, records_end),
        cmocka_unit_test_setup_teardown(test_what_is_known, records_begin, records_end),
        cmocka_unit_test_setup_teardown(test_records_without_words_and_long_ones, records_begin,
                                        records_end),
        cmocka_unit_test_setup_teardown(test_an_empty_folder, records_begin, records_end),
        cmocka_unit_test_setup_teardown(test_half_done, records_begin, records_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
