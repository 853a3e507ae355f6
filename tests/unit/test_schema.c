/* Tables, their rows, and the hash over the schema: what a backup is compared by. */
#include "support_db.h"

#include "store/schema.h"

static struct store_schema read_ok(sqlite3 *db)
{
    struct error err;
    struct store_schema schema;
    assert_ok(store_schema_read(db, &schema, &err), &err);
    assert_int_equal(strlen(schema.hash), 64);
    return schema;
}

static void hash_of(const char *sql, char out[HASH_HEX_SIZE])
{
    sqlite3 *db = db_in_memory();
    db_exec(db, sql);
    struct store_schema schema = read_ok(db);
    memcpy(out, schema.hash, HASH_HEX_SIZE);
    store_schema_free(&schema);
    db_close(db);
}

static void tables_and_rows_are_listed(void **state)
{
    (void)state;
    sqlite3 *db = db_in_memory();
    struct store_schema schema = read_ok(db);
    assert_int_equal(schema.count, 0);
    store_schema_free(&schema);

    db_exec(db, "CREATE TABLE b(id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO b VALUES (1),"
                " (2); CREATE TABLE a(x); CREATE TABLE \"od\"\"d name's\"(x);"
                "INSERT INTO \"od\"\"d name's\" VALUES (1), (1), (1);"
                "CREATE VIEW v AS SELECT 1; CREATE INDEX i ON a(x);"
                "CREATE TABLE w(k PRIMARY KEY) WITHOUT ROWID; INSERT INTO w VALUES (1);"
                "CREATE TEMP TABLE t(x); ANALYZE");
    schema = read_ok(db);
    static const struct {
        const char *name;
        int64_t rows;
    } wanted[] = {{"a", 0}, {"b", 2}, {"od\"d name's", 3}, {"w", 1}};
    assert_int_equal(schema.count, COUNT_OF(wanted));
    for (size_t i = 0; i < schema.count; i++) {
        assert_string_equal(schema.tables[i].name, wanted[i].name);
        assert_int_equal(schema.tables[i].rows, wanted[i].rows);
    }
    store_schema_free(&schema);
    store_schema_free(&schema);
    db_close(db);
}

static void hash_sees_every_change_of_the_schema(void **state)
{
    (void)state;
    static const char *const others[] = {
        "",
        "CREATE TABLE t(a, b)",
        "CREATE TABLE t(a,  b); CREATE INDEX i ON t(a)",
        "CREATE TABLE t(a, b); CREATE INDEX j ON t(a)",
        "CREATE TABLE t(a, b); CREATE INDEX i ON t(b)",
        "CREATE TABLE t(a, b); CREATE UNIQUE INDEX i ON t(a)",
        "CREATE TABLE t(a, b); CREATE INDEX i ON t(a); CREATE VIEW v AS SELECT 1",
        "CREATE TABLE t(a, b); CREATE TRIGGER i DELETE ON t BEGIN SELECT 1; END",
    };
    char hash[HASH_HEX_SIZE];
    char other[HASH_HEX_SIZE];
    hash_of("CREATE TABLE t(a, b); CREATE INDEX i ON t(a)", hash);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        hash_of(others[i], other);
        if (strcmp(hash, other) == 0)
            fail_msg("not seen: %s", others[i]);
    }
    /* Neither rows nor the order of making count. */
    hash_of("CREATE TABLE x(a); CREATE TABLE t(a, b); CREATE INDEX i ON t(a); DROP TABLE x;"
            "INSERT INTO t VALUES (1, 2)",
            other);
    assert_string_equal(hash, other);
}

static void unknown_module_is_not_counted(void **state)
{
    (void)state;
    sqlite3 *db = db_in_memory();
    db_exec(db, "CREATE TABLE a(x); INSERT INTO a VALUES (1); PRAGMA writable_schema = ON;"
                "INSERT INTO sqlite_schema VALUES ('table', 'virtual', 'virtual', 0,"
                " 'CREATE VIRTUAL TABLE virtual USING no_such_module(x)');"
                "PRAGMA writable_schema = RESET");
    struct store_schema schema = read_ok(db);
    assert_int_equal(schema.count, 2);
    assert_int_equal(schema.tables[0].rows, 1);
    assert_string_equal(schema.tables[1].name, "virtual");
    assert_int_equal(schema.tables[1].rows, -1);
    store_schema_free(&schema);
    db_close(db);
}

static void differences_are_named(void **state)
{
    (void)state;
    struct error err;
    sqlite3 *db = db_in_memory();
    db_exec(db, "CREATE TABLE a(x); CREATE TABLE b(x); INSERT INTO b VALUES (1), (2)");
    struct store_schema before = read_ok(db);
    struct store_schema same = read_ok(db);
    assert_ok(store_schema_compare(&before, &same, &err), &err);
    store_schema_free(&same);
    db_exec(db, "DELETE FROM b WHERE x = 1");
    struct store_schema fewer = read_ok(db);
    assert_fails(store_schema_compare(&before, &fewer, &err), &err, ERROR_DATA,
                 "table b has 1 rows in the copy and 2 in its source");
    store_schema_free(&fewer);
    db_exec(db, "CREATE TABLE c(x)");
    struct store_schema more = read_ok(db);
    assert_fails(store_schema_compare(&before, &more, &err), &err, ERROR_DATA, "schema");
    assert_fails(store_schema_compare(&more, &before, &err), &err, ERROR_DATA, "schema");
    store_schema_free(&more);
    store_schema_free(&before);
    db_close(db);
}

static void damaged_table_is_an_error(void **state)
{
    (void)state;
    struct error err;
    struct store_schema schema = {.count = 77};
    sqlite3 *db = db_open(scratch_path("app.db"));
    db_exec(db, "CREATE TABLE a(x); CREATE TABLE b(x); INSERT INTO b VALUES (zeroblob(9000))");
    db_close(db);
    char page[4096];
    memset(page, 0xEE, sizeof page);
    FILE *file = fopen(scratch_path("app.db"), "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 2L * 4096, SEEK_SET), 0);
    assert_int_equal(fwrite(page, 1, sizeof page, file), sizeof page);
    assert_int_equal(fclose(file), 0);
    db = db_open(scratch_path("app.db"));
    assert_fails(store_schema_read(db, &schema, &err), &err, ERROR_DATA, "malformed");
    assert_int_equal(schema.count, 77);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_and_rows_are_listed),
        cmocka_unit_test(hash_sees_every_change_of_the_schema),
        cmocka_unit_test(unknown_module_is_not_counted),
        cmocka_unit_test(differences_are_named),
        cmocka_unit_test_setup_teardown(damaged_table_is_an_error, scratch_begin, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
