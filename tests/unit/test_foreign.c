/* The histories of other migration tools: whose table it is, and what its rows say. */
#include "support_db.h"

#include "foreign/history.h"
#include "foreign/tools.h"

#define SQLX                                                                                       \
    "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,"        \
    " installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL,"        \
    " checksum BLOB NOT NULL, execution_time BIGINT NOT NULL);"
#define PRISMA                                                                                     \
    "CREATE TABLE _prisma_migrations (id TEXT PRIMARY KEY NOT NULL, checksum TEXT NOT NULL,"       \
    " finished_at DATETIME, migration_name TEXT NOT NULL, logs TEXT, rolled_back_at DATETIME,"     \
    " started_at DATETIME NOT NULL DEFAULT current_timestamp,"                                     \
    " applied_steps_count INTEGER UNSIGNED NOT NULL DEFAULT 0);"
#define FLYWAY                                                                                     \
    "CREATE TABLE flyway_schema_history (installed_rank INT NOT NULL PRIMARY KEY,"                 \
    " version VARCHAR(50), description VARCHAR(200) NOT NULL, type VARCHAR(20) NOT NULL,"          \
    " script VARCHAR(1000) NOT NULL, checksum INT, installed_by VARCHAR(100) NOT NULL,"            \
    " installed_on TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now')),"                   \
    " execution_time INT NOT NULL, success BOOLEAN NOT NULL);"
#define GOOSE                                                                                      \
    "CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT"  \
    " NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')));"             \
    "INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1);"
#define STATUS                                                                                     \
    "CREATE TABLE migrations (version INTEGER PRIMARY KEY, name TEXT, description TEXT,"           \
    " applied_at TEXT, rolled_back_at TEXT, backup_path TEXT, status TEXT, error_message TEXT);"
#define ATTEMPTS                                                                                   \
    "CREATE TABLE migration_history (id INTEGER PRIMARY KEY, version INTEGER, direction TEXT,"     \
    " status TEXT, backup_path TEXT, error_message TEXT, started_at TEXT, completed_at TEXT);"
#define KNEX                                                                                       \
    "CREATE TABLE knex_migrations (id integer not null primary key autoincrement,"                 \
    " name varchar(255), batch integer, migration_time datetime);"                                 \
    "CREATE TABLE knex_migrations_lock (\"index\" integer not null primary key autoincrement,"     \
    " is_locked integer);"

static sqlite3 *db;

static int setup(void **state)
{
    (void)state;
    db = db_in_memory();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return sqlite3_close(db);
}

static void renew(const char *sql)
{
    db_close(db);
    db = db_in_memory();
    db_exec(db, sql);
}

/* The names of what is found, each with a "?" where it cannot be read. */
static const char *found_names(void)
{
    static char names[256];
    struct error err;
    struct foreign_found found[FOREIGN_FOUND_MAX];
    size_t count = 77;
    assert_ok(foreign_detect(db, found, &count, &err), &err);
    names[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(names);
        (void)snprintf(names + used, sizeof names - used, "%s%s%s", i > 0 ? " " : "",
                       found[i].tool->name, found[i].readable ? "" : "?");
    }
    return names;
}

/* The entries as "label" or "label>" (up to) or "label*" (repeatable), with blanks between. */
static const char *entries(const char *tool)
{
    static char text[512];
    struct error err;
    struct foreign_history history;
    assert_ok(foreign_history_read(db, foreign_tool_named(tool), &history, &err), &err);
    assert_string_equal(history.tool->name, tool);
    text[0] = '\0';
    for (size_t i = 0; i < history.count; i++) {
        const struct foreign_entry *entry = &history.entries[i];
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "%s%s%s", i > 0 ? " " : "", entry->label,
                       entry->up_to ? ">" : (entry->repeatable ? "*" : ""));
    }
    foreign_history_free(&history);
    return text;
}

