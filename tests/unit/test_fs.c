/* Files: replaced whole or not at all, read within bounds, renamed without replacing; and the
 * words about permissions. System calls of this program can be made to fail or to fall short. */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

#include "base/fs.h"

/* What the next calls do, and the order in which they came. */
static struct {
    size_t most;     /* write(2) takes at most this many bytes; 0: all */
    int interrupted; /* that many write(2) fail with EINTR first */
    int write_error; /* errno of write(2), once `after` bytes are through */
    size_t after;
    int sync_error;
    int rename_error;
    int dir_sync_error;
    char order[16]; /* w, d (fdatasync), r, f (fsync of the folder) */
} seam;

static void note(char call)
{
    size_t n = strlen(seam.order);
    if (n + 1 < sizeof seam.order && (n == 0 || seam.order[n - 1] != call))
        seam.order[n] = call;
}

static int fail_with(int sys)
{
    errno = sys;
    return -1;
}

ssize_t write(int fd, const void *data, size_t size)
{
    if (fd > STDERR_FILENO) {
        note('w');
        if (seam.interrupted > 0) {
            seam.interrupted--;
            return fail_with(EINTR);
        }
        if (seam.write_error != 0 && seam.after == 0)
            return fail_with(seam.write_error);
        if (seam.most > 0 && size > seam.most)
            size = seam.most;
        if (seam.write_error != 0) {
            size = size > seam.after ? seam.after : size;
            seam.after -= size;
        }
    }
    return syscall(SYS_write, fd, data, size);
}

