/*
 * Watches over the rows while a migration runs, inside its transaction.
 *
 * - A table that the migration's SQL does not name must not lose rows (design fact 9): what takes
 *   them is a trigger or a foreign key's action that nobody thought of.
 * - No row may break a foreign key that did not before (design fact 8).
 *
 * The authorizer reports, while a statement is prepared, which tables it can write, with its
 * triggers and foreign key actions; so only these are looked at, just before they are written for
 * the first time and once more at the end. Tables that the migration does not touch cost nothing,
 * and neither does an ALTER TABLE, unless it adds a foreign key.
 *
 * In the order of a transaction: open, then for each statement note (by the authorizer), before,
 * after, at last finish.
 */
#ifndef LITEINIT_MIGRATE_GUARD_H
#define LITEINIT_MIGRATE_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "layout/names.h"
#include "layout/script.h"
#include "migrate/list.h"
#include "migrate/observer.h"
#include "migrate/references.h"
#include "migrate/violations.h"

struct sqlite3;
struct migrate_history;

enum migrate_touch {
    MIGRATE_TOUCH_INSERT,
    MIGRATE_TOUCH_UPDATE,
    MIGRATE_TOUCH_DELETE,
    MIGRATE_TOUCH_DROP,
    MIGRATE_TOUCH_ALTER,
    MIGRATE_TOUCH_CREATE,
    MIGRATE_TOUCH_DROP_INDEX,
};

enum migrate_table_kind {
    MIGRATE_TABLE_OLD,   /* there before this transaction: guarded */
    MIGRATE_TABLE_NEW,   /* made in it: has nothing to lose, but foreign keys */
    MIGRATE_TABLE_OTHER, /* a view, virtual, a shadow table, or none */
};

/* A table of the main schema that the transaction has to do with. */
struct migrate_touched {
    char *name; /* as it is called now */
    enum migrate_table_kind kind;
    bool gone;
    bool inserted; /* into it: a million of these statements are looked at once */
    bool checked;  /* its violations from before are collected */
    int64_t rows;  /* before; -1: not counted */
    int64_t root;  /* of its b-tree, which a new name does not change; 0: not asked */
    char *keys;    /* its foreign keys before the statement that runs; NULL: not asked */
};

struct migrate_guard {
    struct sqlite3 *handle;
    const struct layout_script *script;
    const struct migrate_observer *observer;
    bool looking;                          /* the guard's own statements run */
    const struct migrate_history *records; /* tables that the script may not write; NULL: none */

    struct text_buffer notes; /* of the statement that is prepared */
    bool notes_lost;
    size_t last_note;

    struct migrate_touched *touched;
    size_t count;
    size_t latest;               /* the one that was asked for last */
    struct migrate_list parents; /* tables whose children are checked */
    struct migrate_list told;    /* tables that the observer knows of, or that the migration made */
    struct layout_names names;   /* of the script; built when it is first asked */
    bool names_known;
    struct migrate_references own;
    struct migrate_references *references; /* own, or those of a whole run */
    struct migrate_violations before;
};

/* `script` must stay as long as the guard, which must not move; the script's directives say what is
 * lifted. */
void migrate_guard_open(struct migrate_guard *guard, struct sqlite3 *handle,
                        const struct layout_script *script,
                        const struct migrate_observer *observer);

/* The migrations of one run may share what they know of foreign keys. */
void migrate_guard_share(struct migrate_guard *guard, struct migrate_references *references);

/* Forgets the transaction, for the next one of the same migration. */
void migrate_guard_renew(struct migrate_guard *guard);
void migrate_guard_close(struct migrate_guard *guard);

/* For the authorizer, which may not run statements. `detail` is the column of an UPDATE or the
 * index that is dropped. */
void migrate_guard_note(struct migrate_guard *guard, enum migrate_touch touch, const char *table,
                        const char *detail);
void migrate_guard_forget(struct migrate_guard *guard);
bool migrate_guard_is_looking(const struct migrate_guard *guard);

/* Whether the table of the main schema holds liteinit's own records. A script that wrote there could
 * make a migration run twice or never; another tool's table of that name is not meant. */
bool migrate_guard_is_record(const struct migrate_guard *guard, const char *table);

/* Before and after the prepared statement is stepped. */
int migrate_guard_before(struct migrate_guard *guard, struct error *err);
int migrate_guard_after(struct migrate_guard *guard, struct error *err);

/* Before COMMIT: ERROR_DATA when a table has lost rows or a foreign key is broken. With the
 * directive foreign-keys=warn the observer gets a notice of the latter instead. */
int migrate_guard_finish(struct migrate_guard *guard, struct error *err);

#endif
