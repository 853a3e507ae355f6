/* See restore.h. */
#include "backup/restore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/aside.h"
#include "backup/catalogue.h"
#include "backup/copy.h"
#include "backup/manifest.h"
#include "backup/verify.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/text.h"
#include "store/database.h"
#include "store/holder.h"
#include "store/interrupt.h"

#define TEMP_PREFIX ".liteinit-restore-"
#define POLL_MS 20
/* The bytes that SQLite locks: https://www.sqlite.org/src/file/src/os.h, PENDING_BYTE and after.
 * Every connection that reads or writes has at least one of them locked, in WAL mode for as long
 * as it lives. */
#define SQLITE_LOCK_START 0x40000000
#define SQLITE_LOCK_LENGTH 512
#define OTHER_HINT "nothing was changed; take another backup (see: liteinit backups)"

struct work {
    const struct store_location *location;
    const char *backup;
    int64_t busy_ms;
    struct backup_manifest manifest;
    int source; /* the backup */
    char temp[PATH_MAX];
    int copy;     /* the temporary file */
    int db;       /* the old file, which carries the lock; -1: there is none */
    bool damaged; /* SQLite cannot open the old file: its companions go aside with it */
    struct backup_aside aside;
    struct backup_restore result;
};

static int stopped(struct error *err)
{
    return error_set(err, ERROR_INTERRUPTED, 0, "the restore was stopped; nothing was changed");
}

static int open_backup(struct work *w, struct error *err)
{
    char json[PATH_MAX];
    struct stat st;
    struct stat db;
    int n = snprintf(json, sizeof json, "%s.json", w->backup);
    if (n < 0 || (size_t)n >= sizeof json)
        return error_set(err, ERROR_CONFIG, ENAMETOOLONG, "the backup %.200s…", w->backup);
    /* Before the database's own lock is taken: should it be the same file, closing this descriptor
     * would drop it (design fact 3). */
    w->source = open(w->backup, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (w->source < 0 || fstat(w->source, &st) != 0) {
        int sys = errno;
        (void)error_set(err, error_kind_of_errno(sys), sys, "cannot open the backup %s", w->backup);
        if (err->kind == ERROR_PERMISSION)
            fs_permission_hint(err, w->backup);
        else
            (void)error_hint(err, OTHER_HINT);
        return -1;
    }
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_DATA, 0, "the backup %s is not a regular file", w->backup);
    if (stat(w->location->db, &db) == 0 && db.st_dev == st.st_dev && db.st_ino == st.st_ino)
        return error_set(err, ERROR_CONFIG, 0, "%s is the database itself and no backup of it",
                         w->backup);
    if (access(json, F_OK) != 0) {
        (void)error_set(err, ERROR_NOT_FOUND, 0,
                        "the backup %s has no manifest beside it (%s): nothing proves that it is "
                        "whole",
                        w->backup, fs_base_name(json));
        return error_hint(err, OTHER_HINT);
    }
    if (backup_manifest_read(json, &w->manifest, err) != 0)
        return error_hint(err, OTHER_HINT);
    if (!w->manifest.verified || w->manifest.size != st.st_size) {
        if (!w->manifest.verified)
            (void)error_set(err, ERROR_DATA, 0, "the backup %s was never verified", w->backup);
        else
            (void)error_set(err, ERROR_DATA, 0, "the backup %s has %lld bytes, and had %lld",
                            w->backup, (long long)st.st_size, (long long)w->manifest.size);
        return error_hint(err, OTHER_HINT);
    }
    return 0;
}

static int copy_error(const struct work *w, struct error *err)
{
    int sys = err->sys;
    bool full = sys == ENOSPC || sys == EDQUOT;
    if (err->kind == ERROR_INTERRUPTED)
        return stopped(err);
    (void)error_set(err, full ? ERROR_BACKUP : ERROR_IO, sys, "cannot copy the backup %s to %s",
                    w->backup, w->location->dir);
    return error_hint(err, full ? "nothing was changed; free space there"
                                : "nothing was changed; look after the disk");
}

