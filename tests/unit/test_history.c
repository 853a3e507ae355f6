/* What the database remembers: whose tables these are, attempts, and applied versions. */
#include "support_db.h"

#include "migrate/history.h"

#define OUR_APPLIED                                                                                \
    "(version INTEGER PRIMARY KEY, name TEXT, applied_at TEXT, checksum TEXT,"                     \
    " duration_ms INTEGER, app_version TEXT, backup TEXT, down_sql TEXT)"
#define OUR_HISTORY                                                                                \
    "(id INTEGER PRIMARY KEY, version INTEGER, direction TEXT, status TEXT, backup_path TEXT,"     \
    " error_message TEXT, started_at TEXT, completed_at TEXT, resume TEXT)"

static sqlite3 *db;

static int setup(void **state)
{
    (void)state;
    db = db_in_memory();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return sqlite3_close(db);
}

static struct migrate_history open_ok(void)
{
    struct error err;
    struct migrate_history history;
    assert_ok(migrate_history_open(db, &history, &err), &err);
    return history;
}

static struct migrate_history create_ok(void)
{
    struct error err;
    struct migrate_history history = open_ok();
    assert_ok(migrate_history_create(&history, &err), &err);
    return history;
}

static void nothing_is_there_at_first(void **state)
{
    (void)state;
    struct error err;
    struct migrate_history history = open_ok();
    struct migrate_applied *applied = NULL;
    struct migrate_attempt *attempts = NULL;
    size_t count = 7;
    int64_t marked = 7;
    assert_string_equal(history.applied_table, "schema_migrations");
    assert_string_equal(history.history_table, "migration_history");
    assert_false(history.applied_exists || history.history_exists || history.foreign);
    assert_ok(migrate_history_applied(&history, &applied, &count, &err), &err);
    assert_int_equal(count, 0);
    migrate_applied_free(applied, count);
    count = 7;
    assert_ok(migrate_history_attempts(&history, 10, &attempts, &count, &err), &err);
    assert_int_equal(count, 0);
    migrate_attempts_free(attempts, count);
    assert_ok(migrate_history_mend(&history, &marked, &err), &err);
    assert_int_equal(marked, 0);
    assert_int_equal(db_int(db, "SELECT count(*) FROM sqlite_schema"), 0);
}

static void tables_read_as_people_expect(void **state)
{
    (void)state;
    struct error err;
    struct migrate_history history = create_ok();
    assert_true(history.applied_exists && history.history_exists);
    assert_string_equal(
        db_text(db, "SELECT group_concat(name) FROM pragma_table_info('schema_migrations')"),
        "version,name,applied_at,checksum,duration_ms,app_version,backup,down_sql");
    assert_string_equal(
        db_text(db, "SELECT group_concat(name) FROM pragma_table_info('migration_history')"),
        "id,version,direction,status,backup_path,error_message,started_at,completed_at,resume");
    assert_ok(migrate_history_create(&history, &err), &err);
    struct migrate_history again = open_ok();
    assert_true(again.applied_exists && again.history_exists && !again.foreign);
    assert_ok(migrate_history_create(&again, &err), &err);
}

static void tables_are_told_by_their_columns(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        bool foreign;
    } cases[] = {
        {"CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, dirty BOOLEAN)", true},
        {"CREATE TABLE schema_migrations (version TEXT PRIMARY KEY)", true},
        {"CREATE TABLE Schema_Migrations (version TEXT, inserted_at TEXT)", true},
        {"CREATE TABLE schema_migrations (version, name, applied_at)", true},
        {"CREATE TABLE schema_migrations (version, name, applied_at, checksum)", true},
        {"CREATE TABLE schema_migrations " OUR_APPLIED, false},
        {"CREATE TABLE schema_migrations (version, name, applied_at, checksum, down_sql)", true},
        {"CREATE TABLE SCHEMA_MIGRATIONS (Version, Name, Applied_At, Checksum, Duration_MS,"
         " App_Version, Backup, Down_SQL)",
         false},
        {"CREATE TABLE schema_migrations (version, name, applied_at, checksum, duration_ms,"
         " app_version, backup, down_sql, later)",
         false},
        {"CREATE TEMP TABLE schema_migrations (version)", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bool temporary = strstr(cases[i].sql, "TEMP") != NULL;
        db_exec(db, cases[i].sql);
        struct migrate_history history = open_ok();
        if (history.foreign != cases[i].foreign ||
            history.applied_exists != (!cases[i].foreign && !temporary))
            fail_msg("foreign %d, ours %d: %s", history.foreign, history.applied_exists,
                     cases[i].sql);
        assert_string_equal(history.applied_table,
                            cases[i].foreign ? "liteinit_migrations" : "schema_migrations");
        db_exec(db, "DROP TABLE schema_migrations");
    }
}

