/* Rehearsals: what is reported of migrations that go well, what is said of one that does not, and
 * that the database itself stays as it is, byte for byte. */
#include "support_db.h"

#include <dirent.h>
#include <signal.h>

#include "migrate/apply.h"
#include "migrate/way_back.h"
#include "prepare/rehearse.h"
#include "store/interrupt.h"

static struct store_location location;
static struct store_database *database;
static struct error err;
static struct prepare_rehearsal rehearsal;
static bool made;
static char folder[PATH_MAX];
static struct migrate_source source;

static int setup(void **state)
{
    if (scratch_begin(state) != 0)
        return -1;
    sqlite3 *db = db_open(scratch_path("app.db"));
    db_exec(db, "PRAGMA journal_mode = WAL; CREATE TABLE item(id INTEGER PRIMARY KEY, text);"
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
                "INSERT INTO item SELECT i, 'text ' || i FROM n; CREATE TABLE left_alone(x)");
    db_close(db);
    (void)snprintf(folder, sizeof folder, "%s", scratch_path("migrations"));
    if (mkdir(folder, 0700) != 0)
        return -1;
    source = (struct migrate_source){.folder = folder};
    made = false;
    database = NULL;
    return store_locate(scratch_path("app.db"), &location, &err) != 0 ||
           store_open(&location, STORE_EXCLUSIVE, 0, &database, &err) != 0;
}

static int teardown(void **state)
{
    prepare_rehearsal_free(&rehearsal);
    store_close(database);
    return scratch_end(state);
}

static struct prepare_rehearse_request request_of(void)
{
    return (struct prepare_rehearse_request){
        .database = database, .source = &source, .check = true};
}

/* Runs it; afterwards nothing but what was there may be there, unchanged. */
static int rehearse(const struct prepare_rehearse_request *request)
{
    static const char *const names[] = {"app.db", "app.db-wal"};
    char *content[2] = {NULL, NULL};
    size_t sizes[2] = {0, 0};
    for (int i = 0; i < 2; i++)
        if (is_there(scratch_path(names[i])))
            content[i] = get_file(scratch_path(names[i]), &sizes[i]);
    prepare_rehearsal_free(&rehearsal);
    int result = prepare_rehearse(request, &rehearsal, &made, &err);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(is_there(scratch_path(names[i])), content[i] != NULL);
        if (content[i] == NULL)
            continue;
        size_t size = 0;
        char *after = get_file(scratch_path(names[i]), &size);
        assert_int_equal(size, sizes[i]);
        assert_memory_equal(after, content[i], size);
        free(after);
        free(content[i]);
    }
    const struct dirent *entry = NULL;
    DIR *dir = opendir(scratch);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        assert_null(strstr(entry->d_name, "rehearsal"));
    (void)closedir(dir);
    return result;
}

static const struct migrate_table_change *change_of(size_t item, const char *name)
{
    const struct migrate_difference *difference = &rehearsal.items[item].difference;
    for (size_t i = 0; i < difference->count; i++)
        if (strcmp(difference->tables[i].name, name) == 0)
            return &difference->tables[i];
    fail_msg("%s is not in the report", name);
    return NULL;
}

static void good_ones_are_reported(void **state)
{
    (void)state;
    (void)put_text("migrations/001_first.sql",
                   "BEGIN; CREATE TABLE note(id INTEGER PRIMARY KEY, text);"
                   "INSERT INTO note(text) VALUES ('a'), ('b'); COMMIT;");
    (void)put_text("migrations/002_second.sql",
                   "ALTER TABLE item ADD COLUMN more; CREATE INDEX item_text ON item(text);");
    (void)put_text("migrations/003_third.sql", "DROP TABLE note;");
    const struct prepare_rehearse_request request = request_of();
    assert_ok(rehearse(&request), &err);
    assert_true(made);
    assert_int_equal(rehearsal.count, 3);
    const struct prepare_rehearsal_item *item = rehearsal.items;
    assert_int_equal(item[0].version, 1);
    assert_string_equal(item[0].name, "first");
    assert_string_equal(item[0].file, "001_first.sql");
    assert_int_equal(item[0].difference.count, 1);
    assert_int_equal(change_of(0, "note")->change, MIGRATE_CREATED);
    assert_int_equal(change_of(0, "note")->rows_after, 2);
    assert_int_equal(item[0].notice_count, 2);
    assert_int_equal(item[0].notices[0].line, 1);
    assert_int_equal(item[1].difference.count, 1);
    assert_int_equal(change_of(1, "item")->change, MIGRATE_CHANGED);
    assert_int_equal(item[1].difference.indexes.created, 1);
    assert_true(item[1].wal_bytes > 4096 && item[1].growth > 4096);
    assert_int_equal(change_of(2, "note")->change, MIGRATE_DROPPED);
    assert_true(rehearsal.wal_bytes >= item[1].wal_bytes);
    assert_true(rehearsal.space_bytes >= item[1].wal_bytes + item[1].growth);
    assert_int_equal(rehearsal.failed_version, 0);
    assert_int_equal(rehearsal.bytes, store_file_size(&location));
    /* The connection is as it was; nothing is applied. */
    assert_int_equal(db_int(store_handle(database), "SELECT count(*) FROM sqlite_schema"), 2);
}

