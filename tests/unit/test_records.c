/* What the history is asked: positions, ways back, half-applied migrations, and how quickly. */
#include "support_db.h"

#include <time.h>

#include "migrate/history.h"

static sqlite3 *db;
static struct migrate_history history;

static int setup(void **state)
{
    (void)state;
    struct error err;
    db = db_in_memory();
    assert_ok(migrate_history_open(db, &history, &err), &err);
    assert_ok(migrate_history_create(&history, &err), &err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return sqlite3_close(db);
}

static void record(int64_t version, const char *down_sql)
{
    struct error err;
    struct migrate_record row = {
        .version = version, .name = "n", .checksum = "t1:x", .down_sql = down_sql};
    assert_ok(migrate_history_record(&history, &row, &err), &err);
}

static int64_t attempt(int64_t version, const char *direction, const char *status)
{
    struct error err;
    int64_t id = 0;
    assert_ok(migrate_history_create(&history, &err), &err);
    assert_ok(migrate_history_start(&history, version, direction, NULL, &id, &err), &err);
    if (status != NULL)
        assert_ok(migrate_history_finish(&history, id, status, NULL, &err), &err);
    return id;
}

static void note(int64_t id, const char *text)
{
    struct error err;
    assert_ok(migrate_history_note(&history, id, text, &err), &err);
}

static void positions_follow_the_application(void **state)
{
    (void)state;
    struct error err;
    struct migrate_applied *applied = NULL;
    size_t count = 0;
    /* 5 came before 2; 3 was taken back and came again; a failure brings nothing in. */
    (void)attempt(1, "baseline", "success");
    (void)attempt(5, "up", "success");
    (void)attempt(3, "up", "success");
    (void)attempt(2, "adopt", "success");
    (void)attempt(3, "down", "success");
    (void)attempt(3, "up", "success");
    (void)attempt(1, "up", "failed");
    (void)attempt(2, "down", "failed");
    (void)attempt(9, "up", "success");
    for (int64_t version = 1; version <= 7; version++)
        record(version, version == 3 ? "DROP TABLE t" : NULL);
    /* The history does not know 4, 6 and 7: first of all, by time, then by number. */
    db_exec(db, "UPDATE schema_migrations SET applied_at = '2024-05-05' WHERE version = 4;"
                "UPDATE schema_migrations SET applied_at = '2024-01-01' WHERE version = 6;"
                "UPDATE schema_migrations SET applied_at = NULL WHERE version = 7");
    assert_ok(migrate_history_applied(&history, &applied, &count, &err), &err);
    assert_int_equal(count, 7);
    static const int expected[] = {4, 6, 7, 3, 5, 2, 1};
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(applied[i].version, i + 1);
        if (applied[i].position != expected[i])
            fail_msg("version %zu at %lld", i + 1, (long long)applied[i].position);
        assert_true(applied[i].has_down == (i == 2));
    }
    migrate_applied_free(applied, count);
}

static void the_way_back_is_kept(void **state)
{
    (void)state;
    struct error err;
    char *sql = NULL;
    record(1, "DROP TABLE a;\n-- \xC3\xA4");
    record(2, NULL);
    assert_ok(migrate_history_down_sql(&history, 1, &sql, &err), &err);
    assert_string_equal(sql, "DROP TABLE a;\n-- \xC3\xA4");
    free(sql);
    for (int64_t version = 2; version <= 3; version++) {
        sql = (char *)1;
        assert_ok(migrate_history_down_sql(&history, version, &sql, &err), &err);
        assert_null(sql);
    }
}

static void records_change(void **state)
{
    (void)state;
    struct error err;
    record(1, NULL);
    record(2, NULL);
    assert_ok(migrate_history_accept(&history, 2, "t1:new", "DROP TABLE b", &err), &err);
    assert_string_equal(db_text(db, "SELECT group_concat(checksum) FROM schema_migrations"),
                        "t1:x,t1:new");
    assert_string_equal(db_text(db, "SELECT down_sql FROM schema_migrations WHERE version = 2"),
                        "DROP TABLE b");
    assert_fails(migrate_history_accept(&history, 3, "t1:new", NULL, &err), &err, ERROR_NOT_FOUND,
                 "version 3 is not applied");
    assert_ok(migrate_history_remove(&history, 1, &err), &err);
    assert_ok(migrate_history_remove(&history, 1, &err), &err);
    assert_string_equal(db_text(db, "SELECT group_concat(version) FROM schema_migrations"), "2");
}

static void repeatable_ones_replace_their_record(void **state)
{
    (void)state;
    struct error err;
    struct migrate_record row = {.version = -77, .name = "views", .checksum = "t1:a"};
    assert_ok(migrate_history_record(&history, &row, &err), &err);
    row.checksum = "t1:b";
    assert_ok(migrate_history_record(&history, &row, &err), &err);
    assert_string_equal(
        db_text(db, "SELECT group_concat(version || checksum) FROM schema_migrations"), "-77t1:b");
}

