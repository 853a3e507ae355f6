/*
 * What the database remembers of its migrations.
 *
 * schema_migrations: the versions that are applied. migration_history: every attempt; a row is
 * written as `running` in a transaction of its own before the migration begins, so that a crash
 * leaves a trace. A table of one of these names that another tool owns is told by its columns and
 * left as it is: ours is then liteinit_migrations or liteinit_history, and stays so when the other
 * table is dropped. What tells our migration_history from one that an app made for itself is its
 * column `resume`: how far a migration without a transaction has come, as "STATEMENTS:CHECKSUM"
 * (resume.h).
 */
#ifndef LITEINIT_MIGRATE_HISTORY_H
#define LITEINIT_MIGRATE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "layout/tokens.h"

struct sqlite3;

struct migrate_history {
    struct sqlite3 *handle;
    const char *applied_table; /* schema_migrations or liteinit_migrations */
    const char *history_table; /* migration_history or liteinit_history */
    bool applied_exists;
    bool history_exists;
    bool foreign; /* a schema_migrations of another tool is there */
    bool halfway; /* some attempt has a note of how far it came; known after _create() */
};

struct migrate_applied {
    int64_t version;
    char *texts;      /* what the texts below point into */
    int64_t recorded; /* as it stands in the database; see migrate_plan_renumber() */
    char *name;
    char *applied_at;
    char *checksum; /* texts may be NULL */
    char *app_version;
    char *backup;
    bool has_down;    /* its way back is in the database */
    int64_t position; /* in the order of application, from 1 */
};

struct migrate_attempt {
    int64_t id;
    int64_t version;
    char *direction;
    char *status;
    char *backup;
    char *error;
    char *started_at;
    char *completed_at;
};

/* A migration without a transaction whose newest attempt did not come to its end. */
struct migrate_unfinished {
    int64_t version;
    bool down;
    size_t statements; /* that were run and stay */
};

/* Room for "STATEMENTS:CHECKSUM". */
#define MIGRATE_NOTE_SIZE (24 + HASH_HEX_SIZE)

/* What is written down with an applied migration. */
struct migrate_record {
    int64_t version;
    const char *name;
    const char *checksum;
    int64_t duration_ms;
    const char *app_version; /* NULL: unknown */
    const char *backup;      /* NULL: none was made */
    const char *down_sql;    /* NULL: no way back */
    const char *applied_at;  /* RFC 3339; NULL: now */
};

/* Finds out which tables are ours. Changes nothing. */
int migrate_history_open(struct sqlite3 *handle, struct migrate_history *ret_history,
                         struct error *err);

/* Makes the two tables where they are absent. Outside a transaction. */
int migrate_history_create(struct migrate_history *history, struct error *err);

/* The applied versions in ascending order. Their positions follow the newest attempt of each that
 * brought it in (up, adopt or baseline); those that the history does not know come first, in the
 * order of applied_at. The caller frees with migrate_applied_free(). */
int migrate_history_applied(const struct migrate_history *history,
                            struct migrate_applied **ret_applied, size_t *ret_count,
                            struct error *err);
void migrate_applied_free(struct migrate_applied *applied, size_t count);

/* The newest `limit` attempts, newest first. The caller frees with migrate_attempts_free(). */
int migrate_history_attempts(const struct migrate_history *history, int limit,
                             struct migrate_attempt **ret_attempts, size_t *ret_count,
                             struct error *err);
void migrate_attempts_free(struct migrate_attempt *attempts, size_t count);

/* The half-applied migrations, the newest attempt first. The caller frees the list with free(). */
int migrate_history_unfinished(const struct migrate_history *history,
                               struct migrate_unfinished **ret_list, size_t *ret_count,
                               struct error *err);

/* The backup from before the first of the attempts at a version that did not succeed yet: later ones
 * were made of a schema that was half done. NULL where none is known. The caller frees it. */
int migrate_history_first_backup(const struct migrate_history *history, int64_t version,
                                 char **ret_backup, struct error *err);

/* The way back of an applied version that the database has kept; NULL where there is none. The
 * caller frees it. */
int migrate_history_down_sql(const struct migrate_history *history, int64_t version, char **ret_sql,
                             struct error *err);

/* Attempts that still say `running` were cut off by a crash or a kill: marks them interrupted.
 * *ret_marked is their number. */
int migrate_history_mend(const struct migrate_history *history, int64_t *ret_marked,
                         struct error *err);

/* Writes the row of a beginning attempt and gives its id. It takes over the note of the attempt
 * before it in the same direction, if that one did not succeed. */
int migrate_history_start(const struct migrate_history *history, int64_t version,
                          const char *direction, const char *backup, int64_t *ret_id,
                          struct error *err);

/* Ends an attempt's row: status success, failed or interrupted. */
int migrate_history_finish(const struct migrate_history *history, int64_t id, const char *status,
                           const char *error, struct error *err);

/* An attempt's status and note ("" for none) as the database has them now; each may be NULL. */
int migrate_history_look(const struct migrate_history *history, int64_t id, bool *ret_success,
                         char ret_note[MIGRATE_NOTE_SIZE], struct error *err);

/* Writes how far an attempt has come; inside the transaction of what is noted. */
int migrate_history_note(const struct migrate_history *history, int64_t id, const char *note,
                         struct error *err);

/* Writes the row of an applied migration; inside the migration's transaction. A repeatable one
 * (negative version) replaces its row from before. */
int migrate_history_record(const struct migrate_history *history,
                           const struct migrate_record *record, struct error *err);

/* Takes the record of a version away; inside the transaction that takes the migration back. */
int migrate_history_remove(const struct migrate_history *history, int64_t version,
                           struct error *err);

/* Puts the checksum and the way back (NULL: none) of a changed file into a version's record.
 * ERROR_NOT_FOUND when it has none. */
int migrate_history_accept(const struct migrate_history *history, int64_t version,
                           const char *checksum, const char *down_sql, struct error *err);

/* Whether the version's record is in the database as it is now. */
int migrate_history_has(const struct migrate_history *history, int64_t version, bool *ret_there,
                        struct error *err);

#endif
