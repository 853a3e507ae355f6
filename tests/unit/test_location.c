/* Where the database is, and what its file looks like before SQLite opens it. */
#include "support_db.h"

#include <fcntl.h>

#include "store/location.h"

static struct store_location locate_ok(const char *path)
{
    struct error err;
    struct store_location location;
    assert_ok(store_locate(path, &location, &err), &err);
    return location;
}

static void assert_not_located(const char *path, enum error_kind kind, const char *msg)
{
    struct error err;
    struct store_location location;
    memset(&location, 0x5A, sizeof location);
    struct store_location untouched = location;
    assert_fails(store_locate(path, &location, &err), &err, kind, msg);
    assert_memory_equal(&location, &untouched, sizeof location);
}

static struct store_probe probe_ok(void)
{
    struct error err;
    struct store_probe probe;
    struct store_location location = locate_ok(scratch_path("app.db"));
    assert_ok(store_probe(&location, true, &probe, &err), &err);
    return probe;
}

static struct error probe_fails(enum error_kind kind, const char *msg)
{
    struct error err;
    struct store_probe probe;
    memset(&probe, 0x5A, sizeof probe);
    struct store_probe untouched = probe;
    struct store_location location = locate_ok(scratch_path("app.db"));
    assert_fails(store_probe(&location, true, &probe, &err), &err, kind, msg);
    assert_memory_equal(&probe, &untouched, sizeof probe);
    return err;
}

/* A database of a few pages. */
static void make_database(void)
{
    sqlite3 *db = db_open(scratch_path("app.db"));
    db_exec(db, "CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(20000))");
    db_close(db);
}

static void place_is_absolute_and_resolved(void **state)
{
    (void)state;
    char wanted[PATH_MAX];
    assert_int_equal(mkdir(scratch_path("real"), 0700), 0);
    (void)put_text("real/app.db", "");
    assert_int_equal(symlink("real", scratch_path("linked")), 0);
    assert_int_equal(symlink("real/app.db", scratch_path("link.db")), 0);
    assert_int_equal(chdir(scratch), 0);
    (void)snprintf(wanted, sizeof wanted, "%s/real/app.db", scratch);
    static const char *const same[] = {"real/app.db", "./real/../real//app.db", "linked/app.db",
                                       "link.db"};
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        struct store_location location = locate_ok(same[i]);
        assert_string_equal(location.db, wanted);
        assert_string_equal(location.dir, scratch_path("real"));
    }
    /* Absent: the folder is what is resolved. */
    struct store_location location = locate_ok("linked/new.db");
    assert_string_equal(location.db, scratch_path("real/new.db"));
    location = locate_ok("new.db");
    assert_string_equal(location.db, scratch_path("new.db"));
    assert_string_equal(location.dir, scratch);
    location = locate_ok("/liteinit-absent.db");
    assert_string_equal(location.db, "/liteinit-absent.db");
    char sibling[PATH_MAX];
    assert_string_equal(store_sibling(&location, "-wal", sibling), "/liteinit-absent.db-wal");
    assert_int_equal(chdir("/"), 0);
}

static void what_is_no_place_for_a_database(void **state)
{
    (void)state;
    char path[PATH_MAX + 100];
    struct error err;
    struct store_location location;
    assert_fails(store_locate(scratch, &location, &err), &err, ERROR_CONFIG, "is a folder");
    assert_says(err.hint, "app.db");
    assert_not_located("/dev/null", ERROR_CONFIG, "not a regular file");
    assert_not_located("", ERROR_CONFIG, "");
    assert_not_located(scratch_path("new/"), ERROR_CONFIG, "names a folder");
    assert_not_located(scratch_path("no/app.db"), ERROR_NOT_FOUND, "the folder");
    assert_not_located(scratch_path("no/.."), ERROR_CONFIG, "names a folder");
    assert_not_located(put_text("file", "") != NULL ? scratch_path("file/app.db") : "",
                       ERROR_NOT_FOUND, "Not a directory");
    assert_int_equal(symlink("/nowhere/app.db", scratch_path("dangling.db")), 0);
    assert_not_located(scratch_path("dangling.db"), ERROR_NOT_FOUND, "symbolic link");
    assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
    assert_not_located(scratch_path("fifo"), ERROR_CONFIG, "not a regular file");
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(store_locate(path, &location, &err), -1);
    memset(path, '/', PATH_MAX - 40); /* no room for the names beside it */
    (void)snprintf(path + PATH_MAX - 40, 40, "x");
    (void)locate_ok(path); /* its resolved form is short */
}

