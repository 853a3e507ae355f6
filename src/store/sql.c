/* See sql.h. */
#include "store/sql.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

enum error_kind sql_error_kind(int code)
{
    switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return ERROR_BUSY;
    case SQLITE_INTERRUPT:
        return ERROR_INTERRUPTED;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return ERROR_PERMISSION;
    case SQLITE_FULL:
        return ERROR_BACKUP;
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
        return ERROR_IO;
    case SQLITE_MISUSE:
    case SQLITE_INTERNAL:
        return ERROR_BUG;
    default:
        return ERROR_DATA;
    }
}

static bool has_inodes(const char *path)
{
    struct statvfs vfs;
    return path == NULL || statvfs(path, &vfs) != 0 || vfs.f_files == 0 || vfs.f_ffree > 0;
}

int sql_error(struct error *err, sqlite3 *handle, const char *fmt, ...)
{
    char what[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    int code = sqlite3_extended_errcode(handle);
    enum error_kind kind = sql_error_kind(code);
    /* "disk I/O error" and "unable to open database file" have a reason behind them. */
    int basic = code & 0xFF;
    int sys = basic == SQLITE_IOERR || basic == SQLITE_CANTOPEN ? sqlite3_system_errno(handle) : 0;
    /* SQLite tries a file that it cannot make a second time, for reading, and reports that. */
    if (basic == SQLITE_CANTOPEN && sys == ENOENT)
        sys = has_inodes(sqlite3_db_filename(handle, "main")) ? 0 : ENOSPC;
    bool full = basic == SQLITE_FULL || sys == ENOSPC || sys == EDQUOT;
    if (full)
        kind = ERROR_BACKUP; /* "no room", whatever for */
    else if (basic == SQLITE_CANTOPEN && sys != 0 && error_kind_of_errno(sys) == ERROR_IO)
        kind = ERROR_IO;
    (void)error_set(err, kind, sys, "%s: %s", n < 0 ? "SQLite" : what, sqlite3_errmsg(handle));
    err->sqlite = code;
    if (full)
        (void)error_hint(err, "the disk is full: free space on the database's volume and start "
                              "again; what was not finished is rolled back");
    else if (basic == SQLITE_CORRUPT || basic == SQLITE_NOTADB)
        (void)error_hint(err, "the database is damaged and was left untouched; put the newest "
                              "verified backup in its place (see: liteinit backups)");
    return -1;
}

int sql_immutable_uri(const char *path, char *out, size_t size, struct error *err)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t n = (size_t)snprintf(out, size, "file:");
    for (; *path != '\0'; path++) {
        unsigned char c = (unsigned char)*path;
        if (n + 16 > size)
            return error_set(err, ERROR_IO, ENAMETOOLONG, "cannot open the database");
        if (c <= ' ' || c >= 0x7F || strchr("?#%&", c) != NULL) {
            out[n++] = '%';
            out[n++] = digits[c >> 4];
            out[n++] = digits[c & 15];
        } else {
            out[n++] = (char)c;
        }
    }
    (void)snprintf(out + n, size - n, "?immutable=1");
    return 0;
}

int sql_open_immutable(const char *path, sqlite3 **ret_handle, struct error *err)
{
    char uri[3 * PATH_MAX + 32];
    sqlite3 *handle = NULL;
    if (sql_immutable_uri(path, uri, sizeof uri, err) != 0)
        return -1;
    if (sqlite3_open_v2(uri, &handle,
                        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE,
                        NULL) != SQLITE_OK) {
        if (handle == NULL)
            return error_set(err, ERROR_IO, ENOMEM, "cannot open %s", path);
        (void)sql_error(err, handle, "cannot open %s", path);
        (void)sqlite3_close(handle);
        return -1;
    }
    *ret_handle = handle;
    return 0;
}

int sql_exec(sqlite3 *handle, const char *sql, struct error *err)
{
    if (sqlite3_exec(handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return sql_error(err, handle, "%.60s", sql);
    return 0;
}

int sql_prepare(sqlite3 *handle, const char *sql, sqlite3_stmt **ret_statement, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return sql_error(err, handle, "%.60s", sql);
    *ret_statement = statement;
    return 0;
}

int sql_done(sqlite3_stmt *statement, struct error *err)
{
    int code = sqlite3_step(statement);
    int result = 0;
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        result = sql_error(err, sqlite3_db_handle(statement), "%.60s", sqlite3_sql(statement));
    (void)sqlite3_reset(statement);
    return result;
}

int sql_int(sqlite3 *handle, const char *sql, int64_t none, int64_t *ret_value, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    if (sql_prepare(handle, sql, &statement, err) != 0)
        return -1;
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return sql_error(err, handle, "%.60s", sql);
    *ret_value = code == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL
                     ? sqlite3_column_int64(statement, 0)
                     : none;
    return 0;
}

int sql_table_exists(sqlite3 *handle, const char *name, bool *ret_exists, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    if (sql_prepare(handle,
                    "SELECT 1 FROM main.sqlite_schema WHERE type = 'table'"
                    " AND name = ?1 COLLATE NOCASE",
                    &statement, err) != 0)
        return -1;
    (void)sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return sql_error(err, handle, "cannot read the schema");
    *ret_exists = code == SQLITE_ROW;
    return 0;
}