static struct error refused(const char *tool, const char *part)
{
    struct error err = {.kind = ERROR_NONE};
    struct foreign_history history;
    memset(&history, 0x5A, sizeof history);
    struct foreign_history untouched = history;
    assert_fails(foreign_history_read(db, foreign_tool_named(tool), &history, &err), &err,
                 ERROR_DATA, part);
    assert_memory_equal(&history, &untouched, sizeof history);
    assert_says(err.hint, "nothing was changed");
    return err;
}

static void tools_are_told_by_table_and_columns(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *names;
    } cases[] = {
        {"CREATE TABLE items (id)", ""},
        {"CREATE TABLE schema_migrations (id INTEGER PRIMARY KEY, name TEXT, applied_at TEXT)",
         "by-name"},
        {"CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, migrated_at TEXT)",
         "by-version"},
        {STATUS, "by-status"},
        {STATUS ATTEMPTS, "by-status"},
        {ATTEMPTS, ""},
        {"CREATE TABLE schema_migrations (version uint64, dirty bool)", "golang-migrate"},
        {"CREATE TABLE schema_migrations (version varchar(128) primary key)", "dbmate"},
        {"CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY);"
         "CREATE TABLE ar_internal_metadata (key varchar NOT NULL PRIMARY KEY, value varchar)",
         "rails"},
        {"CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, inserted_at TEXT)", "ecto"},
        {GOOSE, "goose"},
        {SQLX, "sqlx"},
        {PRISMA, "prisma"},
        {FLYWAY, "flyway"},
        {"CREATE TABLE refinery_schema_history (version INT4 PRIMARY KEY, name VARCHAR(255),"
         " applied_on VARCHAR(255), checksum VARCHAR(255))",
         "refinery"},
        {"CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL,"
         " run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)",
         "diesel"},
        {KNEX, "knex"},
        {"CREATE TABLE django_migrations (id integer NOT NULL PRIMARY KEY AUTOINCREMENT,"
         " app varchar(255) NOT NULL, name varchar(255) NOT NULL, applied datetime NOT NULL)",
         "django"},
        {"CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)", "alembic"},
        {"CREATE TABLE __drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL,"
         " created_at numeric)",
         "drizzle"},
        {"PRAGMA user_version = 3", "user_version"},
        {"PRAGMA user_version = -3", ""},
        /* Not the name alone, and not the columns alone. */
        {"CREATE TABLE migrations (id, name)", ""},
        {"CREATE TABLE schema_migrations (version, dirty, more)", ""},
        {"CREATE TABLE goose (id, version_id, is_applied, tstamp)", ""},
        {"CREATE TABLE goose_db_version (version)", "goose?"},
        {"CREATE VIEW goose_db_version AS SELECT 1 AS id", ""},
        {"CREATE TEMP TABLE alembic_version (version_num)", ""},
        {"CREATE TABLE Alembic_Version (VERSION_NUM)", "alembic"},
        /* liteinit's own. */
        {"CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT, applied_at TEXT,"
         " checksum TEXT, duration_ms INTEGER, app_version TEXT, backup TEXT, down_sql TEXT)",
         ""},
        /* Two of them, and the pragma beside one. */
        {SQLX PRISMA "PRAGMA user_version = 4", "sqlx prisma"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        renew(cases[i].sql);
        if (strcmp(found_names(), cases[i].names) != 0)
            fail_msg("\"%s\" instead of \"%s\": %s", found_names(), cases[i].names, cases[i].sql);
    }
}

