/* See catalogue.h. */
#include "backup/catalogue.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/copy.h"
#include "backup/draft.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/text.h"

/* A -shm is never opened: where the backups lie beside the database, closing it would drop the locks
 * that our connection has on it in WAL mode (design fact 3). */
static bool is_sqlite(int dir, const char *name)
{
    char head[16];
    if (text_ends_with(name, "-shm"))
        return false;
    cleanup_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return fd >= 0 && pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head &&
           memcmp(head, "SQLite format 3", sizeof head) == 0;
}

/* Fills the entry from its manifest, if it has one that can be read. */
static void read_manifest(const char *dir, struct backup_entry *entry)
{
    char path[PATH_MAX];
    struct error ignored;
    int n = snprintf(path, sizeof path, "%s/%s.json", dir, entry->name);
    if (n < 0 || (size_t)n >= sizeof path || access(path, F_OK) != 0)
        return;
    if (backup_manifest_read(path, &entry->manifest, &ignored) != 0)
        return;
    entry->known = true;
    entry->verified = entry->manifest.verified && entry->manifest.size == entry->size;
}

/* `database` is the database's own file, which may lie in this folder: it is never opened, since
 * closing it would drop the locks of our connection (design fact 3). */
static int add_entry(struct backup_catalogue *catalogue, int dir, const char *name,
                     const struct stat *database, struct error *err)
{
    struct stat st;
    if (name[0] == '.' || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(st.st_mode) || (st.st_dev == database->st_dev && st.st_ino == database->st_ino))
        return 0;
    /* A manifest, unless the database itself is called so. */
    if (text_ends_with(name, ".json") && !is_sqlite(dir, name))
        return 0;
    struct backup_entry entry = {.size = st.st_size, .modified = st.st_mtime};
    entry.name = strdup(name);
    if (entry.name == NULL)
        return error_set(err, ERROR_IO, ENOMEM, "cannot list the backups");
    read_manifest(catalogue->dir, &entry);
    if (!entry.known && !is_sqlite(dir, name)) {
        free(entry.name);
        return 0;
    }
    struct backup_entry *grown =
        realloc(catalogue->entries, (catalogue->count + 1) * sizeof *grown);
    if (grown == NULL) {
        free(entry.name);
        backup_manifest_free(&entry.manifest);
        return error_set(err, ERROR_IO, ENOMEM, "cannot list the backups");
    }
    catalogue->entries = grown;
    grown[catalogue->count++] = entry;
    return 0;
}

/* Newest first: by the manifest's moment, else by the file's. */
static int newest_first(const void *a, const void *b)
{
    const struct backup_entry *left = a;
    const struct backup_entry *right = b;
    char left_time[CLOCK_TEXT_SIZE];
    char right_time[CLOCK_TEXT_SIZE];
    clock_format(left_time, left->modified, 0);
    clock_format(right_time, right->modified, 0);
    int order = strcmp(right->known ? right->manifest.created : right_time,
                       left->known ? left->manifest.created : left_time);
    return order != 0 ? order : strcmp(right->name, left->name);
}

int backup_catalogue_read(const struct store_location *location, const char *dir,
                          struct backup_catalogue *ret_catalogue, struct error *err)
{
    struct backup_catalogue catalogue = {.count = 0};
    backup_folder_path(location, dir, catalogue.dir);
    DIR *entries = opendir(catalogue.dir);
    if (entries == NULL && errno != ENOENT) {
        (void)error_set(err, error_kind_of_errno(errno), errno, "cannot read the backup folder %s",
                        catalogue.dir);
        if (err->kind == ERROR_PERMISSION)
            fs_permission_hint(err, catalogue.dir);
        return -1;
    }
    int result = 0;
    struct stat database = {.st_ino = 0};
    const struct dirent *entry = NULL;
    (void)stat(location->db, &database);
    while (entries != NULL && result == 0 && (entry = readdir(entries)) != NULL)
        result = add_entry(&catalogue, dirfd(entries), entry->d_name, &database, err);
    if (entries != NULL)
        (void)closedir(entries);
    if (result != 0) {
        backup_catalogue_free(&catalogue);
        return -1;
    }
    if (catalogue.count > 1)
        qsort(catalogue.entries, catalogue.count, sizeof *catalogue.entries, newest_first);
    *ret_catalogue = catalogue;
    return 0;
}

void backup_catalogue_free(struct backup_catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->count; i++) {
        free(catalogue->entries[i].name);
        backup_manifest_free(&catalogue->entries[i].manifest);
    }
    free(catalogue->entries);
    catalogue->entries = NULL;
    catalogue->count = 0;
}

static bool sum_is_right(const char *path, const char *sha256)
{
    struct error ignored;
    char sum[HASH_HEX_SIZE];
    cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return fd >= 0 && backup_hash_file(fd, sum, &ignored) == 0 && strcmp(sum, sha256) == 0;
}