static void tables_of_others_are_left_alone(void **state)
{
    (void)state;
    struct error err;
    db_exec(db, "CREATE TABLE schema_migrations (version TEXT);"
                "INSERT INTO schema_migrations VALUES ('20260101');"
                "CREATE TABLE migration_history (id, what)");
    struct migrate_history history = create_ok();
    assert_true(history.foreign);
    assert_string_equal(history.applied_table, "liteinit_migrations");
    assert_string_equal(history.history_table, "liteinit_history");
    struct migrate_record record = {.version = 1, .name = "a", .checksum = "t1:0"};
    assert_ok(migrate_history_record(&history, &record, &err), &err);
    assert_int_equal(db_int(db, "SELECT count(*) FROM schema_migrations"), 1);
    assert_int_equal(db_int(db, "SELECT count(*) FROM migration_history"), 0);
    assert_int_equal(db_int(db, "SELECT count(*) FROM liteinit_migrations"), 1);
    struct migrate_history again = open_ok();
    assert_true(again.foreign && again.applied_exists && again.history_exists);
    assert_string_equal(again.applied_table, "liteinit_migrations");
}

static void no_place_left_is_said(void **state)
{
    (void)state;
    struct error err;
    struct migrate_history history;
    db_exec(db, "CREATE TABLE migration_history (x); CREATE TABLE liteinit_history (x)");
    assert_fails(migrate_history_open(db, &history, &err), &err, ERROR_DATA,
                 "both migration_history and liteinit_history");
}

static void applied_come_back_in_ascending_order(void **state)
{
    (void)state;
    struct error err;
    struct migrate_history history = create_ok();
    for (int64_t i = 1; i <= 100; i++) {
        int64_t version = i * 37 % 101; /* each of 1 to 100 once, in no order */
        struct migrate_record record = {.version = version, .name = "n", .checksum = "t1:x"};
        if (version == 7)
            record = (struct migrate_record){.version = 7,
                                             .name = "it's\xC3\xA4",
                                             .checksum = "t1:y",
                                             .duration_ms = 12,
                                             .app_version = "1.2",
                                             .backup = "/b",
                                             .down_sql = "DROP TABLE t;"};
        assert_ok(migrate_history_record(&history, &record, &err), &err);
    }
    struct migrate_applied *applied = NULL;
    size_t count = 0;
    assert_ok(migrate_history_applied(&history, &applied, &count, &err), &err);
    assert_int_equal(count, 100);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(applied[i].version, i + 1);
    assert_string_equal(applied[6].name, "it's\xC3\xA4");
    assert_string_equal(applied[6].checksum, "t1:y");
    assert_string_equal(applied[6].app_version, "1.2");
    assert_string_equal(applied[6].backup, "/b");
    assert_int_equal(strlen(applied[6].applied_at), 24);
    assert_null(applied[7].backup);
    assert_null(applied[7].app_version);
    migrate_applied_free(applied, count);
    assert_string_equal(db_text(db, "SELECT down_sql FROM schema_migrations WHERE version = 7"),
                        "DROP TABLE t;");
    assert_string_equal(db_text(db, "SELECT down_sql FROM schema_migrations WHERE version = 8"),
                        "(null)");
    struct migrate_record twice = {.version = 7, .name = "n", .checksum = "x"};
    assert_fails(migrate_history_record(&history, &twice, &err), &err, ERROR_DATA, "UNIQUE");
}

