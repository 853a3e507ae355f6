/* The statements of a migration: split, run, skipped, refused, and where an error is. */
#include "support_db.h"

#include "base/text.h"
#include "migrate/script.h"

static sqlite3 *db;
static char notices[1024];

static int setup(void **state)
{
    (void)state;
    db = db_in_memory();
    notices[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return sqlite3_close(db);
}

static void note(void *context, const char *file, int line, const char *sentence)
{
    char text[256];
    assert_string_equal(context, "context");
    assert_string_equal(file, "7_x.sql");
    (void)snprintf(text, sizeof text, "%d:%.30s|", line, sentence);
    (void)strncat(notices, text, sizeof notices - strlen(notices) - 1);
}

static const struct migrate_observer observer = {.context = (void *)"context", .notice = note};

static int run_inside(const char *text, struct error *err)
{
    struct layout_script script;
    struct migrate_guard guard;
    assert_ok(layout_script_recall("7_x.sql", text, &script, err), err);
    migrate_guard_open(&guard, db, &script, &observer);
    int result = migrate_script_run(db, &script, &guard, NULL, &observer, err);
    migrate_guard_close(&guard);
    layout_script_free(&script);
    return result;
}

/* Runs the text inside a transaction of ours, which is open afterwards if it was before. */
static int run(const char *text, struct error *err)
{
    db_exec(db, "BEGIN IMMEDIATE");
    int result = run_inside(text, err);
    if (result == 0) {
        assert_int_equal(sqlite3_get_autocommit(db), 0);
        db_exec(db, "COMMIT");
    } else if (sqlite3_get_autocommit(db) == 0) {
        db_exec(db, "ROLLBACK");
    }
    return result;
}

static void run_ok(const char *text)
{
    struct error err;
    assert_ok(run(text, &err), &err);
}

static void assert_error_at(const char *text, int line, int column, const char *msg,
                            const char *statement)
{
    struct error err = {.kind = ERROR_NONE};
    char place[64];
    assert_fails(run(text, &err), &err, ERROR_DATA, msg);
    if (err.line != line || err.column != column)
        fail_msg("%d:%d instead of %d:%d: %s", err.line, err.column, line, column, err.msg);
    (void)snprintf(place, sizeof place, "7_x.sql:%d:%d: ", line, column);
    assert_true(text_starts_with(err.msg, place));
    assert_string_equal(err.file, "7_x.sql");
    assert_string_equal(err.statement, statement);
}

static void nothing_to_run(void **state)
{
    (void)state;
    run_ok("");
    run_ok(" \n;;\n ; -- nothing\n/* at all */;");
    run_ok("-- only a comment");
    run_ok("/* not closed");
    run_ok("\xEF\xBB\xBF");
    assert_string_equal(notices, "");
}

static void statements_run_in_their_order(void **state)
{
    (void)state;
    run_ok("\xEF\xBB\xBF-- first\nCREATE TABLE t(a TEXT);\r\n"
           "INSERT INTO t VALUES('semi;colon'), ('it''s -- no comment'), ('/* nor */ this');\n"
           "/* ; */ INSERT INTO t VALUES(\"double\");;"
           "INSERT INTO t VALUES('line\nbreak; x'); -- ;\n"
           "SELECT a FROM t; INSERT INTO t VALUES('last, without a semicolon')");
    assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 6);
    assert_string_equal(db_text(db, "SELECT a FROM t WHERE rowid = 1"), "semi;colon");
    assert_string_equal(db_text(db, "SELECT a FROM t WHERE rowid = 6"),
                        "last, without a semicolon");
}

static void triggers_and_views_are_whole(void **state)
{
    (void)state;
    run_ok("CREATE TABLE t(a); CREATE TABLE log(a);\n"
           "CREATE TRIGGER tr AFTER INSERT ON t BEGIN\n"
           "  INSERT INTO log VALUES(CASE WHEN new.a > 1 THEN 'big;' ELSE 'small' END);\n"
           "  INSERT INTO log VALUES('second');\n"
           "END;\n"
           "CREATE VIEW v AS SELECT ';' AS x;\n"
           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3)\n"
           "INSERT INTO t SELECT i FROM n;");
    assert_int_equal(db_int(db, "SELECT count(*) FROM log"), 6);
    assert_int_equal(db_int(db, "SELECT count(*) FROM log WHERE a = 'big;'"), 2);
    assert_string_equal(notices, "");
}

