/* Progress while a statement runs long: told from within it, and not too often. */
#include "support_db.h"

#include "migrate/progress.h"
#include "store/interrupt.h"

static sqlite3 *db;
static struct migrate_progress last;
static size_t calls;

static void on_progress(void *context, const struct migrate_item *item,
                        const struct migrate_progress *progress)
{
    assert_string_equal(context, "context");
    assert_string_equal(item->file, "7_n.sql");
    assert_true(progress->elapsed_ms >= last.elapsed_ms && progress->pages >= last.pages);
    last = *progress;
    calls++;
}

static void long_statements_are_told_of(void **state)
{
    (void)state;
    struct error err;
    struct layout_script script;
    struct migrate_ticker ticker;
    const struct migrate_item item = {.version = 7, .file = "7_n.sql"};
    const struct migrate_observer observer = {.context = (void *)"context",
                                              .progress = on_progress};
    db = db_in_memory();
    store_interrupt_watch(db);
    assert_ok(layout_script_recall("7_n.sql", "SELECT 1; SELECT 2; ; SELECT 3", &script, &err),
              &err);
    migrate_ticker_start(&ticker, db, &script, &item, &observer);
    assert_int_equal(ticker.every_ms, 5000);
    migrate_ticker_move(&ticker, 2);
    db_exec(db, "CREATE TABLE t(a); INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
                " SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n");
    assert_int_equal(calls, 0);
    ticker.every_ms = 0;
    db_exec(db, "UPDATE t SET a = a + 1");
    assert_true(calls > 10);
    assert_int_equal(last.statement, 2);
    assert_int_equal(last.statements, 3);
    calls = 0;
    db_exec(db, "VACUUM");
    assert_true(calls > 10);
    migrate_ticker_stop();
    calls = 0;
    db_exec(db, "UPDATE t SET a = a + 1");
    assert_int_equal(calls, 0);
    store_interrupt_watch(NULL);
    layout_script_free(&script);
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_statements_are_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