int fdatasync(int fd)
{
    note('d');
    return seam.sync_error != 0 ? fail_with(seam.sync_error) : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    note('f');
    return seam.dir_sync_error != 0 ? fail_with(seam.dir_sync_error) : (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
    note('r');
    if (seam.rename_error != 0)
        return fail_with(seam.rename_error);
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int setup(void **state)
{
    memset(&seam, 0, sizeof seam);
    return scratch_begin(state);
}

static int entries_in_scratch(void)
{
    int count = 0;
    DIR *dir = opendir(scratch);
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count - 2;
}

static void write_goes_on_after_short_writes(void **state)
{
    (void)state;
    const char *path = scratch_path("f");
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    seam.most = 3;
    seam.interrupted = 2;
    assert_int_equal(fs_write_all(fd, "0123456789", 10), 0);
    assert_int_equal(fs_write_all(fd, "", 0), 0);
    assert_file_is(path, "0123456789");
    seam.write_error = ENOSPC;
    seam.after = 5;
    assert_int_equal(fs_write_all(fd, "0123456789", 10), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(close(fd), 0);
    assert_int_equal(fs_write_all(fd, "x", 1), -1);
}

static void replace_is_synced_in_this_order(void **state)
{
    (void)state;
    struct error err;
    struct stat st;
    const char *path = scratch_path("f");
    mode_t mask = umask(077);
    seam.most = 3;
    assert_ok(fs_replace_file(path, "first", 5, 0640, NULL, &err), &err);
    assert_string_equal(seam.order, "wdrf");
    assert_file_is(path, "first");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_ok(fs_replace_file(path, "", 0, 0600, NULL, &err), &err);
    (void)umask(mask);
    assert_file_is(path, "");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(entries_in_scratch(), 1);
}

static void replace_gives_the_file_to_its_owner(void **state)
{
    (void)state;
    struct error err;
    struct stat owner = {.st_uid = 65534, .st_gid = 65533};
    struct stat st;
    const char *path = scratch_path("f");
    bool root = geteuid() == 0;
    assert_ok(fs_replace_file(path, "x", 1, 0640, &owner, &err), &err);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, root ? 65534 : geteuid());
    assert_int_equal(st.st_gid, root ? 65533 : getegid());
    assert_int_equal(st.st_mode & 07777, 0640);
}

static void replace_clears_the_leftover_of_its_own_pid(void **state)
{
    (void)state;
    struct error err;
    char name[64];
    const char *path = put_text("f", "old");
    (void)snprintf(name, sizeof name, "f.%ld.tmp", (long)getpid());
    (void)put_text(name, "left by a crash, and longer than what comes");
    assert_ok(fs_replace_file(path, "new", 3, 0600, NULL, &err), &err);
    assert_file_is(path, "new");
    assert_int_equal(entries_in_scratch(), 1);
    /* A planted link is not followed. */
    const char *target = put_text("target", "not ours");
    assert_int_equal(symlink(target, scratch_path(name)), 0);
    assert_ok(fs_replace_file(path, "newer", 5, 0600, NULL, &err), &err);
    assert_file_is(scratch_path("target"), "not ours");
    assert_file_is(scratch_path("f"), "newer");
}

static void failed_replace_leaves_the_old_file_alone(void **state)
{
    (void)state;
    struct error err;
    (void)put_text("f", "old");
    for (int i = 0; i < 4; i++) {
        memset(&seam, 0, sizeof seam);
        switch (i) {
        case 0:
            seam.write_error = ENOSPC;
            break;
        case 1:
            seam.write_error = EIO;
            seam.after = 2;
            break;
        case 2:
            seam.sync_error = EIO;
            break;
        default:
            seam.rename_error = EACCES;
            break;
        }
        assert_fails(fs_replace_file(scratch_path("f"), "newer", 5, 0600, NULL, &err), &err,
                     i == 3 ? ERROR_PERMISSION : ERROR_IO, "cannot ");
        assert_file_is(scratch_path("f"), "old");
        assert_int_equal(entries_in_scratch(), 1);
    }
    memset(&seam, 0, sizeof seam);
    seam.dir_sync_error = EIO;
    assert_fails(fs_replace_file(scratch_path("f"), "newer", 5, 0600, NULL, &err), &err, ERROR_IO,
                 "sync the folder");
    seam.dir_sync_error = EINVAL; /* a file system that cannot */
    assert_ok(fs_replace_file(scratch_path("f"), "newest", 6, 0600, NULL, &err), &err);
    assert_file_is(scratch_path("f"), "newest");
}

static void replace_names_what_is_in_the_way(void **state)
{
    (void)state;
    struct error err;
    char path[PATH_MAX + 1];
    assert_fails(fs_replace_file(scratch_path("no/f"), "x", 1, 0600, NULL, &err), &err,
                 ERROR_NOT_FOUND, "no/f");
    assert_int_equal(mkdir(scratch_path("dir"), 0700), 0);
    assert_fails(fs_replace_file(scratch_path("dir"), "x", 1, 0600, NULL, &err), &err, ERROR_IO,
                 "rename");
    assert_int_equal(entries_in_scratch(), 1);
    memset(path, 'p', PATH_MAX);
    path[PATH_MAX] = '\0';
    assert_fails(fs_replace_file(path, "x", 1, 0600, NULL, &err), &err, ERROR_CONFIG, "too long");
}

static void read_gives_the_whole_file_and_its_end(void **state)
{
    (void)state;
    struct error err;
    char *data = NULL;
    size_t size = 0;
    assert_ok(fs_read_file(put_file("f", "a\0b", 3), 3, &data, &size, &err), &err);
    assert_int_equal(size, 3);
    assert_memory_equal(data, "a\0b", 4);
    free(data);
    assert_ok(fs_read_file(put_text("empty", ""), 0, &data, &size, &err), &err);
    assert_int_equal(size, 0);
    assert_string_equal(data, "");
    free(data);
}

static void read_refuses_what_is_no_small_file(void **state)
{
    (void)state;
    struct error err;
    char untouched = 'u';
    char *data = &untouched;
    size_t size = 77;
    (void)alarm(20); /* a FIFO must not hang us */
    (void)put_text("four", "4444");
    assert_fails(fs_read_file(scratch_path("four"), 3, &data, &size, &err), &err, ERROR_DATA,
                 "larger than 3 bytes");
    assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
    assert_fails(fs_read_file(scratch_path("fifo"), 9, &data, &size, &err), &err, ERROR_DATA,
                 "not a regular file");
    assert_fails(fs_read_file(scratch, 9, &data, &size, &err), &err, ERROR_DATA,
                 "not a regular file");
    assert_fails(fs_read_file("/dev/zero", 9, &data, &size, &err), &err, ERROR_DATA,
                 "not a regular file");
    assert_fails(fs_read_file(scratch_path("none"), 9, &data, &size, &err), &err, ERROR_NOT_FOUND,
                 "none: No such file");
    assert_fails(fs_read_file(scratch_path("four/x"), 9, &data, &size, &err), &err, ERROR_NOT_FOUND,
                 "Not a directory");
    /* Of no size, and yet it has something: as a file that grows while it is read. */
    assert_fails(fs_read_file("/proc/self/status", 100000, &data, &size, &err), &err, ERROR_IO,
                 "being written");
    assert_int_equal(symlink("loop", scratch_path("loop")), 0);
    assert_fails(fs_read_file(scratch_path("loop"), 9, &data, &size, &err), &err, ERROR_IO, "loop");
    assert_ptr_equal(data, &untouched);
    assert_int_equal(size, 77);
    (void)alarm(0);
}

static int reads_secret(void *context)
{
    struct error err = {.kind = ERROR_NONE};
    char *data = NULL;
    size_t size = 0;
    if (fs_read_file(context, 100, &data, &size, &err) == 0)
        return 1;
    if (err.kind != ERROR_PERMISSION || strstr(err.msg, "Permission denied") == NULL)
        return 2;
    struct stat st;
    bool ours = stat(context, &st) == 0 && st.st_uid == geteuid();
    return strstr(err.hint, ours ? "chmod u+rw" : "chown -R 65534:65534") != NULL ? 42 : 3;
}

static void unreadable_file_comes_with_its_remedy(void **state)
{
    (void)state;
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s", put_text("secret", "x"));
    assert_int_equal(chmod(path, 0), 0);
    assert_int_equal(chmod(scratch, 0755), 0);
    assert_int_equal(status_of_child(reads_secret, path, true), 42);
}

static void permission_hint_fits_who_we_are(void **state)
{
    (void)state;
    struct error err = {.kind = ERROR_PERMISSION};
    fs_permission_hint(&err, scratch);
    assert_says(err.hint, "chmod u+rwx /tmp/liteinit-unit-");
    fs_permission_hint(&err, put_text("it's", ""));
    assert_says(err.hint, "chmod u+rw '/tmp/");
    assert_says(err.hint, "it'\\''s'");
    fs_permission_hint(&err, "/proc/no/such");
    assert_says(err.hint, "chown -R ");
    char text[80];
    assert_int_equal(chmod(scratch_path("it's"), 04750), 0);
    fs_describe(scratch_path("it's"), text, sizeof text);
    char wanted[80];
    (void)snprintf(wanted, sizeof wanted, "owner %u:%u, mode 4750", (unsigned)geteuid(),
                   (unsigned)getegid());
    assert_string_equal(text, wanted);
    fs_describe(scratch_path("none"), text, sizeof text);
    assert_string_equal(text, "not there");
}

static void exclusive_rename_never_replaces(void **state)
{
    (void)state;
    (void)put_text("from", "new");
    (void)put_text("to", "old");
    assert_int_equal(fs_rename_exclusive(scratch_path("from"), scratch_path("to")), -1);
    assert_int_equal(errno, EEXIST);
    assert_file_is(scratch_path("to"), "old");
    assert_file_is(scratch_path("from"), "new");

    assert_int_equal(unlink(scratch_path("to")), 0);
    assert_int_equal(symlink("nowhere", scratch_path("to")), 0);
    assert_int_equal(fs_rename_exclusive(scratch_path("from"), scratch_path("to")), -1);
    assert_int_equal(errno, EEXIST);

    assert_int_equal(unlink(scratch_path("to")), 0);
    assert_int_equal(fs_rename_exclusive(scratch_path("from"), scratch_path("to")), 0);
    assert_file_is(scratch_path("to"), "new");
    assert_false(is_there(scratch_path("from")));
    assert_int_equal(fs_rename_exclusive(scratch_path("from"), scratch_path("to")), -1);
    assert_int_equal(errno, ENOENT);
}

static void paths_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *dir;
        const char *base;
    } cases[] = {{"a", ".", "a"},         {"/a", "/", "a"},  {"a/b", "a", "b"},
                 {"/a/b/c", "/a/b", "c"}, {"a/", "a", ""},   {"/", "/", ""},
                 {"", ".", ""},           {"./a", ".", "a"}, {"..", ".", ".."}};
    char dir[64];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        fs_dir_name(cases[i].path, dir, sizeof dir);
        assert_string_equal(dir, cases[i].dir);
        assert_string_equal(fs_base_name(cases[i].path), cases[i].base);
    }
    fs_dir_name("/abcdef/g", dir, 4);
    assert_string_equal(dir, "/ab");
}

