/* The way back: the newest first, each whole or not at all, and what the history says of it. */
#include "support_db.h"

#include "migrate/apply.h"
#include "migrate/rollback.h"

static sqlite3 *db;
static struct migrate_history history;
static char said[1024];

static int setup(void **state)
{
    (void)state;
    struct error err;
    db = db_in_memory();
    said[0] = '\0';
    assert_ok(migrate_history_open(db, &history, &err), &err);
    assert_ok(migrate_history_create(&history, &err), &err);
    db_exec(db, "CREATE TABLE a(x); CREATE TABLE b(x); CREATE TABLE c(x);"
                "CREATE TABLE kept(x); INSERT INTO kept VALUES (1), (2)");
    for (int64_t version = 1; version <= 3; version++) {
        struct migrate_record record = {.version = version, .name = "n", .down_sql = "SELECT 1;"};
        int64_t id = 0;
        assert_ok(migrate_history_start(&history, version, "up", NULL, &id, &err), &err);
        assert_ok(migrate_history_record(&history, &record, &err), &err);
        assert_ok(migrate_history_finish(&history, id, "success", NULL, &err), &err);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return sqlite3_close(db);
}

static void say(const char *what, const struct migrate_item *item)
{
    char text[128];
    (void)snprintf(text, sizeof text, "%s %s %zu/%zu %s|", what, item->file, item->number, item->of,
                   item->direction == LAYOUT_DOWN ? "down" : "up");
    (void)strncat(said, text, sizeof said - strlen(said) - 1);
}

static void on_begin(void *context, const struct migrate_item *item)
{
    (void)context;
    say("begin", item);
}

static void on_done(void *context, const struct migrate_item *item, int64_t duration_ms)
{
    (void)context;
    assert_true(duration_ms >= 0);
    say("done", item);
}

static const struct migrate_observer observer = {.begin = on_begin, .done = on_done};

/* Takes back version 3, then 2, by these texts; NULL ends the way. */
static int go_back(const char *third, const char *second, size_t *ret_done, struct error *err)
{
    static char name[] = "n";
    struct migrate_step_back steps[2] = {{.version = 3, .name = name},
                                         {.version = 2, .name = name}};
    struct migrate_way_back way = {.steps = steps, .count = second != NULL ? 2 : 1};
    const struct migrate_apply_options options = {.backup = "/b"};
    assert_ok(layout_script_recall("3_n_down.sql", third, &steps[0].script, err), err);
    if (second != NULL)
        assert_ok(layout_script_recall("2_n_down.sql", second, &steps[1].script, err), err);
    int result = migrate_rollback(db, &history, &way, &options, &observer, ret_done, err);
    for (size_t i = 0; i < way.count; i++)
        layout_script_free(&steps[i].script);
    return result;
}

static const char *attempts(void)
{
    return db_text(db, "SELECT group_concat(version || ' ' || status, ', ') FROM migration_history"
                       " WHERE direction = 'down'");
}

static const char *applied(void)
{
    return db_text(db, "SELECT group_concat(version) FROM schema_migrations");
}

static void two_steps(void **state)
{
    (void)state;
    struct error err;
    size_t done = 0;
    assert_ok(go_back("DROP TABLE c;", "BEGIN; DROP TABLE b; COMMIT;", &done, &err), &err);
    assert_int_equal(done, 2);
    assert_string_equal(applied(), "1");
    assert_string_equal(attempts(), "3 success, 2 success");
    assert_string_equal(said, "begin 3_n_down.sql 1/2 down|done 3_n_down.sql 1/2 down|"
                              "begin 2_n_down.sql 2/2 down|done 2_n_down.sql 2/2 down|");
    assert_int_equal(db_int(db, "SELECT count(*) FROM sqlite_schema WHERE name IN ('b', 'c')"), 0);
    assert_string_equal(db_text(db, "SELECT backup_path FROM migration_history WHERE"
                                    " direction = 'down' LIMIT 1"),
                        "/b");
}

static void the_second_fails_halfway(void **state)
{
    (void)state;
    struct error err;
    size_t done = 0;
    assert_fails(
        go_back("DROP TABLE c", "DROP TABLE b;\nDELETE FROM kept;\nSELEKT 1;", &done, &err), &err,
        ERROR_DATA, "2_n_down.sql:3:1: near \"SELEKT\"");
    assert_int_equal(done, 1);
    assert_string_equal(applied(), "1,2");
    assert_string_equal(attempts(), "3 success, 2 failed");
    assert_int_equal(db_int(db, "SELECT count(*) FROM b"), 0);
    assert_int_equal(db_int(db, "SELECT count(*) FROM kept"), 2);
    /* Mended, it is taken back. */
    assert_ok(go_back("SELECT 1", "DROP TABLE b", &done, &err), &err);
}

static void guards_hold_on_the_way_back_too(void **state)
{
    (void)state;
    struct error err;
    size_t done = 0;
    db_exec(db, "CREATE TRIGGER r AFTER INSERT ON c BEGIN DELETE FROM kept; END");
    assert_fails(go_back("INSERT INTO c VALUES (1); DROP TABLE c", NULL, &done, &err), &err,
                 ERROR_DATA, "would take rows from the table kept");
    assert_int_equal(done, 0);
    assert_string_equal(applied(), "1,2,3");
    assert_int_equal(db_int(db, "SELECT count(*) FROM c"), 0);
}

static void without_a_transaction(void **state)
{
    (void)state;
    struct error err;
    struct migrate_unfinished *list = NULL;
    size_t done = 0;
    size_t count = 0;
    assert_fails(
        go_back("-- liteinit: no-transaction\nDROP TABLE c; VACUUM; SELEKT 1;", NULL, &done, &err),
        &err, ERROR_DATA, "SELEKT");
    assert_says(err.hint, "its first 2 statements stay");
    assert_string_equal(applied(), "1,2,3");
    assert_ok(migrate_history_unfinished(&history, &list, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_int_equal(list[0].version, 3);
    assert_true(list[0].down);
    assert_int_equal(list[0].statements, 2);
    free(list);
    assert_ok(go_back("-- liteinit: no-transaction\nDROP TABLE c; VACUUM; DROP TABLE b;", NULL,
                      &done, &err),
              &err);
    assert_string_equal(applied(), "1,2");
    assert_string_equal(attempts(), "3 failed, 3 success");
    assert_ok(migrate_history_unfinished(&history, &list, &count, &err), &err);
    assert_int_equal(count, 0);
    free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(the_second_fails_halfway, setup, teardown),
        cmocka_unit_test_setup_teardown(guards_hold_on_the_way_back_too, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_transaction, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
