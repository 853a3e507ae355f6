/* What a file leaves on the connection, and where SQLite puts what does not fit into memory. */
#include "support_db.h"

#include "migrate/session.h"

static void nothing_reaches_the_next_file(void **state)
{
    (void)state;
    struct error err;
    sqlite3 *db = db_in_memory();
    db_exec(db, "CREATE TABLE t(a); CREATE TEMP TABLE t(a); CREATE TEMP TABLE \"odd \"\"name\"(a);"
                "CREATE TEMP VIEW v AS SELECT 1; CREATE TEMP TRIGGER r AFTER INSERT ON main.t"
                " BEGIN SELECT 1; END;"
                "PRAGMA legacy_alter_table = ON; PRAGMA recursive_triggers = ON;"
                "PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF; PRAGMA max_page_count = 9;"
                "PRAGMA case_sensitive_like = ON; PRAGMA query_only = ON; BEGIN");
    assert_ok(migrate_session_reset(db, &err), &err);
    db_exec(db, "COMMIT");
    assert_int_equal(db_int(db, "SELECT count(*) FROM temp.sqlite_schema"), 0);
    assert_int_equal(db_int(db, "SELECT count(*) FROM sqlite_schema"), 1);
    assert_int_equal(db_int(db, "PRAGMA legacy_alter_table"), 0);
    assert_int_equal(db_int(db, "PRAGMA recursive_triggers"), 0);
    assert_int_equal(db_int(db, "PRAGMA secure_delete"), 0);
    assert_int_equal(db_int(db, "PRAGMA trusted_schema"), 1);
    assert_int_equal(db_int(db, "PRAGMA query_only"), 0);
    assert_true(db_int(db, "PRAGMA max_page_count") > 1000000);
    assert_int_equal(db_int(db, "SELECT 'a' LIKE 'A'"), 1);
    db_close(db);
}

static void temporary_files_are_beside_the_database(void **state)
{
    (void)state;
    sqlite3 *db = db_in_memory();
    migrate_session_settle(db);
    assert_null(sqlite3_temp_directory);
    db_close(db);
    db = db_open(scratch_path("app.db"));
    assert_int_equal(setenv("SQLITE_TMPDIR", "/tmp", 1), 0);
    migrate_session_settle(db);
    assert_null(sqlite3_temp_directory);
    assert_int_equal(unsetenv("SQLITE_TMPDIR"), 0);
    for (int i = 0; i < 2; i++) {
        migrate_session_settle(db);
        assert_string_equal(sqlite3_temp_directory, scratch);
    }
    db_exec(db, "CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(3000000)); VACUUM;"
                "PRAGMA cache_size = 5; CREATE TEMP TABLE u AS SELECT * FROM t");
    db_close(db);
    sqlite3_free(sqlite3_temp_directory);
    sqlite3_temp_directory = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_reaches_the_next_file),
        cmocka_unit_test_setup_teardown(temporary_files_are_beside_the_database, scratch_begin,
                                        scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