static void rows_of_touched_tables_are_counted(void **state)
{
    (void)state;
    (void)put_text("migrations/001_first.sql", "DELETE FROM item WHERE id > 900;");
    (void)put_text("migrations/002_second.sql",
                   "CREATE TABLE item_new(id INTEGER PRIMARY KEY, text, more);"
                   "INSERT INTO item_new(id, text) SELECT id, text FROM item;"
                   "DROP TABLE item; ALTER TABLE item_new RENAME TO item;");
    const struct prepare_rehearse_request request = request_of();
    assert_ok(rehearse(&request), &err);
    const struct migrate_table_change *item = change_of(0, "item");
    assert_int_equal(item->change, MIGRATE_WRITTEN);
    assert_int_equal(item->rows_before, 1000);
    assert_int_equal(item->rows_after, 900);
    item = change_of(1, "item");
    assert_int_equal(item->change, MIGRATE_CHANGED);
    assert_int_equal(item->rows_before, 900);
    assert_int_equal(item->rows_after, 900);
    assert_int_equal(rehearsal.items[1].difference.count, 1);
}

static void new_violations_are_counted_where_they_may_be(void **state)
{
    (void)state;
    (void)put_text("migrations/001_first.sql",
                   "CREATE TABLE child(item REFERENCES item(id)); INSERT INTO child VALUES (1);");
    (void)put_text("migrations/002_second.sql",
                   "-- liteinit: foreign-keys=warn\nINSERT INTO child VALUES (7777), (8888);");
    struct prepare_rehearse_request request = request_of();
    assert_ok(rehearse(&request), &err);
    assert_int_equal(rehearsal.items[0].new_violations, 0);
    assert_int_equal(rehearsal.items[1].new_violations, 2);
    assert_true(rehearsal.items[1].notice_count > 0);
}

/* The rehearsal at start. Its WAL must not grow with the number of migrations. */
static void what_nobody_reads_is_not_looked_for(void **state)
{
    (void)state;
    (void)put_text("migrations/001_first.sql", "CREATE TABLE note(id INTEGER PRIMARY KEY, text);");
    for (int i = 2; i <= 6; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "migrations/%03d_fill.sql", i);
        (void)put_text(name, "INSERT INTO note(text) VALUES (randomblob(5000000));");
    }
    struct prepare_rehearse_request request = request_of();
    request.unreported = true;
    assert_ok(rehearse(&request), &err);
    assert_int_equal(rehearsal.count, 6);
    assert_int_equal(rehearsal.failed_version, 0);
    for (size_t i = 0; i < rehearsal.count; i++)
        assert_int_equal(rehearsal.items[i].difference.count, 0);
    assert_true(rehearsal.wal_bytes > 5000000 && rehearsal.wal_bytes < 10000000);

    (void)put_text("migrations/004_fill.sql", "INSERT INTO nowhere VALUES (1);");
    assert_int_equal(rehearse(&request), -1);
    assert_int_equal(rehearsal.count, 3);
    assert_int_equal(rehearsal.failed_version, 4);
}

static void way_back_is_rehearsed_before_the_way_on(void **state)
{
    (void)state;
    const struct migrate_observer silent = {.context = NULL};
    const struct migrate_apply_options options = {.app_version = NULL};
    struct migrate_plan plan;
    struct migrate_way_back way;
    size_t applied = 0;
    (void)put_text("migrations/001_first.sql", "CREATE TABLE note(id INTEGER PRIMARY KEY);");
    (void)put_text("migrations/001_first_down.sql", "DROP TABLE note;");
    assert_ok(migrate_plan_build(store_handle(database), &source, NULL, &plan, &err), &err);
    assert_ok(migrate_apply(store_handle(database), &plan, &options, &silent, &applied, &err),
              &err);
    migrate_plan_free(&plan);
    assert_ok(migrate_plan_build(store_handle(database), &source, NULL, &plan, &err), &err);
    assert_ok(migrate_way_back_build(&plan, 0, &way, &err), &err);
    struct prepare_rehearse_request request = request_of();
    request.way = &way;
    request.only_back = true;
    assert_ok(rehearse(&request), &err);
    assert_int_equal(rehearsal.count, 1);
    assert_int_equal(rehearsal.items[0].direction, LAYOUT_DOWN);
    assert_int_equal(change_of(0, "note")->change, MIGRATE_DROPPED);
    request.only_back = false;
    assert_ok(rehearse(&request), &err);
    assert_int_equal(rehearsal.count, 2);
    assert_int_equal(rehearsal.items[1].direction, LAYOUT_UP);
    assert_int_equal(change_of(1, "note")->change, MIGRATE_CREATED);
    migrate_way_back_free(&way);
    migrate_plan_free(&plan);
}

