/* See version.h. */
#include "store/version.h"

#include <sqlite3.h>

const char *store_sqlite_version(void)
{
    return sqlite3_libversion();
}
