/* See foreign.h. */
#include "migrate/foreign.h"

#include <stdbool.h>

#include "store/sql.h"

static const char *const tables[] = {
    "goose_db_version",        "_sqlx_migrations",   "flyway_schema_history",
    "refinery_schema_history", "_prisma_migrations", "__diesel_schema_migrations",
    "__drizzle_migrations",    "knex_migrations",    "django_migrations",
    "alembic_version",
};

int migrate_foreign_find_history(sqlite3 *handle, const char **ret_table, struct error *err)
{
    *ret_table = NULL;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        bool exists = false;
        if (sql_table_exists(handle, tables[i], &exists, err) != 0)
            return -1;
        if (exists) {
            *ret_table = tables[i];
            return 0;
        }
    }
    return 0;
}