static void transactions_of_the_file_are_skipped(void **state)
{
    (void)state;
    run_ok("BEGIN;\nCREATE TABLE t(a);\nCOMMIT;\nBEGIN IMMEDIATE TRANSACTION;\n"
           "INSERT INTO t VALUES(1);\nEND TRANSACTION;\nCOMMIT");
    assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 1);
    assert_string_equal(notices,
                        "1:BEGIN is skipped: the transact|3:COMMIT is skipped: liteinit co|"
                        "4:BEGIN is skipped: the transact|6:COMMIT is skipped: liteinit co|"
                        "7:COMMIT is skipped: liteinit co|");
    struct error err;
    notices[0] = '\0';
    /* A failure after the file's own COMMIT takes everything back. */
    assert_int_equal(run("BEGIN; INSERT INTO t VALUES(2); COMMIT; SELECT nonsense;", &err), -1);
    assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 1);
}

static void savepoints_are_skipped(void **state)
{
    (void)state;
    run_ok("CREATE TABLE t(a); SAVEPOINT s;\nINSERT INTO t VALUES(1); RELEASE SAVEPOINT s;");
    assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 1);
    assert_string_equal(notices,
                        "1:SAVEPOINT is skipped: the tran|2:RELEASE is skipped: liteinit c|");
    /* A name that was never set does no harm, and nobody can go back to one. */
    run_ok("RELEASE never_set;");
    struct error err;
    assert_fails(run("SAVEPOINT s; INSERT INTO t VALUES(2);\nROLLBACK TO s;", &err), &err,
                 ERROR_DATA, "ROLLBACK is refused");
    assert_int_equal(err.line, 2);
    assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 1);
}

static void wal_mode_is_skipped_and_questions_are_fine(void **state)
{
    (void)state;
    run_ok("PRAGMA journal_mode = WAL;\nPRAGMA main.journal_mode(wal);PRAGMA journal_mode;\n"
           "PRAGMA synchronous; PRAGMA foreign_keys = OFF; PRAGMA user_version = 7;\n"
           "PRAGMA table_info(t); CREATE TABLE t(a);");
    assert_string_equal(notices,
                        "1:PRAGMA journal_mode is skipped|2:PRAGMA journal_mode is skipped|");
    assert_int_equal(db_int(db, "PRAGMA user_version"), 7);
    assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 0);
}

static void settings_of_the_apps_connection_are_skipped(void **state)
{
    (void)state;
    run_ok(
        "PRAGMA busy_timeout = 5000; PRAGMA mmap_size = 1; PRAGMA temp_store = MEMORY;\n"
        "PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 1;\n"
        "PRAGMA ignore_check_constraints = OFF; PRAGMA cache_size = -4000; PRAGMA busy_timeout;\n"
        "PRAGMA page_size = 8192; PRAGMA auto_vacuum = NONE; PRAGMA encoding = 'UTF-8';\n"
        "PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;");
    assert_string_equal(notices,
                        "1:PRAGMA busy_timeout is skipped|1:PRAGMA mmap_size is skipped: i|"
                        "1:PRAGMA temp_store is skipped: |2:PRAGMA wal_autocheckpoint is s|"
                        "2:PRAGMA journal_size_limit is s|");
    assert_int_equal(db_int(db, "PRAGMA busy_timeout"), 0);
}

