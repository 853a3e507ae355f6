/* Out of memory: each allocation of a piece of work fails once, in turn. What comes of it is an
 * error or the right result, never a crash, a leak (the sanitizer looks) or a wrong result. */
#include "support_migrate.h"

#include <dlfcn.h>
#include <errno.h>

#include "backup/catalogue.h"
#include "backup/manifest.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"
#include "layout/script.h"
#include "migrate/plan.h"
#include "store/check.h"
#include "store/schema.h"

/* 0: none fails. N: the Nth from now fails. -1: all fail. */
static long countdown;
static bool has_failed;

static bool fails_now(void)
{
    if (countdown == 0)
        return false;
    if (countdown > 0 && --countdown > 0)
        return false;
    has_failed = true;
    errno = ENOMEM;
    return true;
}

/* These take the place of the C library's for everything in this program, SQLite and cJSON too.
 * What they stand before is asked for by name under the sanitizer, which allocates before dlsym(3)
 * can be used. */
#ifdef __SANITIZE_ADDRESS__
void *__interceptor_malloc(size_t size);
void *__interceptor_calloc(size_t count, size_t size);
void *__interceptor_realloc(void *old, size_t size);
#define FIND(real, name) ((real) = __interceptor_##name)
#else
#define FIND(real, name) (*(void **)&(real) = dlsym(RTLD_NEXT, #name))
#endif

void *malloc(size_t size)
{
    static void *(*real)(size_t);
    if (real == NULL)
        FIND(real, malloc);
    return fails_now() ? NULL : real(size);
}

void *calloc(size_t count, size_t size)
{
    static void *(*real)(size_t, size_t);
    if (real == NULL)
        FIND(real, calloc);
    return fails_now() ? NULL : real(count, size);
}

void *realloc(void *old, size_t size)
{
    static void *(*real)(void *, size_t);
    if (real == NULL)
        FIND(real, realloc);
    return fails_now() ? NULL : real(old, size);
}

char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

/* A piece of work: 0 when it gave the right result, -1 with err, 1 for a wrong result. It leaves
 * nothing behind. */
typedef int work(struct error *err);

static void each_allocation_fails(work *subject)
{
    struct error err;
    long failures = 0;
    assert_ok(subject(&err), &err);
    for (long n = 1;; n++) {
        memset(&err, 0, sizeof err);
        has_failed = false;
        countdown = n;
        int result = subject(&err);
        countdown = 0;
        if (result > 0)
            fail_msg("a wrong result when allocation %ld fails", n);
        if (!has_failed)
            break;
        failures += result != 0;
        if (result != 0 && (err.kind == ERROR_NONE || err.msg[0] == '\0'))
            fail_msg("no error when allocation %ld fails", n);
    }
    /* There was something to fail, and a failure is not passed over each time. */
    assert_true(failures > 0);
    assert_ok(subject(&err), &err);
}

static sqlite3 *db;

static int setup(void **state)
{
    if (scratch_begin(state) != 0)
        return -1;
    db = db_in_memory();
    db_exec(db, "CREATE TABLE parent(id INTEGER PRIMARY KEY);"
                "CREATE TABLE child(id INTEGER PRIMARY KEY, p REFERENCES parent(id));"
                "INSERT INTO child VALUES (1, 5)");
    return 0;
}

static int teardown(void **state)
{
    int closed = sqlite3_close(db);
    return scratch_end(state) == 0 && closed == SQLITE_OK ? 0 : -1;
}

static int read_schema(struct error *err)
{
    struct store_schema schema;
    static char hash[HASH_HEX_SIZE];
    if (store_schema_read(db, &schema, err) != 0)
        return -1;
    if (hash[0] == '\0')
        memcpy(hash, schema.hash, sizeof hash);
    int result =
        strcmp(hash, schema.hash) == 0 && schema.count == 2 && schema.tables[0].rows == 1 ? 0 : 1;
    store_schema_free(&schema);
    return result;
}

static void schema_is_read(void **state)
{
    (void)state;
    each_allocation_fails(read_schema);
}

static int run_check(struct error *err)
{
    struct store_check check;
    if (store_check_run(db, true, true, &check, err) != 0)
        return -1;
    return check.problems == 0 && check.foreign_keys == 1 ? 0 : 1;
}

static void database_is_checked(void **state)
{
    (void)state;
    each_allocation_fails(run_check);
}

static const struct migrate_observer silence = {.context = NULL};

