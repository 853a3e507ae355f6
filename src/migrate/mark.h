/*
 * How far a migration without a transaction has come: "STATEMENTS:CHECKSUM", the statements that
 * were run and stay, and a SHA-256 over the tokens up to there.
 *
 * Comments and white space may change behind our back, as with the checksum of the whole; the last
 * semicolon is not counted either, since the end of a file does not need one.
 */
#ifndef LITEINIT_MIGRATE_MARK_H
#define LITEINIT_MIGRATE_MARK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/hash.h"
#include "migrate/history.h"

struct migrate_mark {
    struct hash hash;
    const char *at; /* the tokens before it are in the sum */
    size_t statements;
    bool semicolon; /* the last token was one, which is not in the sum yet */
};

void migrate_mark_start(struct migrate_mark *mark, const char *text);

/* Moves to `end`, behind one more statement. */
void migrate_mark_move(struct migrate_mark *mark, const char *end);

/* The mark as it is kept. */
void migrate_mark_format(const struct migrate_mark *mark, char out[MIGRATE_NOTE_SIZE]);

/* How many statements a kept mark speaks of. */
size_t migrate_mark_statements(const char *note);

/* Whether this is the place that a kept mark speaks of. */
bool migrate_mark_is(const struct migrate_mark *mark, const char *note);

#endif