/* The owner and mode of the file whose place it takes; never wider, whatever cannot be set. */
static int dress(const struct work *w, struct error *err)
{
    struct stat st;
    bool there = stat(w->location->db, &st) == 0;
    if (!there && fstat(w->source, &st) != 0)
        return error_set(err, ERROR_IO, errno, "cannot look at %s", w->backup);
    if (!there)
        store_adopt_owner(w->location, w->temp);
    else if (fchown(w->copy, st.st_uid, st.st_gid) != 0)
        /* Who is not root may still give it to a group of their own. */
        (void)!fchown(w->copy, (uid_t)-1, st.st_gid);
    mode_t mode = there ? st.st_mode & 0777 : (st.st_mode & 0666) | 0600;
    /* Volumes without modes (exFAT) refuse. */
    if (fchmod(w->copy, mode) != 0 && errno != EPERM && errno != EOPNOTSUPP)
        return error_set(err, ERROR_IO, errno, "cannot set the mode of %s", w->temp);
    return 0;
}

static int require_room(const struct work *w, struct error *err)
{
    char free_text[32];
    char need_text[32];
    int64_t have = fs_free_bytes(w->location->dir);
    if (have < 0 || have >= w->manifest.size)
        return 0;
    text_format_size(free_text, sizeof free_text, have);
    text_format_size(need_text, sizeof need_text, w->manifest.size);
    (void)error_set(err, ERROR_BACKUP, 0,
                    "no room to restore: the database's volume (%s) has %s free and the backup %s "
                    "needs %s",
                    w->location->dir, free_text, w->backup, need_text);
    return error_hint(err, "nothing was changed; free space there");
}

static int make_copy(struct work *w, struct error *err)
{
    int n = snprintf(w->temp, sizeof w->temp, "%s/" TEMP_PREFIX "XXXXXX", w->location->dir);
    if (n < 0 || (size_t)n >= sizeof w->temp)
        return error_set(err, ERROR_CONFIG, ENAMETOOLONG, "the folder %s", w->location->dir);
    w->copy = mkostemp(w->temp, O_CLOEXEC); /* 0600 and O_EXCL: nobody can have planted it */
    if (w->copy < 0) {
        (void)error_set(err, error_kind_of_errno(errno), errno, "cannot make a file in %s",
                        w->location->dir);
        w->temp[0] = '\0';
        if (err->sys == ENOSPC || err->sys == EDQUOT)
            return copy_error(w, err);
        if (err->kind == ERROR_PERMISSION)
            fs_permission_hint(err, w->location->dir);
        return -1;
    }
    (void)flock(w->copy, LOCK_EX | LOCK_NB); /* the sign of life, for backup_restore_clear() */
    w->result.cloned = backup_copy_clone(w->source, w->copy, &w->result.bytes);
    if (w->result.cloned)
        return 0;
    if (require_room(w, err) != 0)
        return -1;
    if (backup_copy_file(w->source, w->copy, &w->result.cloned, &w->result.bytes, err) != 0)
        return copy_error(w, err);
    return 0;
}

/* The copy is summed and checked rather than the backup: what is proved is what will be used, and
 * with the sum in the manifest it proves the backup too. */
static int prove_copy(struct work *w, struct error *err)
{
    struct backup_hash_job job;
    struct backup_manifest found = {.size = 0};
    struct error hash_error;
    char sum[HASH_HEX_SIZE];
    backup_hash_start(&job, w->copy, -1);
    int checked = backup_verify_file(w->temp, w->backup, false, &found, err);
    backup_manifest_free(&found);
    int hashed = backup_hash_finish(&job, sum, &hash_error);
    if (store_interrupted())
        return stopped(err);
    if (hashed != 0) {
        *err = hash_error;
        return copy_error(w, err);
    }
    if (strcmp(sum, w->manifest.sha256) != 0) {
        (void)error_set(err, ERROR_DATA, 0,
                        "the backup %s is damaged: it is not what it was when it was made (its "
                        "SHA-256 differs from the manifest's)",
                        w->backup);
        return error_hint(err, OTHER_HINT);
    }
    if (checked != 0) {
        (void)error_wrap(err, "the backup cannot be used");
        return error_hint(err, OTHER_HINT);
    }
    if (dress(w, err) != 0)
        return -1;
    if (fdatasync(w->copy) != 0) {
        (void)error_set(err, ERROR_IO, errno, "cannot sync");
        return copy_error(w, err);
    }
    return 0;
}

