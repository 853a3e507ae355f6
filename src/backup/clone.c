/* See clone.h. */
#include "backup/clone.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/copy.h"
#include "backup/live.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/text.h"
#include "store/sql.h"

#define DIR_PREFIX ".liteinit-rehearsal-"
#define DB_NAME "rehearsal.db"
#define MAKE_ATTEMPTS 3

static const char *const files[] = {DB_NAME, DB_NAME "-wal", DB_NAME "-shm", DB_NAME "-journal"};

/* By name, and no more than we make: somebody may have planted the folder. */
static void empty_folder(int dir)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        (void)unlinkat(dir, files[i], 0);
}

void backup_clone_clear(const struct store_location *location)
{
    DIR *entries = opendir(location->dir);
    const struct dirent *entry = NULL;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        if (!text_starts_with(entry->d_name, DIR_PREFIX))
            continue;
        cleanup_close int dir =
            openat(dirfd(entries), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (dir < 0 || flock(dir, LOCK_EX | LOCK_NB) != 0)
            continue;
        empty_folder(dir);
        (void)unlinkat(dirfd(entries), entry->d_name, AT_REMOVEDIR);
    }
    if (entries != NULL)
        (void)closedir(entries);
}

static int cannot_make(const struct store_location *location, int sys, struct error *err)
{
    bool full = sys == ENOSPC || sys == EDQUOT;
    (void)error_set(err, full ? ERROR_BACKUP : error_kind_of_errno(sys), sys,
                    "cannot make a copy of the database to rehearse on in %s", location->dir);
    if (full)
        return error_hint(err, "nothing was changed; free space there");
    if (err->kind == ERROR_PERMISSION)
        fs_permission_hint(err, location->dir);
    return -1;
}

