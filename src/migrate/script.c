/* See script.h. */
#include "migrate/script.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "layout/tokens.h"
#include "store/sql.h"

enum intent { INTENT_PLAIN, INTENT_BEGIN, INTENT_COMMIT, INTENT_ROLLBACK, INTENT_WAL };

/* What the authorizer saw while the statement was prepared. */
struct watch {
    enum intent intent;
    const char *refused; /* the reason, or NULL */
    char what[64];
};

/* A place in the file. Moves forward only, so that counting lines stays linear. */
struct place {
    const char *at;
    int line;
    const char *line_start;
};

static const struct {
    const char *name;
    const char *reason;
} refused_pragmas[] = {
    {"journal_mode", "the journal mode is liteinit's key journal_mode"},
    {"synchronous", "it would weaken durability and cannot change inside a transaction"},
    {"locking_mode", "it would let others in while the migration runs"},
    {"writable_schema", "a wrong edit of the schema destroys the database"},
    {"schema_version", "a wrong schema version corrupts the database"},
    {"wal_checkpoint", "it cannot run inside a transaction"},
};

static int refuse(struct watch *watch, const char *what, const char *reason)
{
    (void)snprintf(watch->what, sizeof watch->what, "%s", what);
    watch->refused = reason;
    return SQLITE_DENY;
}

static int authorize_pragma(struct watch *watch, const char *name, const char *value)
{
    if (value == NULL && strcasecmp(name, "wal_checkpoint") != 0)
        return SQLITE_OK;
    if (value != NULL && strcasecmp(name, "journal_mode") == 0 && strcasecmp(value, "wal") == 0) {
        watch->intent = INTENT_WAL;
        return SQLITE_IGNORE;
    }
    for (size_t i = 0; i < sizeof refused_pragmas / sizeof refused_pragmas[0]; i++)
        if (strcasecmp(name, refused_pragmas[i].name) == 0) {
            char what[64];
            (void)snprintf(what, sizeof what, "PRAGMA %.40s", name);
            return refuse(watch, what, refused_pragmas[i].reason);
        }
    return SQLITE_OK;
}

/* https://www.sqlite.org/c3ref/set_authorizer.html */
static int authorize(void *context, int action, const char *first, const char *second,
                     const char *database, const char *trigger)
{
    struct watch *watch = context;
    (void)database;
    (void)trigger;
    switch (action) {
    case SQLITE_TRANSACTION:
        if (strcmp(first, "BEGIN") == 0)
            watch->intent = INTENT_BEGIN;
        else if (strcmp(first, "COMMIT") == 0)
            watch->intent = INTENT_COMMIT;
        else
            watch->intent = INTENT_ROLLBACK;
        return SQLITE_OK;
    case SQLITE_ATTACH:
        return refuse(watch, "ATTACH",
                      "a migration changes this database alone, since the backup "
                      "holds no other");
    case SQLITE_DETACH:
        return refuse(watch, "DETACH", "no other database is attached during a migration");
    case SQLITE_PRAGMA:
        return authorize_pragma(watch, first, second);
    default:
        return SQLITE_OK;
    }
}

static void move_to(struct place *place, const char *target)
{
    for (; place->at < target; place->at++)
        if (*place->at == '\n') {
            place->line++;
            place->line_start = place->at + 1;
        }
}

/* The column counts characters, as editors do: bytes that begin one, and not a byte order mark. */
static int column_of(const struct place *place)
{
    const char *at = place->line_start;
    int column = 1;
    if (place->line == 1 && place->at - at >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0)
        at += 3;
    for (; at < place->at; at++)
        column += ((unsigned char)*at & 0xC0) != 0x80;
    return column;
}

/* Writes file, place and the statement's beginning, white space folded, into err. */
static int locate_error(struct error *err, const char *file, const struct place *place,
                        const char *statement, size_t length)
{
    size_t n = 0;
    (void)snprintf(err->file, sizeof err->file, "%.255s", file);
    err->line = place->line;
    err->column = column_of(place);
    for (size_t i = 0; i < length && n + 1 < sizeof err->statement; i++) {
        bool space = strchr(" \t\r\n", statement[i]) != NULL;
        if (!space)
            err->statement[n++] = statement[i];
        else if (n > 0 && err->statement[n - 1] != ' ')
            err->statement[n++] = ' ';
    }
    while (n > 0 && err->statement[n - 1] == ' ')
        n--;
    err->statement[n] = '\0';
    text_cut(err->statement, sizeof err->statement - 1);
    return error_wrap(err, "%s:%d:%d", file, err->line, err->column);
}

