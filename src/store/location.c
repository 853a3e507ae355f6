/* See location.h. */
#include "store/location.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/text.h"

/* Room for the longest suffix that we or SQLite append. */
#define SUFFIX_ROOM 64
/* SQLite's own limit (MAX_PATHNAME of its unix part is 512), less the suffix. */
#define LONGEST_PATH (512 - SUFFIX_ROOM)
#define EXT4_MAGIC 0xEF53
#define BTRFS_MAGIC 0x9123683E

static int too_long(const char *path, struct error *err)
{
    (void)error_set(err, ERROR_CONFIG, 0, "the database path %.200s… is longer than SQLite takes",
                    path);
    return error_hint(err, "at most %d bytes: mount its folder under a shorter path", LONGEST_PATH);
}

static int locate_absent(const char *path, struct store_location *location, struct error *err)
{
    char dir[PATH_MAX];
    struct stat st;
    const char *base = fs_base_name(path);
    if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) {
        (void)error_set(err, ERROR_NOT_FOUND, 0,
                        "the database %s is a symbolic link to a file that is not there", path);
        return error_hint(err, "mount the volume that holds its target, or name the file itself");
    }
    if (base[0] == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        return error_set(err, ERROR_CONFIG, 0, "the database path %s names a folder", path);
    fs_dir_name(path, dir, sizeof dir);
    bool there = realpath(dir, location->dir) != NULL;
    if (!there || stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        int sys = there ? ENOTDIR : errno;
        (void)error_set(err, error_kind_of_errno(sys), sys,
                        "the folder %s of the database cannot be used", dir);
        if (err->kind == ERROR_PERMISSION)
            fs_permission_hint(err, dir);
        else
            (void)error_hint(err,
                             "mount a volume there (volumes: [\"./data:%s\"]) or name another "
                             "place with --db",
                             dir);
        return -1;
    }
    const char *slash = strcmp(location->dir, "/") == 0 ? "" : "/";
    int n = snprintf(location->db, sizeof location->db, "%s%s%s", location->dir, slash, base);
    if (n < 0 || n > LONGEST_PATH)
        return too_long(path, err);
    return 0;
}

int store_locate(const char *path, struct store_location *ret_location, struct error *err)
{
    struct store_location location;
    struct stat st;
    if (stat(path, &st) != 0) {
        int sys = errno;
        if (sys != ENOENT && sys != ENOTDIR) {
            (void)error_set(err, error_kind_of_errno(sys), sys, "cannot reach the database %s",
                            path);
            char dir[PATH_MAX];
            fs_dir_name(path, dir, sizeof dir);
            if (err->kind == ERROR_PERMISSION)
                fs_permission_hint(err, dir);
            return -1;
        }
        if (locate_absent(path, &location, err) != 0)
            return -1;
        *ret_location = location;
        return 0;
    }
    if (S_ISDIR(st.st_mode)) {
        (void)error_set(err, ERROR_CONFIG, 0, "the database path %s is a folder", path);
        return error_hint(err,
                          "name the file inside it, as --db %s/app.db; Docker makes a folder of a "
                          "file that is mounted before it exists",
                          path);
    }
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_CONFIG, 0, "the database path %s is not a regular file", path);
    if (realpath(path, location.db) == NULL)
        return error_set(err, error_kind_of_errno(errno), errno, "cannot resolve %s", path);
    if (strlen(location.db) > LONGEST_PATH)
        return too_long(path, err);
    fs_dir_name(location.db, location.dir, sizeof location.dir);
    *ret_location = location;
    return 0;
}

const char *store_sibling(const struct store_location *location, const char *suffix,
                          char out[PATH_MAX])
{
    (void)snprintf(out, PATH_MAX, "%.*s%s", PATH_MAX - SUFFIX_ROOM, location->db, suffix);
    return out;
}

bool store_is_planted(const struct store_location *location, const struct stat *st)
{
    struct stat dir;
    if (!S_ISREG(st->st_mode))
        return true;
    return geteuid() == 0 && st->st_nlink > 1 && st->st_uid == 0 &&
           stat(location->dir, &dir) == 0 && dir.st_uid != 0;
}

int store_planted_error(const char *path, struct error *err)
{
    char quoted[PATH_MAX + 8];
    (void)error_set(err, ERROR_CONFIG, 0,
                    "%s is no file of its own, but a link or a device: what is written to it would "
                    "go elsewhere",
                    path);
    return error_hint(err, "nothing was changed; find out who put it there, then remove it: rm %s",
                      text_shell_quote(quoted, sizeof quoted, path));
}

/* The size of a companion; notes when it is there. SQLite follows a link under the name of a -wal
 * or a -journal. */
