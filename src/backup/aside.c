/* See aside.h. */
#include "backup/aside.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backup/copy.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/text.h"

#define MARK ".aside-"
#define MAX_SEQUENCE 1000
/* Room for what is put behind a path: the suffixes of SQLite's companions. */
#define SUFFIX_ROOM 16

static const char *const companions_kept[] = {"-wal", "-journal"};

static const char *with_suffix(const char *path, const char *suffix, char out[PATH_MAX])
{
    (void)snprintf(out, PATH_MAX, "%.*s%s", PATH_MAX - SUFFIX_ROOM, path, suffix);
    return out;
}

static bool is_there(const char *path)
{
    return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* FILE.aside-2026-01-20T09-40-00Z-newer, with a number behind it from the second on. */
static int make_name(const struct store_location *location, time_t when, const char *why,
                     int sequence, char out[PATH_MAX], struct error *err)
{
    char word[33];
    char number[16] = "";
    struct tm tm;
    (void)gmtime_r(&when, &tm);
    (void)snprintf(word, sizeof word, "%s", why);
    for (char *at = word; *at != '\0'; at++)
        if (!isalnum((unsigned char)*at))
            *at = '-';
    if (sequence > 1)
        (void)snprintf(number, sizeof number, "-%d", sequence);
    int n = snprintf(out, PATH_MAX, "%s" MARK "%04d-%02d-%02dT%02d-%02d-%02dZ-%s%s", location->db,
                     tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                     word, number);
    if (n < 0 || n >= PATH_MAX - SUFFIX_ROOM || strlen(fs_base_name(out)) > NAME_MAX - SUFFIX_ROOM)
        return error_set(err, ERROR_CONFIG, ENAMETOOLONG, "cannot keep %s aside under %s",
                         location->db, fs_base_name(out));
    return 0;
}

/* SQLite would take whatever lies under the companions' names for the file's own. */
static bool is_free(const char *path)
{
    char companion[PATH_MAX];
    for (size_t i = 0; i < sizeof companions_kept / sizeof companions_kept[0]; i++)
        if (is_there(with_suffix(path, companions_kept[i], companion)))
            return false;
    return !is_there(path) && !is_there(with_suffix(path, "-shm", companion));
}

static int cannot_keep(const struct store_location *location, struct error *err)
{
    int sys = errno;
    bool full = sys == ENOSPC || sys == EDQUOT;
    if (sys == EXDEV) {
        (void)error_set(err, ERROR_CONFIG, 0,
                        "the database %s is mounted as a file of its own, so that nothing can take "
                        "its place",
                        location->db);
        return error_hint(err, "nothing was changed; mount the folder it is in instead");
    }
    (void)error_set(err, full ? ERROR_BACKUP : error_kind_of_errno(sys), sys,
                    "cannot keep the database %s aside", location->db);
    if (full)
        return error_hint(err, "nothing was changed; free space on its volume");
    if (err->kind == ERROR_PERMISSION)
        fs_permission_hint(err, location->dir);
    else
        (void)error_hint(err, "nothing was changed; look after the disk");
    return -1;
}

/* 1 when the name was taken meanwhile. */
static int keep_by_copy(const struct store_location *location, int db, const char *path,
                        struct error *err)
{
    struct stat st;
    struct backup_hash_job sum;
    char hex[HASH_HEX_SIZE];
    bool cloned = false;
    int64_t bytes = 0;
    cleanup_close int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno == EEXIST ? 1 : cannot_keep(location, err);
    int result = fstat(db, &st) == 0 ? 0 : cannot_keep(location, err);
    if (result == 0 && backup_copy_file(db, fd, &cloned, &bytes, err) != 0) {
        errno = err->sys;
        result = err->kind == ERROR_INTERRUPTED ? -1 : cannot_keep(location, err);
    }
    if (result == 0) {
        backup_hash_start(&sum, fd, db);
        result = backup_hash_finish(&sum, hex, err);
    }
    if (result == 0) {
        (void)!fchown(fd, st.st_uid, st.st_gid);
        (void)fchmod(fd, st.st_mode & 0777);
        if (bytes != st.st_size)
            result = error_set(err, ERROR_IO, 0, "%lld of %lld bytes of %s could be kept aside",
                               (long long)bytes, (long long)st.st_size, location->db);
        else if (fdatasync(fd) != 0)
            result = cannot_keep(location, err);
    }
    if (result != 0)
        (void)unlink(path);
    return result;
}

/* The same. */
static int keep_file(const struct store_location *location, int db, const char *path,
                     struct error *err)
{
    if (link(location->db, path) == 0)
        return 0;
    if (errno == EEXIST)
        return 1;
    if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS || errno == EMLINK)
        return keep_by_copy(location, db, path, err);
    return cannot_keep(location, err);
}