static int sqlite_failure(sqlite3 *handle, const char *what, struct error *err)
{
    int code = sqlite3_extended_errcode(handle);
    enum error_kind kind = sql_error_kind(code);
    /* Whatever a statement of the user's runs into is a failed migration, but for a stop. */
    (void)error_set(err, kind == ERROR_INTERRUPTED ? kind : ERROR_DATA, 0, "%s%s", what,
                    sqlite3_errmsg(handle));
    err->sqlite = code;
    if ((code & 0xFF) == SQLITE_FULL)
        (void)error_hint(err, "the disk is full: free space on the database's volume and start "
                              "again");
    return -1;
}

static int refusal(const struct watch *watch, struct error *err)
{
    (void)error_set(err, ERROR_DATA, 0, "%s is refused in a migration: %s", watch->what,
                    watch->refused);
    return error_hint(err, "remove the statement from the file");
}

static int step_to_end(sqlite3 *handle, sqlite3_stmt *statement, struct error *err)
{
    int code = SQLITE_ROW;
    while (code == SQLITE_ROW)
        code = sqlite3_step(statement);
    return code == SQLITE_DONE ? 0 : sqlite_failure(handle, "", err);
}

static void notice(const struct migrate_observer *observer, const char *file, int line,
                   const char *sentence)
{
    if (observer->notice != NULL)
        observer->notice(observer->context, file, line, sentence);
}

/* Runs or skips one prepared statement as its intent says. */
static int perform(sqlite3 *handle, sqlite3_stmt *statement, const struct watch *watch,
                   const char *file, const struct place *place,
                   const struct migrate_observer *observer, struct error *err)
{
    switch (watch->intent) {
    case INTENT_BEGIN:
        notice(observer, file, place->line, "BEGIN is skipped: the transaction is liteinit's");
        return 0;
    case INTENT_COMMIT:
        notice(observer, file, place->line, "COMMIT is skipped: liteinit commits at the end");
        return 0;
    case INTENT_WAL:
        notice(observer, file, place->line,
               "PRAGMA journal_mode = WAL is skipped: liteinit sets it at the end");
        return 0;
    case INTENT_ROLLBACK:
        (void)error_set(err, ERROR_DATA, 0,
                        "ROLLBACK is refused in a migration: it would undo liteinit's transaction");
        return error_hint(err, "remove the statement from the file");
    case INTENT_PLAIN:
        break;
    }
    return step_to_end(handle, statement, err);
}

/* Runs the statement that begins at place. *ret_tail is where the next one may begin. */
static int run_statement(sqlite3 *handle, struct watch *watch, const char *file,
                         struct place *place, const char *end, const char **ret_tail,
                         const struct migrate_observer *observer, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    const char *start = place->at;
    size_t left = (size_t)(end - start);
    *watch = (struct watch){.intent = INTENT_PLAIN};
    /* Without a length: of a text that does not end at its length SQLite makes a copy, for each
     * statement anew, which makes a long file endless. */
    int code = sqlite3_prepare_v2(handle, start, -1, &statement, ret_tail);
    size_t length = *ret_tail > start ? (size_t)(*ret_tail - start) : left;
    if (code != SQLITE_OK) {
        /* The tail is where the parser gave up, which says less than the rest of the statement. */
        const char *semicolon = memchr(start + length - 1, ';', left - length + 1);
        length = semicolon != NULL ? (size_t)(semicolon - start) + 1 : left;
        int offset = sqlite3_error_offset(handle);
        if (watch->refused != NULL)
            (void)refusal(watch, err);
        else
            (void)sqlite_failure(handle, "", err);
        if (offset > 0 && (size_t)offset <= left)
            move_to(place, start + offset);
        return locate_error(err, file, place, start, length);
    }
    /* An empty statement, a lone ";", or a pragma that was ignored. */
    if (statement == NULL && watch->intent == INTENT_PLAIN)
        return 0;
    if (perform(handle, statement, watch, file, place, observer, err) != 0)
        return locate_error(err, file, place, start, length);
    return 0;
}

int migrate_script_run(sqlite3 *handle, const char *file, const char *text, size_t size,
                       const struct migrate_observer *observer, struct error *err)
{
    struct watch watch = {.intent = INTENT_PLAIN};
    const char *end = text + size;
    struct place place = {.at = text, .line = 1, .line_start = text};
    int result = 0;
    (void)sqlite3_set_authorizer(handle, authorize, &watch);
    move_to(&place, text + layout_blank_length(text, size));
    while (result == 0 && place.at < end) {
        const char *tail = end;
        result = run_statement(handle, &watch, file, &place, end, &tail, observer, err);
        if (result == 0) {
            if (tail <= place.at)
                tail = end;
            move_to(&place, tail + layout_blank_length(tail, (size_t)(end - tail)));
        }
    }
    (void)sqlite3_set_authorizer(handle, NULL, NULL);
    return result;
}
