/* A database on a network share: WAL needs shared memory (design fact 16), so none is brought there. */
#include "support_db.h"

#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/log.h"
#include "config/config.h"
#include "prepare/prepare.h"
#include "store/volume.h"

static long magic;

/* Instead of the C library's. */
int statfs(const char *path, struct statfs *out)
{
    (void)path;
    memset(out, 0, sizeof *out);
    memcpy(&out->f_type, &magic, sizeof out->f_type);
    return 0;
}

static void network_is_told_from_a_disk(void **state)
{
    (void)state;
    magic = 0x6969;
    assert_true(store_volume_of("/").network);
    assert_string_equal(store_volume_of("/").type, "nfs");
    assert_non_null(store_volume_of("/").hint);
    magic = (long)0xFF534D42;
    assert_true(store_volume_of("/").network);
    magic = 0xEF53;
    assert_false(store_volume_of("/").network);
    assert_null(store_volume_of("/").warning);
}

static void prepare_ok(void)
{
    struct error err;
    struct config *config = NULL;
    struct prepare_report report;
    assert_int_equal(setenv("LITEINIT_DB", scratch_path("app.db"), 1), 0);
    assert_int_equal(setenv("LITEINIT_MIGRATIONS", scratch_path("migrations"), 1), 0);
    assert_ok(config_load(NULL, &config, &err), &err);
    const struct prepare_request request = {.config = config, .work = PREPARE_UP};
    log_set_level(LOG_ERROR);
    assert_ok(prepare_run(&request, &report, &err), &err);
    config_free(config);
}

static void assert_mode(const char *mode)
{
    sqlite3 *db = db_open(scratch_path("app.db"));
    assert_string_equal(db_text(db, "PRAGMA journal_mode"), mode);
    db_close(db);
}

static void no_database_is_brought_into_wal_mode_there(void **state)
{
    (void)state;
    assert_int_equal(mkdir(scratch_path("migrations"), 0700), 0);
    (void)put_text("migrations/001_a.sql", "CREATE TABLE a(x)");
    magic = 0x6969;
    prepare_ok(); /* a new one */
    assert_mode("delete");
    prepare_ok(); /* nothing to do */
    assert_mode("delete");
    (void)put_text("migrations/002_b.sql", "CREATE TABLE b(x)");
    prepare_ok();
    assert_mode("delete");
    magic = 0xEF53;
    prepare_ok();
    assert_mode("wal");
    magic = 0x6969;
    prepare_ok(); /* what somebody else has decided stays */
    assert_mode("wal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(network_is_told_from_a_disk),
        cmocka_unit_test_setup_teardown(no_database_is_brought_into_wal_mode_there, scratch_begin,
                                        scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