static void folders_and_free_space(void **state)
{
    (void)state;
    assert_int_equal(fs_sync_dir(scratch), 0);
    assert_int_equal(fs_sync_dir(put_text("f", "")), -1);
    assert_int_equal(errno, ENOTDIR);
    seam.dir_sync_error = EIO;
    assert_int_equal(fs_sync_dir(scratch), -1);
    assert_true(fs_free_bytes(scratch) > 0);
    assert_int_equal(fs_free_bytes(scratch_path("none")), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(fs_free_bytes("/proc"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(write_goes_on_after_short_writes, setup, scratch_end),
        cmocka_unit_test_setup_teardown(replace_is_synced_in_this_order, setup, scratch_end),
        cmocka_unit_test_setup_teardown(replace_gives_the_file_to_its_owner, setup, scratch_end),
        cmocka_unit_test_setup_teardown(replace_clears_the_leftover_of_its_own_pid, setup,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(failed_replace_leaves_the_old_file_alone, setup,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(replace_names_what_is_in_the_way, setup, scratch_end),
        cmocka_unit_test_setup_teardown(read_gives_the_whole_file_and_its_end, setup, scratch_end),
        cmocka_unit_test_setup_teardown(read_refuses_what_is_no_small_file, setup, scratch_end),
        cmocka_unit_test_setup_teardown(unreadable_file_comes_with_its_remedy, setup, scratch_end),
        cmocka_unit_test_setup_teardown(permission_hint_fits_who_we_are, setup, scratch_end),
        cmocka_unit_test_setup_teardown(exclusive_rename_never_replaces, setup, scratch_end),
        cmocka_unit_test_setup_teardown(paths_are_taken_apart, setup, scratch_end),
        cmocka_unit_test_setup_teardown(folders_and_free_space, setup, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
