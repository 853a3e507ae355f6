/* Which SQLite this is. */
#ifndef LITEINIT_STORE_VERSION_H
#define LITEINIT_STORE_VERSION_H

/* "3.53.2" */
const char *store_sqlite_version(void);

#endif