static void what_counts_as_applied(void **state)
{
    (void)state;
    static const struct {
        const char *tool;
        const char *sql;
        const char *entries;
    } cases[] = {
        {"by-name",
         "CREATE TABLE schema_migrations (id INTEGER PRIMARY KEY, name TEXT, applied_at TEXT);"
         "INSERT INTO schema_migrations VALUES (1, '001_a.sql', ''), (2, '002_b.sql', NULL)",
         "001_a.sql 002_b.sql"},
        {"by-version",
         "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, migrated_at TEXT);"
         "INSERT INTO schema_migrations VALUES (1, ''), (3, '')",
         "1 3"},
        {"by-status",
         STATUS ATTEMPTS
         "INSERT INTO migrations (version, applied_at, rolled_back_at, status) VALUES"
         " (1, 'x', NULL, 'success'), (2, 'x', 'y', 'success'), (3, 'x', NULL, 'applied'),"
         " (4, NULL, 'y', 'failed'), (5, NULL, NULL, 'pending');"
         "INSERT INTO migration_history (id, status) VALUES (1, 'running'), (2, 'success')",
         "1 3"},
        {"golang-migrate",
         "CREATE TABLE schema_migrations (version uint64, dirty bool);"
         "INSERT INTO schema_migrations VALUES (12, 0)",
         "12>"},
        {"golang-migrate",
         "CREATE TABLE schema_migrations (version uint64, dirty bool);"
         "INSERT INTO schema_migrations VALUES (-1, false)",
         ""},
        {"goose",
         GOOSE "INSERT INTO goose_db_version (version_id, is_applied) VALUES"
               " (1, 1), (2, 1), (3, 1), (2, 0), (3, 0), (3, 1)",
         "1 3"},
        {"sqlx",
         SQLX "INSERT INTO _sqlx_migrations VALUES (20240101000000, 'a', '', 1, x'00', 5),"
              " (20240102000000, 'b', '', TRUE, x'00', 5)",
         "20240101000000 20240102000000"},
        {"prisma",
         PRISMA "INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name,"
                " rolled_back_at) VALUES ('1', 'x', 1, '20240101_a', NULL),"
                " ('2', 'x', NULL, '20240102_b', 5), ('3', 'x', 9, '20240102_b', NULL)",
         "20240101_a 20240102_b"},
        {"flyway",
         FLYWAY "INSERT INTO flyway_schema_history (installed_rank, version, description, type,"
                " script, installed_by, execution_time, success) VALUES"
                " (0, NULL, '<< Flyway Schema Creation >>', 'SCHEMA', '\"main\"', '', 0, 1),"
                " (1, '1', '<< Flyway Baseline >>', 'BASELINE', '<< Flyway Baseline >>', '', 0, 1),"
                " (2, '1.1', 'a', 'SQL', 'V1_1__a.sql', '', 0, 1),"
                " (3, '2', 'b', 'SQL', 'V2__b.sql', '', 0, 1),"
                " (4, '2', 'b', 'UNDO_SQL', 'U2__b.sql', '', 0, 1),"
                " (5, NULL, 'r', 'SQL', 'R__r.sql', '', 0, 1),"
                " (6, NULL, 'r', 'SQL', 'R__r.sql', '', 0, 1),"
                " (7, NULL, 's', 'SQL', 'R__s.sql', '', 0, 1),"
                " (8, NULL, 's', 'DELETE', 'R__s.sql', '', 0, 1)",
         "R__r.sql* 1> 1.1"},
        {"knex",
         KNEX "INSERT INTO knex_migrations VALUES (1, '20240101_a.js', 1, 1700000000000);"
              "INSERT INTO knex_migrations_lock VALUES (1, 0)",
         "20240101_a.js"},
        {"django",
         "CREATE TABLE django_migrations (id, app, name, applied);"
         "INSERT INTO django_migrations VALUES (1, 'shop', '0001_initial', '')",
         "shop/0001_initial"},
        {"user_version", "PRAGMA user_version = 12", "12>"},
        {"user_version", "PRAGMA user_version = 0", ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        renew(cases[i].sql);
        if (strcmp(entries(cases[i].tool), cases[i].entries) != 0)
            fail_msg("%s: \"%s\" instead of \"%s\"", cases[i].tool, entries(cases[i].tool),
                     cases[i].entries);
    }
}

static void half_applied_is_refused_with_the_way_out(void **state)
{
    (void)state;
    static const struct {
        const char *tool;
        const char *sql;
        const char *says;
        const char *hint;
    } cases[] = {
        {"by-status", STATUS "INSERT INTO migrations (version, status) VALUES (4, 'running')",
         "migration 4 is half applied", "the tool that began it"},
        {"by-status", STATUS "INSERT INTO migrations (version, status) VALUES (4, 'FAILED')",
         "migration 4 is half applied", "the tool that began it"},
        {"by-status",
         STATUS ATTEMPTS "INSERT INTO migration_history (id, status) VALUES (1, 'success'),"
                         " (2, 'running')",
         "migration_history says", "the tool that began it"},
        {"golang-migrate",
         "CREATE TABLE schema_migrations (version uint64, dirty bool);"
         "INSERT INTO schema_migrations VALUES (12, 1)",
         "migration 12 is half applied", "force VERSION"},
        {"golang-migrate",
         "CREATE TABLE schema_migrations (version uint64, dirty bool);"
         "INSERT INTO schema_migrations VALUES (12, NULL)",
         "migration 12 is half applied", "force VERSION"},
        {"sqlx", SQLX "INSERT INTO _sqlx_migrations VALUES (7, 'a', '', 0, x'00', -1)",
         "migration 7 is half applied", "delete its row"},
        {"prisma",
         PRISMA "INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES"
                " ('1', 'x', '20240101_a')",
         "migration 20240101_a is half applied", "prisma migrate resolve"},
        {"flyway",
         FLYWAY "INSERT INTO flyway_schema_history VALUES (1, '3', 'a', 'SQL', 'V3__a.sql', 0, '',"
                " '', 0, 0)",
         "migration 3 is half applied", "flyway repair"},
        {"knex", KNEX "INSERT INTO knex_migrations_lock VALUES (1, 1)",
         "knex_migrations_lock says that knex runs a migration", "knex migrate:unlock"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        renew(cases[i].sql);
        struct error err = refused(cases[i].tool, cases[i].says);
        assert_says(err.hint, cases[i].hint);
    }
}

static void rows_that_say_nothing_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *values;
        const char *says;
    } cases[] = {
        {"(NULL)", "in row 1 there is no version"},
        {"('1'), ('')", "in row 2 there is no version"},
        {"(x'3132')", "there are bytes"},
        {"(printf('%.*c', 5000, '1'))", "too long"},
        {"(CAST(x'310032' AS TEXT))", "NUL byte"},
        {"('1' || char(10) || '2')", "control character"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char sql[256];
        (void)snprintf(sql, sizeof sql,
                       "CREATE TABLE schema_migrations (version);"
                       "INSERT INTO schema_migrations VALUES %s",
                       cases[i].values);
        renew(sql);
        struct error err = refused("dbmate", cases[i].says);
        assert_says(err.hint, "--baseline");
    }
    renew(GOOSE "INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, 'perhaps')");
    (void)refused("goose", "does not say whether");
}

static void numbers_and_times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        const char *time; /* NULL: unknown */
    } cases[] = {
        {"'2024-01-15 09:30:00'", "2024-01-15T09:30:00.000Z"},
        {"'2024-01-15T09:30:00.123456789Z'", "2024-01-15T09:30:00.123Z"},
        {"'2024-01-15 09:30:00.5+02:00'", "2024-01-15T07:30:00.500Z"},
        {"1705311000", "2024-01-15T09:30:00.000Z"},
        {"1705311000123", "2024-01-15T09:30:00.123Z"},
        {"1705311000123456", "2024-01-15T09:30:00.123Z"},
        {"'yesterday'", NULL},
        {"'2024-99-99'", NULL},
        {"''", NULL},
        {"NULL", NULL},
        {"x'00'", NULL},
        {"9223372036854775807", NULL},
        {"-9223372036854775808", NULL},
        {"1e300", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char sql[256];
        struct error err;
        struct foreign_history history;
        (void)snprintf(sql, sizeof sql,
                       "CREATE TABLE schema_migrations (version, migrated_at);"
                       "INSERT INTO schema_migrations VALUES ('007', %s), ('v8', NULL)",
                       cases[i].value);
        renew(sql);
        assert_ok(foreign_history_read(db, foreign_tool_named("by-version"), &history, &err), &err);
        assert_int_equal(history.count, 2);
        assert_int_equal(history.entries[0].version, 7);
        assert_int_equal(history.entries[1].version, -1);
        const char *at = history.entries[0].applied_at;
        if ((at == NULL) != (cases[i].time == NULL) ||
            (at != NULL && strcmp(at, cases[i].time) != 0))
            fail_msg("%s is \"%s\"", cases[i].value, at != NULL ? at : "(null)");
        foreign_history_free(&history);
        foreign_history_free(&history);
    }
}

