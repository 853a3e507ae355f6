/* Taking over another tool's history: what is recorded, what is left, what is refused. */
#include "support_db.h"

#include "migrate/adopt.h"
#include "migrate/plan.h"

static sqlite3 *db;

static int setup(void **state)
{
    db = db_in_memory();
    return scratch_begin(state);
}

static int teardown(void **state)
{
    int closed = sqlite3_close(db);
    return scratch_end(state) == 0 && closed == SQLITE_OK ? 0 : -1;
}

/* Begins a case: another database, and an empty folder. */
static void renew(const char *sql)
{
    void *none = NULL;
    db_close(db);
    db = db_in_memory();
    db_exec(db, sql);
    assert_int_equal(scratch_end(&none), 0);
    assert_int_equal(scratch_begin(&none), 0);
}

/* Files of these names, separated by blanks, each of which would fail if it ran again. */
static void put_files(const char *names)
{
    char list[512];
    char *rest = NULL;
    (void)snprintf(list, sizeof list, "%s", names);
    for (char *name = strtok_r(list, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest))
        (void)put_text(name, "CREATE TABLE once(a);\n");
}

static int adopt(const struct migrate_adopt_options *options, struct migrate_adopt_report *report,
                 struct error *err)
{
    struct layout_folder folder;
    assert_ok(layout_folder_read(scratch, LAYOUT_LITEINIT, NULL, &folder, err), err);
    int result = migrate_adopt(db, &folder, options, report, err);
    layout_folder_free(&folder);
    assert_int_equal(sqlite3_get_autocommit(db), 1);
    return result;
}

static struct migrate_adopt_report adopt_ok(const struct migrate_adopt_options *options)
{
    struct error err;
    struct migrate_adopt_report report;
    assert_ok(adopt(options, &report, &err), &err);
    return report;
}

static struct error refused(const struct migrate_adopt_options *options, enum error_kind kind,
                            const char *part)
{
    struct error err = {.kind = ERROR_NONE};
    struct migrate_adopt_report report;
    memset(&report, 0x5A, sizeof report);
    struct migrate_adopt_report untouched = report;
    long long objects = db_int(db, "SELECT count(*) FROM sqlite_schema");
    assert_fails(adopt(options, &report, &err), &err, kind, part);
    assert_memory_equal(&report, &untouched, sizeof report);
    assert_int_equal(db_int(db, "SELECT count(*) FROM sqlite_schema"), objects);
    assert_true(err.hint[0] != '\0');
    return err;
}

static const struct migrate_adopt_options as_is = {.baseline = -1};

/* What the next start would run. */
static const char *pending(void)
{
    static char text[256];
    struct error err;
    struct migrate_plan plan;
    const struct migrate_source source = {.folder = scratch};
    assert_ok(migrate_plan_build(db, &source, NULL, &plan, &err), &err);
    assert_int_equal(plan.drift.count, 0);
    text[0] = '\0';
    for (size_t i = 0; i < plan.pending_count; i++) {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "%s%lld", i > 0 ? " " : "",
                       (long long)plan.pending[i]->version);
    }
    migrate_plan_free(&plan);
    return text;
}