static int companion_size(const struct store_location *location, const char *suffix, bool *there,
                          int64_t *ret_size, struct error *err)
{
    char path[PATH_MAX];
    struct stat st;
    *ret_size = 0;
    if (lstat(store_sibling(location, suffix, path), &st) != 0)
        return 0;
    if (store_is_planted(location, &st))
        return store_planted_error(path, err);
    *there = true;
    *ret_size = st.st_size;
    return 0;
}

static uint32_t big_endian(const unsigned char *at, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static int not_a_database(const struct store_location *location, struct error *err)
{
    (void)error_set(err, ERROR_DATA, 0,
                    "%s is not an SQLite database: its first bytes are not SQLite's header",
                    location->db);
    return error_hint(err,
                      "nothing was changed; check that --db names the right file (an encrypted "
                      "database cannot be handled), or put a backup in its place");
}

/* The header of the file format: https://www.sqlite.org/fileformat2.html, section 1.3. */
static int read_header(const struct store_location *location, int fd, struct store_probe *probe,
                       struct error *err)
{
    unsigned char header[100];
    ssize_t n = pread(fd, header, sizeof header, 0);
    if (n < 0)
        return error_set(err, ERROR_IO, errno, "cannot read %s", location->db);
    if (n < (ssize_t)sizeof header || memcmp(header, "SQLite format 3", 16) != 0)
        return not_a_database(location, err);

    uint32_t page_size = big_endian(header + 16, 2);
    if (page_size == 1)
        page_size = 65536;
    if (page_size < 512 || (page_size & (page_size - 1)) != 0)
        return not_a_database(location, err);
    uint32_t counter = big_endian(header + 24, 4);
    uint32_t pages = big_endian(header + 28, 4);
    uint32_t valid_for = big_endian(header + 92, 4);
    probe->page_size = page_size;
    probe->wal_mode = header[18] == 2;

    /* The page count in the header counts only when both counters agree, and while a WAL or a
     * journal waits, the main file alone need not be whole. */
    int64_t expected = (int64_t)pages * page_size;
    if (probe->wal_size == 0 && probe->journal_size == 0 && counter == valid_for &&
        probe->size < expected) {
        (void)error_set(err, ERROR_DATA, 0,
                        "the database %s is truncated: it has %" PRId64
                        " bytes and its header says %" PRId64,
                        location->db, probe->size, expected);
        return error_hint(err, "nothing was changed; put the newest verified backup in its place "
                               "(see: liteinit backups)");
    }
    return 0;
}

void store_folder_identity(const struct store_location *location, char out[STORE_FOLDER_SIZE])
{
    struct stat st;
    struct statfs fs;
    out[0] = '\0';
    if (stat(location->dir, &st) != 0 || statfs(location->dir, &fs) != 0)
        return;
    /* The top of every ext4 volume is inode 2, of every btrfs subvolume 256. Both derive their
     * statfs id from the volume's UUID; others from the device's number, which may be another one
     * after the next boot. */
    uint32_t id[2] = {0, 0};
    if (fs.f_type == EXT4_MAGIC || fs.f_type == BTRFS_MAGIC)
        memcpy(id, &fs.f_fsid, sizeof id);
    (void)snprintf(out, STORE_FOLDER_SIZE, "%ju-%08" PRIx32 "%08" PRIx32, (uintmax_t)st.st_ino,
                   id[0], id[1]);
}

void store_stamp(int fd, char out[STORE_STAMP_SIZE])
{
    struct stat st;
    unsigned char counter[4] = {0};
    out[0] = '\0';
    if (fstat(fd, &st) != 0 || pread(fd, counter, sizeof counter, 24) < 0)
        return;
    (void)snprintf(out, STORE_STAMP_SIZE, "%ju:%jd:%jd.%09ld:%jd.%09ld:%" PRIu32,
                   (uintmax_t)st.st_ino, (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
                   st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec,
                   big_endian(counter, 4));
}

/* Whether the journal belongs to a database that had pages when it was begun. One of a first
 * transaction that was killed has none to restore, and SQLite itself throws it away:
 * https://www.sqlite.org/fileformat2.html, section 3. */
static bool journal_has_pages(const struct store_location *location)
{
    static const unsigned char magic[8] = {0xD9, 0xD5, 0x05, 0xF9, 0x20, 0xA1, 0x63, 0xD7};
    unsigned char header[20];
    char path[PATH_MAX];
    cleanup_close int fd = open(store_sibling(location, "-journal", path),
                                O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return true;
    ssize_t n = pread(fd, header, sizeof header, 0);
    return n < 0 || (n == (ssize_t)sizeof header && memcmp(header, magic, sizeof magic) == 0 &&
                     big_endian(header + 16, 4) > 0);
}

/* Whether something waits in the journal. One whose header is zeroed ended in order: SQLite leaves
 * it so in journal_mode=PERSIST and in exclusive locking mode. */
static bool journal_is_hot(const struct store_location *location)
{
    char path[PATH_MAX];
    unsigned char first = 0;
    cleanup_close int fd = open(store_sibling(location, "-journal", path),
                                O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return fd < 0 || pread(fd, &first, 1, 0) != 1 || first != 0;
}

static int probe_absent(const struct store_location *location, bool writable,
                        const struct store_probe *probe, struct error *err)
{
    if (probe->wal_size > 0 || (probe->journal_size > 0 && journal_has_pages(location))) {
        const char *suffix = probe->wal_size > 0 ? "-wal" : "-journal";
        const char *state = probe->kind == STORE_EMPTY ? "is empty" : "is missing";
        (void)error_set(err, probe->kind == STORE_EMPTY ? ERROR_DATA : ERROR_NOT_FOUND, 0,
                        "the database %s %s, but its %s is there and may hold the newest data",
                        location->db, state, suffix);
        const char *aside = probe->wal_size > 0 ? "-wal.aside" : "-journal.aside";
        char path[PATH_MAX];
        char from[PATH_MAX + 8];
        char to[PATH_MAX + 8];
        (void)text_shell_quote(from, sizeof from, store_sibling(location, suffix, path));
        (void)text_shell_quote(to, sizeof to, store_sibling(location, aside, path));
        return error_hint(err,
                          "nothing was changed; put the database file back beside it, or, if the "
                          "data may go, move it away: mv %s %s",
                          from, to);
    }
    if (writable && faccessat(AT_FDCWD, location->dir, W_OK | X_OK, AT_EACCESS) != 0) {
        int sys = errno;
        char who[80];
        fs_describe(location->dir, who, sizeof who);
        (void)error_set(err, ERROR_PERMISSION, sys,
                        "cannot make the database %s: its folder (%s) may not be written",
                        location->db, who);
        fs_permission_hint(err, location->dir);
        return -1;
    }
    return 0;
}

static int check_access(const struct store_location *location, struct error *err)
{
    const char *paths[] = {location->db, location->dir};
    for (int i = 0; i < 2; i++) {
        if (faccessat(AT_FDCWD, paths[i], i == 0 ? W_OK | R_OK : W_OK | X_OK, AT_EACCESS) == 0)
            continue;
        int sys = errno;
        char who[80];
        fs_describe(paths[i], who, sizeof who);
        (void)error_set(err, ERROR_PERMISSION, sys, "the %s %s (%s) may not be written",
                        i == 0 ? "database" : "folder of the database", paths[i], who);
        fs_permission_hint(err, paths[i]);
        return -1;
    }
    return 0;
}

int store_probe(const struct store_location *location, bool writable, struct store_probe *ret_probe,
                struct error *err)
{
    struct store_probe probe = {.kind = STORE_ABSENT};
    int64_t shm_size = 0;
    if (companion_size(location, "-wal", &probe.companions, &probe.wal_size, err) != 0 ||
        companion_size(location, "-journal", &probe.companions, &probe.journal_size, err) != 0 ||
        companion_size(location, "-shm", &probe.companions, &shm_size, err) != 0)
        return -1;
    if (probe.journal_size > 0 && !journal_is_hot(location))
        probe.journal_size = 0;

    cleanup_close int fd = open(location->db, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        if (probe_absent(location, writable, &probe, err) != 0)
            return -1;
        *ret_probe = probe;
        return 0;
    }
    if (fd < 0) {
        int sys = errno;
        char who[80];
        fs_describe(location->db, who, sizeof who);
        (void)error_set(err, error_kind_of_errno(sys), sys, "cannot open the database %s (%s)",
                        location->db, who);
        if (err->kind == ERROR_PERMISSION)
            fs_permission_hint(err, location->db);
        return -1;
    }
    struct stat st;
    if (fstat(fd, &st) != 0)
        return error_set(err, ERROR_IO, errno, "cannot look at %s", location->db);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_CONFIG, 0, "%s is not a regular file", location->db);
    probe.size = st.st_size;
    probe.kind = st.st_size == 0 ? STORE_EMPTY : STORE_DATABASE;
    if (probe.kind == STORE_EMPTY) {
        if (probe_absent(location, writable, &probe, err) != 0)
            return -1;
    } else if (read_header(location, fd, &probe, err) != 0) {
        return -1;
    }
    if (writable && check_access(location, err) != 0)
        return -1;
    store_stamp(fd, probe.stamp);
    *ret_probe = probe;
    return 0;
}

void store_adopt_owner(const struct store_location *location, const char *path)
{
    struct stat dir;
    struct stat st;
    if (geteuid() != 0 || stat(location->dir, &dir) != 0 || dir.st_uid == 0)
        return;
    /* One look and one change, of the same file, whatever its name means meanwhile. */
    cleanup_close int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_uid != 0 ||
        (!S_ISDIR(st.st_mode) && store_is_planted(location, &st)))
        return;
    (void)!fchownat(fd, "", dir.st_uid, dir.st_gid, AT_EMPTY_PATH);
}