static void half_applied(void **state)
{
    (void)state;
    struct error err;
    struct migrate_unfinished *list = NULL;
    size_t count = 0;
    char text[MIGRATE_NOTE_SIZE];
    bool success = true;
    note(attempt(1, "up", "failed"), "3:abc");
    (void)attempt(1, "up", "success");
    note(attempt(2, "up", "success"), "9:abc");
    note(attempt(3, "up", "failed"), "4:abc");
    note(attempt(4, "down", "interrupted"), "12:abc");
    (void)attempt(5, "up", "failed");
    int64_t id = attempt(3, "up", NULL);
    /* The note goes along from attempt to attempt, in its direction alone. */
    assert_ok(migrate_history_look(&history, id, &success, text, &err), &err);
    assert_false(success);
    assert_string_equal(text, "4:abc");
    assert_ok(migrate_history_unfinished(&history, &list, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_true(list[0].version == 3 && !list[0].down && list[0].statements == 4);
    assert_true(list[1].version == 4 && list[1].down && list[1].statements == 12);
    free(list);
    id = attempt(3, "down", NULL);
    assert_ok(migrate_history_look(&history, id, &success, text, &err), &err);
    assert_string_equal(text, "");
}

/* An app's own history of this very shape is left alone (without the column `resume`). */
static void a_history_of_the_apps_own(void **state)
{
    (void)state;
    struct error err;
    struct migrate_history other;
    db_exec(db, "DROP TABLE migration_history; CREATE TABLE migration_history ("
                "id INTEGER PRIMARY KEY, version INTEGER, direction TEXT, status TEXT,"
                " backup_path TEXT, error_message TEXT, started_at TEXT, completed_at TEXT);"
                "INSERT INTO migration_history (version, status) VALUES (7, 'running')");
    assert_ok(migrate_history_open(db, &other, &err), &err);
    assert_string_equal(other.history_table, "liteinit_history");
    assert_string_equal(other.applied_table, "schema_migrations");
    assert_false(other.history_exists);
    assert_ok(migrate_history_create(&other, &err), &err);
    int64_t marked = 0;
    assert_ok(migrate_history_mend(&other, &marked, &err), &err);
    assert_int_equal(db_int(db, "SELECT count(*) FROM migration_history WHERE status = 'running'"),
                     1);
    assert_ok(migrate_history_open(db, &other, &err), &err);
    assert_true(other.history_exists);
}

static double seconds_to_read(void)
{
    struct error err;
    struct migrate_applied *applied = NULL;
    struct timespec from;
    struct timespec to;
    size_t count = 0;
    double best = 1e9;
    for (int i = 0; i < 5; i++) {
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        assert_ok(migrate_history_applied(&history, &applied, &count, &err), &err);
        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        double taken =
            (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
        best = taken < best ? taken : best;
        migrate_applied_free(applied, count);
    }
    return best;
}

static void fill_to(int rows)
{
    char sql[700];
    (void)snprintf(
        sql, sizeof sql,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " INSERT OR IGNORE INTO schema_migrations (version, name, applied_at, checksum,"
        " down_sql) SELECT i, 'name_' || i, '2026-01-01', 't1:' || i,"
        " printf('%%0200d', i) FROM n;"
        "DELETE FROM migration_history;"
        "INSERT INTO migration_history (version, direction, status) SELECT version, 'up',"
        " 'success' FROM schema_migrations",
        rows);
    db_exec(db, sql);
}

static void ten_thousand_are_read_quickly(void **state)
{
    (void)state;
    fill_to(2500);
    double quarter = seconds_to_read();
    fill_to(10000);
    double all = seconds_to_read();
    /* Four times as many may not take much more than four times as long. The bound is 20 ms; a
     * debug build, a sanitizer and a busy machine get more. */
    if (all > 8 * quarter || all > 0.1)
        fail_msg("2500: %.2f ms, 10000: %.2f ms", quarter * 1e3, all * 1e3);
    print_message("10000 applied migrations are read in %.2f ms\n", all * 1e3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(positions_follow_the_application, setup, teardown),
        cmocka_unit_test_setup_teardown(the_way_back_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(records_change, setup, teardown),
        cmocka_unit_test_setup_teardown(repeatable_ones_replace_their_record, setup, teardown),
        cmocka_unit_test_setup_teardown(half_applied, setup, teardown),
        cmocka_unit_test_setup_teardown(a_history_of_the_apps_own, setup, teardown),
        cmocka_unit_test_setup_teardown(ten_thousand_are_read_quickly, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
