/* See foreign.h. */
#include "migrate/foreign.h"

#include <stdbool.h>
#include <stdio.h>

#include "foreign/tools.h"
#include "store/sql.h"

/* A schema_migrations that is neither ours nor any known tool's. */
static int strange_history(const char *folder, struct error *err)
{
    (void)error_set(err, ERROR_CONFIG, 0,
                    "the database has a table schema_migrations that another tool wrote: running "
                    "the files in %s again could destroy data",
                    folder);
    return error_hint(err,
                      "nothing was changed; say which version of the folder the schema has: "
                      "liteinit adopt --baseline VERSION; or leave the migrations to that tool: "
                      "LITEINIT_MIGRATIONS=none");
}

/* Whether liteinit has ever done anything here. A table of attempts alone may be another tool's. */
static int has_been_here(const struct migrate_history *history, bool *ret_been, struct error *err)
{
    char sql[96];
    int64_t found = 0;
    *ret_been = false;
    if (!history->applied_exists || !history->history_exists)
        return 0;
    (void)snprintf(sql, sizeof sql, "SELECT 1 FROM main.%s WHERE status = 'success' LIMIT 1",
                   history->history_table);
    if (sql_int(history->handle, sql, 0, &found, err) != 0)
        return -1;
    *ret_been = found == 1;
    return 0;
}

int migrate_foreign_refuse_history(const struct migrate_history *history, const char *folder,
                                   struct error *err)
{
    struct foreign_found found[FOREIGN_FOUND_MAX];
    char more[64] = "";
    size_t count = 0;
    bool been = false;
    if (has_been_here(history, &been, err) != 0)
        return -1;
    if (been)
        return 0;
    if (foreign_detect(history->handle, found, &count, err) != 0)
        return -1;
    if (count == 0 || found[0].tool->columns == NULL)
        return history->foreign ? strange_history(folder, err) : 0;
    if (count > 1)
        (void)snprintf(more, sizeof more, ", and %zu more of other tools", count - 1);
    (void)error_set(err, ERROR_CONFIG, 0,
                    "the database has a table %s, the history of another migration tool (%s)%s: "
                    "running the files in %s again could destroy data",
                    found[0].tool->table, found[0].tool->name, more, folder);
    return error_hint(err, "nothing was changed; take the history over: liteinit adopt (docker "
                           "compose run --rm --entrypoint liteinit SERVICE adopt); or leave the "
                           "migrations to that tool: LITEINIT_MIGRATIONS=none");
}
