/*
 * Where the statements of an SQL text end, by the rules of sqlite3_complete()
 * (https://www.sqlite.org/c3ref/complete.html): at a semicolon, and for CREATE TRIGGER, perhaps
 * behind EXPLAIN, at the semicolon after the END that follows one.
 *
 * For counting and for looking a text over before it is run; running it leaves the splitting to
 * SQLite's parser. All of it takes time that grows with the text alone.
 */
#ifndef LITEINIT_LAYOUT_SPLIT_H
#define LITEINIT_LAYOUT_SPLIT_H

#include <stddef.h>

#include "base/error.h"

/* Length of the first statement: with the blanks before it and with its semicolon, or to the end
 * of the text. 0 only for an empty text. */
size_t layout_statement_length(const char *text, size_t size);

/* How many statements there are; blanks and lone semicolons are none. */
size_t layout_statement_count(const char *text, size_t size);

/* ERROR_DATA with file, line and column for a string, quoted name, block comment or trigger that
 * begins there and never ends: what follows it would be taken for a part of it. */
int layout_text_check(const char *file, const char *text, size_t size, struct error *err);

/* ERROR_DATA with file, line and column for a line comment in which a carriage return stands alone
 * and text follows it, as in a file with the line ends of an old Mac: an editor shows the text as
 * lines of their own, while SQLite takes all of it for the comment, and would run nothing. */
int layout_line_ends_check(const char *file, const char *text, size_t size, struct error *err);

#endif
