/* See proofread.h. */
#include "validate/proofread.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "layout/split.h"
#include "layout/tokens.h"
#include "store/sql.h"

/* A file that is no SQL at all is told of without a line for each of its lines. */
#define MAX_FAULTS 10

/* Puts the place of text[offset] into an error. */
static void set_place(struct error *fault, const struct layout_script *script, size_t offset)
{
    (void)snprintf(fault->file, sizeof fault->file, "%.255s", script->file);
    layout_place_of(script->text, offset, &fault->line, &fault->column);
}

int validate_proofread_text(const struct layout_script *script, struct validate_remarks *remarks,
                            bool *ret_closed, struct error *err)
{
    struct error fault;
    bool closed = layout_text_check(script->file, script->text, script->size, &fault) == 0;
    if (!closed && validate_remarks_add(remarks, VALIDATE_FAULT, &fault, err) != 0)
        return -1;
    *ret_closed = closed;
    return 0;
}

/* Many pragmas do their work while they are prepared. */
static int authorize(void *context, int action, const char *first, const char *second,
                     const char *database, const char *trigger)
{
    (void)context;
    (void)first;
    (void)second;
    (void)database;
    (void)trigger;
    return action == SQLITE_PRAGMA ? SQLITE_DENY : SQLITE_OK;
}

/* The parser's own messages; what comes from further on depends on what has run before. */
static bool is_grammar(const char *message, bool closed)
{
    if (text_ends_with(message, ": syntax error"))
        return true;
    return closed && (strcmp(message, "incomplete input") == 0 ||
                      text_starts_with(message, "unrecognized token: "));
}

static int read_statements(sqlite3 *handle, const struct layout_script *script, bool closed,
                           struct validate_remarks *remarks, struct error *err)
{
    const char *at = script->text;
    const char *end = script->text + script->size;
    int faults = 0;
    while (at < end && faults < MAX_FAULTS) {
        sqlite3_stmt *statement = NULL;
        /* A byte order mark stands before the first statement alone. */
        at += layout_blank_length(at, (size_t)(end - at));
        size_t length = layout_statement_length(at, (size_t)(end - at));
        /* Without a length, as in script.c. */
        int code = sqlite3_prepare_v2(handle, at, -1, &statement, NULL);
        (void)sqlite3_finalize(statement);
        const char *message = sqlite3_errmsg(handle);
        if (code != SQLITE_OK && is_grammar(message, closed)) {
            struct error fault;
            int offset = sqlite3_error_offset(handle);
            size_t place = offset > 0 && (size_t)offset <= length ? (size_t)offset : 0;
            (void)error_set(&fault, ERROR_DATA, 0, "%s", message);
            set_place(&fault, script, (size_t)(at - script->text) + place);
            if (validate_remarks_add(remarks, VALIDATE_FAULT, &fault, err) != 0)
                return -1;
            faults++;
        }
        at += length;
    }
    return 0;
}

int validate_proofread_grammar(sqlite3 *handle, const struct layout_script *script, bool closed,
                               struct validate_remarks *remarks, struct error *err)
{
    (void)sqlite3_set_authorizer(handle, authorize, NULL);
    int result = read_statements(handle, script, closed, remarks, err);
    (void)sqlite3_set_authorizer(handle, NULL, NULL);
    return result;
}