bool backup_catalogue_is_ours(const struct backup_entry *entry,
                              const struct store_location *location)
{
    char folder[STORE_FOLDER_SIZE];
    store_folder_identity(location, folder);
    return entry->verified && entry->manifest.source != NULL &&
           strcmp(entry->manifest.source, location->db) == 0 && folder[0] != '\0' &&
           strcmp(entry->manifest.source_folder, folder) == 0;
}

bool backup_catalogue_find(const struct backup_catalogue *catalogue,
                           const struct store_location *location, const char *stamp,
                           char ret_path[PATH_MAX])
{
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct backup_entry *entry = &catalogue->entries[i];
        char path[PATH_MAX];
        if (!backup_catalogue_is_ours(entry, location) || entry->manifest.stamp == NULL ||
            strcmp(entry->manifest.stamp, stamp) != 0)
            continue;
        int n = snprintf(path, sizeof path, "%s/%s", catalogue->dir, entry->name);
        if (n < 0 || (size_t)n >= sizeof path || !sum_is_right(path, entry->manifest.sha256))
            continue;
        (void)snprintf(ret_path, PATH_MAX, "%s", path);
        return true;
    }
    return false;
}

bool backup_catalogue_fitting(const struct backup_catalogue *catalogue,
                              const struct store_location *location, int64_t version,
                              char ret_path[PATH_MAX])
{
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct backup_entry *entry = &catalogue->entries[i];
        char path[PATH_MAX];
        int n = snprintf(path, sizeof path, "%s/%s", catalogue->dir, entry->name);
        if (n < 0 || (size_t)n >= sizeof path || !backup_catalogue_is_ours(entry, location) ||
            entry->manifest.schema_version > version)
            continue;
        (void)snprintf(ret_path, PATH_MAX, "%s", path);
        return true;
    }
    return false;
}

void backup_catalogue_restamp(const char *path, const char *stamp)
{
    char json[PATH_MAX];
    struct stat st;
    struct error ignored;
    struct backup_manifest manifest;
    char dir[PATH_MAX];
    fs_dir_name(path, dir, sizeof dir);
    /* Before the look: a retention of another liteinit's may be at work here. */
    cleanup_close int folder = backup_folder_lock(dir);
    int n = snprintf(json, sizeof json, "%s.json", path);
    if (n < 0 || (size_t)n >= sizeof json || lstat(json, &st) != 0 || !S_ISREG(st.st_mode) ||
        backup_manifest_read(json, &manifest, &ignored) != 0)
        return;
    char *copy = strdup(stamp);
    if (copy != NULL) {
        free(manifest.stamp);
        manifest.stamp = copy;
        (void)backup_manifest_write(json, &manifest, st.st_mode & 0777, &st, &ignored);
    }
    backup_manifest_free(&manifest);
}

/* The file first: a manifest alone is taken for no backup. */
static int remove_entry(const struct backup_catalogue *catalogue, const struct backup_entry *entry,
                        struct error *err)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", catalogue->dir, entry->name);
    if (n < 0 || (size_t)n >= sizeof path - 8)
        return error_set(err, ERROR_IO, ENAMETOOLONG, "cannot remove the backup %s", entry->name);
    /* Somebody else may have removed it meanwhile. */
    if (unlink(path) != 0 && errno != ENOENT)
        return error_set(err, error_kind_of_errno(errno), errno, "cannot remove the old backup %s",
                         path);
    (void)strcat(path, ".json"); /* NOLINT(clang-analyzer-security.insecureAPI.strcpy) */
    (void)unlink(path);
    return 0;
}

int backup_catalogue_prune(const struct backup_catalogue *catalogue,
                           const struct store_location *location, int64_t keep, int64_t keep_days,
                           const char *spare,
                           void (*removed)(void *context, const struct backup_entry *entry),
                           void *context, struct error *err)
{
    int ms = 0;
    char oldest[CLOCK_TEXT_SIZE];
    int64_t seen = 0;
    clock_format(oldest, clock_utc(&ms) - (time_t)(keep_days * 86400), 0);
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct backup_entry *entry = &catalogue->entries[i];
        if (!backup_catalogue_is_ours(entry, location))
            continue;
        seen++;
        bool counted = keep > 0 && seen <= keep;
        bool young = keep_days > 0 && strcmp(entry->manifest.created, oldest) >= 0;
        bool spared = strcmp(entry->name, fs_base_name(spare)) == 0;
        if (seen == 1 || counted || young || spared || (keep == 0 && keep_days == 0))
            continue;
        if (remove_entry(catalogue, entry, err) != 0)
            return -1;
        removed(context, entry);
    }
    return 0;
}
