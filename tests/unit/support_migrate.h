/* What tests of a running migration share: its SQL under the guard, in a transaction. */
#ifndef LITEINIT_TESTS_SUPPORT_MIGRATE_H
#define LITEINIT_TESTS_SUPPORT_MIGRATE_H

#include "support_db.h"

#include "migrate/guard.h"
#include "migrate/script.h"

/* Runs the SQL as a migration does. What it did is kept when `keep` is set and the guards let it
 * pass. */
static inline int run_guarded(sqlite3 *db, const char *sql, bool keep,
                              const struct migrate_observer *observer, struct error *err)
{
    struct layout_script script;
    struct migrate_guard guard;
    if (layout_script_recall("7_x.sql", sql, &script, err) != 0)
        return -1;
    migrate_guard_open(&guard, db, &script, observer);
    int result = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK
                     ? migrate_script_run(db, &script, &guard, NULL, observer, err)
                     : error_set(err, ERROR_IO, 0, "%s", sqlite3_errmsg(db));
    if (result == 0)
        result = migrate_guard_finish(&guard, err);
    migrate_guard_close(&guard);
    layout_script_free(&script);
    if (sqlite3_get_autocommit(db) == 0 &&
        sqlite3_exec(db, result == 0 && keep ? "COMMIT" : "ROLLBACK", NULL, NULL, NULL) !=
            SQLITE_OK &&
        result == 0)
        result = error_set(err, ERROR_IO, 0, "%s", sqlite3_errmsg(db));
    return result;
}

#endif
