/* The directives at the head of a file: any bytes are read or refused with a place; a line more in
 * front changes nothing but the place. */
#include "fuzz.h"

#include "base/error.h"
#include "layout/directives.h"

#define MORE "-- a line more\n"

static int lines_of(const char *text, size_t size)
{
    int lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    return lines;
}

static int read_all(const char *text, size_t size, struct layout_directives *directives,
                    struct error *err)
{
    memset(directives, 0x55, sizeof *directives);
    int result = layout_directives_read("x.sql", text, size, directives, err);
    if (result == 0)
        return 0;
    MUST(err->kind == ERROR_DATA, "%s", err->msg);
    MUST(err->line >= 1 && err->line <= lines_of(text, size), "line %d", err->line);
    MUST(strcmp(err->file, "x.sql") == 0 && err->hint[0] != '\0', "%s", err->msg);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct layout_directives first;
    struct layout_directives second;
    struct error err = {.line = 0};
    struct error later = {.line = 0};
    char *text = fuzz_copy(data, size);
    int result = read_all(text, size, &first, &err);
    if (size < 3 || memcmp(text, "\xEF\xBB\xBF", 3) != 0) {
        size_t more = sizeof MORE - 1;
        char *longer = malloc(size + more);
        MUST(longer != NULL, "memory");
        memcpy(longer, MORE, more);
        memcpy(longer + more, text, size);
        MUST(read_all(longer, size + more, &second, &later) == result, "%s",
             result != 0 ? err.msg : later.msg);
        MUST(result == 0 || later.line == err.line + 1, "line %d and %d", err.line, later.line);
        if (result == 0)
            MUST(first.irreversible == second.irreversible &&
                     first.no_transaction == second.no_transaction &&
                     first.allow_row_loss == second.allow_row_loss &&
                     first.legacy_alter_table == second.legacy_alter_table &&
                     first.foreign_keys == second.foreign_keys,
                 "other directives");
        free(longer);
    }
    free(text);
    return 0;
}