static void dangerous_statements_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *statement;
        const char *msg;
    } cases[] = {
        {"ROLLBACK", "ROLLBACK is refused"},
        {"ROLLBACK TRANSACTION", "ROLLBACK is refused"},
        {"ATTACH ':memory:' AS other", "ATTACH is refused"},
        {"ATTACH DATABASE 'x' AS y", "ATTACH is refused"},
        {"DETACH other", "DETACH is refused"},
        {"PRAGMA journal_mode = DELETE", "PRAGMA journal_mode is refused"},
        {"PRAGMA JOURNAL_MODE=off", "is refused"},
        {"PRAGMA synchronous = OFF", "PRAGMA synchronous is refused"},
        {"PRAGMA main.synchronous(0)", "PRAGMA synchronous is refused"},
        {"PRAGMA locking_mode = NORMAL", "PRAGMA locking_mode is refused"},
        {"PRAGMA writable_schema = ON", "PRAGMA writable_schema is refused"},
        {"PRAGMA schema_version = 5", "PRAGMA schema_version is refused"},
        {"PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA wal_checkpoint is refused"},
        {"PRAGMA wal_checkpoint", "PRAGMA wal_checkpoint is refused"},
        {"PRAGMA ignore_check_constraints = ON", "PRAGMA ignore_check_constraints is refused"},
        {"PRAGMA hard_heap_limit = 1000000", "PRAGMA hard_heap_limit is refused"},
        {"PRAGMA soft_heap_limit = 1000000", "PRAGMA soft_heap_limit is refused"},
        {"PRAGMA temp_store_directory = '/tmp'", "PRAGMA temp_store_directory is refused"},
        {"ROLLBACK TO s", "ROLLBACK is refused"},
        {"ROLLBACK TRANSACTION TO SAVEPOINT s", "ROLLBACK is refused"},
        {"VACUUM", "cannot VACUUM from within a transaction"},
        {"VACUUM INTO 'other.db'", "cannot VACUUM from within a transaction"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct error err;
        char text[200];
        (void)snprintf(text, sizeof text, "CREATE TABLE t(a);\n%s;\nDROP TABLE t;",
                       cases[i].statement);
        assert_fails(run(text, &err), &err, ERROR_DATA, cases[i].msg);
        assert_int_equal(err.line, 2);
        assert_int_equal(err.column, 1);
        assert_true(text_starts_with(err.statement, cases[i].statement));
        assert_int_equal(db_int(db, "SELECT count(*) FROM sqlite_schema"), 0);
    }
    assert_string_equal(notices, "");
    /* The authorizer is gone afterwards. */
    db_exec(db, "ATTACH ':memory:' AS other; DETACH other");
}

static void error_is_where_it_is(void **state)
{
    (void)state;
    assert_error_at("SELEKT 1;", 1, 1, "near \"SELEKT\": syntax error", "SELEKT 1;");
    assert_error_at("CREATE TABLE t(a);\nINSERT INTO t VALUES(1);\n  SELECT 1\n    FORM t;\n", 4,
                    10, "syntax error", "SELECT 1 FORM t;");
    assert_error_at("CREATE TABLE t(a);\r\n\r\n-- why\r\nSELECT nonsense FROM t;\r\n", 4, 8,
                    "no such column: nonsense", "SELECT nonsense FROM t;");
    assert_error_at("SELECT 1;\n\n/* a\n b */ DROP TABLE gone;\n", 4, 7, "no such table: gone",
                    "DROP TABLE gone;");
    assert_error_at("CREATE TABLE t(a", 1, 1, "incomplete input", "CREATE TABLE t(a");
    assert_error_at("SELECT 'not closed;\nSELECT 2;\n", 1, 8, "unrecognized token",
                    "SELECT 'not closed;");
    /* What fails while it runs is shown at its beginning. */
    assert_error_at("CREATE TABLE t(a UNIQUE);\n\tINSERT INTO t\n\tVALUES (1),\n\n\t(1);\n", 2, 2,
                    "UNIQUE constraint failed: t.a", "INSERT INTO t VALUES (1), (1);");
}

static void columns_count_characters(void **state)
{
    (void)state;
    assert_error_at("SELECT '\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80', nonsense;", 1, 15,
                    "no such column", "SELECT '\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80', nonsense;");
    assert_error_at("\xEF\xBB\xBFSELECT nonsense;", 1, 8, "no such column", "SELECT nonsense;");
    assert_error_at("/* \xC3\xA4 */ SELECT \xC3\xBC;", 1, 16, "no such column: \xC3\xBC",
                    "SELECT \xC3\xBC;");
}

