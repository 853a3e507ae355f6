/* See statement.h. */
#include "migrate/statement.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "layout/tokens.h"
#include "migrate/pragmas.h"
#include "store/sql.h"

static int refuse(struct migrate_reader *reader, const char *what, const char *reason)
{
    (void)snprintf(reader->what, sizeof reader->what, "%s", what);
    reader->reason = reason;
    reader->refused = true;
    return SQLITE_DENY;
}

static int authorize_pragma(struct migrate_reader *reader, const char *name, const char *value)
{
    char what[64];
    const char *reason = NULL;
    (void)snprintf(what, sizeof what, "PRAGMA %.40s", name);
    switch (migrate_pragma_judge(name, value, &reason)) {
    case MIGRATE_REFUSE:
        return refuse(reader, what, reason);
    case MIGRATE_SKIP:
        (void)snprintf(reader->what, sizeof reader->what, "%s", what);
        reader->reason = reason;
        reader->now.intent = MIGRATE_PASSED_OVER;
        return SQLITE_IGNORE;
    default:
        return SQLITE_OK;
    }
}

static int authorize_transaction(struct migrate_reader *reader, const char *what)
{
    if (strcmp(what, "BEGIN") == 0)
        reader->now.intent = MIGRATE_BEGIN;
    else if (strcmp(what, "COMMIT") == 0)
        reader->now.intent = MIGRATE_COMMIT;
    else
        reader->rollback = true;
    return SQLITE_OK;
}

static int authorize_savepoint(struct migrate_reader *reader, const char *what)
{
    if (strcmp(what, "BEGIN") == 0)
        reader->now.intent = MIGRATE_SAVEPOINT;
    else if (strcmp(what, "RELEASE") == 0)
        reader->now.intent = MIGRATE_RELEASE;
    else
        reader->rollback = true;
    return SQLITE_OK;
}

/* What a statement would do to rows and tables: noted now, looked at before it is stepped. */
static void note(struct migrate_reader *reader, int action, const char *first, const char *second,
                 const char *database)
{
    /* ALTER TABLE names the database first (https://www.sqlite.org/c3ref/c_alter_table.html). */
    if (action == SQLITE_ALTER_TABLE) {
        if (first == NULL || strcmp(first, "main") == 0)
            migrate_guard_note(reader->guard, MIGRATE_TOUCH_ALTER, second, NULL);
        return;
    }
    if (database == NULL || strcmp(database, "main") != 0)
        return;
    switch (action) {
    case SQLITE_INSERT:
        migrate_guard_note(reader->guard, MIGRATE_TOUCH_INSERT, first, NULL);
        break;
    case SQLITE_UPDATE:
        migrate_guard_note(reader->guard, MIGRATE_TOUCH_UPDATE, first, second);
        break;
    case SQLITE_DELETE:
        migrate_guard_note(reader->guard, MIGRATE_TOUCH_DELETE, first, NULL);
        break;
    case SQLITE_DROP_TABLE:
        migrate_guard_note(reader->guard, MIGRATE_TOUCH_DROP, first, NULL);
        break;
    case SQLITE_CREATE_TABLE:
        migrate_guard_note(reader->guard, MIGRATE_TOUCH_CREATE, first, NULL);
        break;
    case SQLITE_DROP_INDEX:
        migrate_guard_note(reader->guard, MIGRATE_TOUCH_DROP_INDEX, second, first);
        break;
    default:
        break;
    }
}

/* Where the records are when another tool has the usual names: see history.c. */
static bool is_kept_name(const char *table)
{
    return sqlite3_stricmp(table, "liteinit_migrations") == 0 ||
           sqlite3_stricmp(table, "liteinit_history") == 0;
}

/* Whether the action changes a table of liteinit's records, puts a trigger on it, or an index that
 * could keep a row out, or takes the name of one. */
static bool writes_record(const struct migrate_reader *reader, int action, const char *first,
                          const char *second, const char *database)
{
    switch (action) {
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
    case SQLITE_DROP_TABLE:
        return database != NULL && strcmp(database, "main") == 0 &&
               migrate_guard_is_record(reader->guard, first);
    case SQLITE_ALTER_TABLE:
        return (first == NULL || strcmp(first, "main") == 0) &&
               migrate_guard_is_record(reader->guard, second);
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_TEMP_TRIGGER:
        return migrate_guard_is_record(reader->guard, second);
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_VIEW:
        return is_kept_name(first);
    default:
        return false;
    }
}

