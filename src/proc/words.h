/* A command that somebody wrote as one text, taken apart without a shell. */
#ifndef LITEINIT_PROC_WORDS_H
#define LITEINIT_PROC_WORDS_H

#include "base/error.h"

/*
 * Splits at blanks. 'single quotes' keep everything, "double quotes" all but \" \\ \$ and \`, a
 * backslash the next character. Nothing is expanded. What only a shell understands is ERROR_CONFIG
 * with the way to have one: pipes, redirections, && outside of quotes, $… also in double ones, and
 * NAME=value before the program. So is a quote without its end and a text without a word. `what`
 * names the text in the message. *ret_words ends with NULL; the caller frees it with
 * proc_words_free().
 */
int proc_words_split(const char *what, const char *text, char ***ret_words, struct error *err);
void proc_words_free(char **words);

#endif