static int move_companions(const struct store_location *location, const char *path,
                           struct error *err)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    for (size_t i = 0; i < sizeof companions_kept / sizeof companions_kept[0]; i++) {
        (void)store_sibling(location, companions_kept[i], from);
        if (is_there(from) &&
            fs_rename_exclusive(from, with_suffix(path, companions_kept[i], to)) != 0)
            return cannot_keep(location, err);
    }
    return 0;
}

int backup_aside_keep(const struct store_location *location, int db, const char *why,
                      bool companions, struct backup_aside *ret_aside, struct error *err)
{
    struct backup_aside aside;
    int ms = 0;
    time_t when = clock_utc(&ms);
    int result = 1;
    for (int sequence = 1; result == 1 && sequence <= MAX_SEQUENCE; sequence++) {
        if (make_name(location, when, why, sequence, aside.path, err) != 0)
            return -1;
        if (!is_free(aside.path))
            continue;
        result = db >= 0 ? keep_file(location, db, aside.path, err) : 0;
    }
    if (result == 1)
        result =
            error_set(err, ERROR_IO, 0, "there is no free name to keep %s aside", location->db);
    if (result != 0)
        return -1;
    if (companions)
        result = move_companions(location, aside.path, err);
    if (result == 0 && fs_sync_dir(location->dir) != 0)
        result = cannot_keep(location, err);
    if (result != 0) {
        backup_aside_undo(location, &aside);
        return -1;
    }
    *ret_aside = aside;
    return 0;
}

/* The companions first: as long as the file has both names, a crash in here is recovered too. */
void backup_aside_undo(const struct store_location *location, const struct backup_aside *aside)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    for (size_t i = 0; i < sizeof companions_kept / sizeof companions_kept[0]; i++)
        if (is_there(with_suffix(aside->path, companions_kept[i], from)))
            (void)fs_rename_exclusive(from, store_sibling(location, companions_kept[i], to));
    (void)unlink(aside->path);
    (void)fs_sync_dir(location->dir);
}

void backup_aside_recover(const struct store_location *location)
{
    struct stat db;
    struct stat st;
    struct backup_aside aside;
    char prefix[NAME_MAX + 1];
    if (lstat(location->db, &db) != 0 || !S_ISREG(db.st_mode) || db.st_nlink < 2)
        return;
    (void)snprintf(prefix, sizeof prefix, "%.*s" MARK, NAME_MAX - SUFFIX_ROOM,
                   fs_base_name(location->db));
    DIR *entries = opendir(location->dir);
    const struct dirent *entry = NULL;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        if (!text_starts_with(entry->d_name, prefix) ||
            fstatat(dirfd(entries), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            st.st_dev != db.st_dev || st.st_ino != db.st_ino)
            continue;
        int n = snprintf(aside.path, sizeof aside.path, "%s/%s", location->dir, entry->d_name);
        if (n > 0 && (size_t)n < sizeof aside.path - SUFFIX_ROOM)
            backup_aside_undo(location, &aside);
    }
    if (entries != NULL)
        (void)closedir(entries);
}

bool backup_aside_newest(const struct store_location *location, const char *why, const char *moment,
                         char ret_path[PATH_MAX])
{
    char prefix[NAME_MAX + 1];
    char newest[NAME_MAX + 1] = "";
    char since[CLOCK_TEXT_SIZE];
    (void)snprintf(prefix, sizeof prefix, "%.*s" MARK, NAME_MAX - SUFFIX_ROOM,
                   fs_base_name(location->db));
    (void)snprintf(since, sizeof since, "%.19s", moment);
    for (char *at = since; *at != '\0'; at++)
        if (*at == ':')
            *at = '-';
    DIR *entries = opendir(location->dir);
    const struct dirent *entry = NULL;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        const char *when = entry->d_name + strlen(prefix);
        if (!text_starts_with(entry->d_name, prefix) || strlen(when) <= 21 ||
            strncmp(when, since, strlen(since)) < 0 || !text_starts_with(when + 21, why) ||
            text_ends_with(when, "-wal") || text_ends_with(when, "-journal") ||
            strcmp(entry->d_name, newest) <= 0)
            continue;
        (void)snprintf(newest, sizeof newest, "%s", entry->d_name);
    }
    if (entries != NULL)
        (void)closedir(entries);
    int n = snprintf(ret_path, PATH_MAX, "%s/%s", location->dir, newest);
    return newest[0] != '\0' && n > 0 && n < PATH_MAX;
}
