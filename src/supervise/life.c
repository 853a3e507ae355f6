/* See life.h. */
#include "supervise/life.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define MAX_RECORD 4096

static const char *const wal_names[] = {
    [LIFE_WAL_UNKNOWN] = "unknown", [LIFE_WAL_FOLDED] = "folded", [LIFE_WAL_LEFT] = "left"};

const char *life_wal_name(enum life_wal wal)
{
    return wal_names[wal];
}

static void copy_text(const cJSON *root, const char *key, char *out, size_t size)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, key);
    const char *text = cJSON_IsString(item) ? item->valuestring : "";
    (void)snprintf(out, size, "%s", text);
}

static long copy_number(const cJSON *root, const char *key, long otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, key);
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= INT_MAX))
        return otherwise;
    return (long)item->valuedouble;
}

static void understand(const cJSON *root, struct life *life)
{
    char state[16];
    char wal[16];
    copy_text(root, "state", state, sizeof state);
    if (strcmp(state, "running") == 0)
        life->state = LIFE_RUNNING;
    else if (strcmp(state, "ended") == 0)
        life->state = LIFE_ENDED;
    else
        return;
    life->pid = copy_number(root, "pid", 0);
    copy_text(root, "started", life->started, sizeof life->started);
    copy_text(root, "ended", life->ended, sizeof life->ended);
    life->exit_code = (int)copy_number(root, "exit_code", -1);
    life->signal = (int)copy_number(root, "signal", 0);
    life->killed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "killed"));
    copy_text(root, "wal", wal, sizeof wal);
    for (size_t i = 0; i < sizeof wal_names / sizeof wal_names[0]; i++)
        if (strcmp(wal, wal_names[i]) == 0)
            life->wal = (enum life_wal)i;
    copy_text(root, "app_version", life->app_version, sizeof life->app_version);
}

void life_read(const char *path, struct life *ret_life)
{
    struct life life = {.state = LIFE_UNREADABLE, .exit_code = -1};
    struct error err;
    cleanup_free char *data = NULL;
    size_t size = 0;
    if (fs_read_file(path, MAX_RECORD, &data, &size, &err) != 0) {
        /* What may not be read says nothing; what is no small regular file is rubbish. */
        if (err.kind != ERROR_DATA)
            life.state = LIFE_NONE;
        *ret_life = life;
        return;
    }
    cJSON *root = cJSON_ParseWithLength(data, size);
    if (cJSON_IsObject(root))
        understand(root, &life);
    cJSON_Delete(root);
    *ret_life = life;
}

/* A JSON string. The version is the only text that is not ours: what would need escaping is no
 * part of any version. */
static void write_version(char *out, size_t size, const char *version)
{
    size_t len = 0;
    for (; *version != '\0' && len + 1 < size; version++)
        if ((unsigned char)*version >= 0x20 && *version != '"' && *version != '\\')
            out[len++] = *version;
    out[len] = '\0';
}

/* As with the lock and the database: what root makes belongs to the owner of the folder, so that
 * the app's user can read it. */
static void adopt_owner(const char *path, int fd)
{
    char dir[PATH_MAX];
    struct stat st;
    fs_dir_name(path, dir, sizeof dir);
    if (geteuid() == 0 && stat(dir, &st) == 0 && st.st_uid != 0)
        (void)!fchown(fd, st.st_uid, st.st_gid);
}

int life_write(const char *path, const struct life *life, struct error *err)
{
    char text[1024];
    char temp[PATH_MAX];
    char version[sizeof life->app_version];
    write_version(version, sizeof version, life->app_version);
    int size = snprintf(text, sizeof text,
                        "{\"liteinit\":1,\"state\":\"%s\",\"pid\":%ld,\"started\":\"%s\","
                        "\"ended\":\"%s\",\"exit_code\":%d,\"signal\":%d,\"killed\":%s,"
                        "\"wal\":\"%s\",\"app_version\":\"%s\"}\n",
                        life->state == LIFE_RUNNING ? "running" : "ended", life->pid, life->started,
                        life->ended, life->exit_code, life->signal, life->killed ? "true" : "false",
                        wal_names[life->wal], version);
    int n = snprintf(temp, sizeof temp, "%s.tmp", path);
    if (n < 0 || (size_t)n >= sizeof temp || size < 0 || (size_t)size >= sizeof text)
        return error_set(err, ERROR_CONFIG, ENAMETOOLONG, "cannot write %s", path);

    /* Only the holder of the lock writes, so a leftover under this name is nobody's. A new file
     * always: the folder's owner could have linked another one to this name. */
    (void)unlink(temp);
    cleanup_close int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(err, error_kind_of_errno(errno), errno, "cannot create %s", temp);
    adopt_owner(path, fd);
    if (fs_write_all(fd, text, (size_t)size) != 0 || rename(temp, path) != 0) {
        int sys = errno;
        (void)unlink(temp);
        return error_set(err, error_kind_of_errno(sys), sys, "cannot write %s", path);
    }
    return 0;
}
