/* The backups that are there: what is listed, what is used again, what the retention removes. */
#include "support_db.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "backup/catalogue.h"
#include "backup/copy.h"

static struct store_location location;
static char dir[PATH_MAX];
static char removed[512];

static int setup(void **state)
{
    struct error err;
    if (scratch_begin(state) != 0)
        return -1;
    db_close(db_open(scratch_path("app.db")));
    (void)snprintf(dir, sizeof dir, "%s/backups", scratch);
    removed[0] = '\0';
    return store_locate(scratch_path("app.db"), &location, &err);
}

static const char *backup_path(const char *name, const char *suffix)
{
    char relative[300];
    (void)snprintf(relative, sizeof relative, "backups/%s%s", name, suffix);
    return scratch_path(relative);
}

/* A backup with its manifest, `age` seconds old. */
static void make_backup(const char *name, int64_t age, const char *source, const char *stamp,
                        bool verified)
{
    struct error err;
    struct backup_manifest manifest = {.source = (char *)(uintptr_t)source,
                                       .reason = (char[]){"test"},
                                       .stamp = (char *)(uintptr_t)stamp,
                                       .verified = verified};
    char text[100];
    int ms = 0;
    int size = snprintf(text, sizeof text, "content of %s", name);
    (void)mkdir(dir, 0700);
    put_bytes_at(backup_path(name, ""), text, (size_t)size);
    int fd = open(backup_path(name, ""), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_ok(backup_hash_file(fd, manifest.sha256, &err), &err);
    (void)close(fd);
    manifest.size = size;
    store_folder_identity(&location, manifest.source_folder);
    clock_format(manifest.created, clock_utc(&ms) - (time_t)age, ms);
    assert_ok(backup_manifest_write(backup_path(name, ".json"), &manifest, 0600, NULL, &err), &err);
}

static struct backup_catalogue read_ok(void)
{
    struct error err;
    struct backup_catalogue catalogue;
    assert_ok(backup_catalogue_read(&location, NULL, &catalogue, &err), &err);
    return catalogue;
}

static void assert_names(const struct backup_catalogue *catalogue, const char *names)
{
    char found[512] = "";
    for (size_t i = 0; i < catalogue->count; i++) {
        (void)strncat(found, catalogue->entries[i].name, 100);
        (void)strncat(found, " ", 2);
    }
    assert_string_equal(found, names);
}

static void note_removed(void *context, const struct backup_entry *entry)
{
    assert_string_equal(context, "context");
    (void)strncat(removed, entry->name, 100);
    (void)strncat(removed, " ", 2);
}

static void prune(int64_t keep, int64_t keep_days)
{
    static char context[] = "context";
    struct error err;
    struct backup_catalogue catalogue = read_ok();
    removed[0] = '\0';
    assert_ok(backup_catalogue_prune(&catalogue, &location, keep, keep_days, "", note_removed,
                                     context, &err),
              &err);
    backup_catalogue_free(&catalogue);
}

static void absent_folder_is_empty(void **state)
{
    (void)state;
    struct error err;
    struct backup_catalogue catalogue = read_ok();
    assert_int_equal(catalogue.count, 0);
    assert_string_equal(catalogue.dir, dir);
    backup_catalogue_free(&catalogue);
    prune(1, 1);
    assert_fails(backup_catalogue_read(&location, put_text("file", ""), &catalogue, &err), &err,
                 ERROR_NOT_FOUND, "backup folder");
}

static void newest_comes_first_and_strangers_are_shown(void **state)
{
    (void)state;
    make_backup("old.db", 5000, location.db, NULL, true);
    make_backup("new.db", 10, location.db, NULL, true);
    make_backup("middle.db", 500, location.db, NULL, false);
    (void)put_text("backups/notes.txt", "no database");
    (void)put_text("backups/other.json", "{}");
    (void)put_text("backups/.liteinit-abc.tmp", "SQLite format 3");
    (void)put_file("backups/by-hand.sqlite", "SQLite format 3\0rest", 20);
    (void)put_file("backups/data.json", "SQLite format 3\0rest", 20);
    assert_int_equal(mkdir(scratch_path("backups/folder.db"), 0700), 0);
    assert_int_equal(symlink("new.db", scratch_path("backups/link.db")), 0);
    struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    assert_int_equal(utimensat(AT_FDCWD, scratch_path("backups/by-hand.sqlite"), times, 0), 0);
    times[1].tv_sec++;
    assert_int_equal(utimensat(AT_FDCWD, scratch_path("backups/data.json"), times, 0), 0);
    struct backup_catalogue catalogue = read_ok();
    assert_names(&catalogue, "new.db middle.db old.db data.json by-hand.sqlite ");
    assert_true(catalogue.entries[0].known && catalogue.entries[0].verified);
    assert_true(catalogue.entries[1].known && !catalogue.entries[1].verified);
    assert_false(catalogue.entries[4].known || catalogue.entries[4].verified);
    backup_catalogue_free(&catalogue);
    backup_catalogue_free(&catalogue);
}

static void changed_size_or_bad_manifest_is_unverified(void **state)
{
    (void)state;
    make_backup("cut.db", 10, location.db, NULL, true);
    make_backup("rubbish.db", 10, location.db, NULL, true);
    assert_int_equal(truncate(backup_path("cut.db", ""), 3), 0);
    (void)put_text("backups/rubbish.db.json", "rubbish");
    (void)put_file("backups/rubbish.db", "SQLite format 3\0", 16);
    struct backup_catalogue catalogue = read_ok();
    assert_int_equal(catalogue.count, 2);
    for (size_t i = 0; i < catalogue.count; i++)
        assert_false(catalogue.entries[i].verified);
    backup_catalogue_free(&catalogue);
    prune(1, 0);
    assert_string_equal(removed, "");
}

static void keep_counts_verified_ones_of_this_database(void **state)
{
    (void)state;
    make_backup("a5", 5000, location.db, NULL, true);
    make_backup("a4", 4000, location.db, NULL, true);
    make_backup("a3", 3000, location.db, NULL, true);
    make_backup("unverified", 2500, location.db, NULL, false);
    make_backup("unverified-old", 9000, location.db, NULL, false);
    make_backup("foreign", 2400, "/elsewhere/app.db", NULL, true);
    make_backup("foreign-old", 9000, "/elsewhere/app.db", NULL, true);
    make_backup("a2", 2000, location.db, NULL, true);
    make_backup("a1", 1000, location.db, NULL, true);
    (void)put_file("backups/by-hand", "SQLite format 3\0", 16);

    prune(0, 0); /* no rule */
    assert_string_equal(removed, "");
    prune(5, 0);
    assert_string_equal(removed, "");
    prune(3, 0);
    assert_string_equal(removed, "a4 a5 ");
    assert_false(is_there(backup_path("a4", "")) || is_there(backup_path("a4", ".json")));
    assert_true(is_there(backup_path("a3", "")) && is_there(backup_path("a3", ".json")));
    prune(1, 0);
    assert_string_equal(removed, "a2 a3 ");
    prune(1, 0);
    assert_string_equal(removed, "");
    struct backup_catalogue catalogue = read_ok();
    assert_int_equal(catalogue.count, 6);
    backup_catalogue_free(&catalogue);
}

static void days_are_counted_beside(void **state)
{
    (void)state;
    const int64_t day = 86400;
    make_backup("today", 10, location.db, NULL, true);
    make_backup("six", 6 * day, location.db, NULL, true);
    make_backup("eight", 8 * day, location.db, NULL, true);
    make_backup("year", 365 * day, location.db, NULL, true);
    prune(3, 7);
    assert_string_equal(removed, "year ");
    prune(1, 7); /* either rule keeps */
    assert_string_equal(removed, "eight ");
    prune(0, 36500);
    assert_string_equal(removed, "");
    prune(0, 5);
    assert_string_equal(removed, "six ");
}

static void newest_verified_one_is_never_removed(void **state)
{
    (void)state;
    const int64_t day = 86400;
    make_backup("unverified", 1, location.db, NULL, false);
    make_backup("newest", 700 * day, location.db, NULL, true);
    make_backup("older", 800 * day, location.db, NULL, true);
    prune(0, 1);
    assert_string_equal(removed, "older ");
    prune(1, 1);
    assert_string_equal(removed, "");
}

static void unchanged_database_finds_its_backup(void **state)
{
    (void)state;
    char path[PATH_MAX] = "untouched";
    make_backup("foreign", 1, "/elsewhere/app.db", "stamp", true);
    make_backup("unverified", 2, location.db, "stamp", false);
    make_backup("other-stamp", 3, location.db, "stamp2", true);
    make_backup("no-stamp", 4, location.db, NULL, true);
    struct backup_catalogue catalogue = read_ok();
    assert_false(backup_catalogue_find(&catalogue, &location, "stamp", path));
    assert_string_equal(path, "untouched");
    backup_catalogue_free(&catalogue);

    make_backup("right", 5, location.db, "stamp", true);
    make_backup("flipped", 1, location.db, "stamp", true);
    (void)put_text("backups/flipped", "content_of flipped"); /* of the same size */
    catalogue = read_ok();
    assert_true(backup_catalogue_find(&catalogue, &location, "stamp", path));
    assert_string_equal(path, backup_path("right", ""));
    assert_false(backup_catalogue_find(&catalogue, &location, "", path));
    backup_catalogue_free(&catalogue);
}

static void stamp_can_be_renewed(void **state)
{
    (void)state;
    struct stat st;
    char path[PATH_MAX];
    make_backup("a", 5, location.db, "before", true);
    assert_int_equal(chmod(backup_path("a", ".json"), 0640), 0);
    (void)snprintf(path, sizeof path, "%s", backup_path("a", ""));
    backup_catalogue_restamp(path, "after");
    backup_catalogue_restamp(backup_path("none", ""), "after");
    assert_int_equal(stat(backup_path("a", ".json"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    struct backup_catalogue catalogue = read_ok();
    assert_int_equal(catalogue.count, 1);
    assert_false(backup_catalogue_find(&catalogue, &location, "before", path));
    assert_true(backup_catalogue_find(&catalogue, &location, "after", path));
    backup_catalogue_free(&catalogue);
}

/* Whether another process finds a lock of ours on the -shm. A child asks, since a process never
 * meets its own; without SQLite, whose memory it has from us. */
static bool is_locked(void)
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int fd = open(scratch_path("app.db-shm"), O_RDWR | O_CLOEXEC);
        _exit(fd < 0 || fcntl(fd, F_GETLK, &lock) != 0 ? 2 : lock.l_type != F_UNLCK);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    return WEXITSTATUS(status) == 1;
}

/* The backups may lie beside the database: looking for them must not drop our connection's locks. */
static void looking_beside_the_database_drops_no_lock(void **state)
{
    (void)state;
    struct error err;
    struct backup_catalogue catalogue;
    sqlite3 *db = db_open(scratch_path("app.db"));
    db_exec(db, "PRAGMA journal_mode = WAL; CREATE TABLE t(a); BEGIN; SELECT count(*) FROM t");
    assert_true(is_locked());
    assert_ok(backup_catalogue_read(&location, location.dir, &catalogue, &err), &err);
    assert_int_equal(catalogue.count, 0);
    backup_catalogue_free(&catalogue);
    assert_true(is_locked());
    db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(absent_folder_is_empty, setup, scratch_end),
        cmocka_unit_test_setup_teardown(newest_comes_first_and_strangers_are_shown, setup,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(changed_size_or_bad_manifest_is_unverified, setup,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(keep_counts_verified_ones_of_this_database, setup,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(days_are_counted_beside, setup, scratch_end),
        cmocka_unit_test_setup_teardown(newest_verified_one_is_never_removed, setup, scratch_end),
        cmocka_unit_test_setup_teardown(unchanged_database_finds_its_backup, setup, scratch_end),
        cmocka_unit_test_setup_teardown(stamp_can_be_renewed, setup, scratch_end),
        cmocka_unit_test_setup_teardown(looking_beside_the_database_drops_no_lock, setup,
                                        scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