static void rows_written_by_hand_may_lack_texts(void **state)
{
    (void)state;
    struct error err;
    struct migrate_history history = create_ok();
    db_exec(db, "INSERT INTO schema_migrations (version) VALUES (3);"
                "INSERT INTO migration_history (version) VALUES (3)");
    struct migrate_applied *applied = NULL;
    struct migrate_attempt *attempts = NULL;
    size_t count = 0;
    assert_ok(migrate_history_applied(&history, &applied, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_null(applied[0].name);
    assert_null(applied[0].checksum);
    migrate_applied_free(applied, count);
    assert_ok(migrate_history_attempts(&history, 5, &attempts, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_null(attempts[0].status);
    migrate_attempts_free(attempts, count);
}

static void attempts_are_followed_to_their_end(void **state)
{
    (void)state;
    struct error err;
    struct migrate_history history = create_ok();
    int64_t ids[3] = {0};
    for (int i = 0; i < 3; i++)
        assert_ok(
            migrate_history_start(&history, i + 1, "up", i == 0 ? "/backup" : NULL, &ids[i], &err),
            &err);
    assert_true(ids[0] < ids[1] && ids[1] < ids[2]);
    assert_ok(migrate_history_finish(&history, ids[0], "success", NULL, &err), &err);
    assert_ok(migrate_history_finish(&history, ids[1], "failed", "near \"X\"; 'quoted'", &err),
              &err);

    struct migrate_attempt *attempts = NULL;
    size_t count = 0;
    assert_ok(migrate_history_attempts(&history, 2, &attempts, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_int_equal(attempts[0].version, 3);
    assert_string_equal(attempts[0].status, "running");
    assert_null(attempts[0].completed_at);
    assert_string_equal(attempts[1].status, "failed");
    assert_string_equal(attempts[1].error, "near \"X\"; 'quoted'");
    assert_string_equal(attempts[1].direction, "up");
    assert_int_equal(strlen(attempts[1].completed_at), 24);
    migrate_attempts_free(attempts, count);

    int64_t marked = 0;
    assert_ok(migrate_history_mend(&history, &marked, &err), &err);
    assert_int_equal(marked, 1);
    assert_ok(migrate_history_mend(&history, &marked, &err), &err);
    assert_int_equal(marked, 0);
    assert_ok(migrate_history_attempts(&history, 10, &attempts, &count, &err), &err);
    assert_int_equal(count, 3);
    assert_string_equal(attempts[0].status, "interrupted");
    assert_says(attempts[0].error, "killed");
    assert_string_equal(attempts[2].status, "success");
    assert_string_equal(attempts[2].backup, "/backup");
    assert_null(attempts[2].error);
    migrate_attempts_free(attempts, count);
}

static void locked_out_is_an_error(void **state)
{
    (void)state;
    struct error err;
    struct migrate_history history = create_ok();
    struct migrate_record record = {.version = 1, .name = "a", .checksum = "x"};
    int64_t id = -7;
    db_exec(db, "PRAGMA query_only = ON");
    assert_fails(migrate_history_record(&history, &record, &err), &err, ERROR_PERMISSION,
                 "readonly");
    assert_fails(migrate_history_start(&history, 1, "up", NULL, &id, &err), &err, ERROR_PERMISSION,
                 "readonly");
    assert_int_equal(id, -7);
    db_exec(db, "PRAGMA query_only = OFF; DROP TABLE migration_history");
    assert_fails(migrate_history_finish(&history, 1, "success", NULL, &err), &err, ERROR_DATA,
                 "no such table");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_there_at_first, setup, teardown),
        cmocka_unit_test_setup_teardown(tables_read_as_people_expect, setup, teardown),
        cmocka_unit_test_setup_teardown(tables_are_told_by_their_columns, setup, teardown),
        cmocka_unit_test_setup_teardown(tables_of_others_are_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(no_place_left_is_said, setup, teardown),
        cmocka_unit_test_setup_teardown(applied_come_back_in_ascending_order, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_written_by_hand_may_lack_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(attempts_are_followed_to_their_end, setup, teardown),
        cmocka_unit_test_setup_teardown(locked_out_is_an_error, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