static void absent_and_empty(void **state)
{
    (void)state;
    struct store_probe probe = probe_ok();
    assert_int_equal(probe.kind, STORE_ABSENT);
    assert_int_equal(probe.size, 0);
    assert_string_equal(probe.stamp, "");
    assert_false(is_there(scratch_path("app.db")));
    (void)put_text("app.db", "");
    probe = probe_ok();
    assert_int_equal(probe.kind, STORE_EMPTY);
    assert_true(probe.stamp[0] != '\0');
    /* Companions that hold nothing are no trouble. */
    (void)put_text("app.db-wal", "");
    assert_int_equal(probe_ok().kind, STORE_EMPTY);
    assert_int_equal(unlink(scratch_path("app.db")), 0);
    assert_int_equal(probe_ok().kind, STORE_ABSENT);
}

static void companions_without_their_database_are_kept(void **state)
{
    (void)state;
    (void)put_text("app.db-wal", "frames");
    struct error err = probe_fails(ERROR_NOT_FOUND, "is missing, but its -wal is there");
    assert_says(err.hint, ".aside");
    (void)put_text("app.db", "");
    (void)probe_fails(ERROR_DATA, "is empty, but its -wal is there");
    assert_file_is(scratch_path("app.db-wal"), "frames");
    /* The command in the hint can be pasted, whatever the database is called. */
    struct store_probe probe;
    struct store_location location = locate_ok(scratch_path("my app.db"));
    (void)put_text("my app.db-wal", "frames");
    assert_fails(store_probe(&location, true, &probe, &err), &err, ERROR_NOT_FOUND, "is missing");
    assert_says(err.hint, "/my app.db-wal' '");
    assert_says(err.hint, "/my app.db-wal.aside'");
}

static void other_files_are_told_from_databases(void **state)
{
    (void)state;
    char bytes[4096];
    (void)put_text("app.db", "Dear diary,\n");
    (void)probe_fails(ERROR_DATA, "is not an SQLite database");
    assert_file_is(scratch_path("app.db"), "Dear diary,\n");
    memset(bytes, 'x', sizeof bytes);
    (void)put_file("app.db", bytes, sizeof bytes);
    (void)probe_fails(ERROR_DATA, "is not an SQLite database");
    memset(bytes, 0, sizeof bytes);
    (void)put_file("app.db", bytes, sizeof bytes);
    (void)probe_fails(ERROR_DATA, "is not an SQLite database");
    /* The name alone, and a page size that is none. */
    memcpy(bytes, "SQLite format 3", 16);
    (void)put_file("app.db", bytes, 50);
    (void)probe_fails(ERROR_DATA, "is not an SQLite database");
    static const unsigned sizes[] = {0, 2, 256, 511, 513, 1000, 65535};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        bytes[16] = (char)(sizes[i] >> 8);
        bytes[17] = (char)(sizes[i] & 0xFF);
        (void)put_file("app.db", bytes, sizeof bytes);
        (void)probe_fails(ERROR_DATA, "is not an SQLite database");
    }
}

static void database_is_described(void **state)
{
    (void)state;
    static const int sizes[] = {512, 4096, 65536};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        char sql[100];
        struct stat st;
        sqlite3 *db = db_open(scratch_path("app.db"));
        (void)snprintf(sql, sizeof sql, "PRAGMA page_size = %d; %s CREATE TABLE t(a)", sizes[i],
                       i == 1 ? "PRAGMA journal_mode = WAL;" : "");
        db_exec(db, sql);
        db_close(db);
        struct store_probe probe = probe_ok();
        assert_int_equal(probe.kind, STORE_DATABASE);
        assert_int_equal(probe.page_size, sizes[i]);
        assert_int_equal(probe.wal_mode, i == 1);
        assert_int_equal(stat(scratch_path("app.db"), &st), 0);
        assert_int_equal(probe.size, st.st_size);
        assert_int_equal(probe.wal_size + probe.journal_size, 0);
        assert_int_equal(unlink(scratch_path("app.db")), 0);
    }
}

static void truncated_database_is_noticed(void **state)
{
    (void)state;
    make_database();
    const off_t whole = probe_ok().size;
    assert_true(whole > 4 * 4096);
    assert_int_equal(truncate(scratch_path("app.db"), whole - 1), 0);
    (void)probe_fails(ERROR_DATA, "is truncated: it has");
    assert_int_equal(truncate(scratch_path("app.db"), 4096), 0);
    struct error err = probe_fails(ERROR_DATA, "is truncated: it has 4096 bytes");
    assert_says(err.hint, "liteinit backups");
    /* More than the header says is harmless. */
    assert_int_equal(unlink(scratch_path("app.db")), 0);
    make_database();
    assert_int_equal(truncate(scratch_path("app.db"), whole + 4096), 0);
    assert_int_equal(probe_ok().kind, STORE_DATABASE);
    /* While a WAL waits, the main file alone need not be whole. */
    assert_int_equal(truncate(scratch_path("app.db"), whole - 4096), 0);
    (void)put_text("app.db-wal", "frames");
    assert_int_equal(probe_ok().wal_size, 6);
}

