/* The guards over rows: what is touched, what is told, and what must not get lost. */
#include "support_migrate.h"

static sqlite3 *db;
static char told[512];
static char notices[1024];

static void on_touching(void *context, sqlite3 *handle, const char *table)
{
    (void)context;
    /* Statements may be run here, which the guard does not take for the migration's. */
    assert_true(sqlite3_exec(handle, "SELECT count(*) FROM main.sqlite_schema", NULL, NULL, NULL) ==
                SQLITE_OK);
    (void)strncat(told, table, sizeof told - strlen(told) - 1);
    (void)strncat(told, " ", sizeof told - strlen(told) - 1);
}

static void on_notice(void *context, const char *file, int line, const char *sentence)
{
    char text[300];
    (void)context;
    (void)snprintf(text, sizeof text, "%s:%d:%s|", file, line, sentence);
    (void)strncat(notices, text, sizeof notices - strlen(notices) - 1);
}

static const struct migrate_observer observer = {.touching = on_touching, .notice = on_notice};

static int setup(void **state)
{
    (void)state;
    db = db_in_memory();
    told[0] = notices[0] = '\0';
    db_exec(db, "PRAGMA foreign_keys = OFF;"
                "CREATE TABLE owner(id INTEGER PRIMARY KEY, name TEXT);"
                "CREATE TABLE pet(id INTEGER PRIMARY KEY,"
                " o REFERENCES owner(id) ON DELETE CASCADE, name TEXT);"
                "CREATE TABLE audit(id INTEGER PRIMARY KEY, what TEXT);"
                "CREATE TABLE big(id INTEGER PRIMARY KEY, v);"
                "INSERT INTO owner VALUES (1, 'a'), (2, 'b');"
                "INSERT INTO pet VALUES (10, 1, 'x'), (11, 2, 'y');"
                "INSERT INTO audit(what) VALUES ('one'), ('two'), ('three')");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return sqlite3_close(db);
}

static void assert_passes(const char *sql)
{
    struct error err;
    assert_ok(run_guarded(db, sql, true, &observer, &err), &err);
}

static void assert_refused(const char *sql, const char *msg)
{
    struct error err;
    assert_fails(run_guarded(db, sql, true, &observer, &err), &err, ERROR_DATA, msg);
    assert_int_equal(db_int(db, "SELECT count(*) FROM audit"), 3);
    assert_int_equal(db_int(db, "SELECT count(*) FROM owner"), 2);
}

static void what_is_named_may_lose_rows(void **state)
{
    (void)state;
    assert_passes("DELETE FROM audit WHERE id = 1");
    assert_passes("DELETE FROM \"AUDIT\" WHERE id = 2");
    assert_passes("DROP TABLE [audit]");
    assert_passes("DELETE FROM pet");
    assert_string_equal(told, "audit audit audit pet ");
}

static void a_trigger_that_deletes_elsewhere(void **state)
{
    (void)state;
    struct error err;
    db_exec(db, "CREATE TRIGGER r AFTER UPDATE OF name ON owner BEGIN DELETE FROM audit; END");
    assert_fails(run_guarded(db, "UPDATE owner SET name = 'c'", true, &observer, &err), &err,
                 ERROR_DATA,
                 "would take rows from the table audit, which its SQL does not name: it had 3 and "
                 "would have 0");
    assert_says(err.hint, "-- liteinit: allow-row-loss");
    assert_string_equal(told, "owner audit ");
    /* A comment names nothing, nor does a string in which the name is one word of several. */
    assert_refused("-- audit\n/* audit */ UPDATE owner SET name = 'the audit'", "table audit");
    assert_passes("SELECT 1 FROM audit; UPDATE owner SET name = 'd'");
    assert_int_equal(db_int(db, "SELECT count(*) FROM audit"), 0);
}

