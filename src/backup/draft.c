/* See draft.h. */
#include "backup/draft.h"

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
#include "backup/name.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/text.h"
#include "store/interrupt.h"

#define TEMP_PREFIX ".liteinit-"
#define TEMP_SUFFIX ".tmp"
#define MANIFEST_SUFFIX ".json"
#define MAX_SEQUENCE 10000
#define FULL_HINT "free space on the backup volume, or put backups elsewhere with --backup-dir"
#define LOCK_PATIENCE_MS 5000
#define LOCK_POLL_MS 5

void backup_folder_path(const struct store_location *location, const char *dir, char out[PATH_MAX])
{
    if (dir != NULL)
        (void)snprintf(out, PATH_MAX, "%s", dir);
    else
        (void)snprintf(out, PATH_MAX, "%.*s/backups", PATH_MAX - 16, location->dir);
}

/* An error of the backup folder or a file in it: the kind is 73 whatever the reason, since the
 * app's own data is not at stake. */
static int folder_error(struct error *err, const char *what, const char *path)
{
    int sys = errno;
    (void)error_set(err, ERROR_BACKUP, sys, "cannot %s %s", what, path);
    if (sys == ENOSPC || sys == EDQUOT) {
        (void)error_hint(err, FULL_HINT);
    } else if (error_kind_of_errno(sys) == ERROR_PERMISSION) {
        char parent[PATH_MAX];
        fs_dir_name(path, parent, sizeof parent);
        fs_permission_hint(err, access(path, F_OK) == 0 ? path : parent);
    } else {
        (void)error_hint(err, "check the folder, or name another with --backup-dir");
    }
    return -1;
}

int backup_folder_lock(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int64_t deadline = clock_monotonic_ms() + LOCK_PATIENCE_MS;
    while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 &&
           (errno == EWOULDBLOCK || errno == EINTR) && !store_interrupted() &&
           clock_monotonic_ms() < deadline)
        clock_sleep_ms(LOCK_POLL_MS);
    return fd;
}

static bool is_draft(const char *name)
{
    return text_starts_with(name, TEMP_PREFIX) && text_ends_with(name, TEMP_SUFFIX);
}

/* What fs_replace_file() calls a manifest that is not whole yet: NAME.json.PID.tmp. */
static bool is_unfinished_manifest(const char *name)
{
    const char *at = strstr(name, MANIFEST_SUFFIX ".");
    if (at == NULL || name[0] == '.')
        return false;
    at += strlen(MANIFEST_SUFFIX ".");
    size_t digits = strspn(at, "0123456789");
    return digits > 0 && strcmp(at + digits, TEMP_SUFFIX) == 0;
}

/* Databases seldom change their size, so that the size alone tells nothing. */
static bool is_manifest_of(const struct backup_manifest *manifest, int draft)
{
    struct stat st;
    struct error ignored;
    char sum[HASH_HEX_SIZE];
    return fstat(draft, &st) == 0 && st.st_size == manifest->size &&
           backup_hash_file(draft, sum, &ignored) == 0 && strcmp(sum, manifest->sha256) == 0;
}

/* The manifest of a draft that was cut off between its two names: of its content, and of no file.
 * One whose backup somebody has moved or packed is not touched. */
static void clear_manifest(const char *dir, int draft)
{
    char path[PATH_MAX];
    struct error ignored;
    struct backup_manifest manifest;
    DIR *entries = opendir(dir);
    const struct dirent *entry = NULL;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        int n = snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (n < 0 || (size_t)n >= sizeof path || !text_ends_with(path, MANIFEST_SUFFIX))
            continue;
        path[(size_t)n - strlen(MANIFEST_SUFFIX)] = '\0';
        if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            continue;
        path[(size_t)n - strlen(MANIFEST_SUFFIX)] = MANIFEST_SUFFIX[0];
        if (backup_manifest_read(path, &manifest, &ignored) != 0)
            continue;
        if (is_manifest_of(&manifest, draft))
            (void)unlink(path);
        backup_manifest_free(&manifest);
    }
    if (entries != NULL)
        (void)closedir(entries);
}

/* Temporary files whose maker is gone: the lock of a draft is free, and whoever writes a manifest
 * has the folder locked, which we have now. */
static void clear_leftovers(const char *dir)
{
    DIR *entries = opendir(dir);
    const struct dirent *entry = NULL;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        if (is_unfinished_manifest(entry->d_name))
            (void)unlinkat(dirfd(entries), entry->d_name, 0);
        if (!is_draft(entry->d_name))
            continue;
        cleanup_close int fd =
            openat(dirfd(entries), entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
            continue;
        clear_manifest(dir, fd);
        (void)unlinkat(dirfd(entries), entry->d_name, 0);
    }
    if (entries != NULL)
        (void)closedir(entries);
}

/* An app that owns the database's folder could lead root elsewhere by a link where the backups go
 * by themselves. A folder that somebody has named may be a link of anybody's. */
static int refuse_planted_link(const char *dir, struct error *err)
{
    struct stat st;
    if (geteuid() != 0 || lstat(dir, &st) != 0 || !S_ISLNK(st.st_mode) || st.st_uid == 0)
        return 0;
    (void)error_set(err, ERROR_BACKUP, 0, "the backup folder %s is a link that user %u made", dir,
                    (unsigned)st.st_uid);
    return error_hint(err, "if it is meant so, name the folder itself with --backup-dir");
}