static void long_statements_are_cut_between_characters(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 3; shift++) {
        struct error err;
        char text[2000] = "SELECT '";
        memset(text + 8, 'x', shift);
        size_t at = 8 + shift;
        for (; at + 20 < sizeof text; at += 3)
            memcpy(text + at, "\xE2\x82\xAC", 3);
        memcpy(text + at, "' FROM +", 9);
        assert_int_equal(run(text, &err), -1);
        size_t length = strlen(err.statement);
        assert_true(length > 250 && length < sizeof err.statement);
        for (size_t i = 0; i < length;) {
            size_t n = text_utf8_length((const unsigned char *)err.statement + i, length - i);
            assert_true(n > 0);
            i += n;
        }
    }
}

static void conflict_that_rolls_back_is_an_error(void **state)
{
    (void)state;
    struct error err;
    assert_fails(run("CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES(1);\n"
                     "INSERT OR ROLLBACK INTO t VALUES(1); CREATE TABLE u(a);",
                     &err),
                 &err, ERROR_DATA, "UNIQUE constraint failed");
    assert_int_equal(err.line, 2);
    assert_int_equal(db_int(db, "SELECT count(*) FROM sqlite_schema"), 0);
}

static void virtual_tables_work(void **state)
{
    (void)state;
    if (sqlite3_compileoption_used("ENABLE_FTS5") == 0)
        skip();
    run_ok("CREATE VIRTUAL TABLE f USING fts5(body); INSERT INTO f VALUES('hello; world');");
    assert_int_equal(db_int(db, "SELECT count(*) FROM f WHERE f MATCH 'world'"), 1);
}

static int stop_at_once(void *context)
{
    (void)context;
    return 1;
}

static void a_stop_is_told_from_a_failure(void **state)
{
    (void)state;
    struct error err;
    run_ok("CREATE TABLE t(a)");
    sqlite3_progress_handler(db, 50, stop_at_once, NULL);
    db_exec(db, "BEGIN");
    static const char text[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)\n"
                               "INSERT INTO t SELECT i FROM n;";
    assert_fails(run_inside(text, &err), &err, ERROR_INTERRUPTED, "interrupted");
    sqlite3_progress_handler(db, 0, NULL, NULL);
    /* SQLite has rolled back what was interrupted. */
    if (sqlite3_get_autocommit(db) == 0)
        db_exec(db, "ROLLBACK");
    assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 0);
}

/* Each statement must not cost the length of the file: SQLite copies a text that it is not told
 * the end of, and a dump of 60 MB would take hours. */
static void long_files_are_not_copied_for_each_statement(void **state)
{
    (void)state;
    sqlite3_int64 now = 0;
    sqlite3_int64 largest = 0;
    struct text_buffer text = {.max = (size_t)16 << 20};
    assert_true(text_buffer_printf(&text, "CREATE TABLE t(a);\n"));
    for (int i = 0; i < 20000; i++)
        assert_true(text_buffer_printf(&text, "INSERT INTO t VALUES('%0100d');\n", i));
    assert_int_equal(sqlite3_status64(SQLITE_STATUS_MALLOC_SIZE, &now, &largest, 1), SQLITE_OK);
    run_ok(text.data);
    assert_int_equal(sqlite3_status64(SQLITE_STATUS_MALLOC_SIZE, &now, &largest, 0), SQLITE_OK);
    assert_int_equal(db_int(db, "SELECT count(*) FROM t"), 20000);
    if (largest >= (sqlite3_int64)text.len / 2)
        fail_msg("a block of %lld bytes for a file of %zu", (long long)largest, text.len);
    text_buffer_free(&text);
}

int main(void)
{
    /* For the largest block; before SQLite is first used. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_to_run, setup, teardown),
        cmocka_unit_test_setup_teardown(statements_run_in_their_order, setup, teardown),
        cmocka_unit_test_setup_teardown(triggers_and_views_are_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(transactions_of_the_file_are_skipped, setup, teardown),
        cmocka_unit_test_setup_teardown(savepoints_are_skipped, setup, teardown),
        cmocka_unit_test_setup_teardown(wal_mode_is_skipped_and_questions_are_fine, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(settings_of_the_apps_connection_are_skipped, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(dangerous_statements_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(error_is_where_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(columns_count_characters, setup, teardown),
        cmocka_unit_test_setup_teardown(long_statements_are_cut_between_characters, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(conflict_that_rolls_back_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(virtual_tables_work, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stop_is_told_from_a_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(long_files_are_not_copied_for_each_statement, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
