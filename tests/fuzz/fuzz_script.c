/* Running a script: whatever it says, the transaction stays ours, and an error has a place. */
#include "fuzz.h"

#include <sqlite3.h>

#include "base/error.h"
#include "layout/script.h"
#include "migrate/guard.h"
#include "migrate/observer.h"
#include "migrate/script.h"

#define STEPS_MAX 2000 /* of a hundred operations each */

static int steps;

/* Ends what takes long, which is no fault. */
static int on_progress(void *unused)
{
    (void)unused;
    return ++steps > STEPS_MAX;
}

static void check_place(const struct error *err, const char *text)
{
    int lines = 1;
    for (const char *at = text; *at != '\0'; at++)
        lines += *at == '\n';
    MUST(err->kind == ERROR_DATA || err->kind == ERROR_INTERRUPTED, "%s", err->msg);
    MUST(strcmp(err->file, "x.sql") == 0, "%s", err->msg);
    MUST(err->line >= 1 && err->line <= lines && err->column >= 1, "%d:%d", err->line, err->column);
}

static int run(sqlite3 *db, char *text, struct error *err)
{
    const struct migrate_observer silent = {.context = NULL};
    char file[] = "x.sql";
    const struct layout_script script = {.file = file, .text = text, .size = strlen(text)};
    struct migrate_guard guard;
    migrate_guard_open(&guard, db, &script, &silent);
    int result = migrate_script_run(db, &script, &guard, NULL, &silent, err);
    bool broken = result == 0 && migrate_guard_finish(&guard, err) != 0;
    migrate_guard_close(&guard);
    if (broken)
        MUST(err->kind == ERROR_DATA || err->kind == ERROR_INTERRUPTED, "%s", err->msg);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {.kind = ERROR_NONE};
    sqlite3 *db = NULL;
    char *text = fuzz_text(data, size);
    if (fuzz_is_costly(text)) {
        free(text);
        return 0;
    }
    MUST(sqlite3_open_v2(":memory:", &db,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE,
                         NULL) == SQLITE_OK,
         "SQLite");
    steps = 0;
    sqlite3_progress_handler(db, 100, on_progress, NULL);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 1000000);
    (void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    MUST(sqlite3_exec(db,
                      "PRAGMA temp_store = MEMORY;"
                      "CREATE TABLE a (id INTEGER PRIMARY KEY, x UNIQUE, y DEFAULT 1);"
                      "INSERT INTO a (x) VALUES (1), (2); CREATE VIEW v AS SELECT * FROM a;"
                      "BEGIN IMMEDIATE",
                      NULL, NULL, NULL) == SQLITE_OK,
         "SQLite");
    int result = run(db, text, &err);
    if (result == 0)
        MUST(sqlite3_get_autocommit(db) == 0, "the transaction is over: %s", text);
    else
        check_place(&err, text);
    MUST(sqlite3_next_stmt(db, NULL) == NULL, "a statement was left behind");
    MUST(sqlite3_close(db) == SQLITE_OK, "the connection cannot be closed");
    free(text);
    return 0;
}
