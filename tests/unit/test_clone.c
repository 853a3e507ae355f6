/* Private copies to rehearse on: of the right content, where there is room, and gone afterwards,
 * while the real files stay as they are. */
#include "support_db.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <time.h>

#include "backup/clone.h"

static struct store_location location;
static struct error err;

/* Somebody without a lock, just when the copy begins. */
static bool writes_meanwhile;

int ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    va_start(ap, request);
    int from = va_arg(ap, int);
    va_end(ap);
    if (writes_meanwhile) {
        int writer = open(location.db, O_WRONLY | O_APPEND | O_CLOEXEC);
        assert_int_equal(write(writer, "x", 1), 1);
        (void)close(writer);
    }
    return (int)syscall(SYS_ioctl, fd, request, from);
}

static int setup(void **state)
{
    writes_meanwhile = false;
    if (scratch_begin(state) != 0)
        return -1;
    sqlite3 *db = db_open(scratch_path("app.db"));
    db_exec(db, "PRAGMA journal_mode = WAL; CREATE TABLE t(a, b);"
                "INSERT INTO t VALUES (1, zeroblob(50000)), (2, 'x')");
    db_close(db);
    return store_locate(scratch_path("app.db"), &location, &err);
}

static struct store_database *open_as(enum store_access access)
{
    struct store_database *database = NULL;
    assert_ok(store_open(&location, access, 0, &database, &err), &err);
    return database;
}

static int count_folders(const char *dir)
{
    int count = 0;
    const struct dirent *entry = NULL;
    DIR *entries = opendir(dir);
    assert_non_null(entries);
    while ((entry = readdir(entries)) != NULL)
        count += strncmp(entry->d_name, ".liteinit-", 10) == 0;
    (void)closedir(entries);
    return count;
}

static long long newest_row(const char *path)
{
    sqlite3 *db = db_open(path);
    assert_string_equal(db_text(db, "PRAGMA integrity_check"), "ok");
    long long row = db_int(db, "SELECT max(a) FROM t");
    db_close(db);
    return row;
}