static void each_tool_is_taken_over(void **state)
{
    (void)state;
    static const struct {
        const char *tool;
        const char *files;
        const char *sql;
        const char *pending;
    } cases[] = {
        {"by-name", "001_a.sql 002_b.sql 003_c.sql",
         "CREATE TABLE schema_migrations (id INTEGER PRIMARY KEY, name TEXT, applied_at TEXT);"
         "INSERT INTO schema_migrations VALUES (1, '001_a.sql', ''), (2, '002_b.sql', NULL)",
         "3"},
        {"by-name", "001_a.up.sql 002_b.sql 03_c.sql",
         "CREATE TABLE schema_migrations (id INTEGER PRIMARY KEY, name TEXT, applied_at TEXT);"
         "INSERT INTO schema_migrations VALUES (1, '001_a', ''), (2, 'b', ''), (3, '003', '')",
         ""},
        {"by-version", "1_a.sql 2_b.sql 3_c.sql",
         "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, migrated_at TEXT);"
         "INSERT INTO schema_migrations VALUES (1, ''), (3, '')",
         "2"},
        {"by-status", "1_a.sql 2_b.sql",
         "CREATE TABLE migrations (version INTEGER PRIMARY KEY, name, description, applied_at,"
         " rolled_back_at, backup_path, status, error_message);"
         "INSERT INTO migrations (version, status) VALUES (1, 'success')",
         "2"},
        {"golang-migrate", "000001_a.up.sql 000001_a.down.sql 000002_b.up.sql 000003_c.up.sql",
         "CREATE TABLE schema_migrations (version uint64, dirty bool);"
         "INSERT INTO schema_migrations VALUES (2, 0)",
         "3"},
        {"dbmate", "20240101000000_a.sql 20240102000000_b.sql",
         "CREATE TABLE schema_migrations (version varchar(128) primary key);"
         "INSERT INTO schema_migrations VALUES ('20240101000000')",
         "20240102000000"},
        {"goose", "00001_a.sql 00002_b.sql",
         "CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY, version_id INTEGER,"
         " is_applied INTEGER, tstamp TIMESTAMP);"
         "INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (1, 1)",
         "2"},
        {"refinery", "1_a.sql 2_b.sql",
         "CREATE TABLE refinery_schema_history (version, name, applied_on, checksum);"
         "INSERT INTO refinery_schema_history VALUES (1, 'a', '2024-01-15T09:30:00Z', '77')",
         "2"},
        {"diesel", "20240115093000_a.sql 20240116093000_b.sql",
         "CREATE TABLE __diesel_schema_migrations (version, run_on);"
         "INSERT INTO __diesel_schema_migrations VALUES ('20240115093000', '')",
         "20240116093000"},
        {"knex", "20240115_a.sql 20240116_b.sql",
         "CREATE TABLE knex_migrations (id, name, batch, migration_time);"
         "INSERT INTO knex_migrations VALUES (1, '20240115_a.js', 1, 1705311000000)",
         "20240116"},
        {"user_version", "1_a.sql 2_b.sql 3_c.sql", "PRAGMA user_version = 2", "3"},
        /* Nothing is applied, so that all is pending. */
        {"dbmate", "1_a.sql 2_b.sql", "CREATE TABLE schema_migrations (version)", "1 2"},
        {"alembic", "1_a.sql", "CREATE TABLE alembic_version (version_num)", "1"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        renew(cases[i].sql);
        put_files(cases[i].files);
        struct migrate_adopt_report report = adopt_ok(&as_is);
        assert_string_equal(report.tool, cases[i].tool);
        if (strcmp(pending(), cases[i].pending) != 0)
            fail_msg("%s: \"%s\" instead of \"%s\"", cases[i].tool, pending(), cases[i].pending);
    }
}

static void what_is_recorded(void **state)
{
    (void)state;
    const struct migrate_adopt_options options = {.baseline = -1, .app_version = "2.1"};
    db_exec(db, "CREATE TABLE __diesel_schema_migrations (version, run_on);"
                "INSERT INTO __diesel_schema_migrations VALUES ('1', '2024-01-15 09:30:00'),"
                " ('2', 'x'), ('3', NULL)");
    (void)put_text("1_a.sql", "CREATE TABLE a(x);\n");
    (void)put_text("1_a_down.sql", "DROP TABLE a;\n");
    (void)put_text("2_b.sql", "-- liteinit: irreversible\nCREATE TABLE b(x);\n");
    (void)put_text("2_b_down.sql", "DROP TABLE b;\n");
    put_files("3_c.sql 4_d.sql 5_e.sql");
    struct migrate_adopt_report report = adopt_ok(&options);
    assert_string_equal(report.table, "__diesel_schema_migrations");
    assert_int_equal(report.adopted, 3);
    assert_int_equal(report.pending, 2);
    assert_int_equal(report.version, 3);
    assert_string_equal(
        db_text(db, "SELECT group_concat(version || name || coalesce(down_sql, '-') || app_version"
                    " || (checksum LIKE 't1:%'), ' ') FROM schema_migrations"),
        "1aDROP TABLE a;\n2.11 2b-2.11 3c-2.11");
    assert_string_equal(db_text(db, "SELECT applied_at FROM schema_migrations WHERE version = 1"),
                        "2024-01-15T09:30:00.000Z");
    assert_int_equal(db_int(db, "SELECT count(*) FROM schema_migrations WHERE applied_at > '2026'"),
                     2);
    assert_string_equal(db_text(db, "SELECT group_concat(id || direction || status || version, ' ')"
                                    " FROM migration_history WHERE completed_at >= started_at"),
                        "1adoptsuccess1 2adoptsuccess2 3adoptsuccess3");
    assert_int_equal(db_int(db, "SELECT count(*) FROM __diesel_schema_migrations"), 3);
    struct error err = refused(&options, ERROR_CONFIG, "has records of its own already");
    assert_says(err.msg, "schema_migrations has 3 rows, the newest being version 3");
}

static void flyway_is_taken_over_by_its_versions(void **state)
{
    (void)state;
    db_exec(db, "CREATE TABLE flyway_schema_history (installed_rank, version, description, type,"
                " script, checksum, installed_on, success);"
                "INSERT INTO flyway_schema_history VALUES"
                " (1, '2', '', 'BASELINE', '', NULL, '2024-01-01 00:00:00', 1),"
                " (2, '3', 'c', 'SQL', 'V3__c.sql', NULL, '2024-01-02 00:00:00', 1),"
                " (3, '4', 'd', 'SQL', 'V4__d.sql', NULL, '2024-01-03 00:00:00', 1),"
                " (4, '4', 'd', 'UNDO_SQL', 'U4__d.sql', NULL, '2024-01-04 00:00:00', 1),"
                " (5, NULL, 'r', 'SQL', 'R__r.sql', NULL, '2024-01-05 00:00:00', 1)");
    /* No file of the baseline is needed, and one of a repeatable one may be gone. */
    put_files("1_a.sql 3_c.sql 4_d.sql");
    assert_int_equal(adopt_ok(&as_is).adopted, 2);
    assert_string_equal(pending(), "4");
    assert_string_equal(db_text(db, "SELECT group_concat(version || substr(applied_at, 1, 10), ' ')"
                                    " FROM schema_migrations"),
                        "12024-01-01 32024-01-02");
}

static void their_tables_stay_theirs(void **state)
{
    (void)state;
    db_exec(db,
            "CREATE TABLE migrations (version INTEGER PRIMARY KEY, name, description,"
            " applied_at, rolled_back_at, backup_path, status, error_message);"
            "CREATE TABLE migration_history (id INTEGER PRIMARY KEY, version INTEGER,"
            " direction TEXT CHECK (direction IN ('up', 'down')), status TEXT, backup_path TEXT,"
            " error_message TEXT, started_at TEXT, completed_at TEXT);"
            "INSERT INTO migrations (version, status) VALUES (1, 'success');"
            "INSERT INTO migration_history (version, status) VALUES (1, 'success')");
    put_files("1_a.sql 2_b.sql");
    (void)adopt_ok(&as_is);
    assert_int_equal(db_int(db, "SELECT count(*) FROM migration_history"), 1);
    assert_int_equal(db_int(db, "SELECT count(*) FROM liteinit_history"), 1);
    assert_string_equal(pending(), "2");
    struct error err;
    struct migrate_history history;
    assert_ok(migrate_history_open(db, &history, &err), &err);
    assert_string_equal(history.history_table, "liteinit_history");

    /* Ours keeps its name when theirs is dropped. */
    renew("CREATE TABLE schema_migrations (version uint64, dirty bool);"
          "INSERT INTO schema_migrations VALUES (1, 0)");
    put_files("1_a.sql 2_b.sql");
    (void)adopt_ok(&as_is);
    assert_int_equal(db_int(db, "SELECT count(*) FROM liteinit_migrations"), 1);
    assert_int_equal(db_int(db, "SELECT count(*) FROM schema_migrations"), 1);
    assert_string_equal(pending(), "2");
    db_exec(db, "DROP TABLE schema_migrations");
    assert_string_equal(pending(), "2");
}

static void a_changed_file_is_refused(void **state)
{
    (void)state;
    static const char *const tools[] = {
        "CREATE TABLE _prisma_migrations (id, checksum, finished_at, migration_name,"
        " rolled_back_at, started_at);"
        "INSERT INTO _prisma_migrations (checksum, finished_at, migration_name) VALUES"
        " ('0000000000000000000000000000000000000000000000000000000000000000', 1, '1_a')",
        "CREATE TABLE _sqlx_migrations (version, description, installed_on, success, checksum,"
        " execution_time);"
        "INSERT INTO _sqlx_migrations VALUES (1, 'a', '', 1, x'00', 1)",
        "CREATE TABLE flyway_schema_history (installed_rank, version, description, type, script,"
        " checksum, installed_on, success);"
        "INSERT INTO flyway_schema_history VALUES (1, '1', 'a', 'SQL', 'V1__a.sql', 7, '', 1)",
    };
    for (size_t i = 0; i < COUNT_OF(tools); i++) {
        renew(tools[i]);
        put_files("1_a.sql 2_b.sql");
        struct error err = refused(&as_is, ERROR_CONFIG, "1_a.sql has changed since");
        assert_says(err.hint, "bring it back");
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct migrate_adopt_options named = {.baseline = -1};
    struct error err;

    renew("CREATE TABLE schema_migrations (version varchar(128) primary key);"
          "INSERT INTO schema_migrations VALUES ('1'), ('2'), ('8'), ('9')");
    put_files("1_a.sql 2_b.sql");
    err = refused(&as_is, ERROR_CONFIG, "says that 8 is applied, which has no file in");
    assert_says(err.msg, "(nor have 1 others)");
    assert_says(err.hint, "is it the right folder");

    renew("CREATE TABLE schema_migrations (version, dirty);"
          "INSERT INTO schema_migrations VALUES (3, 0)");
    put_files("1_a.sql 2_b.sql 4_d.sql");
    (void)refused(&as_is, ERROR_CONFIG, "says that 3 is applied, which has no file in");
    db_exec(db, "UPDATE schema_migrations SET version = 'abc'");
    (void)refused(&as_is, ERROR_CONFIG, "says that abc is applied, which has no file in");
    db_exec(db, "UPDATE schema_migrations SET version = 2, dirty = 1");
    (void)refused(&as_is, ERROR_DATA, "migration 2 is half applied");

    renew("CREATE TABLE alembic_version (version_num);"
          "INSERT INTO alembic_version VALUES ('1975ea83b712')");
    put_files("1_a.sql 2_b.sql");
    err = refused(&as_is, ERROR_CONFIG, "the newest revision alone");
    assert_says(err.hint, "liteinit adopt --baseline VERSION");

    renew("CREATE TABLE django_migrations (id, app, name, applied);"
          "INSERT INTO django_migrations VALUES (1, 'auth', '0001_initial', ''),"
          " (2, 'shop', '0001_initial', '')");
    put_files("0001_initial.sql");
    err = refused(&as_is, ERROR_CONFIG, "lists migrations that are not this folder's");
    assert_says(err.hint, "liteinit adopt --baseline VERSION");

    renew("CREATE TABLE goose_db_version (id, version_id, is_applied, tstamp);"
          "CREATE TABLE __diesel_schema_migrations (version, run_on)");
    put_files("1_a.sql");
    err = refused(&as_is, ERROR_CONFIG,
                  "goose (goose_db_version), diesel (__diesel_schema_migrations)");
    assert_says(err.hint, "liteinit adopt --from goose");
    named.from = "diesel";
    assert_string_equal(adopt_ok(&named).tool, "diesel");

    renew("CREATE TABLE goose_db_version (version)");
    put_files("1_a.sql");
    (void)refused(&as_is, ERROR_CONFIG, "has not the columns that goose gives it");
    named.from = "goose";
    (void)refused(&named, ERROR_CONFIG, "has not the columns that goose gives it");
    named.from = "sqlx";
    (void)refused(&named, ERROR_NOT_FOUND, "no history of sqlx");
    named.from = "flywey";
    err = refused(&named, ERROR_USAGE, "is it flyway?");
    assert_says(err.hint, "golang-migrate");

    renew("CREATE TABLE items (id)");
    put_files("1_a.sql");
    (void)refused(&as_is, ERROR_NOT_FOUND, "no history of another migration tool");
    db_exec(db, "CREATE TABLE schema_migrations (what, ever)");
    err = refused(&as_is, ERROR_NOT_FOUND, "no history of another migration tool");
    assert_says(err.hint, "schema_migrations is no known tool's");
    assert_says(err.hint, "liteinit adopt --baseline VERSION");
}

static void one_table_of_two_tools_is_read_as_either(void **state)
{
    (void)state;
    const struct migrate_adopt_options named = {.baseline = -1, .from = "Rails"};
    db_exec(db, "CREATE TABLE schema_migrations (version); INSERT INTO schema_migrations"
                " VALUES ('1')");
    put_files("1_a.sql 2_b.sql");
    assert_string_equal(adopt_ok(&named).tool, "rails");
    assert_string_equal(pending(), "2");
}

static void baseline_says_where_the_schema_is(void **state)
{
    (void)state;
    struct migrate_adopt_options options = {.baseline = 2};
    db_exec(db, "CREATE TABLE alembic_version (version_num);"
                "INSERT INTO alembic_version VALUES ('1975ea83b712')");
    put_files("1_a.sql 2_b.sql 3_c.sql");
    struct migrate_adopt_report report = adopt_ok(&options);
    assert_int_equal(report.adopted, 2);
    assert_int_equal(report.version, 2);
    assert_string_equal(pending(), "3");

    renew("CREATE TABLE schema_migrations (version, dirty);"
          "INSERT INTO schema_migrations VALUES (77, 1)");
    put_files("1_a.sql 3_c.sql");
    (void)refused(&options, ERROR_DATA, "half applied");
    db_exec(db, "UPDATE schema_migrations SET dirty = 0");
    (void)refused(&options, ERROR_NOT_FOUND, "no migration with the number 2");
    options.baseline = 3;
    assert_int_equal(adopt_ok(&options).adopted, 2);

    /* Tables that cannot be read. */
    renew("CREATE TABLE schema_migrations (what, ever)");
    put_files("1_a.sql 3_c.sql");
    assert_string_equal(adopt_ok(&options).table, "schema_migrations");
    renew("CREATE TABLE goose_db_version (version)");
    put_files("1_a.sql 3_c.sql");
    assert_string_equal(adopt_ok(&options).tool, "goose");
    assert_string_equal(pending(), "");
    renew("");
    put_files("1_a.sql 3_c.sql");
    (void)refused(&options, ERROR_NOT_FOUND, "no history of another migration tool");
}

static void nothing_stays_of_what_failed(void **state)
{
    (void)state;
    struct error err = {.kind = ERROR_NONE};
    db_exec(db, "CREATE TABLE schema_migrations (version); INSERT INTO schema_migrations"
                " VALUES (1), (2), (3)");
    put_files("1_a.sql 2_b.sql");
    (void)put_text("3_c.sql", "-- liteinit: no-such-word\n");
    struct migrate_adopt_report report;
    assert_int_equal(adopt(&as_is, &report, &err), -1);
    assert_int_equal(err.kind, ERROR_DATA);
    assert_int_equal(db_int(db, "SELECT count(*) FROM sqlite_schema"), 1);
    (void)put_text("3_c.sql", "SELECT 3;\n");
    assert_int_equal(adopt_ok(&as_is).adopted, 3);
}

static void long_histories_end_soon(void **state)
{
    (void)state;
    db_exec(db, "CREATE TABLE schema_migrations (version, dirty);"
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
                " INSERT INTO schema_migrations SELECT i, 0 FROM n");
    for (int i = 1; i <= 2000; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%d_m.sql", i);
        put_files(name);
    }
    struct error err = refused(&as_is, ERROR_CONFIG, "2001 is applied, which has no file");
    assert_says(err.msg, "97999 others");
    db_exec(db, "DELETE FROM schema_migrations WHERE version > 2000");
    assert_int_equal(adopt_ok(&as_is).adopted, 2000);
    assert_string_equal(pending(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_tool_is_taken_over, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_recorded, setup, teardown),
        cmocka_unit_test_setup_teardown(flyway_is_taken_over_by_its_versions, setup, teardown),
        cmocka_unit_test_setup_teardown(their_tables_stay_theirs, setup, teardown),
        cmocka_unit_test_setup_teardown(a_changed_file_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(one_table_of_two_tools_is_read_as_either, setup, teardown),
        cmocka_unit_test_setup_teardown(baseline_says_where_the_schema_is, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_stays_of_what_failed, setup, teardown),
        cmocka_unit_test_setup_teardown(long_histories_end_soon, setup, teardown),
    };
    return cmocka_run_group_tests_name("adopt", tests, NULL, NULL);
}