static void long_histories_are_read_at_once(void **state)
{
    (void)state;
    struct error err;
    struct foreign_history history;
    db_exec(db, GOOSE "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <"
                      " 100000) INSERT INTO goose_db_version (version_id, is_applied)"
                      " SELECT i, i % 2 FROM n");
    assert_ok(foreign_history_read(db, foreign_tool_named("goose"), &history, &err), &err);
    assert_int_equal(history.count, 50000);
    assert_int_equal(history.entries[49999].version, 99999);
    foreign_history_free(&history);
}

/* Every tool's table full of what does not belong there: an answer, or an error that names it. */
static void any_content_is_survived(void **state)
{
    (void)state;
    static const char *const values[] = {
        "NULL",
        "1",
        "0",
        "-1",
        "9223372036854775807",
        "1.5",
        "1e999",
        "''",
        "'x'",
        "x''",
        "x'ff00'",
        "'\xF0\x9F\x92\xA9\xFF'",
        "'2024-01-15'",
        "'-- x'",
        "'%s'",
        "' '",
        "'running'",
        "zeroblob(5000)",
    };
    size_t count = 0;
    const struct foreign_tool *tools = foreign_tools(&count);
    for (size_t i = 0; i < count; i++) {
        if (tools[i].columns == NULL)
            continue;
        for (size_t first = 0; first < COUNT_OF(values); first++)
            for (size_t step = 0; step < 4; step++) {
                char columns[256];
                char row[512] = "";
                char *rest = NULL;
                char sql[1024];
                size_t at = first;
                (void)snprintf(columns, sizeof columns, "%s", tools[i].columns);
                for (char *c = columns; *c != '\0'; c++)
                    *c = *c == ' ' ? ',' : *c;
                (void)snprintf(sql, sizeof sql, "CREATE TABLE %s (%s)", tools[i].table, columns);
                renew(sql);
                for (char *c = strtok_r(columns, ",", &rest); c != NULL;
                     c = strtok_r(NULL, ",", &rest), at += step) {
                    size_t used = strlen(row);
                    (void)snprintf(row + used, sizeof row - used, "%s%s", used > 0 ? "," : "",
                                   values[at % COUNT_OF(values)]);
                }
                (void)snprintf(sql, sizeof sql, "INSERT INTO %s VALUES (%s)", tools[i].table, row);
                db_exec(db, sql);
                struct error err = {.kind = ERROR_NONE};
                struct foreign_history history;
                if (foreign_history_read(db, &tools[i], &history, &err) == 0) {
                    for (size_t e = 0; e < history.count; e++)
                        assert_true(history.entries[e].label[0] != '\0');
                    foreign_history_free(&history);
                } else {
                    assert_int_equal(err.kind, ERROR_DATA);
                    assert_says(err.msg, tools[i].table);
                    assert_true(err.hint[0] != '\0');
                    assert_null(strchr(err.msg, '\n'));
                }
            }
    }
}

static void nothing_is_written(void **state)
{
    (void)state;
    db_exec(db, SQLX PRISMA GOOSE "PRAGMA query_only = 1");
    assert_string_equal(found_names(), "goose sqlx prisma");
    assert_string_equal(entries("sqlx"), "");
    assert_int_equal(db_int(db, "SELECT total_changes()"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tools_are_told_by_table_and_columns, setup, teardown),
        cmocka_unit_test_setup_teardown(what_counts_as_applied, setup, teardown),
        cmocka_unit_test_setup_teardown(half_applied_is_refused_with_the_way_out, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_that_say_nothing_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_and_times_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(long_histories_are_read_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(any_content_is_survived, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_written, setup, teardown),
    };
    return cmocka_run_group_tests_name("foreign", tests, NULL, NULL);
}
