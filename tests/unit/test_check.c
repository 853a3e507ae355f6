/* Is the database whole: sound ones, damaged ones, and broken foreign keys. */
#include "support_db.h"

#include <fcntl.h>

#include "store/check.h"

static struct store_check check_ok(sqlite3 *db, bool full, bool foreign_keys)
{
    struct error err;
    struct store_check check;
    assert_ok(store_check_run(db, full, foreign_keys, &check, &err), &err);
    assert_int_equal(check.full, full);
    assert_true(check.duration_ms >= 0);
    return check;
}

static void sound_database_has_no_problems(void **state)
{
    (void)state;
    sqlite3 *db = db_in_memory();
    for (int full = 0; full < 2; full++) {
        struct store_check check = check_ok(db, full != 0, true);
        assert_int_equal(check.problems + check.foreign_keys, 0);
        assert_string_equal(check.first_problem, "");
        db_exec(db, "CREATE TABLE IF NOT EXISTS t(a UNIQUE); INSERT OR IGNORE INTO t VALUES (1)");
    }
    db_close(db);
}

/* A file of 200 rows over many pages, with an index. */
static const char *make_database(void)
{
    const char *path = scratch_path("app.db");
    sqlite3 *db = db_open(path);
    db_exec(db, "PRAGMA page_size = 1024; CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);"
                "CREATE INDEX i ON t(a);"
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
                "INSERT INTO t SELECT i, printf('%0200d', i) FROM n");
    db_close(db);
    return path;
}

static void overwrite(const char *path, off_t at, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, at), (ssize_t)size);
    assert_int_equal(close(fd), 0);
}

static void damage_is_a_result_not_an_error(void **state)
{
    (void)state;
    struct error err;
    char rubbish[3 * 1024];
    memset(rubbish, 0xEE, sizeof rubbish);
    const char *path = make_database();
    overwrite(path, 5 * 1024, rubbish, sizeof rubbish);
    for (int full = 0; full < 2; full++) {
        sqlite3 *db = db_open(path);
        struct store_check check = check_ok(db, full != 0, true);
        assert_true(check.problems > 0 && check.problems <= 101);
        assert_true(check.first_problem[0] != '\0');
        assert_int_equal(check.foreign_keys, 0); /* not looked at any more */
        assert_int_equal(store_check_error(&check, path, &err), -1);
        assert_int_equal(err.kind, ERROR_DATA);
        assert_int_equal(err.sqlite, SQLITE_CORRUPT);
        assert_says(err.msg, "app.db is corrupt: ");
        assert_says(err.msg, check.first_problem);
        assert_says(err.hint, "liteinit backups");
        db_close(db);
    }
}

static void damage_that_stops_sqlite_is_a_result_too(void **state)
{
    (void)state;
    char rubbish[1024];
    memset(rubbish, 0xEE, sizeof rubbish);
    const char *path = make_database();
    overwrite(path, 100, rubbish, sizeof rubbish - 100); /* the schema */
    sqlite3 *db = db_open(path);
    struct store_check check = check_ok(db, false, true);
    assert_int_equal(check.problems, 1);
    assert_says(check.first_problem, "malformed");
    db_close(db);
    (void)put_text("app.db", "this is a text, and a long one, so that it has the size of a header, "
                             "which has a hundred bytes, as one can read");
    db = db_open(scratch_path("app.db"));
    check = check_ok(db, false, false);
    assert_says(check.first_problem, "not a database");
    db_close(db);
}

/* What only the full check compares: an index and its table. */
static void full_check_sees_more(void **state)
{
    (void)state;
    const char *path = make_database();
    sqlite3 *db = db_open(path);
    db_exec(db, "PRAGMA writable_schema = ON;"
                "UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t(id)' WHERE name = 'i'");
    db_close(db);
    db = db_open(path);
    assert_int_equal(check_ok(db, false, false).problems, 0);
    assert_true(check_ok(db, true, false).problems > 0);
    db_close(db);
}

static int backwards(void *context, int a_size, const void *a, int b_size, const void *b)
{
    (void)context;
    int order = memcmp(b, a, (size_t)(a_size < b_size ? a_size : b_size));
    return order != 0 ? order : b_size - a_size;
}

static void same(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    sqlite3_result_value(context, values[0]);
}

