/* A restore that is killed before each call that changes a file, SQLite's own calls too: the
 * database under its name is the old or the new one, whole, and the next restore is a normal one. */
#include "support_db.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "backup/restore.h"
#include "backup/snapshot.h"

#define KILLED 9

static int calls_left = -1; /* -1: not counted */

static void may_die(void)
{
    if (calls_left > 0 && --calls_left == 0)
        _exit(KILLED);
}

int link(const char *from, const char *to)
{
    may_die();
    return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int rename(const char *from, const char *to)
{
    may_die();
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path)
{
    may_die();
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int unlinkat(int dir, const char *path, int flags)
{
    may_die();
    return (int)syscall(SYS_unlinkat, dir, path, flags);
}

int fsync(int fd)
{
    may_die();
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    may_die();
    return (int)syscall(SYS_fdatasync, fd);
}

int ftruncate(int fd, off_t size)
{
    may_die();
    return (int)syscall(SYS_ftruncate, fd, size);
}

int fchown(int fd, uid_t user, gid_t group)
{
    may_die();
    return (int)syscall(SYS_fchown, fd, user, group);
}

int fchmod(int fd, mode_t mode)
{
    may_die();
    return (int)syscall(SYS_fchmod, fd, mode);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at)
{
    may_die();
    return syscall(SYS_pwrite64, fd, data, size, at);
}

ssize_t copy_file_range(int from, off_t *in, int to, off_t *out, size_t size, unsigned flags)
{
    may_die();
    return syscall(SYS_copy_file_range, from, in, to, out, size, flags);
}

static struct store_location location;
static char backup[PATH_MAX];

static void run(const char *command)
{
    char line[512];
    (void)snprintf(line, sizeof line, "cd '%s' && %s", scratch, command);
    assert_int_equal(system(line), 0); /* NOLINT(cert-env33-c) */
}

/* Rows 1 and 2 in the backup; 3 in the main file; 4 in a WAL that a crash left. */
static int setup(void **state)
{
    struct error err;
    struct store_database *database = NULL;
    struct backup_result result;
    const struct backup_request request = {.name = "{stem}{ext}", .reason = "test"};
    if (scratch_begin(state) != 0)
        return -1;
    sqlite3 *db = db_open(scratch_path("app.db"));
    db_exec(db, "PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)");
    db_close(db);
    if (store_locate(scratch_path("app.db"), &location, &err) != 0 ||
        store_open(&location, STORE_EXCLUSIVE, 0, &database, &err) != 0 ||
        backup_snapshot_cold(database, &request, &result, &err) != 0)
        return -1;
    store_close(database);
    (void)snprintf(backup, sizeof backup, "%s", result.path);
    db = db_open(location.db);
    db_exec(db, "PRAGMA wal_autocheckpoint = 0; INSERT INTO t VALUES (3);"
                "PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t VALUES (4)");
    run("mkdir t && cp -p app.db app.db-wal app.db-shm t/");
    db_close(db);
    run("rm app.db && cp -a backups t.backups");
    return 0;
}

static void put_back(const char *more)
{
    run("rm -rf app.db* .liteinit-* backups && cp -a t.backups backups && cp -p t/app.db* .");
    run(more);
}

static int restore_in_child(void *context)
{
    struct backup_restore done;
    struct error err = {.kind = ERROR_NONE};
    calls_left = *(int *)context;
    int result = backup_restore(&location, backup, "x", NULL, 0, &done, &err);
    if (result != 0)
        (void)fprintf(stderr, "%s\n", err.msg);
    return result != 0;
}

static long long newest_row(const char *path)
{
    sqlite3 *db = db_open(path);
    assert_string_equal(db_text(db, "PRAGMA integrity_check"), "ok");
    long long row = db_int(db, "SELECT max(a) FROM t");
    db_close(db);
    return row;
}

/* How many names begin so; the last of them. */
static int find_names(const char *prefix, const char *suffix, char ret_path[PATH_MAX])
{
    int count = 0;
    const struct dirent *entry = NULL;
    DIR *dir = opendir(scratch);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        size_t length = strlen(entry->d_name);
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 || length < strlen(suffix) ||
            strcmp(entry->d_name + length - strlen(suffix), suffix) != 0)
            continue;
        (void)snprintf(ret_path, PATH_MAX, "%s/%s", scratch, entry->d_name);
        count++;
    }
    (void)closedir(dir);
    return count;
}

static void restore_normally(void)
{
    char path[PATH_MAX];
    int no_limit = -1;
    assert_int_equal(status_of_child(restore_in_child, &no_limit, false), 0);
    assert_int_equal(newest_row(location.db), 2);
    assert_int_equal(find_names(".liteinit-", "", path), 0);
}

static void kill_of_a_restore_over_a_crashed_wal(void **state)
{
    (void)state;
    int olds = 0;
    int news = 0;
    int status = KILLED;
    char path[PATH_MAX];
    for (int moment = 1; status == KILLED; moment++) {
        put_back("true");
        status = status_of_child(restore_in_child, &moment, false);
        assert_true(status == KILLED || status == 0);
        /* What an app would see that is started without any further ado. */
        long long row = newest_row(location.db);
        assert_true(row == 4 || row == 2);
        olds += row == 4;
        news += row == 2;
        if (row == 2) {
            assert_int_equal(find_names("app.db.aside-", "-x", path), 1);
            assert_int_equal(newest_row(path), 4);
        }
        restore_normally();
    }
    assert_true(olds > 15);
    assert_true(news > 1);
}

static void kill_of_a_restore_over_damage(void **state)
{
    (void)state;
    int olds = 0;
    int news = 0;
    int status = KILLED;
    char path[PATH_MAX];
    for (int moment = 1; status == KILLED; moment++) {
        put_back("echo damaged > app.db && rm app.db-shm && cp app.db-wal t.wal");
        status = status_of_child(restore_in_child, &moment, false);
        assert_true(status == KILLED || status == 0);
        backup_restore_clear(&location);
        assert_int_equal(find_names(".liteinit-restore-", "", path), 0);
        char *head = get_file(location.db, NULL);
        if (strcmp(head, "damaged\n") == 0) {
            olds++;
            assert_int_equal(find_names("app.db.aside-", "", path), 0);
            run("cmp app.db-wal t.wal");
        } else {
            news++;
            assert_int_equal(newest_row(location.db), 2);
            assert_int_equal(find_names("app.db.aside-", "-x", path), 1);
            assert_file_is(path, "damaged\n");
            assert_int_equal(find_names("app.db.aside-", "-x-wal", path), 1);
            run("cmp app.db.aside-*-x-wal t.wal");
        }
        free(head);
        restore_normally();
    }
    assert_true(olds > 8);
    assert_true(news > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kill_of_a_restore_over_a_crashed_wal, setup, scratch_end),
        cmocka_unit_test_setup_teardown(kill_of_a_restore_over_damage, setup, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
