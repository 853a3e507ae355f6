/*
 * What the database remembers of its migrations.
 *
 * schema_migrations: the versions that are applied. migration_history: every attempt; a row is
 * written as `running` in a transaction of its own before the migration begins, so that a crash
 * leaves a trace. A table of one of these names that another tool owns is told by its columns and
 * left as it is: ours is then liteinit_migrations or liteinit_history, and stays so when the other
 * table is dropped.
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
};

struct migrate_applied {
    int64_t version;
    char *name;
    char *applied_at;
    char *checksum; /* texts may be NULL */
    char *app_version;
    char *backup;
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

/* The applied versions in ascending order. The caller frees with migrate_applied_free(). */
int migrate_history_applied(const struct migrate_history *history,
                            struct migrate_applied **ret_applied, size_t *ret_count,
                            struct error *err);
void migrate_applied_free(struct migrate_applied *applied, size_t count);

/* The newest `limit` attempts, newest first. The caller frees with migrate_attempts_free(). */
int migrate_history_attempts(const struct migrate_history *history, int limit,
                             struct migrate_attempt **ret_attempts, size_t *ret_count,
                             struct error *err);
void migrate_attempts_free(struct migrate_attempt *attempts, size_t count);

/* Attempts that still say `running` were cut off by a crash or a kill: marks them interrupted.
 * *ret_marked is their number. */
int migrate_history_mend(const struct migrate_history *history, int64_t *ret_marked,
                         struct error *err);

/* Writes the row of a beginning attempt and gives its id. */
int migrate_history_start(const struct migrate_history *history, int64_t version,
                          const char *direction, const char *backup, int64_t *ret_id,
                          struct error *err);

/* Ends an attempt's row: status success, failed or interrupted. */
int migrate_history_finish(const struct migrate_history *history, int64_t id, const char *status,
                           const char *error, struct error *err);

/* Writes the row of an applied migration; inside the migration's transaction. */
int migrate_history_record(const struct migrate_history *history,
                           const struct migrate_record *record, struct error *err);

/* Whether the version's record is in the database as it is now. */
int migrate_history_has(const struct migrate_history *history, int64_t version, bool *ret_there,
                        struct error *err);

#endif
