/* See split.h. */
#include "layout/split.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "layout/tokens.h"

/* The state after a token follows from the state before it: the table of sqlite3_complete(). */
enum state {
    STATE_START,   /* nothing of a statement yet */
    STATE_NORMAL,  /* in a statement that ends at the next semicolon */
    STATE_EXPLAIN, /* behind EXPLAIN: a CREATE may follow */
    STATE_CREATE,  /* CREATE, perhaps TEMP: a TRIGGER may follow */
    STATE_TRIGGER, /* in a trigger */
    STATE_SEMI,    /* in a trigger, behind a semicolon: END may follow */
    STATE_END,     /* "; END" of a trigger: a semicolon ends it */
};

/* The words of the table that stand behind EXPLAIN only where no trigger comes. */
static bool ends_explain(const char *text, const struct layout_token *token)
{
    static const char *const words[] = {"EXPLAIN", "TEMP", "TEMPORARY", "TRIGGER", "END"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (layout_token_is(text, token, words[i]))
            return true;
    return false;
}

static enum state after(enum state state, const char *text, const struct layout_token *token)
{
    bool semicolon = token->kind == LAYOUT_TOKEN_OTHER && text[0] == ';';
    switch (state) {
    case STATE_TRIGGER:
        return semicolon ? STATE_SEMI : STATE_TRIGGER;
    case STATE_SEMI:
        if (layout_token_is(text, token, "END"))
            return STATE_END;
        return semicolon ? STATE_SEMI : STATE_TRIGGER;
    case STATE_END:
        return semicolon ? STATE_START : STATE_TRIGGER;
    default:
        break;
    }
    if (semicolon)
        return STATE_START;
    switch (state) {
    case STATE_START:
        if (layout_token_is(text, token, "EXPLAIN"))
            return STATE_EXPLAIN;
        return layout_token_is(text, token, "CREATE") ? STATE_CREATE : STATE_NORMAL;
    case STATE_EXPLAIN:
        if (layout_token_is(text, token, "CREATE"))
            return STATE_CREATE;
        return ends_explain(text, token) ? STATE_NORMAL : STATE_EXPLAIN;
    case STATE_CREATE:
        if (layout_token_is(text, token, "TRIGGER"))
            return STATE_TRIGGER;
        return layout_token_is(text, token, "TEMP") || layout_token_is(text, token, "TEMPORARY")
                   ? STATE_CREATE
                   : STATE_NORMAL;
    default:
        return STATE_NORMAL;
    }
}

static bool is_blank(const struct layout_token *token)
{
    return token->kind == LAYOUT_TOKEN_SPACE || token->kind == LAYOUT_TOKEN_COMMENT;
}

size_t layout_statement_length(const char *text, size_t size)
{
    enum state state = STATE_START;
    size_t at = 0;
    bool begun = false;
    while (at < size && !(begun && state == STATE_START)) {
        struct layout_token token = layout_token_next(text + at, size - at);
        if (!is_blank(&token)) {
            state = after(state, text + at, &token);
            begun = true;
        }
        at += token.size;
    }
    return at;
}

size_t layout_statement_count(const char *text, size_t size)
{
    enum state state = STATE_START;
    size_t count = 0;
    size_t at = 0;
    while (at < size) {
        struct layout_token token = layout_token_next(text + at, size - at);
        if (!is_blank(&token)) {
            enum state next = after(state, text + at, &token);
            count += state == STATE_START && next != STATE_START;
            state = next;
        }
        at += token.size;
    }
    return count;
}

static int never_ended(const char *file, const char *text, size_t offset, const char *what,
                       const char *end, struct error *err)
{
    int line = 0;
    int column = 0;
    layout_place_of(text, offset, &line, &column);
    (void)error_set(err, ERROR_DATA, 0, "%s:%d:%d: the %s that begins here is never ended", file,
                    line, column, what);
    (void)snprintf(err->file, sizeof err->file, "%.255s", file);
    err->line = line;
    err->column = column;
    return error_hint(err, "end it with %s; all that follows would be taken for a part of it", end);
}

static int unclosed(const char *file, const char *text, size_t offset,
                    const struct layout_token *token, struct error *err)
{
    switch (token->kind) {
    case LAYOUT_TOKEN_COMMENT:
        return never_ended(file, text, offset, "comment", "*/", err);
    case LAYOUT_TOKEN_STRING:
        return never_ended(file, text, offset, "string", "'", err);
    case LAYOUT_TOKEN_BLOB:
        return never_ended(file, text, offset, "blob", "'", err);
    default:
        if (text[offset] == '[')
            return never_ended(file, text, offset, "name in brackets", "]", err);
        return never_ended(file, text, offset, "quoted name", text[offset] == '`' ? "`" : "\"",
                           err);
    }
}

int layout_text_check(const char *file, const char *text, size_t size, struct error *err)
{
    enum state state = STATE_START;
    size_t start = 0;
    size_t at = 0;
    while (at < size) {
        struct layout_token token = layout_token_next(text + at, size - at);
        if (!token.closed)
            return unclosed(file, text, at, &token, err);
        if (!is_blank(&token)) {
            if (state == STATE_START)
                start = at;
            state = after(state, text + at, &token);
        }
        at += token.size;
    }
    if (state == STATE_TRIGGER || state == STATE_SEMI)
        return never_ended(file, text, start, "trigger", "END;", err);
    return 0;
}

/* Whether text follows a carriage return that stands alone in this comment. */
static bool hides_lines(const char *comment, size_t size)
{
    const char *end = comment + size;
    const char *at = memchr(comment, '\r', size);
    if (at == NULL || comment[0] != '-')
        return false;
    while (at < end && strchr(" \t\f\v\r", *at) != NULL)
        at++;
    return at < end;
}

int layout_line_ends_check(const char *file, const char *text, size_t size, struct error *err)
{
    int line = 0;
    int column = 0;
    size_t at = 0;
    if (memchr(text, '\r', size) == NULL)
        return 0;
    while (at < size) {
        struct layout_token token = layout_token_next(text + at, size - at);
        if (token.kind == LAYOUT_TOKEN_COMMENT && hides_lines(text + at, token.size))
            break;
        at += token.size;
    }
    if (at >= size)
        return 0;
    layout_place_of(text, at, &line, &column);
    (void)error_set(err, ERROR_DATA, 0,
                    "%s:%d:%d: this comment has a carriage return alone in it: the lines behind it "
                    "are a part of the comment for SQLite, and would not run",
                    file, line, column);
    (void)snprintf(err->file, sizeof err->file, "%.255s", file);
    err->line = line;
    err->column = column;
    return error_hint(err, "save the file with line feeds (LF), or with both (CRLF)");
}
