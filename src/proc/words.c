/* See words.h. */
#include "proc/words.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int needs_shell(const char *what, const char *text, char c, struct error *err)
{
    char quoted[400];
    (void)error_set(err, ERROR_CONFIG, 0,
                    "%s is run without a shell, and the character %c in it is for one", what, c);
    return error_hint(err, "quote it if it is meant as it stands; or ask for the shell: sh -c %s",
                      text_shell_quote(quoted, sizeof quoted, text));
}

/* Takes one word at *at into `out`, which has room for all of the text. */
static int take_word(const char *what, const char *text, const char **at, char *out,
                     struct error *err)
{
    size_t n = 0;
    char quote = '\0';
    const char *c = *at;
    for (; *c != '\0' && (quote != '\0' || !is_blank(*c)); c++) {
        if (quote == '\0' && (*c == '\'' || *c == '"')) {
            quote = *c;
        } else if (*c == quote) {
            quote = '\0';
        } else if (*c == '\\' && c[1] != '\0' &&
                   (quote == '\0' || (quote == '"' && strchr("\"\\$`", c[1]) != NULL))) {
            out[n++] = *++c;
        } else if (strchr(quote == '\0' ? "|&;<>()$`" : quote == '"' ? "$`" : "", *c) != NULL) {
            return needs_shell(what, text, *c, err);
        } else {
            out[n++] = *c;
        }
    }
    out[n] = '\0';
    *at = c;
    if (quote == '\0')
        return 0;
    (void)error_set(err, ERROR_CONFIG, 0, "%s: the quote %c has no end", what, quote);
    return error_hint(err, "close it, or put a backslash before it");
}

/* NAME=value before the program sets a variable, in a shell. */
static bool is_assignment(const char *word)
{
    size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
    return n > 0 && word[n] == '=';
}

int proc_words_split(const char *what, const char *text, char ***ret_words, struct error *err)
{
    const size_t size = strlen(text);
    /* At most one word for each two characters. */
    char **words = calloc(size / 2 + 2, sizeof *words);
    char *word = malloc(size + 1);
    size_t count = 0;
    int result = 0;
    if (words == NULL || word == NULL) {
        free(words);
        free(word);
        return error_set(err, ERROR_IO, ENOMEM, "%s", what);
    }
    for (const char *at = text; result == 0;) {
        while (is_blank(*at))
            at++;
        if (*at == '\0')
            break;
        result = take_word(what, text, &at, word, err);
        if (result == 0 && (words[count++] = strdup(word)) == NULL)
            result = error_set(err, ERROR_IO, ENOMEM, "%s", what);
    }
    const char *program = words[0];
    if (result == 0 && (program == NULL || program[0] == '\0'))
        result = error_set(err, ERROR_CONFIG, 0, "%s names no program", what);
    else if (result == 0 && is_assignment(program))
        result = needs_shell(what, text, '=', err);
    free(word);
    if (result != 0) {
        proc_words_free(words);
        return -1;
    }
    *ret_words = words;
    return 0;
}

void proc_words_free(char **words)
{
    for (size_t i = 0; words != NULL && words[i] != NULL; i++)
        free(words[i]);
    free(words);
}