/* Makes the folder and locks it. Between the two another rehearsal may take it for a leftover. */
static int make_folder(const struct store_location *location, struct backup_clone *clone,
                       struct error *err)
{
    for (int i = 0; i < MAKE_ATTEMPTS; i++) {
        struct stat st;
        int n = snprintf(clone->dir, sizeof clone->dir, "%s/" DIR_PREFIX "XXXXXX", location->dir);
        if (n < 0 || (size_t)n >= sizeof clone->dir - sizeof "/" DB_NAME "-journal")
            return cannot_make(location, ENAMETOOLONG, err);
        if (mkdtemp(clone->dir) == NULL)
            return cannot_make(location, errno, err);
        clone->dir_fd = open(clone->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        /* Where folders cannot be locked it goes on without. */
        if (clone->dir_fd >= 0 &&
            (flock(clone->dir_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) &&
            fstat(clone->dir_fd, &st) == 0 && st.st_nlink > 0 && access(clone->dir, F_OK) == 0) {
            (void)snprintf(clone->db, sizeof clone->db, "%.*s/" DB_NAME, PATH_MAX - 32, clone->dir);
            return 0;
        }
        if (clone->dir_fd >= 0)
            (void)close(clone->dir_fd);
        clone->dir_fd = -1;
        (void)rmdir(clone->dir);
    }
    return cannot_make(location, EBUSY, err);
}

static int no_room(const struct store_location *location, int64_t have, int64_t need,
                   struct error *err)
{
    char free_text[32];
    char need_text[32];
    text_format_size(free_text, sizeof free_text, have);
    text_format_size(need_text, sizeof need_text, need);
    (void)error_set(err, ERROR_BACKUP, 0,
                    "no room to rehearse: the database's volume (%s) has %s free and %s are needed",
                    location->dir, free_text, need_text);
    return error_hint(err, "nothing was changed; free space there");
}

/* A file that nobody can write to, or of which it is proved afterwards that nobody did. */
static int copy_file(struct store_database *database, int source, int copy,
                     struct backup_clone *clone, struct error *err)
{
    char before[STORE_STAMP_SIZE];
    char after[STORE_STAMP_SIZE];
    const struct store_location *location = store_database_location(database);
    store_stamp(source, before);
    if (!clone->cloned && backup_copy_file(source, copy, &clone->cloned, &clone->bytes, err) != 0) {
        if (err->kind == ERROR_INTERRUPTED)
            return error_set(err, ERROR_INTERRUPTED, 0, "the rehearsal was stopped");
        return cannot_make(location, err->sys, err);
    }
    store_stamp(source, after);
    if (before[0] != '\0' && strcmp(before, after) == 0)
        return 0;
    (void)error_set(err, ERROR_BUSY, 0,
                    "somebody wrote to the database %s while it was copied to rehearse on",
                    location->db);
    return error_hint(err, "nothing was changed; rehearse as the user of the app, who may lock it");
}

static int copy_live(struct store_database *database, struct backup_clone *clone, struct error *err)
{
    bool same_moment = false;
    int result =
        backup_live_copy(store_handle(database), clone->db, NULL, &same_moment, &clone->bytes, err);
    if (result == 0 || err->kind != ERROR_BACKUP)
        return result;
    (void)error_wrap(err, "cannot make a copy to rehearse on");
    return error_hint(err, "nothing was changed; free space on the database's volume");
}

/* Whether the main file alone is the whole database, and stays so. */
static bool is_one_file(const struct store_database *database)
{
    if (store_is_still(database))
        return true;
    return store_is_exclusive(database) && store_wal_size(store_database_location(database)) == 0;
}

/*
 * Beside a living app. While a read transaction of ours lasts nobody writes to the main file: with a
 * rollback journal that takes the exclusive lock; and a WAL that is empty once our transaction has
 * begun had nothing that is not in the main file, so that we read at mark 0, which keeps checkpoints
 * out (https://www.sqlite.org/walformat.html, "WAL Locks"). Sharing the blocks takes so little time
 * that no writer notices; copying them would not, and is done otherwise.
 */
static bool clone_beside(struct store_database *database, int source, int copy, int64_t *ret_bytes)
{
    struct error ignored;
    sqlite3 *handle = store_handle(database);
    const bool wal = strcmp(store_journal_mode(database), "wal") == 0;
    bool cloned = false;
    if (sql_exec(handle, "BEGIN; SELECT count(*) FROM sqlite_schema", &ignored) == 0 &&
        (!wal || store_wal_size(store_database_location(database)) == 0))
        cloned = backup_copy_clone(source, copy, ret_bytes);
    if (sqlite3_get_autocommit(handle) == 0)
        (void)sql_exec(handle, "ROLLBACK", &ignored);
    return cloned;
}

static int fill(struct store_database *database, bool only_if_free, int64_t small,
                struct backup_clone *clone, bool *ret_made, struct error *err)
{
    const struct store_location *location = store_database_location(database);
    struct stat st = {.st_size = 0};
    int source = store_source_fd(database);
    bool one_file = is_one_file(database);
    cleanup_close int copy =
        openat(clone->dir_fd, DB_NAME, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    *ret_made = false;
    if (copy < 0 || (source >= 0 && fstat(source, &st) != 0))
        return cannot_make(location, errno, err);
    if (source < 0 && one_file) { /* made just now: there is nothing in it */
        *ret_made = true;
        return 0;
    }
    int64_t size = st.st_size + store_wal_size(location);
    clone->cloned = one_file ? backup_copy_clone(source, copy, &clone->bytes)
                             : source >= 0 && clone_beside(database, source, copy, &clone->bytes);
    if (only_if_free && !clone->cloned && size > small)
        return 0;
    int64_t need = clone->cloned ? size : 2 * size;
    int64_t have = fs_free_bytes(location->dir);
    if (have >= 0 && have < need)
        return no_room(location, have, need, err);
    *ret_made = true;
    if (clone->cloned && !one_file)
        return 0;
    if (one_file)
        return copy_file(database, source, copy, clone, err);
    return copy_live(database, clone, err);
}

int backup_clone_make(struct store_database *database, bool only_if_free, int64_t small,
                      struct backup_clone *ret_clone, bool *ret_made, struct error *err)
{
    struct backup_clone clone = {.dir_fd = -1};
    struct error failure;
    const struct store_location *location = store_database_location(database);
    int64_t start = clock_monotonic_ms();
    bool made = false;
    backup_clone_clear(location);
    int result = make_folder(location, &clone, &failure);
    if (result == 0)
        result = fill(database, only_if_free, small, &clone, &made, &failure);
    clone.duration_ms = clock_monotonic_ms() - start;
    if (result != 0 || !made)
        backup_clone_remove(&clone);
    if (result != 0 && !(only_if_free && failure.kind == ERROR_BACKUP)) {
        *err = failure;
        return -1;
    }
    *ret_made = result == 0 && made;
    if (*ret_made)
        *ret_clone = clone;
    return 0;
}

void backup_clone_remove(struct backup_clone *clone)
{
    if (clone->dir_fd < 0)
        return;
    empty_folder(clone->dir_fd);
    (void)rmdir(clone->dir);
    (void)close(clone->dir_fd);
    clone->dir_fd = -1;
}
