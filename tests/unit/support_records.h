/* What tests of a plan share: a database in memory with liteinit's records, and a scratch folder. */
#ifndef LITEINIT_TESTS_SUPPORT_RECORDS_H
#define LITEINIT_TESTS_SUPPORT_RECORDS_H

#include "support_db.h"

#include "migrate/history.h"

static sqlite3 *db;
static struct migrate_history history;

static inline int records_begin(void **state)
{
    struct error err;
    if (scratch_begin(state) != 0)
        return -1;
    db = db_in_memory();
    assert_ok(migrate_history_open(db, &history, &err), &err);
    assert_ok(migrate_history_create(&history, &err), &err);
    return 0;
}

static inline int records_end(void **state)
{
    db_close(db);
    return scratch_end(state);
}

#endif