static bool makes_temporary(int action)
{
    return action == SQLITE_CREATE_TEMP_TABLE || action == SQLITE_CREATE_TEMP_VIEW ||
           action == SQLITE_CREATE_TEMP_TRIGGER;
}

/* https://www.sqlite.org/c3ref/set_authorizer.html */
static int authorize(void *context, int action, const char *first, const char *second,
                     const char *database, const char *trigger)
{
    struct migrate_reader *reader = context;
    (void)trigger;
    if (migrate_guard_is_looking(reader->guard))
        return SQLITE_OK;
    switch (action) {
    case SQLITE_TRANSACTION:
        return authorize_transaction(reader, first);
    case SQLITE_SAVEPOINT:
        return authorize_savepoint(reader, first);
    case SQLITE_ATTACH:
        /* VACUUM attaches a temporary file without a name, VACUUM INTO one with a name. */
        if (reader->stepping && reader->now.vacuum && first != NULL && first[0] == '\0')
            return SQLITE_OK;
        return refuse(reader, reader->stepping ? "VACUUM INTO" : "ATTACH",
                      "a migration changes this database alone, since the backup "
                      "holds no other");
    case SQLITE_DETACH:
        return refuse(reader, "DETACH", "no other database is attached during a migration");
    case SQLITE_PRAGMA:
        return authorize_pragma(reader, first, second);
    default:
        break;
    }
    if (writes_record(reader, action, first, second, database))
        return refuse(reader, "a change of liteinit's own records",
                      "they say what has run, and liteinit alone keeps them");
    if (reader->keeps_no_temporary && makes_temporary(action))
        return refuse(reader, "CREATE TEMP",
                      "a migration without a transaction may have to go on after a stop, which "
                      "nothing temporary outlives");
    note(reader, action, first, second, database);
    return SQLITE_OK;
}

static void move_to(struct migrate_place *place, const char *target)
{
    for (; place->at < target; place->at++)
        if (*place->at == '\n') {
            place->line++;
            place->line_start = place->at + 1;
        }
}

/* The column counts characters, as editors do: bytes that begin one, and not a byte order mark. */
static int column_of(const struct migrate_place *place)
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
int migrate_reader_locate(struct migrate_reader *reader, struct error *err)
{
    const char *statement = reader->now.begin;
    size_t length = (size_t)(reader->now.end - statement);
    size_t n = 0;
    (void)snprintf(err->file, sizeof err->file, "%.255s", reader->file);
    err->line = reader->place.line;
    err->column = column_of(&reader->place);
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
    return error_wrap(err, "%s:%d:%d", reader->file, err->line, err->column);
}

static int sqlite_failure(const struct migrate_reader *reader, struct error *err)
{
    int code = sqlite3_extended_errcode(reader->handle);
    enum error_kind kind = sql_error_kind(code);
    /* Whatever a statement of the user's runs into is a failed migration, but for a stop. */
    (void)error_set(err, kind == ERROR_INTERRUPTED ? kind : ERROR_DATA, 0, "%s",
                    sqlite3_errmsg(reader->handle));
    err->sqlite = code;
    if ((code & 0xFF) == SQLITE_FULL)
        (void)error_hint(err, "the disk is full: free space on the database's volume and start "
                              "again");
    else if (reader->now.vacuum && sqlite3_get_autocommit(reader->handle) == 0)
        (void)error_hint(err, "write at the head of the file: -- liteinit: no-transaction");
    return -1;
}

static int failure(const struct migrate_reader *reader, struct error *err)
{
    if (!reader->refused)
        return sqlite_failure(reader, err);
    (void)error_set(err, ERROR_DATA, 0, "%s is refused in a migration: %s", reader->what,
                    reader->reason);
    return error_hint(err, "remove the statement from the file");
}

void migrate_reader_open(struct migrate_reader *reader, sqlite3 *handle, const char *file,
                         const char *text, size_t size, struct migrate_guard *guard,
                         const struct migrate_observer *observer)
{
    *reader = (struct migrate_reader){
        .handle = handle,
        .file = file,
        .end = text + size,
        .observer = observer,
        .guard = guard,
        .place = {.at = text, .line = 1, .line_start = text},
    };
    reader->now.begin = reader->now.end = text;
    (void)sqlite3_set_authorizer(handle, authorize, reader);
}