/* A database whose schema needs a collation and a function that only its app has. */
static const char *make_database_of_an_app(void)
{
    const char *path = scratch_path("own.db");
    sqlite3 *db = db_open(path);
    assert_int_equal(sqlite3_create_collation(db, "app_order", SQLITE_UTF8, NULL, backwards),
                     SQLITE_OK);
    assert_int_equal(sqlite3_create_function(db, "app_same", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                             NULL, same, NULL, NULL),
                     SQLITE_OK);
    db_exec(db, "PRAGMA page_size = 1024;"
                "CREATE TABLE a(t TEXT COLLATE app_order UNIQUE);"
                "CREATE TABLE b(k TEXT COLLATE app_order PRIMARY KEY) WITHOUT ROWID;"
                "CREATE TABLE c(t TEXT CHECK (app_same(t) IS NOT NULL));"
                "CREATE TABLE plain(id INTEGER PRIMARY KEY, t TEXT); CREATE INDEX i ON plain(t);"
                "INSERT INTO a VALUES ('x'), ('y'); INSERT INTO b VALUES ('x'), ('y');"
                "INSERT INTO c VALUES ('x');"
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
                "INSERT INTO plain SELECT i, printf('%0200d', i) FROM n");
    db_close(db);
    return path;
}

static void what_the_app_alone_can_read_is_no_damage(void **state)
{
    (void)state;
    const char *path = make_database_of_an_app();
    for (int full = 0; full < 2; full++) {
        sqlite3 *db = db_open(path);
        struct store_check check = check_ok(db, full != 0, true);
        assert_int_equal(check.problems, 0);
        assert_int_equal(check.unchecked, 3);
        assert_says(check.first_unchecked, "a: no such collation sequence: app_order");
        db_close(db);
    }
}

static void damage_beside_what_the_app_alone_can_read_is_found(void **state)
{
    (void)state;
    char rubbish[1024];
    memset(rubbish, 0xEE, sizeof rubbish);
    const char *path = make_database_of_an_app();
    overwrite(path, 20 * 1024, rubbish, sizeof rubbish); /* one of the pages of `plain` */
    sqlite3 *db = db_open(path);
    struct store_check check = check_ok(db, false, false);
    assert_true(check.problems > 0);
    assert_true(check.first_problem[0] != '\0');
    assert_int_equal(check.unchecked, 3);
    db_close(db);
}

/* An expression of the schema that fails for one row ends SQLite's check, and is no damage. */
static void an_expression_that_fails_is_no_damage(void **state)
{
    (void)state;
    sqlite3 *db = db_in_memory();
    db_exec(db, "CREATE TABLE t(a TEXT); CREATE TABLE u(a);"
                "INSERT INTO t VALUES ('no json'); PRAGMA writable_schema = ON;"
                "UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a TEXT CHECK (a -> 1))'"
                " WHERE name = 't'; PRAGMA writable_schema = RESET");
    struct store_check check = check_ok(db, false, true);
    assert_int_equal(check.problems, 0);
    assert_int_equal(check.unchecked, 1);
    assert_says(check.first_unchecked, "t: malformed JSON");
    db_close(db);
}

static void foreign_keys_are_counted_when_asked(void **state)
{
    (void)state;
    sqlite3 *db = db_in_memory();
    db_exec(db, "CREATE TABLE parent(id INTEGER PRIMARY KEY);"
                "CREATE TABLE child(id INTEGER PRIMARY KEY, p REFERENCES parent(id));"
                "INSERT INTO child VALUES (7, 1), (8, 2), (9, NULL)");
    struct store_check check = check_ok(db, false, false);
    assert_int_equal(check.foreign_keys, 0);
    check = check_ok(db, false, true);
    assert_int_equal(check.foreign_keys, 2);
    assert_int_equal(check.problems, 0);
    assert_string_equal(check.first_violation, "row 7 of child has no parent in parent");
    /* A key that cannot work is lived with. */
    db_exec(db, "DELETE FROM child; CREATE TABLE w(t); CREATE TABLE u(t REFERENCES w(t));"
                "INSERT INTO u VALUES (1)");
    assert_int_equal(check_ok(db, false, true).foreign_keys, 0);
    db_close(db);
}

static void busy_is_an_error(void **state)
{
    (void)state;
    struct error err;
    struct store_check check;
    const char *path = make_database();
    sqlite3 *writer = db_open(path);
    sqlite3 *db = db_open(path);
    db_exec(writer, "BEGIN EXCLUSIVE");
    assert_fails(store_check_run(db, false, false, &check, &err), &err, ERROR_BUSY, "locked");
    db_close(db);
    db_close(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_database_has_no_problems),
        cmocka_unit_test_setup_teardown(damage_is_a_result_not_an_error, scratch_begin,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(damage_that_stops_sqlite_is_a_result_too, scratch_begin,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(full_check_sees_more, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(what_the_app_alone_can_read_is_no_damage, scratch_begin,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(damage_beside_what_the_app_alone_can_read_is_found,
                                        scratch_begin, scratch_end),
        cmocka_unit_test(an_expression_that_fails_is_no_damage),
        cmocka_unit_test(foreign_keys_are_counted_when_asked),
        cmocka_unit_test_setup_teardown(busy_is_an_error, scratch_begin, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
