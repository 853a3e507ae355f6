/* A backup in the database's place: what it takes over, what is kept aside, and when nothing at all
 * may change. */
#include "support_db.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "backup/aside.h"
#include "backup/catalogue.h"
#include "backup/restore.h"
#include "backup/snapshot.h"
#include "store/lock.h"

static int link_error;   /* of link(2) */
static int rename_error; /* of rename(2) to the database's name */

int link(const char *from, const char *to)
{
    if (link_error != 0) {
        errno = link_error;
        return -1;
    }
    return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int rename(const char *from, const char *to)
{
    if (rename_error != 0 && strstr(from, ".liteinit-restore-") != NULL) {
        errno = rename_error;
        return -1;
    }
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static struct store_location location;
static char backup[PATH_MAX];
static struct backup_restore done;
static struct error err;

/* The backup has the rows 1 and 2; the database has 1, 2 and 3 since. */
static void make_database(const char *mode)
{
    struct store_database *database = NULL;
    struct backup_result result;
    char sql[64];
    const struct backup_request request = {
        .name = "{stem}_{version}{ext}", .reason = "test", .schema_version = 2};
    sqlite3 *db = db_open(scratch_path("app.db"));
    (void)snprintf(sql, sizeof sql, "PRAGMA journal_mode = %s", mode);
    db_exec(db, sql);
    db_exec(db, "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, zeroblob(9000)), (2, 'x')");
    db_close(db);
    assert_ok(store_locate(scratch_path("app.db"), &location, &err), &err);
    assert_ok(store_open(&location, STORE_EXCLUSIVE, 0, &database, &err), &err);
    assert_ok(backup_snapshot_cold(database, &request, &result, &err), &err);
    store_close(database);
    (void)snprintf(backup, sizeof backup, "%s", result.path);
    db = db_open(location.db);
    db_exec(db, "INSERT INTO t VALUES (3, 'new'); CREATE TABLE newer(a)");
    db_close(db);
}

static int setup(void **state)
{
    link_error = 0;
    rename_error = 0;
    memset(&done, 0, sizeof done);
    if (scratch_begin(state) != 0)
        return -1;
    make_database("WAL");
    return 0;
}

static int restore(void)
{
    return backup_restore(&location, backup, "newer", NULL, 100, &done, &err);
}

static long long rows_of(const char *path)
{
    sqlite3 *db = db_open(path);
    assert_string_equal(db_text(db, "PRAGMA integrity_check"), "ok");
    long long rows = db_int(db, "SELECT max(a) FROM t");
    db_close(db);
    return rows;
}

/* Names in the database's folder that begin so. */
static int count_names(const char *prefix)
{
    int count = 0;
    const struct dirent *entry = NULL;
    DIR *dir = opendir(scratch);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    (void)closedir(dir);
    return count;
}

/* Each file's name, size and content, in one number; temporary names must not be there. */
static unsigned long long state_of_folder(void)
{
    char command[256];
    char sum[64] = "";
    (void)snprintf(command, sizeof command,
                   "cd '%s' && find . -type f -printf '%%p %%m %%n\\n' -exec cat {} + | cksum",
                   scratch);
    FILE *pipe = popen(command, "r"); /* NOLINT(cert-env33-c) */
    assert_non_null(pipe);
    assert_non_null(fgets(sum, sizeof sum, pipe));
    (void)pclose(pipe);
    return strtoull(sum, NULL, 10);
}

static void expect_refusal(enum error_kind kind, const char *part)
{
    unsigned long long before = state_of_folder();
    assert_fails(restore(), &err, kind, part);
    assert_true(err.hint[0] != '\0');
    assert_int_equal(state_of_folder(), before);
    assert_int_equal(count_names(".liteinit-restore-"), 0);
    assert_int_equal(count_names("app.db.aside-"), 0);
}

static void backup_takes_the_place(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(chmod(location.db, 0640), 0);
    if (geteuid() == 0)
        assert_int_equal(chown(location.db, 1234, 4321), 0);
    assert_ok(restore(), &err);
    assert_int_equal(rows_of(location.db), 2);
    assert_int_equal(rows_of(done.aside), 3);
    assert_string_equal(done.path, backup);
    assert_int_equal(stat(location.db, &st), 0);
    assert_int_equal(done.bytes, st.st_size);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_nlink, 1);
    if (geteuid() == 0)
        assert_true(st.st_uid == 1234 && st.st_gid == 4321);
    assert_int_equal(stat(done.aside, &st), 0);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(count_names(".liteinit-restore-"), 0);
    assert_int_equal(count_names("app.db.aside-20"), 1);
    assert_true(strstr(done.aside, "Z-newer") != NULL);
}

/* A restart loop must not make a backup of what has just been restored. */
static void restored_database_is_known_to_equal_its_backup(void **state)
{
    (void)state;
    char path[PATH_MAX];
    struct store_probe probe;
    struct backup_catalogue catalogue;
    assert_ok(restore(), &err);
    assert_ok(store_probe(&location, false, &probe, &err), &err);
    assert_ok(backup_catalogue_read(&location, NULL, &catalogue, &err), &err);
    assert_true(backup_catalogue_find(&catalogue, &location, probe.stamp, path));
    assert_string_equal(path, backup);
    backup_catalogue_free(&catalogue);
}

static void newest_fitting_backup_is_found(void **state)
{
    (void)state;
    char path[PATH_MAX] = "untouched";
    struct backup_catalogue catalogue;
    assert_ok(backup_catalogue_read(&location, NULL, &catalogue, &err), &err);
    assert_false(backup_catalogue_fitting(&catalogue, &location, 1, path));
    assert_string_equal(path, "untouched");
    assert_true(backup_catalogue_fitting(&catalogue, &location, 2, path));
    assert_string_equal(path, backup);
    assert_true(backup_catalogue_fitting(&catalogue, &location, 9, path));
    backup_catalogue_free(&catalogue);
}

/* Design fact 4: the new rows are in the WAL alone when it begins. */
static void crashed_wal_is_kept_and_touches_nothing_new(void **state)
{
    (void)state;
    sqlite3 *db = db_open(location.db);
    db_exec(db, "PRAGMA wal_autocheckpoint = 0; INSERT INTO t VALUES (4, 'in the WAL')");
    char command[256];
    (void)snprintf(command, sizeof command, "cd '%s' && mkdir c && cp app.db* c/", scratch);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
    db_close(db);
    (void)snprintf(command, sizeof command, "cd '%s' && mv c/app.db* . && test -s app.db-wal",
                   scratch);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
    assert_ok(restore(), &err);
    assert_false(is_there(scratch_path("app.db-wal")) || is_there(scratch_path("app.db-shm")));
    assert_int_equal(rows_of(location.db), 2);
    assert_int_equal(rows_of(done.aside), 4);
}

/* It goes aside as it is, with its WAL under the matching name. */
static void damaged_database_goes_aside_with_its_wal(void **state)
{
    (void)state;
    static const char *const damages[] = {"no database at all, but long enough for its header "
                                          "to be looked at, which takes a hundred bytes or so",
                                          ""};
    for (size_t i = 0; i < COUNT_OF(damages); i++) {
        char wal[PATH_MAX + 8];
        put_bytes_at(location.db, damages[i], strlen(damages[i]));
        (void)put_text("app.db-wal", "the newest rows");
        (void)put_text("app.db-shm", "index");
        assert_ok(restore(), &err);
        assert_int_equal(rows_of(location.db), 2);
        assert_file_is(done.aside, damages[i]);
        (void)snprintf(wal, sizeof wal, "%s-wal", done.aside);
        assert_file_is(wal, "the newest rows");
        assert_int_equal(count_names("app.db-"), 0);
    }
    assert_int_equal(unlink(location.db), 0);
    (void)put_text("app.db-wal", "an orphan");
    assert_ok(restore(), &err);
    assert_int_equal(rows_of(location.db), 2);
    assert_file_is(done.aside, "an orphan");
    assert_int_equal(unlink(location.db), 0);
    assert_ok(restore(), &err);
    assert_int_equal(rows_of(location.db), 2);
    assert_string_equal(done.aside, "");
}

static void backups_that_are_not_as_they_were_are_refused(void **state)
{
    (void)state;
    char json[PATH_MAX + 8];
    size_t size = 0;
    char *data = get_file(backup, &size);
    /* In a row's content, where no check of SQLite's looks. */
    size_t at = size - 100;
    data[at] ^= 1;
    put_bytes_at(backup, data, size);
    expect_refusal(ERROR_DATA, "is not what it was");
    data[at] ^= 1;
    put_bytes_at(backup, data, size - 1);
    expect_refusal(ERROR_DATA, "bytes");
    put_bytes_at(backup, data, size);
    free(data);
    (void)snprintf(json, sizeof json, "%s.json", backup);
    char *manifest = get_file(json, NULL);
    (void)put_text("backups/app_2.db.json", "{}");
    expect_refusal(ERROR_DATA, "manifest");
    assert_int_equal(unlink(json), 0);
    expect_refusal(ERROR_NOT_FOUND, "no manifest");
    assert_int_equal(unlink(backup), 0);
    expect_refusal(ERROR_NOT_FOUND, "cannot open the backup");
    assert_int_equal(symlink(location.db, backup), 0);
    expect_refusal(ERROR_IO, "cannot open the backup");
    free(manifest);
    (void)snprintf(backup, sizeof backup, "%s", location.db);
    assert_fails(restore(), &err, ERROR_CONFIG, "the database itself");
}

/* In a process of its own: a process never meets its own locks. Tells over the pipe when it is in,
 * and stays until it is killed. */
static pid_t other_user(const char *sql)
{
    int pipe_fd[2];
    char byte = 0;
    assert_int_equal(pipe(pipe_fd), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        sqlite3 *db = NULL;
        if (sqlite3_open(location.db, &db) != SQLITE_OK ||
            sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
            _exit(1);
        (void)!write(pipe_fd[1], "x", 1);
        for (;;)
            (void)pause();
    }
    (void)close(pipe_fd[1]);
    assert_int_equal(read(pipe_fd[0], &byte, 1), 1);
    (void)close(pipe_fd[0]);
    return pid;
}

static void end(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void open_reader_is_waited_for_in_vain(void **state)
{
    (void)state;
    pid_t pid = other_user("BEGIN; SELECT * FROM t");
    assert_fails(restore(), &err, ERROR_BUSY, "in use by pid");
    assert_int_equal(rows_of(location.db), 3);
    assert_int_equal(count_names(".liteinit-restore-") + count_names("app.db.aside-"), 0);
    end(pid);
    assert_ok(restore(), &err);
    assert_int_equal(rows_of(location.db), 2);
}

/* Without a WAL an idle connection has nothing locked, and would go on with the old file. */
static void idle_connection_counts_too(void **state)
{
    (void)state;
    sqlite3 *db = db_open(location.db);
    db_exec(db, "PRAGMA journal_mode = DELETE");
    db_close(db);
    pid_t pid = other_user("SELECT * FROM t");
    expect_refusal(ERROR_BUSY, "in use by pid");
    end(pid);
    assert_ok(restore(), &err);
}

static void taken_names_are_passed_over(void **state)
{
    (void)state;
    struct backup_aside aside;
    struct backup_aside second;
    /* The clock may tick between two of these. */
    assert_ok(backup_aside_keep(&location, -1, "a/b", true, &aside, &err), &err);
    assert_true(strstr(aside.path, "Z-a-b") != NULL);
    char wal[PATH_MAX + 8];
    (void)snprintf(wal, sizeof wal, "%s-wal", aside.path);
    put_bytes_at(wal, "x", 1);
    int db = open(location.db, O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < 3; i++)
        assert_ok(backup_aside_keep(&location, db, "a/b", false, &second, &err), &err);
    (void)close(db);
    assert_string_not_equal(second.path, aside.path);
    assert_int_equal(count_names("app.db.aside-"), 4);
    backup_aside_recover(&location);
    assert_int_equal(count_names("app.db.aside-"), 1);
}

/* As on exFAT. */
static void without_links_a_copy_is_kept(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(chmod(location.db, 0600), 0);
    link_error = EPERM;
    assert_ok(restore(), &err);
    assert_int_equal(rows_of(location.db), 2);
    assert_int_equal(rows_of(done.aside), 3);
    assert_int_equal(stat(done.aside, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void nothing_is_kept_when_there_is_nothing_to_lose(void **state)
{
    (void)state;
    struct stat st;
    struct store_probe probe;
    assert_ok(store_probe(&location, true, &probe, &err), &err);
    assert_ok(backup_restore(&location, backup, "x", probe.stamp, 0, &done, &err), &err);
    assert_int_equal(rows_of(location.db), 2);
    assert_string_equal(done.aside, "");
    assert_int_equal(count_names("app.db.aside-"), 0);
    assert_int_equal(stat(location.db, &st), 0);
    assert_int_equal(st.st_nlink, 1);
    rename_error = EIO;
    assert_ok(store_probe(&location, true, &probe, &err), &err);
    assert_fails(backup_restore(&location, backup, "x", probe.stamp, 0, &done, &err), &err,
                 ERROR_IO, "place");
    assert_int_equal(count_names("."), 2); /* . and .. */
}

/* Somebody wrote after the caller had looked. */
static void what_came_after_the_look_is_kept(void **state)
{
    (void)state;
    struct store_probe probe;
    assert_ok(store_probe(&location, true, &probe, &err), &err);
    sqlite3 *db = db_open(location.db);
    db_exec(db, "INSERT INTO t VALUES (4, 'newest')");
    db_close(db);
    assert_ok(backup_restore(&location, backup, "x", probe.stamp, 0, &done, &err), &err);
    assert_int_equal(rows_of(location.db), 2);
    assert_int_equal(rows_of(done.aside), 4);
}

static void failed_swap_leaves_all_as_it_was(void **state)
{
    (void)state;
    rename_error = EBUSY;
    expect_refusal(ERROR_IO, "in the place of");
    assert_says(err.hint, "mount");
    link_error = EXDEV;
    expect_refusal(ERROR_CONFIG, "mounted as a file");
    link_error = EPERM;
    expect_refusal(ERROR_IO, "in the place of");
    link_error = EIO;
    expect_refusal(ERROR_IO, "aside");
    link_error = 0;
    put_bytes_at(location.db, "damaged", 7);
    (void)put_text("app.db-wal", "the newest rows");
    unsigned long long before = state_of_folder();
    assert_fails(restore(), &err, ERROR_IO, "in the place of");
    assert_int_equal(state_of_folder(), before);
    rename_error = 0;
    assert_ok(restore(), &err);
}

static void leftovers_of_a_crash_are_cleared(void **state)
{
    (void)state;
    struct backup_aside aside;
    put_bytes_at(location.db, "damaged", 7);
    (void)put_text("app.db-wal", "the newest rows");
    (void)put_text(".liteinit-restore-dead01", "half a copy");
    int db = open(location.db, O_RDONLY | O_CLOEXEC);
    assert_ok(backup_aside_keep(&location, db, "x", true, &aside, &err), &err);
    (void)close(db);
    assert_false(is_there(scratch_path("app.db-wal")));
    backup_restore_clear(&location);
    assert_file_is(scratch_path("app.db-wal"), "the newest rows");
    assert_int_equal(count_names(".liteinit-restore-") + count_names("app.db.aside-"), 0);
}

static void further_names_keep_the_old_content(void **state)
{
    (void)state;
    assert_int_equal(link(location.db, scratch_path("snapshot.db")), 0);
    assert_ok(restore(), &err);
    assert_int_equal(rows_of(location.db), 2);
    assert_int_equal(rows_of(scratch_path("snapshot.db")), 3);
}

static void full_volume_is_said_before(void **state)
{
    (void)state;
    struct store_location full;
    char folder[PATH_MAX];
    if (geteuid() != 0)
        skip();
    (void)snprintf(folder, sizeof folder, "%s", scratch_path("small"));
    assert_int_equal(mkdir(folder, 0700), 0);
    if (mount("liteinit-test", folder, "tmpfs", 0, "size=8k") != 0)
        skip();
    (void)put_text("small/app.db", "");
    assert_ok(store_locate(scratch_path("small/app.db"), &full, &err), &err);
    int result = backup_restore(&full, backup, "x", NULL, 0, &done, &err);
    assert_int_equal(umount(folder), 0);
    assert_fails(result, &err, ERROR_BACKUP, "no room to restore");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, scratch_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(backup_takes_the_place),
        TEST(restored_database_is_known_to_equal_its_backup),
        TEST(newest_fitting_backup_is_found),
        TEST(crashed_wal_is_kept_and_touches_nothing_new),
        TEST(damaged_database_goes_aside_with_its_wal),
        TEST(backups_that_are_not_as_they_were_are_refused),
        TEST(open_reader_is_waited_for_in_vain),
        TEST(idle_connection_counts_too),
        TEST(taken_names_are_passed_over),
        TEST(without_links_a_copy_is_kept),
        TEST(nothing_is_kept_when_there_is_nothing_to_lose),
        TEST(what_came_after_the_look_is_kept),
        TEST(failed_swap_leaves_all_as_it_was),
        TEST(leftovers_of_a_crash_are_cleared),
        TEST(further_names_keep_the_old_content),
        TEST(full_volume_is_said_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
