/* Backups under construction: nothing is seen under a final name before it is whole. */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include "backup/copy.h"
#include "backup/draft.h"

static int sync_error;   /* of fdatasync(2) */
static int rename_error; /* of rename(2), by which the manifest gets its name */

int fdatasync(int fd)
{
    if (sync_error != 0) {
        errno = sync_error;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

int rename(const char *from, const char *to)
{
    if (rename_error != 0) {
        errno = rename_error;
        return -1;
    }
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static int mode_error; /* of fchmod(2) */

int fchmod(int fd, mode_t mode)
{
    if (mode_error != 0) {
        errno = mode_error;
        return -1;
    }
    return (int)syscall(SYS_fchmod, fd, mode);
}

static struct store_location location;
static struct backup_manifest manifest;
static char reason[] = "test";

static int setup(void **state)
{
    struct error err;
    sync_error = 0;
    rename_error = 0;
    mode_error = 0;
    if (scratch_begin(state) != 0)
        return -1;
    (void)put_text("app.db", "database");
    if (store_locate(scratch_path("app.db"), &location, &err) != 0)
        return -1;
    manifest = (struct backup_manifest){.source = location.db, .reason = reason, .size = 4};
    memset(manifest.sha256, 'a', sizeof manifest.sha256 - 1);
    return 0;
}

static struct backup_draft open_ok(void)
{
    struct error err;
    struct backup_draft draft;
    assert_ok(backup_draft_open(&location, NULL, &draft, &err), &err);
    assert_int_equal(write(draft.fd, "data", 4), 4);
    return draft;
}

/* Names in the backup folder, all of them or those that are not hidden. */
static int count_names(bool hidden)
{
    int count = 0;
    const struct dirent *entry = NULL;
    DIR *dir = opendir(scratch_path("backups"));
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
                 (hidden || entry->d_name[0] != '.');
    (void)closedir(dir);
    return count;
}

static void draft_is_hidden_until_it_is_published(void **state)
{
    (void)state;
    struct error err;
    struct stat st;
    char path[PATH_MAX];
    assert_int_equal(chmod(location.db, 0644), 0);
    struct backup_draft draft = open_ok();
    assert_int_equal(stat(scratch_path("backups"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(count_names(false), 0);
    assert_ok(backup_draft_sync(&draft, &err), &err);
    assert_ok(backup_draft_publish(&draft, "{stem}{ext}", &manifest, path, &err), &err);
    assert_string_equal(path, scratch_path("backups/app.db"));
    assert_file_is(path, "data");
    assert_int_equal(count_names(true), 2);
    /* As readable as the database is, and not more. */
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    struct backup_manifest back;
    assert_ok(backup_manifest_read(scratch_path("backups/app.db.json"), &back, &err), &err);
    assert_string_equal(back.source, location.db);
    backup_manifest_free(&back);
    backup_draft_discard(&draft);
    assert_int_equal(count_names(true), 2);
}

static void names_that_meet_are_numbered(void **state)
{
    (void)state;
    struct error err;
    char path[PATH_MAX];
    static const char *const wanted[] = {"backups/app.db", "backups/app-2.db", "backups/app-4.db"};
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        struct backup_draft draft = open_ok();
        assert_ok(backup_draft_publish(&draft, "{stem}{ext}", &manifest, path, &err), &err);
        assert_string_equal(path, scratch_path(wanted[i]));
        /* A manifest alone, or a dangling link, takes a name too. */
        if (i == 1)
            assert_int_equal(symlink("nowhere", scratch_path("backups/app-3.db")), 0);
    }
    assert_file_is(scratch_path("backups/app.db"), "data");
}

/* As on exFAT, which many a backup disk has. */
static void volume_without_modes_takes_backups(void **state)
{
    (void)state;
    struct error err;
    struct backup_draft draft;
    char path[PATH_MAX];
    mode_error = EPERM;
    draft = open_ok();
    assert_ok(backup_draft_publish(&draft, "{stem}{ext}", &manifest, path, &err), &err);
    assert_file_is(path, "data");
    mode_error = EIO;
    assert_fails(backup_draft_open(&location, NULL, &draft, &err), &err, ERROR_BACKUP, "mode of");
    assert_int_equal(count_names(true), 2);
}

static void discarded_draft_leaves_nothing(void **state)
{
    (void)state;
    struct backup_draft draft = open_ok();
    assert_int_equal(count_names(true), 1);
    backup_draft_discard(&draft);
    assert_int_equal(count_names(true), 0);
    backup_draft_discard(&draft);
}

static void failed_publishing_leaves_nothing(void **state)
{
    (void)state;
    struct error err;
    char path[PATH_MAX] = "untouched";
    for (int i = 0; i < 3; i++) {
        struct backup_draft draft = open_ok();
        sync_error = i == 0 ? ENOSPC : 0;
        rename_error = i == 1 ? EIO : 0;
        assert_fails(backup_draft_publish(&draft, i == 2 ? "{nonsense}" : "{stem}{ext}", &manifest,
                                          path, &err),
                     &err, i == 2 ? ERROR_CONFIG : ERROR_BACKUP, "");
        assert_int_equal(count_names(true), 0);
        assert_string_equal(path, "untouched");
    }
    struct backup_draft draft = open_ok();
    sync_error = ENOSPC;
    assert_fails(backup_draft_sync(&draft, &err), &err, ERROR_BACKUP, "cannot sync the backup");
    assert_says(err.hint, "--backup-dir");
    backup_draft_discard(&draft);
}

static void leftovers_of_the_dead_are_cleared(void **state)
{
    (void)state;
    assert_int_equal(mkdir(scratch_path("backups"), 0700), 0);
    (void)put_text("backups/.liteinit-dead01.tmp", "half a backup");
    (void)put_text("backups/.other.tmp", "not ours");
    int alive = open(put_text("backups/.liteinit-alive1.tmp", "being made"), O_RDWR | O_CLOEXEC);
    assert_true(alive >= 0);
    assert_int_equal(flock(alive, LOCK_EX), 0);
    struct backup_draft draft = open_ok();
    assert_false(is_there(scratch_path("backups/.liteinit-dead01.tmp")));
    assert_true(is_there(scratch_path("backups/.liteinit-alive1.tmp")));
    assert_true(is_there(scratch_path("backups/.other.tmp")));
    /* A second maker at the same time does not clear ours. */
    struct backup_draft second = open_ok();
    assert_true(is_there(draft.temp) && is_there(second.temp));
    backup_draft_discard(&draft);
    backup_draft_discard(&second);
    (void)close(alive);
}

/* After a crash between the two names the draft has the content that its manifest tells. Another
 * manifest without a file, of the same size, is of a backup that somebody has moved. */
static void the_manifest_of_a_cut_off_draft_is_cleared_alone(void **state)
{
    (void)state;
    struct error err;
    char path[PATH_MAX];
    for (int i = 0; i < 2; i++) {
        struct backup_draft draft = open_ok();
        assert_ok(backup_hash_file(draft.fd, manifest.sha256, &err), &err);
        if (i == 1)
            manifest.sha256[0] = manifest.sha256[0] == 'a' ? 'b' : 'a';
        assert_ok(backup_draft_publish(&draft, i == 0 ? "cut" : "moved", &manifest, path, &err),
                  &err);
    }
    assert_int_equal(unlink(scratch_path("backups/moved")), 0);
    char draft_path[PATH_MAX];
    (void)snprintf(draft_path, sizeof draft_path, "%s",
                   scratch_path("backups/.liteinit-dead01.tmp"));
    assert_int_equal(rename(scratch_path("backups/cut"), draft_path), 0);
    struct backup_draft draft = open_ok();
    assert_false(is_there(draft_path));
    assert_false(is_there(scratch_path("backups/cut.json")));
    assert_true(is_there(scratch_path("backups/moved.json")));
    backup_draft_discard(&draft);
}

static void folder_that_is_none_is_said(void **state)
{
    (void)state;
    struct error err;
    struct backup_draft draft;
    char dir[PATH_MAX];
    (void)put_text("backups", "a file");
    assert_fails(backup_draft_open(&location, NULL, &draft, &err), &err, ERROR_BACKUP, "backups");
    (void)snprintf(dir, sizeof dir, "%s", scratch_path("no/such"));
    assert_fails(backup_draft_open(&location, dir, &draft, &err), &err, ERROR_BACKUP, "no/such");
    assert_true(err.hint[0] != '\0');
}

static int opens_in_closed_folder(void *context)
{
    struct error err = {.kind = ERROR_NONE};
    struct backup_draft draft;
    if (backup_draft_open(&location, context, &draft, &err) == 0)
        return 1;
    return err.kind == ERROR_BACKUP && err.hint[0] != '\0' ? 42 : 2;
}

static void closed_folder_is_73(void **state)
{
    (void)state;
    char dir[PATH_MAX];
    (void)snprintf(dir, sizeof dir, "%s", scratch_path("closed"));
    assert_int_equal(mkdir(dir, 0555), 0);
    assert_int_equal(chmod(scratch, 0755), 0);
    assert_int_equal(status_of_child(opens_in_closed_folder, dir, true), 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(draft_is_hidden_until_it_is_published, setup, scratch_end),
        cmocka_unit_test_setup_teardown(names_that_meet_are_numbered, setup, scratch_end),
        cmocka_unit_test_setup_teardown(volume_without_modes_takes_backups, setup, scratch_end),
        cmocka_unit_test_setup_teardown(discarded_draft_leaves_nothing, setup, scratch_end),
        cmocka_unit_test_setup_teardown(failed_publishing_leaves_nothing, setup, scratch_end),
        cmocka_unit_test_setup_teardown(leftovers_of_the_dead_are_cleared, setup, scratch_end),
        cmocka_unit_test_setup_teardown(the_manifest_of_a_cut_off_draft_is_cleared_alone, setup,
                                        scratch_end),
        cmocka_unit_test_setup_teardown(folder_that_is_none_is_said, setup, scratch_end),
        cmocka_unit_test_setup_teardown(closed_folder_is_73, setup, scratch_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
