/* Without a transaction: what stays, where it goes on, and when it must not. */
#include "support_db.h"

#include "migrate/run.h"

static sqlite3 *db;
static struct migrate_history history;
static char notices[1024];
static char told[256];
static size_t runs;

static int setup(void **state)
{
    (void)state;
    struct error err;
    db = db_in_memory();
    notices[0] = told[0] = '\0';
    db_exec(db, "CREATE TABLE t(a); CREATE TABLE owner(id INTEGER PRIMARY KEY);"
                "CREATE TABLE pet(o REFERENCES owner(id)); INSERT INTO owner VALUES (1);"
                "INSERT INTO pet VALUES (1)");
    assert_ok(migrate_history_open(db, &history, &err), &err);
    assert_ok(migrate_history_create(&history, &err), &err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return sqlite3_close(db);
}

static void on_notice(void *context, const char *file, int line, const char *sentence)
{
    char text[200];
    (void)context;
    (void)file;
    (void)snprintf(text, sizeof text, "%d:%.20s|", line, sentence);
    (void)strncat(notices, text, sizeof notices - strlen(notices) - 1);
}

static void on_touching(void *context, sqlite3 *handle, const char *table)
{
    (void)context;
    (void)handle;
    (void)strncat(told, table, sizeof told - strlen(told) - 1);
    (void)strncat(told, " ", sizeof told - strlen(told) - 1);
}

static const struct migrate_observer observer = {.notice = on_notice, .touching = on_touching};

static int settle(void *context, const struct migrate_run *run, struct error *err)
{
    const struct migrate_record record = {.version = run->item->version, .name = "n"};
    (void)context;
    runs++;
    return migrate_history_record(run->history, &record, err);
}

static int run_raw(const char *text, struct error *err)
{
    struct layout_script script;
    const struct migrate_item item = {
        .version = 7, .name = "n", .file = "7_n.sql", .direction = LAYOUT_UP, .number = 1, .of = 1};
    struct migrate_run run = {.handle = db,
                              .history = &history,
                              .observer = &observer,
                              .item = &item,
                              .backup = "/the/backup",
                              .settle = settle};
    bool stands = false;
    assert_ok(migrate_history_create(&history, err), err);
    assert_ok(layout_script_recall("7_n.sql", text, &script, err), err);
    assert_ok(migrate_run_begin(&run, err), err);
    int result = migrate_run_script(&run, &script, &stands, err);
    assert_false(stands);
    assert_int_equal(sqlite3_get_autocommit(db), 1);
    layout_script_free(&script);
    return result;
}

static int run(const char *text, struct error *err)
{
    char *sql = sqlite3_mprintf("-- liteinit: no-transaction\n%s", text);
    int result = run_raw(sql, err);
    sqlite3_free(sql);
    return result;
}

static const char *content(void)
{
    return db_text(db, "SELECT group_concat(a) FROM t");
}

static void goes_on_behind_what_stays(void **state)
{
    (void)state;
    struct error err;
    assert_fails(run("INSERT INTO t VALUES (1);\nINSERT INTO t VALUES (2);;\nSELEKT 1;", &err),
                 &err, ERROR_DATA, "7_n.sql:4:1: near \"SELEKT\"");
    assert_says(err.hint, "its first 2 statements stay, and the next start goes on behind them");
    assert_says(err.hint, "/the/backup");
    assert_string_equal(content(), "1,2");
    assert_int_equal(db_int(db, "SELECT count(*) FROM schema_migrations"), 0);
    /* Comments and white space are nothing, and a failure leaves the note as it is. */
    assert_fails(
        run("INSERT  INTO t VALUES (1); /* x */\nINSERT INTO t VALUES (2);\nSELEKT 2;", &err), &err,
        ERROR_DATA, "7_n.sql:4:1");
    assert_ok(
        run("INSERT INTO t VALUES (1);INSERT INTO t VALUES (2);INSERT INTO t VALUES (3)", &err),
        &err);
    assert_string_equal(content(), "1,2,3");
    assert_string_equal(db_text(db, "SELECT group_concat(status || ' ' || CAST(resume AS INTEGER))"
                                    " FROM migration_history"),
                        "failed 2,failed 2,success 3");
    assert_int_equal(db_int(db, "SELECT count(*) FROM schema_migrations"), 1);
}

static void the_end_may_lack_its_semicolon(void **state)
{
    (void)state;
    struct error err;
    db_exec(db, "CREATE TRIGGER r BEFORE INSERT ON schema_migrations BEGIN"
                " SELECT RAISE(FAIL, 'not yet'); END");
    assert_fails(run("INSERT INTO t VALUES (1)", &err), &err, ERROR_DATA, "not yet");
    db_exec(db, "DROP TRIGGER r");
    assert_ok(run("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);", &err), &err);
    assert_string_equal(content(), "1,2");
}

static void what_was_run_may_not_change(void **state)
{
    (void)state;
    struct error err;
    assert_fails(run("INSERT INTO t VALUES (1); SELEKT 1;", &err), &err, ERROR_DATA, "SELEKT");
    static const char *const changed[] = {"INSERT INTO t VALUES (2); INSERT INTO t VALUES (3);",
                                          "INSERT INTO t VALUES (3);", "SELECT 1;", ""};
    for (size_t i = 0; i < COUNT_OF(changed); i++) {
        assert_fails(
            run(changed[i], &err), &err, ERROR_CONFIG,
            "7_n.sql was run without a transaction and stopped: its first statement is run and "
            "stays in the database; now they are other ones");
        assert_says(err.hint, "put them back into the file");
        assert_says(err.hint, "/the/backup");
    }
    assert_fails(run_raw("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);", &err), &err,
                 ERROR_CONFIG, "the directive no-transaction is gone");
    assert_string_equal(content(), "1");
    assert_ok(run("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);", &err), &err);
    assert_string_equal(content(), "1,2");
}

static void a_block_is_one_unit(void **state)
{
    (void)state;
    struct error err;
    assert_fails(run("INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2);\n"
                     "INSERT INTO t VALUES (3); SELEKT 1; COMMIT;",
                     &err),
                 &err, ERROR_DATA, "SELEKT");
    assert_says(err.hint, "its first statement stays");
    assert_string_equal(content(), "1");
    assert_fails(run("INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2);\n"
                     "INSERT INTO t VALUES (3); COMMIT; SELEKT 1;",
                     &err),
                 &err, ERROR_DATA, "SELEKT");
    assert_says(err.hint, "its first 5 statements stay");
    assert_string_equal(content(), "1,2,3");
    assert_fails(run("INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2);\n"
                     "INSERT INTO t VALUES (3); END; INSERT INTO t VALUES (4);",
                     &err),
                 &err, ERROR_CONFIG, "other ones");
    assert_ok(run("INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2);\n"
                  "INSERT INTO t VALUES (3); COMMIT;\nCOMMIT; SAVEPOINT s; RELEASE s;"
                  "INSERT INTO t VALUES (4);",
                  &err),
              &err);
    assert_string_equal(content(), "1,2,3,4");
    assert_string_equal(notices, "4:COMMIT is skipped: n|4:SAVEPOINT and RELEAS|"
                                 "4:SAVEPOINT and RELEAS|");
}

static void blocks_that_are_wrong(void **state)
{
    (void)state;
    struct error err;
    assert_fails(run("BEGIN; INSERT INTO t VALUES (1);", &err), &err, ERROR_DATA,
                 "the BEGIN in line 2 has no COMMIT");
    assert_fails(run("BEGIN; BEGIN; COMMIT;", &err), &err, ERROR_DATA, "BEGIN within the BEGIN");
    assert_fails(run("BEGIN; INSERT INTO t VALUES (1); ROLLBACK;", &err), &err, ERROR_DATA,
                 "ROLLBACK is refused");
    assert_fails(run("ROLLBACK;", &err), &err, ERROR_DATA, "ROLLBACK is refused");
    assert_string_equal(content(), "(null)");
}

static void what_runs_outside(void **state)
{
    (void)state;
    struct error err;
    assert_ok(run(";; VACUUM;; /* x */ ; PRAGMA foreign_keys = ON;\n"
                  "CREATE TABLE answers AS SELECT foreign_keys AS f FROM pragma_foreign_keys;\n"
                  "BEGIN; PRAGMA foreign_keys = OFF; COMMIT;\n"
                  "INSERT INTO answers SELECT foreign_keys FROM pragma_foreign_keys;\n"
                  "PRAGMA foreign_keys = OFF; PRAGMA query_only = ON; VACUUM;",
                  &err),
              &err);
    assert_string_equal(db_text(db, "SELECT group_concat(f) FROM answers"), "1,1");
    assert_int_equal(db_int(db, "PRAGMA query_only"), 0);
    assert_string_equal(notices, "");
}

static void what_is_refused_here_too(void **state)
{
    (void)state;
    struct error err;
    assert_fails(run("VACUUM INTO 'x.db';", &err), &err, ERROR_DATA, "VACUUM INTO is refused");
    assert_fails(run("ATTACH '' AS x;", &err), &err, ERROR_DATA, "ATTACH is refused");
    assert_fails(run("CREATE TEMP TABLE x(a);", &err), &err, ERROR_DATA, "CREATE TEMP is refused");
    assert_fails(run("PRAGMA synchronous = OFF;", &err), &err, ERROR_DATA,
                 "synchronous is refused");
    assert_int_equal(db_int(db, "SELECT count(*) FROM schema_migrations"), 0);
}

static void settings_are_set_again(void **state)
{
    (void)state;
    struct error err;
    assert_fails(run("PRAGMA recursive_triggers = ON; CREATE TABLE answers(f); SELEKT 1;", &err),
                 &err, ERROR_DATA, "SELEKT");
    assert_int_equal(db_int(db, "PRAGMA recursive_triggers"), 0);
    assert_ok(run("PRAGMA recursive_triggers = ON; CREATE TABLE answers(f);"
                  "INSERT INTO answers SELECT recursive_triggers FROM pragma_recursive_triggers;",
                  &err),
              &err);
    assert_int_equal(db_int(db, "SELECT f FROM answers"), 1);
    assert_int_equal(db_int(db, "PRAGMA recursive_triggers"), 0);
}

static void each_unit_is_guarded(void **state)
{
    (void)state;
    struct error err;
    assert_fails(
        run("INSERT INTO t VALUES (1); DELETE FROM owner; INSERT INTO t VALUES (2);", &err), &err,
        ERROR_DATA, "7_n.sql:2:27: the migration would break foreign keys");
    assert_says(err.hint, "BEGIN and COMMIT");
    assert_string_equal(content(), "1");
    assert_int_equal(db_int(db, "SELECT count(*) FROM owner"), 1);
    assert_ok(run("INSERT INTO t VALUES (1); BEGIN; DELETE FROM owner; DELETE FROM pet; COMMIT;"
                  "CREATE TABLE fresh(a); INSERT INTO fresh VALUES (1);",
                  &err),
              &err);
    /* Once a table and migration. */
    assert_string_equal(told, "t owner owner pet ");
}

static void other_attempts_are_no_notes(void **state)
{
    (void)state;
    struct error err;
    struct migrate_unfinished *list = NULL;
    size_t count = 0;
    int64_t id = 0;
    assert_fails(run("INSERT INTO t VALUES (1); SELEKT 1;", &err), &err, ERROR_DATA, "SELEKT");
    assert_ok(migrate_history_unfinished(&history, &list, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_int_equal(list[0].version, 7);
    assert_false(list[0].down);
    assert_int_equal(list[0].statements, 1);
    free(list);
    /* Marked as applied by hand, it is not half-applied any more. */
    assert_ok(migrate_history_start(&history, 7, "baseline", NULL, &id, &err), &err);
    assert_ok(migrate_history_finish(&history, id, "success", NULL, &err), &err);
    assert_ok(migrate_history_unfinished(&history, &list, &count, &err), &err);
    assert_int_equal(count, 0);
    free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(goes_on_behind_what_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(the_end_may_lack_its_semicolon, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_run_may_not_change, setup, teardown),
        cmocka_unit_test_setup_teardown(a_block_is_one_unit, setup, teardown),
        cmocka_unit_test_setup_teardown(blocks_that_are_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(what_runs_outside, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_refused_here_too, setup, teardown),
        cmocka_unit_test_setup_teardown(settings_are_set_again, setup, teardown),
        cmocka_unit_test_setup_teardown(each_unit_is_guarded, setup, teardown),
        cmocka_unit_test_setup_teardown(other_attempts_are_no_notes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
