/* The checksum over tokens: blanks between them do not count, every other byte does. What is one
 * string or one name for it is one for SQLite. */
#include "fuzz.h"

#include <ctype.h>
#include <sqlite3.h>

#include "layout/tokens.h"

#define SIZE_MAX_TRIED 4096

/* Blanks to put between tokens. The space in front keeps "-" and "-- …" apart. */
static const char *const blanks[] = {" ", " \t", "\r\n", " /* ; ' */", " -- \" it's\n", "\n\n\f"};
#define BLANKS (sizeof blanks / sizeof blanks[0])

/* The same tokens with other blanks around them; `salt` chooses which. */
static size_t disguise(const char *text, size_t size, unsigned salt, char *out)
{
    size_t at = 0;
    size_t n = 0;
    while (at < size) {
        struct layout_token token = layout_token_next(text + at, size - at);
        MUST(token.size > 0 && token.size <= size - at, "no progress at %zu", at);
        if (token.kind != LAYOUT_TOKEN_SPACE && token.kind != LAYOUT_TOKEN_COMMENT) {
            const char *blank = blanks[(salt + at * 7) % BLANKS];
            memcpy(out + n, blank, strlen(blank));
            n += strlen(blank);
            memcpy(out + n, text + at, token.size);
            n += token.size;
        }
        at += token.size;
    }
    return n;
}

/* Another byte that leaves the tokens around it as they are; 0: there is none. */
static char other_byte(char byte)
{
    if (isalnum((unsigned char)byte))
        return byte == 'q' ? 'p' : 'q';
    return strchr(",.;()+<>=", byte) != NULL ? (byte == ',' ? '.' : ',') : 0;
}

static void change_each(char *text, size_t size, const char *sum)
{
    char changed[LAYOUT_CHECKSUM_SIZE];
    for (size_t at = 0; at < size;) {
        struct layout_token token = layout_token_next(text + at, size - at);
        bool blank = token.kind == LAYOUT_TOKEN_SPACE || token.kind == LAYOUT_TOKEN_COMMENT;
        size_t middle = at + token.size / 2;
        char was = text[middle];
        char is = blank ? 0 : other_byte(was);
        if (is != 0 && was != '\0') {
            text[middle] = is;
            layout_checksum(text, size, changed);
            MUST(strcmp(changed, sum) != 0, "the byte at %zu does not count", middle);
            text[middle] = was;
        }
        at += token.size;
    }
}

/* SQLite reads the token as a value or a name, which quoted again is the token. */
static void check_quotes(sqlite3 *db, const char *token, size_t size, bool name)
{
    sqlite3_stmt *statement = NULL;
    char *sql = sqlite3_mprintf(name ? "SELECT 1 AS %.*s" : "SELECT %.*s", (int)size, token);
    MUST(sql != NULL, "memory");
    MUST(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
             sqlite3_step(statement) == SQLITE_ROW,
         "%s: %s", sql, sqlite3_errmsg(db));
    char *again = name ? sqlite3_mprintf("\"%w\"", sqlite3_column_name(statement, 0))
                       : sqlite3_mprintf("%Q", (const char *)sqlite3_column_text(statement, 0));
    MUST(again != NULL && strlen(again) == size && memcmp(again, token, size) == 0,
         "SQLite reads %s as %s", sql, again);
    sqlite3_free(again);
    sqlite3_free(sql);
    (void)sqlite3_finalize(statement);
}

static void check_all_quotes(const char *text, size_t size)
{
    static sqlite3 *db;
    MUST(db != NULL || sqlite3_open(":memory:", &db) == SQLITE_OK, "SQLite");
    for (size_t at = 0; at < size;) {
        struct layout_token token = layout_token_next(text + at, size - at);
        bool string = token.kind == LAYOUT_TOKEN_STRING;
        bool name = token.kind == LAYOUT_TOKEN_NAME && text[at] == '"';
        /* A doubled quote is inside. */
        MUST((!string && !name) || at == 0 || text[at - 1] != text[at], "two of one at %zu", at);
        if (token.closed && (string || name))
            check_quotes(db, text + at, token.size, name);
        at += token.size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char sum[LAYOUT_CHECKSUM_SIZE];
    char same[LAYOUT_CHECKSUM_SIZE];
    if (size > SIZE_MAX_TRIED)
        return 0;
    char *text = fuzz_copy(data, size);
    MUST(layout_blank_length(text, size) <= size, "blanks past the end");
    layout_checksum(text, size, sum);
    MUST(strlen(sum) == sizeof sum - 1, "%s", sum);
    /* A NUL, at which SQLite's texts end, and a byte order mark inside are refused or no business
     * of the sum's. */
    if (memchr(text, '\0', size) == NULL && memmem(text, size, "\xEF\xBB\xBF", 3) == NULL) {
        char *out = malloc(size * 12 + 1);
        MUST(out != NULL, "memory");
        for (unsigned salt = 0; salt < BLANKS; salt++) {
            layout_checksum(out, disguise(text, size, salt, out), same);
            MUST(strcmp(same, sum) == 0, "blanks count: %.*s", (int)size, text);
        }
        free(out);
        change_each(text, size, sum);
        check_all_quotes(text, size);
    }
    free(text);
    return 0;
}