static void the_directive_lifts_it(void **state)
{
    (void)state;
    db_exec(db, "CREATE TRIGGER r AFTER UPDATE ON owner BEGIN DELETE FROM audit; END");
    assert_passes("-- liteinit: allow-row-loss\nUPDATE owner SET name = 'c'");
    assert_int_equal(db_int(db, "SELECT count(*) FROM audit"), 0);
}

static void an_action_of_a_foreign_key(void **state)
{
    (void)state;
    db_exec(db, "PRAGMA foreign_keys = ON");
    assert_refused("DELETE FROM owner WHERE id = 1", "from the table pet");
    /* The rebuild that loses children by DROP TABLE (design fact 8). */
    assert_refused("CREATE TABLE fresh(id INTEGER PRIMARY KEY, name TEXT);"
                   "INSERT INTO fresh SELECT * FROM owner; DROP TABLE owner;"
                   "ALTER TABLE fresh RENAME TO owner",
                   "from the table pet");
    assert_int_equal(db_int(db, "SELECT count(*) FROM pet"), 2);
    assert_passes("-- liteinit: allow-row-loss\nDELETE FROM owner WHERE id = 1");
}

static void replace_takes_rows(void **state)
{
    (void)state;
    db_exec(db, "CREATE TABLE unique_one(a UNIQUE, b UNIQUE);"
                "INSERT INTO unique_one VALUES (1, 2), (3, 4);"
                "CREATE TRIGGER r AFTER INSERT ON big BEGIN"
                " INSERT OR REPLACE INTO unique_one VALUES (1, 4); END");
    assert_refused("INSERT INTO big(v) VALUES (1)", "from the table unique_one");
    db_exec(db,
            "DROP TRIGGER r; DROP TABLE unique_one;"
            "CREATE TABLE unique_one(a UNIQUE ON CONFLICT REPLACE, b UNIQUE ON CONFLICT REPLACE);"
            "INSERT INTO unique_one VALUES (1, 2), (3, 4);"
            "CREATE TRIGGER r AFTER INSERT ON big BEGIN"
            " INSERT INTO unique_one VALUES (1, 4); END");
    assert_refused("INSERT INTO big(v) VALUES (1)", "from the table unique_one");
}

static void a_view_that_deletes(void **state)
{
    (void)state;
    db_exec(db, "CREATE VIEW v AS SELECT 1 AS x; CREATE TRIGGER r INSTEAD OF INSERT ON v BEGIN"
                " DELETE FROM audit WHERE id = new.x; END");
    assert_refused("INSERT INTO v VALUES (2)", "table audit");
    assert_passes("INSERT INTO v VALUES (99)");
    assert_string_equal(told, "audit audit ");
}

static void full_text_is_an_index(void **state)
{
    (void)state;
    db_exec(db, "INSERT INTO big VALUES (1, 'quick fox'), (2, 'lazy dog'), (3, 'old cat');"
                "CREATE VIRTUAL TABLE f USING fts5(v, content='big', content_rowid='id');"
                "CREATE TRIGGER i AFTER INSERT ON big BEGIN"
                " INSERT INTO f(rowid, v) VALUES (new.id, new.v); END;"
                "CREATE TRIGGER d AFTER DELETE ON big BEGIN"
                " INSERT INTO f(f, rowid, v) VALUES ('delete', old.id, old.v); END;"
                "CREATE TRIGGER u AFTER UPDATE ON big BEGIN"
                " INSERT INTO f(f, rowid, v) VALUES ('delete', old.id, old.v);"
                " INSERT INTO f(rowid, v) VALUES (new.id, new.v); END;"
                "INSERT INTO f(f) VALUES ('rebuild')");
    assert_passes("DELETE FROM big WHERE id = 1; UPDATE big SET v = 'slow dog' WHERE id = 2");
    assert_passes("INSERT INTO big VALUES (4, 'more')");
    assert_int_equal(db_int(db, "SELECT count(*) FROM f WHERE f MATCH 'slow'"), 1);
    assert_passes("INSERT INTO f(f) VALUES ('optimize')");
    assert_string_equal(told, "big big ");
    assert_passes("CREATE VIRTUAL TABLE g USING fts5(x); INSERT INTO g VALUES ('a'); DROP TABLE g");
}

