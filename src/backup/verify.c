/* See verify.h. */
#include "backup/verify.h"

#include <errno.h>
#include <sys/stat.h>

#include "store/check.h"
#include "store/interrupt.h"
#include "store/sql.h"

static int inspect(sqlite3 *handle, const char *path, const char *about, bool full,
                   struct backup_manifest *manifest, struct error *err)
{
    struct store_check check;
    struct stat st;
    if (store_check_run(handle, full, false, &check, err) != 0)
        return -1;
    if (check.problems > 0)
        return store_check_error(&check, about, err);
    if (sql_int(handle, "PRAGMA main.page_size", 0, &manifest->page_size, err) != 0 ||
        sql_int(handle, "PRAGMA main.page_count", 0, &manifest->page_count, err) != 0)
        return -1;
    if (stat(path, &st) != 0)
        return error_set(err, ERROR_BACKUP, errno, "cannot look at %s", path);
    manifest->size = st.st_size;
    /* More is harmless: a database may be longer than its header says after a crash. */
    const int64_t need = manifest->page_size * manifest->page_count;
    if (manifest->size < need)
        return error_set(err, ERROR_DATA, 0, "%s has %lld bytes and its %lld pages need %lld",
                         about, (long long)manifest->size, (long long)manifest->page_count,
                         (long long)need);
    return store_schema_read(handle, &manifest->schema, err);
}

int backup_verify_file(const char *path, const char *about, bool full,
                       struct backup_manifest *manifest, struct error *err)
{
    sqlite3 *handle = NULL;
    if (sql_open_immutable(path, &handle, err) != 0)
        return -1;
    store_interrupt_watch(handle);
    int result = inspect(handle, path, about, full, manifest, err);
    store_interrupt_watch(NULL);
    (void)sqlite3_close(handle);
    return result;
}
