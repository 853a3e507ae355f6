/* See live.h. https://www.sqlite.org/backup.html */
#include "backup/live.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fs.h"
#include "store/interrupt.h"
#include "store/sql.h"

#define STEP_PAGES 512
#define PAUSE_MS 5
#define PATIENT_ROUNDS 5

static bool in_wal_mode(sqlite3 *handle)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    return sqlite3_prepare_v2(handle, "PRAGMA main.journal_mode", -1, &statement, NULL) ==
               SQLITE_OK &&
           sqlite3_step(statement) == SQLITE_ROW &&
           strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
}

static int stopped(struct error *err)
{
    return error_set(err, ERROR_INTERRUPTED, 0, "the backup was stopped");
}

static int copy_failure(int code, struct error *err)
{
    (void)error_set(err, ERROR_BACKUP, 0, "cannot copy the database: %s", sqlite3_errstr(code));
    err->sqlite = code;
    if ((code & 0xFF) == SQLITE_FULL)
        return error_hint(err, "free space on the backup volume, or put backups elsewhere with "
                               "--backup-dir");
    return -1;
}

/* Steps until all pages are copied. `held`: the source's read transaction is ours for the whole
 * time, so that no step can be disturbed. Without it SQLite starts over after each write of
 * another process, and the pages that remain do not become fewer: beside somebody who never stops
 * writing that has no end, so that writers have to wait after some rounds. */
static int step_through(sqlite3 *source, sqlite3_backup *backup, bool held, struct error *err)
{
    int remaining = INT_MAX;
    for (int rounds = 0;;) {
        if (!held && rounds >= PATIENT_ROUNDS) {
            if (sql_exec(source, "BEGIN; SELECT count(*) FROM sqlite_schema", err) != 0)
                return error_wrap(err, "cannot copy the database");
            held = true;
        }
        int code = sqlite3_backup_step(backup, STEP_PAGES);
        if (store_interrupted())
            return stopped(err);
        if (code == SQLITE_DONE)
            return 0;
        if (code != SQLITE_OK && sql_error_kind(code) != ERROR_BUSY)
            return copy_failure(code, err);
        rounds += code != SQLITE_OK || sqlite3_backup_remaining(backup) >= remaining;
        remaining = sqlite3_backup_remaining(backup);
        if (!held || code != SQLITE_OK)
            clock_sleep_ms(PAUSE_MS);
    }
}

/* Never through a link that the folder's owner has put in the draft's place meanwhile. SQLite then
 * takes no link within the folder's path either, hence that is resolved before. */
static int open_target(const char *path, sqlite3 **ret_target)
{
    char dir[PATH_MAX];
    char real[PATH_MAX];
    char file[PATH_MAX + NAME_MAX + 2];
    fs_dir_name(path, dir, sizeof dir);
    if (realpath(dir, real) == NULL)
        return SQLITE_CANTOPEN;
    (void)snprintf(file, sizeof file, "%s/%s", real, fs_base_name(path));
    return sqlite3_open_v2(file, ret_target,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE,
                           NULL);
}

static int copy_pages(sqlite3 *source, const char *path, bool held, struct error *err)
{
    sqlite3 *target = NULL;
    int result = -1;
    int opened = open_target(path, &target);
    if (opened != SQLITE_OK) {
        result = copy_failure(opened, err);
    } else if (
        /* The file has no name that counts yet: no journal, and one sync by the caller. */
        sqlite3_exec(target, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL,
                     NULL) != SQLITE_OK) {
        result = copy_failure(sqlite3_extended_errcode(target), err);
    } else {
        sqlite3_backup *backup = sqlite3_backup_init(target, "main", source, "main");
        if (backup == NULL) {
            result = copy_failure(sqlite3_extended_errcode(target), err);
        } else {
            result = step_through(source, backup, held, err);
            int code = sqlite3_backup_finish(backup);
            if (result == 0 && code != SQLITE_OK)
                result = copy_failure(code, err);
        }
    }
    if (sqlite3_close(target) != SQLITE_OK && result == 0)
        result = error_set(err, ERROR_BACKUP, 0, "cannot close the copy of the database");
    return result;
}

int backup_live_copy(sqlite3 *source, const char *path, struct store_schema *ret_counted,
                     bool *ret_same_moment, int64_t *ret_bytes, struct error *err)
{
    struct stat st;
    bool held = in_wal_mode(source);
    int result = 0;
    if (held) {
        /* The first read after BEGIN fixes the moment. */
        result = sql_exec(source, "BEGIN", err);
        if (result == 0)
            result = ret_counted != NULL
                         ? store_schema_read(source, ret_counted, err)
                         : sql_exec(source, "SELECT count(*) FROM main.sqlite_schema", err);
    }
    if (result == 0)
        result = copy_pages(source, path, held, err);
    if (sqlite3_get_autocommit(source) == 0)
        (void)sqlite3_exec(source, "ROLLBACK", NULL, NULL, NULL);
    if (result != 0)
        return -1;
    *ret_same_moment = held;
    if (stat(path, &st) != 0)
        return error_set(err, ERROR_BACKUP, 0, "the copy of the database has vanished");
    *ret_bytes = st.st_size;
    return 0;
}