/* Makes the old database one file, and proves that nobody else is in. */
static int fold_old(struct work *w, struct error *err)
{
    struct store_probe probe;
    struct store_database *database = NULL;
    struct store_checkpoint fold;
    /* SQLite would delete a WAL beside an empty file; the probe refuses that as damage. */
    if (store_probe(w->location, true, &probe, err) != 0) {
        w->damaged = err->kind == ERROR_DATA || err->kind == ERROR_NOT_FOUND;
        return w->damaged ? 0 : -1;
    }
    if (probe.kind != STORE_DATABASE)
        return 0;
    if (store_open(w->location, STORE_EXCLUSIVE, w->busy_ms, &database, err) != 0) {
        w->damaged = store_error_is_damage(err);
        return w->damaged ? 0 : -1;
    }
    int result = store_checkpoint_truncate(database, &fold, err);
    if (result == 0 && !fold.complete)
        result = error_set(err, ERROR_BUSY, 0, "the WAL of %s could not be folded in: it is in use",
                           w->location->db);
    if (result != 0) {
        w->damaged = store_error_is_damage(err);
        store_keep_wal(database);
    }
    store_close(database);
    return w->damaged ? 0 : result;
}

static int in_use(const struct work *w, const char *holders, struct error *err)
{
    (void)error_set(err, ERROR_BUSY, 0, "the database %s is in use by %s", w->location->db,
                    holders[0] != '\0' ? holders : "another process");
    return error_hint(err, "nothing was changed; stop what uses it, then restore again");
}

static int lock_old(struct work *w, struct error *err)
{
    char holders[300] = "";
    struct flock lock = {.l_type = F_WRLCK,
                         .l_whence = SEEK_SET,
                         .l_start = SQLITE_LOCK_START,
                         .l_len = SQLITE_LOCK_LENGTH};
    int64_t deadline = clock_monotonic_ms() + w->busy_ms;
    w->db = open(w->location->db, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (w->db < 0 && errno == ENOENT)
        return 0;
    if (w->db < 0) {
        (void)error_set(err, error_kind_of_errno(errno), errno, "cannot open the database %s",
                        w->location->db);
        if (err->kind == ERROR_PERMISSION)
            fs_permission_hint(err, w->location->db);
        return -1;
    }
    for (;;) {
        bool locked = fcntl(w->db, F_SETLK, &lock) == 0;
        if (!locked && errno != EAGAIN && errno != EACCES && errno != EINTR)
            return error_set(err, ERROR_IO, errno, "cannot lock the database %s", w->location->db);
        store_holders(w->location, holders, sizeof holders);
        if (locked && holders[0] == '\0')
            return 0;
        if (store_interrupted())
            return stopped(err);
        if (clock_monotonic_ms() >= deadline)
            return in_use(w, holders, err);
        clock_sleep_ms(POLL_MS);
    }
}

/* A journal with a zeroed header ended in order: journal_mode=PERSIST. */
static bool has_content(const struct work *w, const char *suffix)
{
    char path[PATH_MAX];
    char first = 0;
    struct stat st;
    if (lstat(store_sibling(w->location, suffix, path), &st) != 0 || st.st_size == 0)
        return false;
    if (strcmp(suffix, "-journal") != 0)
        return true;
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return fd < 0 || pread(fd, &first, 1, 0) != 1 || first != 0;
}

static int become_alone(struct work *w, struct error *err)
{
    if (fold_old(w, err) != 0 || lock_old(w, err) != 0)
        return -1;
    if (w->db < 0 || w->damaged) {
        w->damaged = true;
        return 0;
    }
    if (!has_content(w, "-wal") && !has_content(w, "-journal"))
        return 0;
    (void)error_set(err, ERROR_BUSY, 0, "somebody used the database %s while it was to be restored",
                    w->location->db);
    return error_hint(err, "nothing was changed; stop what uses it, then restore again");
}

static int remove_companions(const struct work *w, struct error *err)
{
    static const char *const suffixes[] = {"-wal", "-journal", "-shm"};
    char path[PATH_MAX];
    bool removed = false;
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        if (unlink(store_sibling(w->location, suffixes[i], path)) == 0)
            removed = true;
        else if (errno != ENOENT)
            return error_set(err, error_kind_of_errno(errno), errno, "cannot remove %s", path);
    }
    if (removed && fs_sync_dir(w->location->dir) != 0)
        return error_set(err, ERROR_IO, errno, "cannot sync the folder %s", w->location->dir);
    return 0;
}

static int take_name(struct work *w, struct error *err)
{
    if (rename(w->temp, w->location->db) == 0) {
        w->temp[0] = '\0';
        return 0;
    }
    int sys = errno;
    (void)error_set(err, error_kind_of_errno(sys), sys, "cannot put the backup in the place of %s",
                    w->location->db);
    if (sys == EBUSY)
        return error_hint(err, "nothing was changed; the file is mounted by itself: mount the "
                               "folder it is in instead");
    return error_hint(err, "nothing was changed");
}

