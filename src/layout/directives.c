/* See directives.h. */
#include "layout/directives.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "layout/tokens.h"

/* Word number i sets what apply_word() says of it. */
static const char *const known[] = {"irreversible",      "no-transaction",
                                    "allow-row-loss",    "foreign-keys=on",
                                    "foreign-keys=warn", "legacy-alter-table=on"};
#define KNOWN_SAID                                                                                 \
    "irreversible, no-transaction, allow-row-loss, foreign-keys=on, foreign-keys=warn, "           \
    "legacy-alter-table=on"

static void set(size_t word, struct layout_directives *directives)
{
    switch (word) {
    case 0:
        directives->irreversible = true;
        break;
    case 1:
        directives->no_transaction = true;
        break;
    case 2:
        directives->allow_row_loss = true;
        break;
    case 3:
        directives->foreign_keys = LAYOUT_FOREIGN_KEYS_ON;
        break;
    case 4:
        directives->foreign_keys = LAYOUT_FOREIGN_KEYS_WARN;
        break;
    default:
        directives->legacy_alter_table = true;
        break;
    }
}

static int apply_word(const char *file, int line, const char *word,
                      struct layout_directives *directives, struct error *err)
{
    const size_t count = sizeof known / sizeof known[0];
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, known[i]) == 0) {
            set(i, directives);
            return 0;
        }
    const char *nearest = text_nearest(word, known, count);
    (void)error_set(err, ERROR_DATA, 0, "%s:%d: unknown directive \"%s\"", file, line, word);
    (void)snprintf(err->file, sizeof err->file, "%.255s", file);
    err->line = line;
    err->column = 1;
    if (nearest != NULL)
        return error_hint(err, "did you mean \"%s\"? This version knows: " KNOWN_SAID, nearest);
    return error_hint(err, "this version knows: " KNOWN_SAID);
}

static bool is_separator(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == ',';
}

/* Goes past blanks and this text, in letters of any case; false when something else is there. */
static bool skip_text(const char **at, const char *end, const char *text)
{
    size_t length = strlen(text);
    while (*at < end && (**at == ' ' || **at == '\t'))
        (*at)++;
    if ((size_t)(end - *at) < length || strncasecmp(*at, text, length) != 0)
        return false;
    *at += length;
    return true;
}

static int read_line(const char *file, int number, const char *line, size_t length,
                     struct layout_directives *directives, struct error *err)
{
    const char *at = line;
    const char *end = line + length;
    if (!skip_text(&at, end, "--") || !skip_text(&at, end, "liteinit:"))
        return 0;
    while (at < end) {
        char word[128];
        size_t n = 0;
        while (at + n < end && !is_separator(at[n]))
            n++;
        (void)snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word - 1), at);
        if (n > 0 && apply_word(file, number, word, directives, err) != 0)
            return -1;
        at += n + 1;
    }
    return 0;
}

int layout_directives_read(const char *file, const char *text, size_t size,
                           struct layout_directives *ret_directives, struct error *err)
{
    struct layout_directives directives = {.irreversible = false};
    size_t head = layout_blank_length(text, size);
    size_t at = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    for (int number = 1; at < head; number++) {
        const char *end = memchr(text + at, '\n', head - at);
        size_t length = end != NULL ? (size_t)(end - (text + at)) : head - at;
        if (read_line(file, number, text + at, length, &directives, err) != 0)
            return -1;
        at += length + 1;
    }
    *ret_directives = directives;
    return 0;
}

void layout_directives_add(struct layout_directives *directives,
                           const struct layout_directives *more)
{
    directives->irreversible = directives->irreversible || more->irreversible;
    directives->no_transaction = directives->no_transaction || more->no_transaction;
    directives->allow_row_loss = directives->allow_row_loss || more->allow_row_loss;
    directives->legacy_alter_table = directives->legacy_alter_table || more->legacy_alter_table;
    if (more->foreign_keys != LAYOUT_FOREIGN_KEYS_OFF)
        directives->foreign_keys = more->foreign_keys;
}

void layout_directives_write(const struct layout_directives *directives,
                             const struct layout_directives *said, char out[LAYOUT_DIRECTIVES_LINE])
{
    /* In the order of `known`. */
    const bool wanted[] = {
        directives->irreversible && !said->irreversible,
        directives->no_transaction && !said->no_transaction,
        directives->allow_row_loss && !said->allow_row_loss,
        directives->foreign_keys == LAYOUT_FOREIGN_KEYS_ON &&
            said->foreign_keys != LAYOUT_FOREIGN_KEYS_ON,
        directives->foreign_keys == LAYOUT_FOREIGN_KEYS_WARN &&
            said->foreign_keys != LAYOUT_FOREIGN_KEYS_WARN,
        directives->legacy_alter_table && !said->legacy_alter_table,
    };
    _Static_assert(sizeof wanted / sizeof wanted[0] == sizeof known / sizeof known[0],
                   "each directive can be written");
    size_t n = 0;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (wanted[i])
            n += (size_t)snprintf(out + n, LAYOUT_DIRECTIVES_LINE - n, "%s %s",
                                  n == 0 ? "-- liteinit:" : "", known[i]);
    (void)snprintf(out + n, LAYOUT_DIRECTIVES_LINE - n, "%s", n > 0 ? "\n" : "");
}
