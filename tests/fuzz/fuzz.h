/*
 * What the fuzz targets share.
 *
 * A target is LLVMFuzzerTestOneInput() in a file of its own; it must not crash, and what it asserts
 * must hold for any bytes. With libFuzzer it is a program that looks for bytes for which it does
 * not (run.sh); with replay.c it is one that tries the files of the corpus, with any compiler.
 */
#ifndef LITEINIT_TESTS_FUZZ_H
#define LITEINIT_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says what does not hold, and ends. */
#define MUST(condition, ...)                                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: not so: %s: ", __FILE__, __LINE__, #condition);          \
            (void)fprintf(stderr, __VA_ARGS__);                                                    \
            (void)fputc('\n', stderr);                                                             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* The bytes in a block of exactly their size, so that a sanitizer sees one that is read past the
 * end. Freed by the caller. */
static inline char *fuzz_copy(const uint8_t *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    MUST(copy != NULL, "memory");
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

/* The bytes up to the first NUL, as a text. Freed by the caller. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    size_t length = size > 0 ? strnlen((const char *)data, size) : 0;
    char *text = malloc(length + 1);
    MUST(text != NULL, "memory");
    if (length > 0)
        memcpy(text, data, length);
    text[length] = '\0';
    return text;
}

/* True for SQL that a few bytes of can keep busy for minutes, which is no fault. */
static inline bool fuzz_is_costly(const char *sql)
{
    static const char *const words[] = {"WITH", "BLOB(", "PRINTF(", "FORMAT(", "REPLACE(", "fts"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasestr(sql, words[i]) != NULL)
            return true;
    return false;
}

#endif