static void renamed_and_then_written(void **state)
{
    (void)state;
    struct error err;
    assert_passes("ALTER TABLE big RENAME TO huge; INSERT INTO huge VALUES (1, 2);"
                  "ALTER TABLE huge ADD COLUMN w; UPDATE huge SET w = 1");
    assert_string_equal(told, "big ");
    /* Its children follow the new name, and are looked at before it is written. */
    assert_fails(run_guarded(db, "ALTER TABLE owner RENAME TO keeper; DELETE FROM keeper", true,
                             &observer, &err),
                 &err, ERROR_DATA, "row 10 of pet refers to a row of keeper");
    /* An old violation is the same one under the new name. */
    db_exec(db, "INSERT INTO pet VALUES (12, 9, 'z')");
    assert_passes("ALTER TABLE owner RENAME TO keeper; UPDATE keeper SET id = id;"
                  "ALTER TABLE pet RENAME TO animal; UPDATE animal SET o = o");
    assert_passes("ALTER TABLE animal RENAME COLUMN o TO keeper_id");
}

static void swapped_by_renaming(void **state)
{
    (void)state;
    db_exec(db, "INSERT INTO pet VALUES (12, 9, 'z')");
    /* The old one away first: keys follow its name, and come back. */
    assert_passes("ALTER TABLE pet RENAME TO pet_old;"
                  "CREATE TABLE pet(id INTEGER PRIMARY KEY, o REFERENCES owner(id), name TEXT);"
                  "INSERT INTO pet SELECT * FROM pet_old; DROP TABLE pet_old");
    assert_refused("ALTER TABLE owner RENAME TO owner_old;"
                   "CREATE TABLE owner(id INTEGER PRIMARY KEY, name TEXT);"
                   "INSERT INTO owner SELECT * FROM owner_old; DROP TABLE owner_old",
                   "refers to a row of owner_old");
    /* With the old way of renaming they do not follow. */
    assert_passes("PRAGMA legacy_alter_table = ON; ALTER TABLE owner RENAME TO owner_old;"
                  "CREATE TABLE owner(id INTEGER PRIMARY KEY, name TEXT);"
                  "INSERT INTO owner SELECT * FROM owner_old; DROP TABLE owner_old");
    db_exec(db, "PRAGMA legacy_alter_table = OFF");
    assert_passes("PRAGMA legacy_alter_table = ON; ALTER TABLE owner RENAME TO owner_old;"
                  "CREATE TABLE owner(id INTEGER PRIMARY KEY, name TEXT);"
                  "INSERT INTO owner SELECT * FROM owner_old; DROP TABLE owner_old;"
                  "PRAGMA legacy_alter_table = OFF");
    assert_int_equal(db_int(db, "SELECT count(*) FROM pet"), 3);
    assert_refused("PRAGMA legacy_alter_table = ON; ALTER TABLE owner RENAME TO owner_old;"
                   "CREATE TABLE owner(id INTEGER PRIMARY KEY, name TEXT);"
                   "INSERT INTO owner SELECT * FROM owner_old WHERE id = 1; DROP TABLE owner_old;"
                   "PRAGMA legacy_alter_table = OFF",
                   "row 11 of pet refers to a row of owner");
    db_exec(db, "PRAGMA legacy_alter_table = OFF");
}