static void failing_one_is_said_as_in_earnest(void **state)
{
    (void)state;
    (void)put_text("migrations/001_first.sql", "CREATE TABLE note(id INTEGER PRIMARY KEY);");
    (void)put_text("migrations/002_second.sql", "CREATE TABLE ok(x);\n  CREATE TABEL no(x);");
    const struct prepare_rehearse_request request = request_of();
    assert_fails(rehearse(&request), &err, ERROR_DATA, "002_second.sql:2:");
    assert_int_equal(err.line, 2);
    assert_says(err.file, "002_second.sql");
    assert_says(err.hint, "the database itself is untouched");
    assert_int_equal(rehearsal.count, 1);
    assert_int_equal(rehearsal.items[0].version, 1);
    assert_int_equal(rehearsal.failed_version, 2);
}

static void nothing_pending_is_nothing(void **state)
{
    (void)state;
    (void)put_text("migrations/001_first.sql", "CREATE TABLE note(id INTEGER PRIMARY KEY);");
    struct prepare_rehearse_request request = request_of();
    request.only_back = true;
    assert_ok(rehearse(&request), &err);
    assert_true(made);
    assert_int_equal(rehearsal.count, 0);
}

static void copies_that_cost_something_are_left_out_when_asked(void **state)
{
    (void)state;
    (void)put_text("migrations/001_first.sql", "CREATE TABEL note(id);");
    struct prepare_rehearse_request request = request_of();
    request.only_if_free = true;
    request.small = 1000;
    assert_int_equal(rehearse(&request) == 0, !made); /* free where the volume shares blocks */
    request.small = 1 << 30;
    assert_fails(rehearse(&request), &err, ERROR_DATA, "001_first.sql:1:");
    assert_true(made);
}

static void the_wal_of_a_living_app_is_rehearsed_on(void **state)
{
    (void)state;
    store_close(database);
    database = NULL;
    sqlite3 *app = db_open(location.db);
    db_exec(app, "CREATE TABLE newest(x); INSERT INTO newest VALUES (1), (2)");
    (void)put_text("migrations/001_first.sql", "CREATE TABLE copy AS SELECT * FROM newest;");
    assert_ok(store_open(&location, STORE_VISITOR, 0, &database, &err), &err);
    const struct prepare_rehearse_request request = request_of();
    assert_ok(rehearse(&request), &err);
    assert_int_equal(change_of(0, "copy")->rows_after, 2);
    store_close(database);
    database = NULL;
    db_close(app);
}

static int stops_half_way(void *context)
{
    (void)context;
    const struct prepare_rehearse_request request = request_of();
    store_interrupt_setup();
    (void)alarm(20);
    pid_t parent = getpid();
    if (fork() == 0) {
        (void)usleep(200000);
        (void)kill(parent, SIGTERM);
        _exit(0);
    }
    if (prepare_rehearse(&request, &rehearsal, &made, &err) == 0)
        return 1;
    return err.kind == ERROR_INTERRUPTED ? 0 : 2;
}

static void stop_signal_ends_it_and_nothing_is_left(void **state)
{
    (void)state;
    (void)put_text("migrations/001_first.sql",
                   "CREATE TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
                   " FROM n) SELECT count(*) FROM n;");
    store_close(database);
    assert_ok(store_open(&location, STORE_STILL, 0, &database, &err), &err);
    assert_int_equal(status_of_child(stops_half_way, NULL, false), 0);
    const struct dirent *entry = NULL;
    DIR *dir = opendir(scratch);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        assert_null(strstr(entry->d_name, "rehearsal"));
    (void)closedir(dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(good_ones_are_reported),
        TEST(rows_of_touched_tables_are_counted),
        TEST(new_violations_are_counted_where_they_may_be),
        TEST(what_nobody_reads_is_not_looked_for),
        TEST(way_back_is_rehearsed_before_the_way_on),
        TEST(failing_one_is_said_as_in_earnest),
        TEST(nothing_pending_is_nothing),
        TEST(copies_that_cost_something_are_left_out_when_asked),
        TEST(the_wal_of_a_living_app_is_rehearsed_on),
        TEST(stop_signal_ends_it_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
