/* The copy beside a running app: where it is written to, and where not. */
#include "support_db.h"

#include <sys/stat.h>

#include "backup/live.h"

static sqlite3 *source;

static int setup(void **state)
{
    if (scratch_begin(state) != 0)
        return -1;
    source = db_open(scratch_path("app.db"));
    db_exec(source, "PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)");
    return 0;
}

static int teardown(void **state)
{
    db_close(source);
    return scratch_end(state);
}

static int copy_to(const char *path, int64_t *ret_bytes, struct error *err)
{
    struct store_schema counted = {.count = 0};
    bool same_moment = false;
    int result = backup_live_copy(source, path, &counted, &same_moment, ret_bytes, err);
    if (result == 0) {
        assert_true(same_moment);
        assert_int_equal(counted.count, 1);
        assert_int_equal(counted.tables[0].rows, 2);
    }
    store_schema_free(&counted);
    return result;
}

/* A NAS owner's backup folder may be a link to another disk. */
static void folder_may_be_a_link(void **state)
{
    (void)state;
    struct error err;
    int64_t bytes = 0;
    assert_int_equal(mkdir(scratch_path("disk"), 0700), 0);
    assert_int_equal(symlink("disk", scratch_path("backups")), 0);
    (void)put_text("backups/draft", "");
    assert_ok(copy_to(scratch_path("backups/draft"), &bytes, &err), &err);
    sqlite3 *copy = db_open(scratch_path("disk/draft"));
    assert_int_equal(db_int(copy, "SELECT sum(a) FROM t"), 3);
    assert_int_equal(db_int(copy, "SELECT * FROM pragma_page_count") *
                         db_int(copy, "SELECT * FROM pragma_page_size"),
                     bytes);
    db_close(copy);
}

/* But whoever may write to the folder cannot lead root elsewhere. */
static void link_in_the_place_of_the_draft_is_not_followed(void **state)
{
    (void)state;
    struct error err;
    int64_t bytes = 0;
    (void)put_text("victim", "");
    assert_int_equal(symlink("victim", scratch_path("draft")), 0);
    assert_fails(copy_to(scratch_path("draft"), &bytes, &err), &err, ERROR_BACKUP, "cannot copy");
    assert_file_is(scratch_path("victim"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(folder_may_be_a_link, setup, teardown),
        cmocka_unit_test_setup_teardown(link_in_the_place_of_the_draft_is_not_followed, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