static int run_script(struct error *err)
{
    static const char text[] = "CREATE TABLE t(a); INSERT INTO t VALUES (1); BEGIN;\n"
                               "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END;";
    if (sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
        return error_set(err, ERROR_IO, 0, "%s", sqlite3_errmsg(db));
    struct layout_script script = {.text = NULL};
    struct migrate_guard guard;
    int result = layout_script_recall("1_a.sql", text, &script, err);
    migrate_guard_open(&guard, db, &script, &silence);
    if (result == 0)
        result = migrate_script_run(db, &script, &guard, NULL, &silence, err);
    migrate_guard_close(&guard);
    layout_script_free(&script);
    long saved = countdown;
    countdown = 0;
    if (result == 0 && db_int(db, "SELECT count(*) FROM sqlite_schema") != 4)
        result = 1;
    if (sqlite3_get_autocommit(db) == 0)
        db_exec(db, "ROLLBACK");
    countdown = saved;
    return result;
}

static void script_is_run(void **state)
{
    (void)state;
    each_allocation_fails(run_script);
    assert_int_equal(db_int(db, "SELECT count(*) FROM sqlite_schema"), 2);
}

/* Two tables with keys are rebuilt, and an old violation stays. */
static int guard_keys(struct error *err)
{
    return run_guarded(db,
                       "CREATE TABLE fresh(id INTEGER PRIMARY KEY, p REFERENCES parent(id));"
                       "INSERT INTO fresh SELECT * FROM child; DROP TABLE child;"
                       "ALTER TABLE fresh RENAME TO child;"
                       "DELETE FROM parent; INSERT INTO parent VALUES (1);",
                       false, &silence, err);
}

/* One is added. */
static int guard_against_new_key(struct error *err)
{
    if (run_guarded(db, "INSERT INTO child VALUES (2, 7); DELETE FROM parent;", false, &silence,
                    err) == 0)
        return 1;
    return err->kind == ERROR_DATA && strstr(err->msg, "would break") != NULL ? 0 : -1;
}

/* A trigger takes rows of a table that is not named. */
static int guard_against_loss(struct error *err)
{
    if (run_guarded(db, "INSERT INTO parent VALUES (9);", false, &silence, err) == 0)
        return 1;
    return err->kind == ERROR_DATA && strstr(err->msg, "would take rows") != NULL ? 0 : -1;
}

static void foreign_keys_are_guarded(void **state)
{
    (void)state;
    each_allocation_fails(guard_keys);
    each_allocation_fails(guard_against_new_key);
    db_exec(db, "CREATE TRIGGER r AFTER INSERT ON parent BEGIN DELETE FROM child; END");
    each_allocation_fails(guard_against_loss);
}

static int read_folder(struct error *err)
{
    struct layout_folder folder;
    struct layout_script script = {.file = NULL};
    if (layout_folder_read(scratch, LAYOUT_DETECT, NULL, &folder, err) != 0)
        return -1;
    int result = layout_script_load(&folder, &folder.migrations[1], LAYOUT_UP, &script, err);
    if (result == 0)
        result =
            folder.count == 3 && folder.migrations[2].down != NULL && script.size == 19 ? 0 : 1;
    layout_script_free(&script);
    layout_folder_free(&folder);
    return result;
}

static int build_plan(struct error *err)
{
    struct migrate_plan plan;
    const struct migrate_source source = {.folder = scratch};
    if (migrate_plan_build(db, &source, NULL, &plan, err) != 0)
        return -1;
    int result = plan.pending_count == 1 && plan.current == 3 && plan.drift.count == 1 &&
                         plan.notices.count == 1 && plan.applied_count == 2
                     ? 0
                     : 1;
    migrate_plan_free(&plan);
    return result;
}

static int read_attempts(struct error *err)
{
    struct migrate_history history;
    struct migrate_attempt *attempts = NULL;
    size_t count = 0;
    if (migrate_history_open(db, &history, err) != 0)
        return -1;
    if (history.foreign || !history.applied_exists || !history.history_exists)
        return 1;
    if (migrate_history_attempts(&history, 10, &attempts, &count, err) != 0)
        return -1;
    int result = 1;
    if (count == 1 && attempts[0].status != NULL && attempts[0].started_at != NULL)
        result = 0;
    migrate_attempts_free(attempts, count);
    return result;
}

static void folder_plan_and_history(void **state)
{
    struct error err;
    struct migrate_history history;
    int64_t id = 0;
    (void)state;
    (void)put_text("1_a.sql", "CREATE TABLE a(x);\n");
    (void)put_text("2_b.sql", "CREATE TABLE b(x);\n");
    (void)put_text("0003_c.sql", "CREATE TABLE c(x);\n");
    (void)put_text("3_c_down.sql", "DROP TABLE c;\n");
    assert_ok(migrate_history_open(db, &history, &err), &err);
    assert_ok(migrate_history_create(&history, &err), &err);
    for (int64_t version = 1; version <= 3; version += 2) {
        struct migrate_record record = {.version = version, .name = "n", .app_version = "1"};
        record.checksum = version == 1 ? "t1:changed" : NULL;
        assert_ok(migrate_history_record(&history, &record, &err), &err);
    }
    assert_ok(migrate_history_start(&history, 1, "up", "/b", &id, &err), &err);
    each_allocation_fails(read_folder);
    each_allocation_fails(build_plan);
    each_allocation_fails(read_attempts);
}

static char name_t[] = "t";
static char text_source[] = "/data/app.db";

static int write_and_read_manifest(struct error *err)
{
    struct store_table table = {.name = name_t, .rows = 5};
    struct backup_manifest manifest = {.source = text_source,
                                       .reason = name_t,
                                       .app_version = name_t,
                                       .stamp = text_source,
                                       .verified = true,
                                       .schema = {.tables = &table, .count = 1}};
    struct backup_manifest back;
    memset(manifest.sha256, 'a', sizeof manifest.sha256 - 1);
    if (backup_manifest_write(scratch_path("b.db.json"), &manifest, 0600, NULL, err) != 0 ||
        backup_manifest_read(scratch_path("b.db.json"), &back, err) != 0)
        return -1;
    int result = back.app_version != NULL && back.stamp != NULL && back.schema.count == 1 ? 0 : 1;
    backup_manifest_free(&back);
    return result;
}

static int read_catalogue(struct error *err)
{
    struct store_location location = {.db = "/data/app.db", .dir = "/data"};
    struct backup_catalogue catalogue;
    if (backup_catalogue_read(&location, scratch, &catalogue, err) != 0)
        return -1;
    /* One whose manifest cannot be read now counts as unverified, which removes nothing. */
    int result = catalogue.count == 1 ? 0 : 1;
    backup_catalogue_free(&catalogue);
    return result;
}

static void manifests_and_catalogue(void **state)
{
    struct error err;
    (void)state;
    (void)put_file("b.db", "SQLite format 3", 16);
    each_allocation_fails(write_and_read_manifest);
    assert_ok(write_and_read_manifest(&err), &err);
    each_allocation_fails(read_catalogue);
}

static void buffer_says_no(void **state)
{
    (void)state;
    struct text_buffer buffer = {.max = 100000};
    char piece[200];
    memset(piece, 'x', sizeof piece);
    assert_true(text_buffer_append(&buffer, "kept", 4));
    countdown = -1;
    bool appended = text_buffer_append(&buffer, piece, sizeof piece);
    bool printed = text_buffer_printf(&buffer, "%.*s", (int)sizeof piece, piece);
    countdown = 0;
    assert_false(appended || printed);
    assert_string_equal(buffer.data, "kept");
    assert_true(text_buffer_append(&buffer, piece, sizeof piece));
    text_buffer_free(&buffer);
}

/* PID 1 must be able to say what happened. */
static void log_and_errors_need_no_memory(void **state)
{
    (void)state;
    struct error err;
    int terminal = dup(STDERR_FILENO);
    FILE *file = fopen(scratch_path("log"), "w");
    assert_true(terminal >= 0);
    assert_non_null(file);
    log_set_format(LOG_FORMAT_JSON);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    countdown = -1;
    (void)error_set(&err, ERROR_IO, 12, "cannot do %s", "this");
    (void)error_hint(&err, "do %d", 7);
    (void)error_wrap(&err, "context");
    log_error(LOG_ERROR, "x", &err, LOG_FIELDS(LOG_NUMBER("n", INT64_MIN)), "Failed");
    countdown = 0;
    (void)dup2(terminal, STDERR_FILENO);
    (void)close(terminal);
    (void)fclose(file);
    assert_false(has_failed);
    char *text = get_file(scratch_path("log"), NULL);
    assert_says(text, "Failed: context: cannot do this: Cannot allocate memory");
    free(text);
}

static int begin_clean(void **state)
{
    has_failed = false;
    return scratch_begin(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(schema_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(database_is_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(script_is_run, setup, teardown),
        cmocka_unit_test_setup_teardown(foreign_keys_are_guarded, setup, teardown),
        cmocka_unit_test_setup_teardown(folder_plan_and_history, setup, teardown),
        cmocka_unit_test_setup_teardown(manifests_and_catalogue, begin_clean, scratch_end),
        cmocka_unit_test(buffer_says_no),
        cmocka_unit_test_setup_teardown(log_and_errors_need_no_memory, begin_clean, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
