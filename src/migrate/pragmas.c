/*
 * See pragmas.h. Judged one by one by https://www.sqlite.org/pragma.html:
 *
 * - Refused: what weakens durability or the schema, in this run or in the file for good, and what
 *   would hold for liteinit as a whole.
 * - Passed over: settings of a connection that have no effect on what is stored, which files carry
 *   because their app's connection wants them. liteinit's connection is not the app's.
 * - All others run. fullfsync and checkpoint_fullfsync mean something on macOS alone; page_size
 *   and auto_vacuum wait for a VACUUM; SQLite itself ignores encoding once a table is there; what
 *   secure_delete, trusted_schema, max_page_count and others change is put back (session.c).
 */
#include "migrate/pragmas.h"

#include <stdbool.h>
#include <stddef.h>
#include <strings.h>

static const struct rule {
    const char *name;
    enum migrate_verdict verdict;
    const char *reason;
} rules[] = {
    {"journal_mode", MIGRATE_REFUSE, "the journal mode is liteinit's key journal_mode"},
    {"synchronous", MIGRATE_REFUSE,
     "it would weaken durability and cannot change inside a transaction"},
    {"locking_mode", MIGRATE_REFUSE, "it would let others in while the migration runs"},
    {"writable_schema", MIGRATE_REFUSE, "a wrong edit of the schema destroys the database"},
    {"schema_version", MIGRATE_REFUSE, "a wrong schema version corrupts the database"},
    {"wal_checkpoint", MIGRATE_REFUSE,
     "it cannot run inside a transaction; liteinit folds the WAL in at the end"},
    {"ignore_check_constraints", MIGRATE_REFUSE,
     "rows that the schema forbids would get into the database"},
    {"hard_heap_limit", MIGRATE_REFUSE, "it would limit liteinit as a whole"},
    {"soft_heap_limit", MIGRATE_REFUSE, "it would limit liteinit as a whole"},
    {"temp_store_directory", MIGRATE_REFUSE, "it would move liteinit's own temporary files"},
    {"data_store_directory", MIGRATE_REFUSE, "it would move liteinit's own files"},

    {"temp_store", MIGRATE_SKIP,
     "it is a setting of the app's connection, and would drop all temporary tables"},
    {"busy_timeout", MIGRATE_SKIP,
     "it is a setting of the app's connection; nobody else is in the database now"},
    {"mmap_size", MIGRATE_SKIP, "it is a setting of the app's connection"},
    {"journal_size_limit", MIGRATE_SKIP, "it is a setting of the app's connection"},
    {"wal_autocheckpoint", MIGRATE_SKIP,
     "it is a setting of the app's connection; liteinit folds the WAL in at the end"},
};

/* As sqlite3GetBoolean() reads them: what is not on is off. */
static bool is_off(const char *value)
{
    static const char *const words[] = {"0", "off", "no", "false"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(value, words[i]) == 0)
            return true;
    return false;
}

enum migrate_verdict migrate_pragma_judge(const char *name, const char *value,
                                          const char **ret_reason)
{
    if (value == NULL && strcasecmp(name, "wal_checkpoint") != 0)
        return MIGRATE_RUN;
    if (value != NULL && strcasecmp(name, "journal_mode") == 0 && strcasecmp(value, "wal") == 0) {
        *ret_reason = "liteinit sets it at the end";
        return MIGRATE_SKIP;
    }
    if (value != NULL && strcasecmp(name, "ignore_check_constraints") == 0 && is_off(value))
        return MIGRATE_RUN;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (strcasecmp(name, rules[i].name) == 0) {
            *ret_reason = rules[i].reason;
            return rules[i].verdict;
        }
    return MIGRATE_RUN;
}