/* A clone of what `access` sees; it must have this newest row and go without a trace. */
static void expect_clone(struct store_database *database, bool only_if_free, int64_t small,
                         long long row)
{
    struct backup_clone clone;
    struct stat st;
    bool made = false;
    assert_ok(backup_clone_make(database, only_if_free, small, &clone, &made, &err), &err);
    assert_true(made);
    assert_int_equal(newest_row(clone.db), row);
    assert_int_equal(stat(clone.dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(stat(clone.db, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, clone.bytes);
    /* What is written to it stays in it. */
    sqlite3 *db = db_open(clone.db);
    db_exec(db, "DELETE FROM t");
    db_close(db);
    backup_clone_remove(&clone);
    backup_clone_remove(&clone);
    assert_int_equal(count_folders(scratch), 0);
}

static void one_file_is_copied_as_it_is(void **state)
{
    (void)state;
    size_t size = 0;
    char *before = get_file(location.db, &size);
    struct store_database *database = open_as(STORE_EXCLUSIVE);
    expect_clone(database, false, 0, 2);
    expect_clone(database, true, 1 << 20, 2);
    store_close(database);
    database = open_as(STORE_STILL);
    expect_clone(database, false, 0, 2);
    store_close(database);
    char *after = get_file(location.db, NULL);
    assert_memory_equal(before, after, size);
    free(before);
    free(after);
}

/* The newest rows are in the WAL, which must stay as it is. */
static void the_wal_is_read_too(void **state)
{
    (void)state;
    size_t size = 0;
    sqlite3 *app = db_open(location.db);
    db_exec(app, "PRAGMA wal_autocheckpoint = 0; INSERT INTO t VALUES (3, 'in the WAL')");
    char *before = get_file(scratch_path("app.db-wal"), &size);
    struct store_database *database = open_as(STORE_VISITOR);
    expect_clone(database, false, 0, 3);
    /* A writer does not wait meanwhile, nor does it disturb. */
    db_exec(app, "BEGIN IMMEDIATE; INSERT INTO t VALUES (4, 'not yet')");
    expect_clone(database, false, 0, 3);
    db_exec(app, "ROLLBACK");
    store_close(database);
    char *after = get_file(scratch_path("app.db-wal"), NULL);
    assert_memory_equal(before, after, size);
    free(before);
    free(after);
    db_close(app);

    database = open_as(STORE_EXCLUSIVE);
    db_exec(store_handle(database), "INSERT INTO t VALUES (5, 'in the WAL')");
    expect_clone(database, false, 0, 5);
    store_close(database);
}

static void writer_beside_a_still_copy_is_noticed(void **state)
{
    (void)state;
    struct backup_clone clone;
    bool made = false;
    struct store_database *database = open_as(STORE_STILL);
    writes_meanwhile = true;
    assert_fails(backup_clone_make(database, false, 0, &clone, &made, &err), &err, ERROR_BUSY,
                 "somebody wrote");
    assert_false(made);
    assert_int_equal(count_folders(scratch), 0);
    store_close(database);
}

static bool is_cloned_here(struct store_database *database)
{
    struct backup_clone clone;
    bool made = false;
    assert_ok(backup_clone_make(database, false, 0, &clone, &made, &err), &err);
    bool cloned = clone.cloned;
    backup_clone_remove(&clone);
    return cloned;
}

static void what_costs_something_is_left_out_when_asked(void **state)
{
    (void)state;
    struct backup_clone clone;
    bool made = true;
    struct store_database *database = open_as(STORE_EXCLUSIVE);
    if (is_cloned_here(database)) {
        store_close(database);
        skip();
    }
    assert_ok(backup_clone_make(database, true, 1000, &clone, &made, &err), &err);
    assert_false(made);
    assert_int_equal(count_folders(scratch), 0);
    store_close(database);
}

static void new_database_gives_an_empty_copy(void **state)
{
    (void)state;
    struct backup_clone clone;
    bool made = false;
    assert_int_equal(unlink(location.db), 0);
    struct store_database *database = open_as(STORE_EXCLUSIVE);
    assert_ok(backup_clone_make(database, true, 0, &clone, &made, &err), &err);
    assert_true(made);
    sqlite3 *db = db_open(clone.db);
    assert_int_equal(db_int(db, "SELECT count(*) FROM sqlite_schema"), 0);
    db_close(db);
    backup_clone_remove(&clone);
    store_close(database);
}

static void leftovers_of_the_dead_are_cleared(void **state)
{
    (void)state;
    struct backup_clone clone;
    bool made = false;
    assert_int_equal(mkdir(scratch_path(".liteinit-rehearsal-dead01"), 0700), 0);
    (void)put_text(".liteinit-rehearsal-dead01/rehearsal.db", "x");
    (void)put_text(".liteinit-rehearsal-dead01/rehearsal.db-wal", "x");
    assert_int_equal(mkdir(scratch_path("elsewhere"), 0700), 0);
    (void)put_text("elsewhere/rehearsal.db", "not ours");
    assert_int_equal(symlink("elsewhere", scratch_path(".liteinit-rehearsal-link01")), 0);
    struct store_database *database = open_as(STORE_EXCLUSIVE);
    assert_ok(backup_clone_make(database, false, 0, &clone, &made, &err), &err);
    assert_false(is_there(scratch_path(".liteinit-rehearsal-dead01")));
    assert_file_is(scratch_path("elsewhere/rehearsal.db"), "not ours");
    /* One at work is not a leftover. */
    backup_clone_clear(&location);
    assert_true(is_there(clone.db));
    backup_clone_remove(&clone);
    store_close(database);
}

static void full_volume_is_said_before(void **state)
{
    (void)state;
    struct backup_clone clone;
    bool made = false;
    char folder[PATH_MAX];
    if (geteuid() != 0)
        skip();
    (void)snprintf(folder, sizeof folder, "%s", scratch_path("small"));
    assert_int_equal(mkdir(folder, 0700), 0);
    if (mount("liteinit-test", folder, "tmpfs", 0, "size=128k") != 0)
        skip();
    char command[256];
    (void)snprintf(command, sizeof command, "cd %s && cp app.db small/", scratch);
    int copied = system(command); /* NOLINT(cert-env33-c) */
    int located = store_locate(scratch_path("small/app.db"), &location, &err);
    struct store_database *database = open_as(STORE_EXCLUSIVE);
    int result = backup_clone_make(database, false, 0, &clone, &made, &err);
    struct error ignored;
    bool made_small = true;
    int quiet = backup_clone_make(database, true, 1 << 20, &clone, &made_small, &ignored);
    int left = count_folders(folder);
    store_close(database);
    assert_int_equal(umount(folder), 0);
    assert_int_equal(copied + located + left + quiet, 0);
    assert_fails(result, &err, ERROR_BACKUP, "no room to rehearse");
    assert_false(made_small);
}

static int64_t now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A database of `megabytes` on a volume of this type, cloned. False when it cannot be had here. */
static bool clone_on(const char *type, int megabytes)
{
    char command[512];
    char folder[PATH_MAX];
    struct backup_clone clone = {.cloned = false};
    bool made = false;
    (void)snprintf(folder, sizeof folder, "%s", scratch_path("volume"));
    assert_int_equal(mkdir(folder, 0700), 0);
    (void)snprintf(command, sizeof command,
                   "exec >/dev/null 2>&1; cd %s && truncate -s %dM image && mkfs.%s -f image && "
                   "mount -o loop image volume",
                   scratch, 2 * megabytes + 512, type);
    if (geteuid() != 0 || system(command) != 0) /* NOLINT(cert-env33-c) */
        return false;
    assert_ok(store_locate(scratch_path("volume/app.db"), &location, &err), &err);
    sqlite3 *db = db_open(location.db);
    (void)snprintf(command, sizeof command,
                   "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; CREATE TABLE t(a, b);"
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                   "INSERT INTO t SELECT i, randomblob(1000000) FROM n",
                   megabytes);
    int filled = sqlite3_exec(db, command, NULL, NULL, NULL);
    db_close(db);
    /* As after the backup of the boot path, which has synced the fold. */
    int volume = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(syncfs(volume), 0);
    (void)close(volume);
    struct store_database *database = open_as(STORE_EXCLUSIVE);
    int64_t start = now_ms();
    int result = backup_clone_make(database, true, 0, &clone, &made, &err);
    int64_t took = now_ms() - start;
    bool cloned = clone.cloned;
    if (made)
        backup_clone_remove(&clone);
    store_close(database);
    /* Beside an app whose WAL is empty, too; and not when the newest rows are in it. */
    bool beside[3] = {false, false, false};
    sqlite3 *app = db_open(location.db);
    for (int i = 0; i < 3; i++) {
        if (i == 1)
            db_exec(app, "PRAGMA journal_mode = WAL; PRAGMA wal_checkpoint(TRUNCATE)");
        if (i == 2)
            db_exec(app, "PRAGMA wal_autocheckpoint = 0; INSERT INTO t VALUES (99999, 'newest')");
        database = open_as(STORE_VISITOR);
        if (backup_clone_make(database, false, 0, &clone, &made, &err) == 0) {
            beside[i] = clone.cloned && newest_row(clone.db) == megabytes;
            if (i == 2)
                beside[i] = !clone.cloned && newest_row(clone.db) == 99999;
            backup_clone_remove(&clone);
        }
        store_close(database);
    }
    db_close(app);
    (void)umount2(folder, MNT_DETACH);
    assert_int_equal(filled, SQLITE_OK);
    assert_ok(result, &err);
    assert_true(made && cloned);
    assert_true(beside[0] && beside[1] && beside[2]);
    print_message("%s: a clone of %d MB took %lld ms\n", type, megabytes, (long long)took);
    assert_true(took < 50 + megabytes / 10); /* 50 ms, and what a busy machine adds */
    return true;
}

static void blocks_are_shared_where_the_volume_can(void **state)
{
    (void)state;
    const char *megabytes = getenv("LITEINIT_CLONE_MB");
    bool any = false;
    static const char *const types[] = {"xfs", "btrfs"};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        any |= clone_on(types[i], megabytes != NULL ? (int)strtol(megabytes, NULL, 10) : 64);
        (void)rmdir(scratch_path("volume"));
    }
    if (!any)
        skip();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, scratch_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_file_is_copied_as_it_is),
        TEST(the_wal_is_read_too),
        TEST(writer_beside_a_still_copy_is_noticed),
        TEST(what_costs_something_is_left_out_when_asked),
        TEST(new_database_gives_an_empty_copy),
        TEST(leftovers_of_the_dead_are_cleared),
        TEST(full_volume_is_said_before),
        TEST(blocks_are_shared_where_the_volume_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
