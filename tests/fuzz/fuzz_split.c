/* The splitter against SQLite's own: sqlite3_complete(), and the tail that preparing returns. */
#include "fuzz.h"

#include <sqlite3.h>

#include "base/error.h"
#include "layout/split.h"
#include "layout/tokens.h"

#define SIZE_MAX_TRIED 4096

/* sqlite3_complete() of the first `size` bytes. */
static bool is_complete(const char *text, size_t size)
{
    char *copy = fuzz_text((const uint8_t *)text, size);
    bool complete = sqlite3_complete(copy) != 0;
    free(copy);
    return complete;
}

/* A piece is complete, and no shorter beginning of it that ends in a semicolon is. */
static void check_piece(const char *piece, size_t size, bool last)
{
    bool complete = is_complete(piece, size);
    MUST(complete || last, "a piece that is not complete: %.*s", (int)size, piece);
    for (size_t i = 0; i + 1 < size; i++)
        MUST(piece[i] != ';' || !is_complete(piece, i + 1), "a piece of more than one: %.*s",
             (int)size, piece);
}

/* What SQLite can prepare ends where the splitter says. */
static void check_tail(sqlite3 *db, const char *text, size_t size)
{
    sqlite3_stmt *statement = NULL;
    const char *tail = NULL;
    int code = sqlite3_prepare_v2(db, text, -1, &statement, &tail);
    bool prepared = code == SQLITE_OK && statement != NULL;
    (void)sqlite3_finalize(statement);
    if (!prepared)
        return;
    size_t length = layout_statement_length(text, size);
    if (layout_statement_count(text, length) == 0)
        return; /* a lone semicolon, which SQLite goes past */
    /* An unfinished last one reaches to the end for both. */
    MUST((size_t)(tail - text) == length || layout_blank_length(tail, strlen(tail)) == strlen(tail),
         "SQLite ends it at %zu, the splitter at %zu", (size_t)(tail - text), length);
}

static sqlite3 *database(void)
{
    static sqlite3 *db;
    if (db == NULL) {
        MUST(sqlite3_open(":memory:", &db) == SQLITE_OK, "SQLite");
        MUST(sqlite3_exec(db, "CREATE TABLE a (x, y); CREATE TABLE b (x, y)", NULL, NULL, NULL) ==
                 SQLITE_OK,
             "SQLite");
    }
    return db;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err;
    if (size > SIZE_MAX_TRIED)
        return 0;
    char *text = fuzz_copy(data, size);
    size_t at = 0;
    size_t pieces = 0;
    while (at < size) {
        size_t length = layout_statement_length(text + at, size - at);
        MUST(length > 0 && length <= size - at, "no progress at %zu", at);
        at += length;
        pieces++;
    }
    MUST(layout_statement_length(text, 0) == 0, "something of nothing");
    MUST(layout_statement_count(text, size) <= pieces, "more statements than pieces");
    if (layout_text_check("x.sql", text, size, &err) != 0)
        MUST(err.kind == ERROR_DATA && err.line > 0 && err.column > 0, "%s", err.msg);
    /* SQLite's texts end at a NUL; sqlite3_complete() knows no byte order mark. */
    if (memchr(text, '\0', size) == NULL && memmem(text, size, "\xEF\xBB\xBF", 3) == NULL) {
        char *whole = fuzz_text(data, size);
        for (at = 0; at < size;) {
            size_t length = layout_statement_length(text + at, size - at);
            check_piece(text + at, length, at + length == size);
            check_tail(database(), whole + at, size - at);
            at += length;
        }
        free(whole);
    }
    free(text);
    return 0;
}