static void read_stamp(char out[STORE_STAMP_SIZE])
{
    int fd = open(scratch_path("app.db"), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    store_stamp(fd, out);
    (void)close(fd);
    assert_true(out[0] != '\0');
}

static void stamp_changes_with_every_write(void **state)
{
    (void)state;
    char before[STORE_STAMP_SIZE];
    char after[STORE_STAMP_SIZE];
    make_database();
    read_stamp(before);
    read_stamp(after);
    assert_string_equal(before, after);
    assert_string_equal(probe_ok().stamp, before);
    for (int i = 0; i < 50; i++) {
        sqlite3 *db = db_open(scratch_path("app.db"));
        db_exec(db, "UPDATE t SET a = randomblob(20000)");
        db_close(db);
        read_stamp(after);
        assert_string_not_equal(before, after);
        memcpy(before, after, sizeof before);
    }
    /* The same bytes under the same name in another file are another. */
    size_t size = 0;
    char *data = get_file(scratch_path("app.db"), &size);
    (void)put_file("copy.db", data, size);
    free(data);
    assert_int_equal(rename(scratch_path("copy.db"), scratch_path("app.db")), 0);
    read_stamp(after);
    assert_string_not_equal(before, after);
    store_stamp(-1, after);
    assert_string_equal(after, "");
}

struct refusal {
    struct store_location location;
    bool writable;
    const char *says;
};

static int is_refused(void *context)
{
    const struct refusal *refusal = context;
    struct error err = {.kind = ERROR_NONE};
    struct store_probe probe;
    if (store_probe(&refusal->location, refusal->writable, &probe, &err) == 0)
        return 1;
    if (err.kind != ERROR_PERMISSION || err.hint[0] == '\0')
        return 2;
    return strstr(err.msg, refusal->says) != NULL ? 42 : 3;
}

static int is_read(void *context)
{
    const struct refusal *refusal = context;
    struct error err;
    struct store_probe probe;
    return store_probe(&refusal->location, refusal->writable, &probe, &err) == 0 ? 42 : 1;
}

static void closed_files_and_folders_are_named(void **state)
{
    (void)state;
    make_database();
    struct refusal refusal = {.location = locate_ok(scratch_path("app.db"))};
    assert_int_equal(chmod(scratch, 0755), 0);
    assert_int_equal(chmod(scratch_path("app.db"), 0), 0);
    refusal.says = "cannot open the database";
    assert_int_equal(status_of_child(is_refused, &refusal, true), 42);
    assert_int_equal(chmod(scratch_path("app.db"), 0444), 0);
    assert_int_equal(status_of_child(is_read, &refusal, true), 42);
    refusal.writable = true;
    refusal.says = "mode 0444) may not be written";
    assert_int_equal(status_of_child(is_refused, &refusal, true), 42);
    assert_int_equal(chmod(scratch_path("app.db"), 0666), 0);
    assert_int_equal(chmod(scratch, 0555), 0);
    refusal.says = "the folder of the database";
    assert_int_equal(status_of_child(is_refused, &refusal, true), 42);
    assert_int_equal(chmod(scratch, 0755), 0);
    assert_int_equal(unlink(scratch_path("app.db")), 0);
    assert_int_equal(chmod(scratch, 0555), 0);
    refusal.says = "cannot make the database";
    assert_int_equal(status_of_child(is_refused, &refusal, true), 42);
    assert_int_equal(chmod(scratch, 0755), 0);
}

static void probing_changes_nothing(void **state)
{
    (void)state;
    struct stat before;
    struct stat after;
    make_database();
    assert_int_equal(stat(scratch_path("app.db"), &before), 0);
    (void)probe_ok();
    assert_int_equal(stat(scratch_path("app.db"), &after), 0);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim);
    assert_memory_equal(&before.st_ctim, &after.st_ctim, sizeof before.st_ctim);
    assert_false(is_there(scratch_path("app.db-wal")) || is_there(scratch_path("app.db-shm")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(place_is_absolute_and_resolved, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(what_is_no_place_for_a_database, scratch_begin,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(absent_and_empty, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(companions_without_their_database_are_kept, scratch_begin,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(other_files_are_told_from_databases, scratch_begin,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(database_is_described, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(truncated_database_is_noticed, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(stamp_changes_with_every_write, scratch_begin, scratch_end),
        cmocka_unit_test_setup_teardown(closed_files_and_folders_are_named, scratch_begin,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(probing_changes_nothing, scratch_begin, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
