/*
 * Reads a migration's text statement by statement.
 *
 * The text is split by SQLite's own parser (the tail that sqlite3_prepare_v2 returns), so that
 * triggers, strings and comments are no trouble. What a statement would do to the transaction, to
 * the connection or to tables is told by SQLite's authorizer, not by looking at words. Two kinds
 * are told by their first word, since the authorizer says nothing of the one and too little of the
 * other: VACUUM and PRAGMA, which nothing can stand before.
 */
#ifndef LITEINIT_MIGRATE_STATEMENT_H
#define LITEINIT_MIGRATE_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "migrate/guard.h"
#include "migrate/observer.h"

struct sqlite3;
struct sqlite3_stmt;

enum migrate_intent {
    MIGRATE_PLAIN,
    MIGRATE_NOTHING, /* there is nothing to step */
    MIGRATE_BEGIN,
    MIGRATE_COMMIT,
    MIGRATE_SAVEPOINT,
    MIGRATE_RELEASE,
    MIGRATE_PASSED_OVER, /* a pragma that is of no use here */
};

struct migrate_statement {
    struct sqlite3_stmt *prepared; /* owned by the reader; NULL for NOTHING and PASSED_OVER */
    enum migrate_intent intent;
    bool pragma;
    bool vacuum;
    const char *begin;
    const char *end; /* behind its semicolon */
    size_t number;   /* from 1 */
};

/* A place in the file. Moves forward only, so that counting lines stays linear. */
struct migrate_place {
    const char *at;
    int line;
    const char *line_start;
};

struct migrate_reader {
    struct sqlite3 *handle;
    const char *file;
    const char *end;
    const struct migrate_observer *observer;
    struct migrate_guard *guard; /* is told which tables are touched */
    bool keeps_no_temporary;     /* temporary objects are refused: they would not outlive a stop */
    struct migrate_place place;
    struct migrate_statement now;
    size_t number;

    /* What the authorizer saw of the statement. */
    bool rollback;
    bool stepping;
    const char *reason; /* why it is refused or passed over, or NULL */
    bool refused;
    char what[64];
};

/* Takes over the connection's authorizer until migrate_reader_close(). `text` ends with a NUL. The
 * reader must not move meanwhile. */
void migrate_reader_open(struct migrate_reader *reader, struct sqlite3 *handle, const char *file,
                         const char *text, size_t size, struct migrate_guard *guard,
                         const struct migrate_observer *observer);
void migrate_reader_close(struct migrate_reader *reader);

/* Prepares the next statement: reader->now. False at the end of the text. Refused as ERROR_DATA are
 * ROLLBACK, ATTACH, DETACH and pragmas that weaken durability or bypass the schema. An error
 * carries file, line, column and the beginning of the statement. */
int migrate_reader_next(struct migrate_reader *reader, bool *ret_more, struct error *err);

/* Steps reader->now to its end, watched by the guard. */
int migrate_reader_run(struct migrate_reader *reader, struct error *err);

/* Finalizes reader->now, so that no statement is in progress. */
void migrate_reader_finish(struct migrate_reader *reader);

/* Puts the place of reader->now into an error. Always returns -1. */
int migrate_reader_locate(struct migrate_reader *reader, struct error *err);

/* Tells the observer that reader->now is not run. */
void migrate_reader_notice(const struct migrate_reader *reader, const char *sentence);

/* Goes on behind `end` without running what stands before it. */
void migrate_reader_pass(struct migrate_reader *reader, const char *end);

#endif
