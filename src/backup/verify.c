/* See verify.h. */
#include "backup/verify.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "store/check.h"
#include "store/interrupt.h"
#include "store/sql.h"

/* file:PATH?immutable=1 with every byte that has a meaning in a URI escaped. */
static int make_uri(const char *path, char *out, size_t size, struct error *err)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t n = (size_t)snprintf(out, size, "file:");
    for (; *path != '\0'; path++) {
        unsigned char c = (unsigned char)*path;
        if (n + 16 > size)
            return error_set(err, ERROR_BACKUP, ENAMETOOLONG, "cannot open the backup");
        if (c <= ' ' || c >= 0x7F || strchr("?#%&", c) != NULL) {
            out[n++] = '%';
            out[n++] = digits[c >> 4];
            out[n++] = digits[c & 15];
        } else {
            out[n++] = (char)c;
        }
    }
    (void)snprintf(out + n, size - n, "?immutable=1");
    return 0;
}

static int inspect(sqlite3 *handle, const char *path, bool full, struct backup_manifest *manifest,
                   struct error *err)
{
    struct store_check check;
    struct stat st;
    if (store_check_run(handle, full, false, &check, err) != 0)
        return -1;
    if (check.problems > 0)
        return store_check_error(&check, path, err);
    if (sql_int(handle, "PRAGMA main.page_size", 0, &manifest->page_size, err) != 0 ||
        sql_int(handle, "PRAGMA main.page_count", 0, &manifest->page_count, err) != 0)
        return -1;
    if (stat(path, &st) != 0)
        return error_set(err, ERROR_BACKUP, errno, "cannot look at %s", path);
    manifest->size = st.st_size;
    /* More is harmless: a database may be longer than its header says after a crash. */
    if (manifest->size < manifest->page_size * manifest->page_count)
        return error_set(err, ERROR_DATA, 0, "%s has %lld bytes and its %lld pages need %lld", path,
                         (long long)manifest->size, (long long)manifest->page_count,
                         (long long)(manifest->page_size * manifest->page_count));
    return store_schema_read(handle, &manifest->schema, err);
}

int backup_verify_file(const char *path, bool full, struct backup_manifest *manifest,
                       struct error *err)
{
    char uri[3 * PATH_MAX + 32];
    sqlite3 *handle = NULL;
    int result = -1;
    if (make_uri(path, uri, sizeof uri, err) != 0)
        return -1;
    if (sqlite3_open_v2(uri, &handle,
                        SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE,
                        NULL) != SQLITE_OK) {
        if (handle == NULL)
            return error_set(err, ERROR_BACKUP, ENOMEM, "cannot open %s", path);
        (void)sql_error(err, handle, "cannot open %s", path);
    } else {
        store_interrupt_watch(handle);
        result = inspect(handle, path, full, manifest, err);
        store_interrupt_watch(NULL);
    }
    (void)sqlite3_close(handle);
    return result;
}