void migrate_reader_finish(struct migrate_reader *reader)
{
    (void)sqlite3_finalize(reader->now.prepared);
    reader->now.prepared = NULL;
}

void migrate_reader_close(struct migrate_reader *reader)
{
    migrate_reader_finish(reader);
    (void)sqlite3_set_authorizer(reader->handle, NULL, NULL);
}

void migrate_reader_pass(struct migrate_reader *reader, const char *end)
{
    reader->now.end = end;
}

void migrate_reader_notice(const struct migrate_reader *reader, const char *sentence)
{
    if (reader->observer->notice != NULL)
        reader->observer->notice(reader->observer->context, reader->file, reader->place.line,
                                 sentence);
}

/* What the first word says. */
static void look_at_word(struct migrate_statement *now, size_t left)
{
    struct layout_token token = layout_token_next(now->begin, left);
    now->pragma = layout_token_is(now->begin, &token, "PRAGMA");
    now->vacuum = layout_token_is(now->begin, &token, "VACUUM");
}

/* Prepares what begins at the place. */
static int prepare(struct migrate_reader *reader, struct error *err)
{
    struct migrate_statement *now = &reader->now;
    const char *tail = reader->end;
    size_t left = (size_t)(reader->end - reader->place.at);
    *now = (struct migrate_statement){.begin = reader->place.at};
    look_at_word(now, left);
    reader->rollback = false;
    reader->refused = false;
    reader->stepping = false;
    reader->reason = NULL;
    migrate_guard_forget(reader->guard);
    /* Without a length: of a text that does not end at its length SQLite makes a copy, for each
     * statement anew, which makes a long file endless. */
    int code = sqlite3_prepare_v2(reader->handle, now->begin, -1, &now->prepared, &tail);
    now->end = tail > now->begin ? tail : reader->end;
    if (code != SQLITE_OK) {
        /* The tail is where the parser gave up, which says less than the rest of the statement. */
        size_t length = (size_t)(now->end - now->begin);
        const char *semicolon = memchr(now->end - 1, ';', left - length + 1);
        now->end = semicolon != NULL ? semicolon + 1 : reader->end;
        int offset = sqlite3_error_offset(reader->handle);
        (void)failure(reader, err);
        if (offset > 0 && (size_t)offset <= left)
            move_to(&reader->place, now->begin + offset);
        return migrate_reader_locate(reader, err);
    }
    if (now->prepared == NULL && now->intent == MIGRATE_PLAIN)
        now->intent = MIGRATE_NOTHING;
    return 0;
}

/* Lone semicolons are no statements, and SQLite would take them for the beginning of the next. */
static const char *begin_of_next(const char *at, const char *end)
{
    for (;; at++) {
        at += layout_blank_length(at, (size_t)(end - at));
        if (at >= end || *at != ';')
            return at;
    }
}

int migrate_reader_next(struct migrate_reader *reader, bool *ret_more, struct error *err)
{
    migrate_reader_finish(reader);
    move_to(&reader->place, begin_of_next(reader->now.end, reader->end));
    *ret_more = reader->place.at < reader->end;
    if (!*ret_more)
        return 0;
    if (prepare(reader, err) != 0)
        return -1;
    reader->now.number = ++reader->number;
    if (reader->rollback) {
        (void)error_set(err, ERROR_DATA, 0,
                        "ROLLBACK is refused in a migration: it would undo liteinit's transaction");
        (void)error_hint(err, "remove the statement from the file");
        return migrate_reader_locate(reader, err);
    }
    if (reader->now.intent == MIGRATE_PASSED_OVER) {
        char sentence[256];
        (void)snprintf(sentence, sizeof sentence, "%s is skipped: %s", reader->what,
                       reader->reason);
        migrate_reader_notice(reader, sentence);
    }
    return 0;
}

static int step_to_end(struct migrate_reader *reader, struct error *err)
{
    int code = SQLITE_ROW;
    reader->stepping = true;
    while (code == SQLITE_ROW)
        code = sqlite3_step(reader->now.prepared);
    int result = code == SQLITE_DONE ? 0 : failure(reader, err);
    reader->stepping = false;
    (void)sqlite3_reset(reader->now.prepared);
    return result;
}

int migrate_reader_run(struct migrate_reader *reader, struct error *err)
{
    if (migrate_guard_before(reader->guard, err) == 0 && step_to_end(reader, err) == 0 &&
        migrate_guard_after(reader->guard, err) == 0)
        return 0;
    return migrate_reader_locate(reader, err);
}
