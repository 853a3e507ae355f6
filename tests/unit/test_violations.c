/* The guard over foreign keys: what was broken before may stay, what is new aborts. */
#include "support_migrate.h"

static sqlite3 *db;

static int setup(void **state)
{
    (void)state;
    db = db_in_memory();
    db_exec(db, "PRAGMA foreign_keys = OFF;"
                "CREATE TABLE parent(id INTEGER PRIMARY KEY);"
                "CREATE TABLE child(id INTEGER PRIMARY KEY, p REFERENCES parent(id),"
                " q REFERENCES parent(id));"
                "INSERT INTO parent VALUES (1), (2);"
                "INSERT INTO child VALUES (10, 1, 2), (11, 1, 1)");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return sqlite3_close(db);
}

static const struct migrate_observer silence = {.context = NULL};

/* The change as a migration; what it did is undone, so that the next one begins at the same. */
static int compare_after(const char *change, struct error *err)
{
    char *sql = sqlite3_mprintf("-- liteinit: allow-row-loss\n%s", change);
    int result = run_guarded(db, sql, false, &silence, err);
    sqlite3_free(sql);
    return result;
}

static void assert_passes(const char *change)
{
    struct error err;
    assert_ok(compare_after(change, &err), &err);
}

static void assert_aborts(const char *change, const char *msg)
{
    struct error err;
    assert_fails(compare_after(change, &err), &err, ERROR_DATA, msg);
    assert_true(err.hint[0] != '\0');
}

static void sound_changes_pass(void **state)
{
    (void)state;
    assert_passes("SELECT 1");
    assert_passes("DELETE FROM child; DELETE FROM parent");
    /* The rebuild of a table that others refer to. */
    assert_passes("CREATE TABLE new_parent(id INTEGER PRIMARY KEY, x);"
                  "INSERT INTO new_parent SELECT id, 0 FROM parent; DROP TABLE parent;"
                  "ALTER TABLE new_parent RENAME TO parent");
}

static void new_violations_abort(void **state)
{
    (void)state;
    assert_aborts("DELETE FROM parent WHERE id = 2",
                  "row 10 of child refers to a row of parent that is not there (1 new violation)");
    assert_aborts("INSERT INTO child VALUES (12, 9, 9)", "row 12 of child");
    assert_aborts("UPDATE child SET p = 77", "(2 new violations)");
    assert_aborts("DROP TABLE parent", "of child refers to a row of parent");
    assert_aborts("CREATE TABLE norow(k TEXT PRIMARY KEY, p REFERENCES parent(id)) WITHOUT ROWID;"
                  "INSERT INTO norow VALUES ('a', 5)",
                  "a row of norow refers");
}

static void old_violations_may_stay(void **state)
{
    (void)state;
    db_exec(db, "INSERT INTO child VALUES (12, 9, 1);"
                "CREATE TABLE norow(k TEXT PRIMARY KEY, p REFERENCES parent(id)) WITHOUT ROWID;"
                "INSERT INTO norow VALUES ('a', 5), ('b', 6)");
    assert_passes("SELECT 1");
    assert_passes("CREATE TABLE new_child(id INTEGER PRIMARY KEY, p REFERENCES parent(id),"
                  " q REFERENCES parent(id), x); INSERT INTO new_child SELECT *, 0 FROM child;"
                  "DROP TABLE child; ALTER TABLE new_child RENAME TO child");
    assert_passes("DELETE FROM child WHERE id = 12");
    assert_passes("INSERT INTO parent VALUES (9)");
    /* One more, in another row, in the same row by its other key, and in a table without rowids. */
    assert_aborts("INSERT INTO child VALUES (13, 9, 1)", "row 13 of child");
    assert_aborts("UPDATE child SET q = 9 WHERE id = 12", "row 12 of child");
    assert_aborts("INSERT INTO norow VALUES ('c', 7)", "of norow");
    /* An exchange: one gone, one new. */
    assert_aborts("UPDATE child SET p = 1 WHERE id = 12; UPDATE child SET p = 9 WHERE id = 11",
                  "row 11 of child");
}

static void key_that_cannot_work(void **state)
{
    (void)state;
    assert_aborts("CREATE TABLE word(t TEXT); CREATE TABLE user(w REFERENCES word(t));"
                  "INSERT INTO user VALUES ('x')",
                  "foreign key mismatch");
    /* One that was there before is lived with. */
    db_exec(db, "CREATE TABLE word(t TEXT); CREATE TABLE user(w REFERENCES word(t));"
                "INSERT INTO user VALUES ('x')");
    assert_passes("INSERT INTO user VALUES ('y')");
    assert_passes("DROP TABLE user");
}

static void key_that_cannot_work_does_not_hide_others(void **state)
{
    (void)state;
    db_exec(db, "CREATE TABLE word(t TEXT); CREATE TABLE a_user(w REFERENCES word(t));"
                "INSERT INTO a_user VALUES ('x'); CREATE TABLE z_user(w REFERENCES word(t));"
                "INSERT INTO z_user VALUES ('x')");
    assert_aborts("DELETE FROM parent WHERE id = 2", "row 10 of child");
    assert_passes("INSERT INTO a_user VALUES ('y')");
}

static void names_that_need_quotes(void **state)
{
    (void)state;
    db_exec(db, "CREATE TABLE \"it's \"\"odd\"\"\"(p REFERENCES parent(id))");
    assert_passes("INSERT INTO \"it's \"\"odd\"\"\" VALUES (1)");
    assert_aborts("INSERT INTO \"it's \"\"odd\"\"\" VALUES (3)", "row 1 of it's \"odd\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sound_changes_pass, setup, teardown),
        cmocka_unit_test_setup_teardown(new_violations_abort, setup, teardown),
        cmocka_unit_test_setup_teardown(old_violations_may_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(key_that_cannot_work, setup, teardown),
        cmocka_unit_test_setup_teardown(key_that_cannot_work_does_not_hide_others, setup, teardown),
        cmocka_unit_test_setup_teardown(names_that_need_quotes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
