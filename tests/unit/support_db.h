/* What tests with a database share: one in memory, and answers of it that must be right. */
#ifndef LITEINIT_TESTS_SUPPORT_DB_H
#define LITEINIT_TESTS_SUPPORT_DB_H

#include "support.h"

#include <sqlite3.h>

static inline sqlite3 *db_open(const char *path)
{
    sqlite3 *db = NULL;
    assert_int_equal(
        sqlite3_open_v2(path, &db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE, NULL),
        SQLITE_OK);
    return db;
}

static inline sqlite3 *db_in_memory(void)
{
    return db_open(":memory:");
}

/* Closes and proves that no statement was left behind. */
static inline void db_close(sqlite3 *db)
{
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static inline void db_exec(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

/* The first column of the first row; good until the next call. "(null)" for NULL, "(none)" where
 * there is no row. */
static inline const char *db_text(sqlite3 *db, const char *sql)
{
    static char text[4096];
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        const unsigned char *value = sqlite3_column_text(statement, 0);
        (void)snprintf(text, sizeof text, "%s", value != NULL ? (const char *)value : "(null)");
    } else {
        assert_int_equal(code, SQLITE_DONE);
        (void)snprintf(text, sizeof text, "(none)");
    }
    (void)sqlite3_finalize(statement);
    return text;
}

static inline long long db_int(sqlite3 *db, const char *sql)
{
    return strtoll(db_text(db, sql), NULL, 10);
}

#endif