/* Nobody can write from here on, and nothing of the file is in a WAL. */
static bool is_as_known(const struct work *w, const char *known)
{
    char stamp[STORE_STAMP_SIZE];
    if (known == NULL || known[0] == '\0' || w->db < 0 || w->damaged)
        return false;
    store_stamp(w->db, stamp);
    return strcmp(stamp, known) == 0;
}

static int swap(struct work *w, const char *why, const char *known, struct error *err)
{
    char companion[PATH_MAX];
    if (is_as_known(w, known))
        why = NULL;
    if (store_interrupted())
        return stopped(err);
    if (why != NULL && backup_aside_keep(w->location, w->db, why, w->damaged, &w->aside, err) != 0)
        return -1;
    if (remove_companions(w, err) != 0 || take_name(w, err) != 0) {
        if (why != NULL)
            backup_aside_undo(w->location, &w->aside);
        return -1;
    }
    /* Where there was no file, what was kept is its WAL or journal, if anything. */
    if (why == NULL)
        w->result.aside[0] = '\0';
    else if (w->db >= 0)
        (void)snprintf(w->result.aside, PATH_MAX, "%s", w->aside.path);
    else if (snprintf(companion, sizeof companion, "%s-wal", w->aside.path) < PATH_MAX &&
             access(companion, F_OK) == 0)
        (void)snprintf(w->result.aside, PATH_MAX, "%s", companion);
    if (fs_sync_dir(w->location->dir) != 0) {
        (void)error_set(err, ERROR_IO, errno,
                        "the backup %s is in the place of %s, but the folder could not be synced",
                        w->backup, w->location->db);
        return error_hint(err, "what was there is in %s; look after the disk",
                          w->result.aside[0] != '\0' ? w->result.aside : "no file");
    }
    return 0;
}

/* The database now has the backup's content, byte for byte: the next start of a restart loop need
 * not make another backup of it (design fact 11). */
static void note_equality(const struct work *w)
{
    char stamp[STORE_STAMP_SIZE];
    char folder[STORE_FOLDER_SIZE];
    store_folder_identity(w->location, folder);
    store_stamp(w->copy, stamp);
    if (stamp[0] != '\0' && folder[0] != '\0' && strcmp(w->manifest.source, w->location->db) == 0 &&
        strcmp(w->manifest.source_folder, folder) == 0)
        backup_catalogue_restamp(w->backup, stamp);
}

void backup_restore_clear(const struct store_location *location)
{
    backup_aside_recover(location);
    DIR *entries = opendir(location->dir);
    const struct dirent *entry = NULL;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        if (!text_starts_with(entry->d_name, TEMP_PREFIX))
            continue;
        /* Of a restore of another database in this folder, which lives, when it is locked. */
        cleanup_close int fd =
            openat(dirfd(entries), entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
            (void)unlinkat(dirfd(entries), entry->d_name, 0);
    }
    if (entries != NULL)
        (void)closedir(entries);
}

int backup_restore(const struct store_location *location, const char *backup_path, const char *why,
                   const char *known, int64_t busy_ms, struct backup_restore *ret_restore,
                   struct error *err)
{
    struct work w = {.location = location,
                     .backup = backup_path,
                     .busy_ms = busy_ms,
                     .source = -1,
                     .copy = -1,
                     .db = -1};
    int64_t start = clock_monotonic_ms();
    backup_restore_clear(location);
    int result = open_backup(&w, err);
    if (result == 0)
        result = make_copy(&w, err);
    if (result == 0)
        result = prove_copy(&w, err);
    if (result == 0)
        result = become_alone(&w, err);
    if (result == 0)
        result = swap(&w, why, known, err);
    if (w.temp[0] != '\0')
        (void)unlink(w.temp);
    if (result == 0)
        note_equality(&w);
    const int descriptors[] = {w.source, w.copy, w.db};
    for (size_t i = 0; i < sizeof descriptors / sizeof descriptors[0]; i++)
        if (descriptors[i] >= 0)
            (void)close(descriptors[i]);
    backup_manifest_free(&w.manifest);
    if (result != 0)
        return -1;
    (void)snprintf(w.result.path, sizeof w.result.path, "%s", backup_path);
    w.result.duration_ms = clock_monotonic_ms() - start;
    *ret_restore = w.result;
    return 0;
}
