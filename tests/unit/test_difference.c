/* What a migration changed: by kind of object, and by rows of the tables that it touched. */
#include "support_db.h"

#include <time.h>

#include "migrate/difference.h"

static sqlite3 *db;
static struct migrate_history history;
static struct migrate_snapshot before;
static struct migrate_difference difference;

static int setup(void **state)
{
    struct error err;
    (void)state;
    db = db_in_memory();
    return migrate_history_open(db, &history, &err);
}

static int teardown(void **state)
{
    (void)state;
    migrate_snapshot_free(&before);
    migrate_difference_free(&difference);
    db_close(db);
    return 0;
}

static void begin(void)
{
    struct error err;
    migrate_snapshot_free(&before);
    assert_ok(migrate_snapshot_take(db, &history, &before, &err), &err);
}

static void end(void)
{
    struct error err;
    struct migrate_snapshot after;
    migrate_difference_free(&difference);
    assert_ok(migrate_snapshot_take(db, &history, &after, &err), &err);
    assert_ok(migrate_difference_make(&before, &after, db, &difference, &err), &err);
    migrate_snapshot_free(&after);
}

static void assert_table(size_t index, const char *name, const char *change, int64_t rows_before,
                         int64_t rows_after)
{
    assert_true(index < difference.count);
    const struct migrate_table_change *table = &difference.tables[index];
    assert_string_equal(table->name, name);
    assert_string_equal(migrate_change_name(table->change), change);
    assert_int_equal(table->rows_before, rows_before);
    assert_int_equal(table->rows_after, rows_after);
}

static void each_kind_of_change_is_told(void **state)
{
    (void)state;
    db_exec(db, "CREATE TABLE a(x); CREATE TABLE b(x); CREATE TABLE c(x); CREATE TABLE d(x);"
                "CREATE TABLE e(x UNIQUE); INSERT INTO c VALUES (1), (2), (3);"
                "INSERT INTO d VALUES (1), (2); INSERT INTO a VALUES (1);"
                "CREATE INDEX a_x ON a(x); CREATE INDEX b_x ON b(x); CREATE VIEW v AS SELECT 1;"
                "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END");
    begin();
    db_exec(db, "CREATE TABLE f(x); INSERT INTO f VALUES (7), (8)");
    db_exec(db, "ALTER TABLE a ADD COLUMN y");
    migrate_snapshot_touch(&before, db, "B");
    db_exec(db, "DROP TABLE b");
    migrate_snapshot_touch(&before, db, "c");
    migrate_snapshot_touch(&before, db, "unknown");
    db_exec(db, "DELETE FROM c WHERE x = 1");
    migrate_snapshot_touch(&before, db, "c"); /* the first time counts */
    db_exec(db, "DROP VIEW v; CREATE VIEW v AS SELECT 2; CREATE VIEW w AS SELECT 1;"
                "DROP TRIGGER t; CREATE INDEX d_x ON d(x); CREATE TEMP TABLE not_told(x)");
    end();
    assert_int_equal(difference.count, 4);
    assert_table(0, "a", "changed", -1, -1);
    assert_table(1, "b", "dropped", 0, -1);
    assert_table(2, "c", "written", 3, 2);
    assert_table(3, "f", "created", -1, 2);
    assert_int_equal(difference.indexes.created, 1);
    assert_int_equal(difference.indexes.dropped, 1);
    assert_int_equal(difference.indexes.changed, 0);
    assert_int_equal(difference.views.changed, 1);
    assert_int_equal(difference.views.created, 1);
    assert_int_equal(difference.triggers.dropped, 1);
}

/* The way of SQLite's documentation: a new table that takes over the old one's name. */
static void rebuild_is_a_change_of_one_table(void **state)
{
    (void)state;
    db_exec(db, "CREATE TABLE a(x); INSERT INTO a VALUES (1), (2)");
    begin();
    db_exec(db, "CREATE TABLE a_new(x, y); INSERT INTO a_new SELECT x, 0 FROM a WHERE x = 1");
    migrate_snapshot_touch(&before, db, "a");
    db_exec(db, "DROP TABLE a; ALTER TABLE a_new RENAME TO a");
    end();
    assert_int_equal(difference.count, 1);
    assert_table(0, "a", "changed", 2, 1);
}

static void own_tables_and_nothing_are_not_told(void **state)
{
    (void)state;
    begin();
    end();
    assert_int_equal(difference.count, 0);
    db_exec(db, "CREATE TABLE schema_migrations(version); CREATE TABLE migration_history(id);"
                "CREATE TABLE a(x INTEGER PRIMARY KEY AUTOINCREMENT)");
    end();
    assert_int_equal(difference.count, 1);
    assert_table(0, "a", "created", -1, 0);
    begin();
    end();
    assert_int_equal(difference.count, 0);
}

static void tables_of_the_apps_own_are_not_counted(void **state)
{
    (void)state;
    db_exec(db, "CREATE TABLE a(x); PRAGMA writable_schema = ON;"
                "UPDATE sqlite_schema SET sql = 'CREATE TABLE a(x TEXT COLLATE app PRIMARY KEY)'"
                " WHERE name = 'a'; PRAGMA writable_schema = RESET");
    begin();
    migrate_snapshot_touch(&before, db, "a");
    end();
    assert_int_equal(difference.count, 1);
}

static int64_t now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void many_tables_take_no_time(void **state)
{
    (void)state;
    char sql[128];
    db_exec(db, "BEGIN");
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(sql, sizeof sql, "CREATE TABLE t%d(x); CREATE INDEX i%d ON t%d(x)", i, i, i);
        db_exec(db, sql);
    }
    db_exec(db, "COMMIT");
    int64_t start = now_ms();
    begin();
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(sql, sizeof sql, "t%d", i);
        migrate_snapshot_touch(&before, db, sql);
    }
    end();
    assert_int_equal(difference.count, 5000);
    print_message("%lld ms\n", (long long)(now_ms() - start));
    assert_true(now_ms() - start < 5000); /* some tens of them; quadratic would be a minute */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_kind_of_change_is_told),
        TEST(rebuild_is_a_change_of_one_table),
        TEST(own_tables_and_nothing_are_not_told),
        TEST(tables_of_the_apps_own_are_not_counted),
        TEST(many_tables_take_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
