/* See database.h. */
#include "store/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/holder.h"
#include "store/interrupt.h"
#include "store/sql.h"

/* https://sqlite.org/wal.html#walresetbug: fixed in 3.51.3. */
#ifndef LITEINIT_ALLOW_OLD_SQLITE
_Static_assert(SQLITE_VERSION_NUMBER >= 3051003, "SQLite before 3.51.3 has the WAL-reset bug");
#endif

struct store_database {
    struct store_location location;
    sqlite3 *handle;
    int source_fd;
    enum store_access access;
    int64_t busy_ms;
    int64_t busy_since;
    bool keep_wal;
    char journal_mode[16];
};

#define BUSY_STEP_MS 10

/* Waits in small steps, so that a stop signal does not sit out the whole time. */
static int on_busy(void *context, int count)
{
    struct store_database *database = context;
    int64_t now = clock_monotonic_ms();
    if (count == 0)
        database->busy_since = now;
    if (store_interrupted() || now - database->busy_since >= database->busy_ms)
        return 0;
    clock_sleep_ms(BUSY_STEP_MS);
    return 1;
}

static int busy_error(const struct store_database *database, struct error *err)
{
    char holders[300];
    char waited[32];
    if (store_interrupted())
        return error_set(err, ERROR_INTERRUPTED, 0, "stopped while waiting for the database %s",
                         database->location.db);
    store_holders(&database->location, holders, sizeof holders);
    text_format_duration(waited, sizeof waited, database->busy_ms);
    (void)error_set(
        err, ERROR_BUSY, 0, "the database %s is in use by %s; waited %s", database->location.db,
        holders[0] != '\0' ? holders : "another process (in another container, or of another user)",
        waited);
    err->sqlite = SQLITE_BUSY;
    return error_hint(err, "stop what uses it, or wait longer with --busy-timeout");
}

/* Maps a failed first read or lock to what the user should know. */
static int open_error(const struct store_database *database, struct error *err)
{
    int code = sqlite3_extended_errcode(database->handle);
    enum error_kind kind = sql_error_kind(code);
    if (kind == ERROR_BUSY || kind == ERROR_INTERRUPTED)
        return busy_error(database, err);
    return sql_error(err, database->handle, "cannot open the database %s", database->location.db);
}

/*
 * In WAL mode synchronous=NORMAL cannot damage the database; a power cut may undo the newest
 * transactions, whole (https://www.sqlite.org/pragma.html#pragma_synchronous). What is undone then
 * are migrations of this very start, which run again; the checkpoint at the end syncs all before
 * the app starts. So a thousand migrations need not wait for the disk a thousand times.
 */
static int relax_sync(struct store_database *database, struct error *err)
{
    if (strcmp(store_journal_mode(database), "wal") != 0)
        return 0;
    return sql_exec(database->handle, "PRAGMA main.synchronous = NORMAL", err);
}

/*
 * BEGIN EXCLUSIVE in exclusive locking mode takes the lock on the file that every other
 * connection, reader or writer, holds at least shared: whoever gets it is alone, and keeps it
 * after COMMIT (https://www.sqlite.org/pragma.html#pragma_locking_mode). In WAL mode the wal-index
 * then lives in our memory, and reading the WAL recovers what a crash left.
 */