static int make_folder(const struct store_location *location, const char *dir, struct error *err)
{
    struct stat st;
    if (mkdir(dir, 0700) == 0) {
        char parent[PATH_MAX];
        store_adopt_owner(location, dir);
        /* A power cut must not take the folder away from under its first backup. */
        fs_dir_name(dir, parent, sizeof parent);
        (void)fs_sync_dir(parent);
    } else if (errno != EEXIST) {
        return folder_error(err, "make the backup folder", dir);
    }
    if (stat(dir, &st) != 0)
        return folder_error(err, "use the backup folder", dir);
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return folder_error(err, "use the backup folder", dir);
    }
    return 0;
}

int backup_draft_open(const struct store_location *location, const char *dir,
                      struct backup_draft *ret_draft, struct error *err)
{
    struct backup_draft draft = {.fd = -1};
    struct stat source;
    backup_folder_path(location, dir, draft.dir);
    if ((dir == NULL && refuse_planted_link(draft.dir, err) != 0) ||
        make_folder(location, draft.dir, err) != 0)
        return -1;
    cleanup_close int folder = backup_folder_lock(draft.dir);
    clear_leftovers(draft.dir);
    if (stat(location->db, &source) != 0)
        return error_set(err, ERROR_IO, errno, "cannot look at %s", location->db);
    draft.mode = (source.st_mode & 0666) | 0600;

    int n =
        snprintf(draft.temp, sizeof draft.temp, "%s/" TEMP_PREFIX "XXXXXX" TEMP_SUFFIX, draft.dir);
    if (n < 0 || (size_t)n >= sizeof draft.temp)
        return error_set(err, ERROR_CONFIG, ENAMETOOLONG, "the backup folder %s", draft.dir);
    /* mkostemps makes it 0600 and O_EXCL: nobody can have planted it. */
    draft.fd = mkostemps(draft.temp, (int)strlen(TEMP_SUFFIX), O_CLOEXEC);
    if (draft.fd < 0)
        return folder_error(err, "write into the backup folder", draft.dir);
    (void)flock(draft.fd, LOCK_EX | LOCK_NB);
    /* Only root may give files away; others own what they make, which is right then. */
    if (geteuid() == 0)
        (void)!fchown(draft.fd, source.st_uid, source.st_gid);
    /* Volumes without modes (exFAT) refuse. */
    if (fchmod(draft.fd, draft.mode) != 0 && errno != EPERM && errno != EOPNOTSUPP) {
        (void)folder_error(err, "set the mode of", draft.temp);
        backup_draft_discard(&draft);
        return -1;
    }
    *ret_draft = draft;
    return 0;
}

int backup_draft_sync(const struct backup_draft *draft, struct error *err)
{
    if (fdatasync(draft->fd) != 0)
        return folder_error(err, "sync the backup", draft->temp);
    return 0;
}

/* Publishes under one name; 1 when the name is taken. */
static int publish_as(const struct backup_draft *draft, const char *name,
                      const struct backup_manifest *manifest, char ret_path[PATH_MAX],
                      struct error *err)
{
    char path[PATH_MAX];
    char json[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", draft->dir, name);
    int m = snprintf(json, sizeof json, "%s/%s.json", draft->dir, name);
    if (n < 0 || m < 0 || (size_t)n >= sizeof path || (size_t)m >= sizeof json)
        return error_set(err, ERROR_CONFIG, ENAMETOOLONG, "the backup %s", name);
    if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
        faccessat(AT_FDCWD, json, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return 1;
    struct stat st;
    const struct stat *owner = fstat(draft->fd, &st) == 0 ? &st : NULL;
    if (backup_manifest_write(json, manifest, draft->mode, owner, err) != 0) {
        (void)unlink(json);
        if (err->sys == ENOSPC || err->sys == EDQUOT)
            (void)error_hint(err, FULL_HINT);
        if (err->kind != ERROR_CONFIG)
            err->kind = ERROR_BACKUP;
        return -1;
    }
    if (fs_rename_exclusive(draft->temp, path) != 0) {
        int taken = errno == EEXIST;
        (void)folder_error(err, "rename the backup to", path);
        (void)unlink(json);
        return taken ? 1 : -1;
    }
    if (fs_sync_dir(draft->dir) != 0)
        return folder_error(err, "sync the backup folder", draft->dir);
    (void)snprintf(ret_path, PATH_MAX, "%s", path);
    return 0;
}

int backup_draft_publish(struct backup_draft *draft, const char *pattern,
                         const struct backup_manifest *manifest, char ret_path[PATH_MAX],
                         struct error *err)
{
    char name[NAME_MAX + 1];
    struct backup_name_parts parts = {
        .db = manifest->source,
        .reason = manifest->reason,
        .version = manifest->schema_version,
    };
    parts.when = clock_utc(&parts.ms);
    cleanup_close int folder = backup_folder_lock(draft->dir);
    int result = 1;
    for (int sequence = 1; result == 1 && sequence <= MAX_SEQUENCE; sequence++) {
        result = backup_name_expand(pattern, &parts, sequence, name, err);
        if (result == 0)
            result = publish_as(draft, name, manifest, ret_path, err);
    }
    if (result == 1)
        result = error_set(err, ERROR_BACKUP, 0, "no free name for the backup in %s", draft->dir);
    backup_draft_discard(draft);
    return result;
}

void backup_draft_discard(struct backup_draft *draft)
{
    if (draft->fd < 0)
        return;
    (void)unlink(draft->temp);
    (void)close(draft->fd);
    draft->fd = -1;
}