static void a_column_with_a_key(void **state)
{
    (void)state;
    db_exec(db, "INSERT INTO pet VALUES (12, 9, 'z')");
    assert_passes("ALTER TABLE pet ADD COLUMN second INTEGER REFERENCES owner(id)");
    assert_passes("ALTER TABLE pet ADD COLUMN third INTEGER DEFAULT 1 REFERENCES owner(id)");
    assert_refused("ALTER TABLE pet ADD COLUMN fourth INTEGER DEFAULT 7 REFERENCES owner(id)",
                   "refers to a row of owner that is not there (3 new violations)");
    /* A key that stands behind the columns keeps its old violations. */
    db_exec(db, "CREATE TABLE toy(id INTEGER PRIMARY KEY, p, FOREIGN KEY(p) REFERENCES pet(id));"
                "INSERT INTO toy VALUES (1, 77)");
    assert_passes("ALTER TABLE toy ADD COLUMN q DEFAULT 10 REFERENCES pet(id);"
                  "ALTER TABLE toy RENAME COLUMN q TO a_longer_name");
    assert_refused("ALTER TABLE toy ADD COLUMN r DEFAULT 78 REFERENCES pet(id)", "row 1 of toy");
}

static void keys_may_warn(void **state)
{
    (void)state;
    assert_passes("-- liteinit: foreign-keys=warn\nDELETE FROM owner WHERE id = 1;");
    assert_string_equal(notices,
                        "7_x.sql:0:the migration would break foreign keys: row 10 of pet refers to "
                        "a row of owner that is not there (1 new violation)|");
}

/* Rows read by a full scan: https://www.sqlite.org/c3ref/c_stmtstatus_counter.html cannot be asked
 * of the guard's own statements, so a damaged table tells whether it was read. */
static void what_need_not_be_looked_at(void **state)
{
    (void)state;
    db_exec(db, "CREATE TABLE z(a UNIQUE); PRAGMA writable_schema = ON;"
                "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema"
                " WHERE type = 'index') WHERE name = 'pet';"
                "PRAGMA writable_schema = RESET");
    struct error err;
    assert_fails(run_guarded(db, "DELETE FROM owner WHERE id = 1", true, &observer, &err), &err,
                 ERROR_DATA, "malformed");
    /* A parent gets rows, or changes columns that nobody refers to. */
    assert_passes("INSERT INTO owner VALUES (3, 'c'); UPDATE owner SET name = 'd';"
                  "ALTER TABLE owner ADD COLUMN n; CREATE INDEX i ON owner(n); DROP INDEX i;"
                  "CREATE TABLE other(x); DELETE FROM audit; DROP TABLE audit");
    assert_fails(run_guarded(db, "UPDATE owner SET id = id", true, &observer, &err), &err,
                 ERROR_DATA, "malformed");
}

static void the_file_hears_nothing_of_the_guard(void **state)
{
    (void)state;
    assert_passes("INSERT INTO audit(id, what) VALUES (77, 'x');"
                  "INSERT INTO pet SELECT last_insert_rowid(), 1, changes();");
    assert_string_equal(db_text(db, "SELECT name FROM pet WHERE id = 77"), "1");
}

static void one_index_that_keys_need(void **state)
{
    (void)state;
    db_exec(db, "CREATE TABLE word(t TEXT); CREATE UNIQUE INDEX word_t ON word(t);"
                "CREATE TABLE user(w REFERENCES word(t)); INSERT INTO word VALUES ('a');"
                "INSERT INTO user VALUES ('a')");
    assert_refused("DROP INDEX word_t", "foreign key that cannot work");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_named_may_lose_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(a_trigger_that_deletes_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(the_directive_lifts_it, setup, teardown),
        cmocka_unit_test_setup_teardown(an_action_of_a_foreign_key, setup, teardown),
        cmocka_unit_test_setup_teardown(replace_takes_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(a_view_that_deletes, setup, teardown),
        cmocka_unit_test_setup_teardown(full_text_is_an_index, setup, teardown),
        cmocka_unit_test_setup_teardown(renamed_and_then_written, setup, teardown),
        cmocka_unit_test_setup_teardown(swapped_by_renaming, setup, teardown),
        cmocka_unit_test_setup_teardown(a_column_with_a_key, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_may_warn, setup, teardown),
        cmocka_unit_test_setup_teardown(what_need_not_be_looked_at, setup, teardown),
        cmocka_unit_test_setup_teardown(the_file_hears_nothing_of_the_guard, setup, teardown),
        cmocka_unit_test_setup_teardown(one_index_that_keys_need, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
