/* The way back: what is on it, in which order, by which text, and when there is none. */
#include "support_records.h"

#include "layout/tokens.h"
#include "migrate/way_back.h"

/* As if `up` had been applied now. Texts may be NULL. */
static void apply(int64_t version, const char *name, const char *up, const char *down,
                  const char *backup)
{
    struct error err;
    int64_t id = 0;
    char sum[LAYOUT_CHECKSUM_SIZE] = "";
    if (up != NULL)
        layout_checksum(up, strlen(up), sum);
    const struct migrate_record record = {
        .version = version,
        .name = name,
        .checksum = up != NULL ? sum : NULL,
        .down_sql = down,
        .backup = backup,
    };
    assert_ok(migrate_history_start(&history, version, "up", NULL, &id, &err), &err);
    assert_ok(migrate_history_record(&history, &record, &err), &err);
    assert_ok(migrate_history_finish(&history, id, "success", NULL, &err), &err);
}

static struct migrate_plan plan_of(bool folder)
{
    struct error err;
    struct migrate_plan plan;
    const struct migrate_source source = {.folder = folder ? scratch : NULL};
    assert_ok(migrate_plan_build(db, &source, NULL, &plan, &err), &err);
    return plan;
}

/* "3:TEXT|2:TEXT|" of the way to `target`. */
static void assert_way(bool folder, int64_t target, const char *expected)
{
    struct error err;
    struct migrate_way_back way;
    char text[512] = "";
    struct migrate_plan plan = plan_of(folder);
    assert_ok(migrate_way_back_build(&plan, target, &way, &err), &err);
    migrate_plan_free(&plan);
    for (size_t i = 0; i < way.count; i++) {
        size_t n = strlen(text);
        assert_non_null(way.steps[i].name);
        (void)snprintf(text + n, sizeof text - n, "%lld:%.*s|", (long long)way.steps[i].version,
                       (int)way.steps[i].script.size, way.steps[i].script.text);
    }
    assert_string_equal(text, expected);
    migrate_way_back_free(&way);
    assert_int_equal(way.count, 0);
}

static void assert_no_way(bool folder, int64_t target, const char *msg, const char *hint)
{
    struct error err;
    struct migrate_way_back way = {.count = 77};
    struct migrate_plan plan = plan_of(folder);
    assert_fails(migrate_way_back_build(&plan, target, &way, &err), &err, ERROR_NOT_FOUND, msg);
    assert_int_equal(way.count, 77);
    assert_says(err.hint, hint);
    migrate_plan_free(&plan);
}

static void test_the_order(void **state)
{
    (void)state;
    assert_no_way(false, MIGRATE_LAST, "no migration is applied", "liteinit status");
    assert_way(false, 0, "");
    apply(1, "a", NULL, "A", NULL);
    apply(3, "c", NULL, "C", NULL);
    apply(2, "b", NULL, "B", NULL);
    assert_way(false, MIGRATE_LAST, "2:B|");
    assert_way(false, 0, "2:B|3:C|1:A|");
    assert_way(false, 1, "2:B|3:C|");
    assert_way(false, 2, "3:C|");
    assert_way(false, 3, "");
    assert_no_way(false, 4, "version 4 is not applied", "0 takes all of them back");
    assert_no_way(false, INT64_MAX, "is not applied", "");
}

/* Repeatable ones have no way back, and are no reason to refuse. */
static void test_repeatables_stay(void **state)
{
    (void)state;
    apply(1, "a", NULL, "A", NULL);
    apply(-7, "view", NULL, NULL, NULL);
    assert_way(false, MIGRATE_LAST, "1:A|");
    assert_way(false, 0, "1:A|");
}

static void test_which_text(void **state)
{
    (void)state;
    put_text("1_a.sql", "-- other words\nSELECT 1;");
    put_text("1_a_down.sql", "SELECT 'folder';");
    put_text("2_b.sql", "SELECT 'changed';");
    put_text("2_b_down.sql", "SELECT 'folder';");
    put_text("3_c.sql", "SELECT 3;");
    apply(1, "a", "SELECT 1;", "KEPT 1", NULL);
    apply(2, "b", "SELECT 2;", "KEPT 2", NULL);
    apply(3, "c", "SELECT 3;", "KEPT 3", NULL);
    apply(4, "d", "SELECT 4;", "KEPT 4", NULL);
    assert_way(true, 0, "4:KEPT 4|3:KEPT 3|2:KEPT 2|1:SELECT 'folder';|");
    assert_way(false, 0, "4:KEPT 4|3:KEPT 3|2:KEPT 2|1:KEPT 1|");
}

/* Of a record that was taken over from another tool nothing but the number may be known. */
static void test_a_record_without_words(void **state)
{
    (void)state;
    apply(1, NULL, NULL, NULL, NULL);
    assert_no_way(false, MIGRATE_LAST, "version 1 () cannot be taken back", "nothing was changed");
    put_text("1_a.sql", "SELECT 1;");
    put_text("1_a_down.sql", "SELECT 'folder';");
    assert_way(true, MIGRATE_LAST, "1:SELECT 'folder';|");
}

static void test_none(void **state)
{
    (void)state;
    char backup[PATH_MAX];
    (void)snprintf(backup, sizeof backup, "%s", put_text("before.db", "x"));
    apply(1, "a", NULL, NULL, backup);
    apply(2, "b", NULL, NULL, "/nowhere/before.db");
    apply(3, "c", NULL, "C", NULL);
    assert_way(false, MIGRATE_LAST, "3:C|");
    assert_no_way(false, 1, "version 2 (b) cannot be taken back: there is no down script",
                  "liteinit backups");
    assert_no_way(false, 0, "version 2 (b)", "");
    db_exec(db, "DELETE FROM schema_migrations WHERE version = 2");
    assert_no_way(false, 0, "version 1 (a)", backup);
    put_text("3_c.sql", "-- liteinit: irreversible\nSELECT 3;");
    db_exec(db, "UPDATE schema_migrations SET checksum = NULL WHERE version = 3");
    assert_no_way(true, MIGRATE_LAST, "it is marked irreversible", "write a new migration");
}

static void test_a_long_name(void **state)
{
    (void)state;
    char name[3000];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    apply(INT64_MAX, name, NULL, "X", NULL);
    assert_way(false, MIGRATE_LAST, "9223372036854775807:X|");
    db_exec(db, "UPDATE schema_migrations SET down_sql = NULL");
    assert_no_way(false, 0, "version 9223372036854775807 (xxx", "nothing was changed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_order, records_begin, records_end),
        cmocka_unit_test_setup_teardown(test_repeatables_stay, records_begin, records_end),
        cmocka_unit_test_setup_teardown(test_which_text, records_begin, records_end),
        cmocka_unit_test_setup_teardown(test_a_record_without_words, records_begin, records_end),
        cmocka_unit_test_setup_teardown(test_none, records_begin, records_end),
        cmocka_unit_test_setup_teardown(test_a_long_name, records_begin, records_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