static int become_sole_user(struct store_database *database, struct error *err)
{
    if (sqlite3_exec(database->handle, "PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL) !=
            SQLITE_OK ||
        sqlite3_exec(database->handle, "BEGIN EXCLUSIVE; COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        return open_error(database, err);
    if (sqlite3_db_readonly(database->handle, "main") == 1) {
        (void)error_set(err, ERROR_PERMISSION, 0, "the database %s may not be written",
                        database->location.db);
        return error_hint(err, "check the owner of the file and whether its volume is read-only");
    }
    return relax_sync(database, err);
}

/* A visitor must not be the one who folds the WAL in when it closes, unless there was none. */
static int be_a_visitor(struct store_database *database, bool wal_there, struct error *err)
{
    if (sqlite3_exec(database->handle, "PRAGMA wal_autocheckpoint = 0", NULL, NULL, NULL) !=
        SQLITE_OK)
        return open_error(database, err);
    if (wal_there)
        store_keep_wal(database);
    if (sqlite3_exec(database->handle, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) !=
        SQLITE_OK)
        return open_error(database, err);
    return 0;
}

static int open_handle(struct store_database *database, struct error *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
    if (database->access == STORE_STILL)
        return sql_open_immutable(database->location.db, &database->handle, err);
    if (database->access == STORE_EXCLUSIVE)
        flags |= SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2(database->location.db, &database->handle, flags, NULL) == SQLITE_OK)
        return 0;
    if (database->handle == NULL)
        return error_set(err, ERROR_IO, ENOMEM, "cannot open the database %s",
                         database->location.db);
    return open_error(database, err);
}

int store_open(const struct store_location *location, enum store_access access, int64_t busy_ms,
               struct store_database **ret_database, struct error *err)
{
    struct store_database *database = calloc(1, sizeof *database);
    if (database == NULL)
        return error_set(err, ERROR_IO, ENOMEM, "cannot open the database %s", location->db);
    database->location = *location;
    database->access = access;
    database->busy_ms = busy_ms;
    database->source_fd = open(location->db, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

    char wal[PATH_MAX];
    bool wal_there = faccessat(AT_FDCWD, store_sibling(location, "-wal", wal), F_OK, 0) == 0;
    int result = open_handle(database, err);
    if (result == 0) {
        (void)sqlite3_busy_handler(database->handle, on_busy, database);
        store_interrupt_watch(database->handle);
        if (access == STORE_EXCLUSIVE)
            result = become_sole_user(database, err);
        else if (access == STORE_VISITOR)
            result = be_a_visitor(database, wal_there, err);
    }
    if (result != 0) {
        store_keep_wal(database);
        store_close(database);
        return -1;
    }
    if (database->source_fd < 0)
        store_adopt_owner(location, location->db);
    *ret_database = database;
    return 0;
}

void store_keep_wal(struct store_database *database)
{
    database->keep_wal = true;
    if (database->handle != NULL)
        (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

/*
 * In exclusive mode SQLite keeps the wal-index in memory and so never removes the FILE-shm that a
 * crashed app left. While we still hold the exclusive lock nobody else can have it mapped: every
 * WAL connection holds the file's shared lock for as long as it lives.
 */
static void remove_stale_shm(const struct store_database *database)
{
    char shm[PATH_MAX];
    (void)unlink(store_sibling(&database->location, "-shm", shm));
}

void store_close(struct store_database *database)
{
    if (database == NULL)
        return;
    store_interrupt_watch(NULL);
    if (database->handle != NULL) {
        if (database->access == STORE_EXCLUSIVE && !database->keep_wal) {
            remove_stale_shm(database);
            /* An interrupt stands until the next statement begins, and would stop the checkpoint
             * at close too (https://www.sqlite.org/c3ref/interrupt.html). */
            (void)sqlite3_exec(database->handle, "SELECT 1", NULL, NULL, NULL);
        }
        (void)sqlite3_close_v2(database->handle);
    }
    if (database->source_fd >= 0)
        (void)close(database->source_fd);
    free(database);
}

bool store_error_is_damage(const struct error *err)
{
    int code = err->sqlite & 0xFF;
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

bool store_error_is_no_room(const struct error *err)
{
    return (err->sqlite & 0xFF) == SQLITE_FULL || err->sys == ENOSPC || err->sys == EDQUOT;
}

sqlite3 *store_handle(struct store_database *database)
{
    return database->handle;
}

bool store_is_still(const struct store_database *database)
{
    return database->access == STORE_STILL;
}

bool store_is_exclusive(const struct store_database *database)
{
    return database->access == STORE_EXCLUSIVE;
}

int store_source_fd(const struct store_database *database)
{
    return database->source_fd;
}

const struct store_location *store_database_location(const struct store_database *database)
{
    return &database->location;
}

int store_checkpoint_truncate(struct store_database *database, struct store_checkpoint *ret_result,
                              struct error *err)
{
    struct store_checkpoint result = {.complete = true};
    char wal[PATH_MAX];
    struct stat st;
    result.wal_mode = strcmp(store_journal_mode(database), "wal") == 0;
    if (!result.wal_mode) {
        *ret_result = result;
        return 0;
    }
    if (stat(store_sibling(&database->location, "-wal", wal), &st) == 0)
        result.wal_size = st.st_size;

    /* PASSIVE first, for the number of frames: TRUNCATE reports 0 of 0 once it has succeeded. */
    int frames = -1;
    int moved = -1;
    if (sqlite3_wal_checkpoint_v2(database->handle, "main", SQLITE_CHECKPOINT_PASSIVE, &frames,
                                  &moved) != SQLITE_OK)
        return sql_error(err, database->handle, "cannot fold the WAL of %s in",
                         database->location.db);
    result.frames = frames > 0 ? frames : 0;
    int code = sqlite3_wal_checkpoint_v2(database->handle, "main", SQLITE_CHECKPOINT_TRUNCATE,
                                         &frames, &moved);
    if (code != SQLITE_OK && sql_error_kind(code) != ERROR_BUSY)
        return sql_error(err, database->handle, "cannot fold the WAL of %s in",
                         database->location.db);
    result.complete = code == SQLITE_OK;
    *ret_result = result;
    return 0;
}

const char *store_journal_mode(struct store_database *database)
{
    sqlite3_stmt *statement = NULL;
    (void)snprintf(database->journal_mode, sizeof database->journal_mode, "unknown");
    if (sqlite3_prepare_v2(database->handle, "PRAGMA main.journal_mode", -1, &statement, NULL) ==
            SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        const unsigned char *mode = sqlite3_column_text(statement, 0);
        if (mode != NULL)
            (void)snprintf(database->journal_mode, sizeof database->journal_mode, "%.15s", mode);
    }
    (void)sqlite3_finalize(statement);
    return database->journal_mode;
}

int store_set_wal(struct store_database *database, struct error *err)
{
    if (sqlite3_exec(database->handle, "PRAGMA main.journal_mode = WAL", NULL, NULL, NULL) !=
        SQLITE_OK)
        return sql_error(err, database->handle, "cannot set WAL mode on %s", database->location.db);
    const char *mode = store_journal_mode(database);
    if (strcmp(mode, "wal") == 0)
        return relax_sync(database, err);
    (void)error_set(err, ERROR_IO, 0, "WAL mode was asked for and %s stays in mode %s",
                    database->location.db, mode);
    return error_hint(err, "the volume may not support WAL; set --journal-mode keep");
}

int store_make_private(struct store_database *database, struct error *err)
{
    if (store_set_wal(database, err) != 0)
        return -1;
    return sql_exec(database->handle,
                    "PRAGMA main.synchronous = OFF; PRAGMA wal_autocheckpoint = 0", err);
}

int64_t store_file_size(const struct store_location *location)
{
    struct stat st;
    return lstat(location->db, &st) == 0 ? st.st_size : 0;
}

int64_t store_wal_size(const struct store_location *location)
{
    char wal[PATH_MAX];
    struct stat st;
    return lstat(store_sibling(location, "-wal", wal), &st) == 0 ? st.st_size : 0;
}
