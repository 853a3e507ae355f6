/* See snapshot.h. */
#include "backup/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backup/copy.h"
#include "backup/draft.h"
#include "backup/live.h"
#include "backup/verify.h"
#include "base/clock.h"
#include "base/text.h"
#include "store/interrupt.h"

/* What the manifest says before anything was checked. The texts are copies. */
static int start_manifest(const struct store_database *database,
                          const struct backup_request *request, struct backup_manifest *manifest,
                          struct error *err)
{
    *manifest = (struct backup_manifest){.schema_version = request->schema_version};
    manifest->source = strdup(store_database_location(database)->db);
    manifest->reason = strdup(request->reason);
    manifest->app_version = request->app_version != NULL ? strdup(request->app_version) : NULL;
    store_folder_identity(store_database_location(database), manifest->source_folder);
    clock_format_now(manifest->created);
    if (manifest->source == NULL || manifest->reason == NULL ||
        (request->app_version != NULL && manifest->app_version == NULL))
        return error_set(err, ERROR_BACKUP, ENOMEM, "cannot make the backup");
    return 0;
}

static int copy_cold(struct store_database *database, struct backup_draft *draft,
                     struct backup_manifest *manifest, struct backup_result *result,
                     struct error *err)
{
    char before[STORE_STAMP_SIZE];
    char after[STORE_STAMP_SIZE];
    struct stat st = {.st_size = -1};
    int source = store_source_fd(database);
    int64_t start = clock_monotonic_ms();
    store_stamp(source, before);
    if (backup_copy_file(source, draft->fd, &result->cloned, &result->bytes, err) != 0 ||
        backup_draft_sync(draft, err) != 0)
        return -1;
    store_stamp(source, after);
    /* No check notices that a file ends too early when its header says nothing of its length
     * (design fact 2). */
    if (fstat(source, &st) != 0 || st.st_size != result->bytes)
        return error_set(err, ERROR_BACKUP, 0, "%lld bytes of the database were copied, of %lld",
                         (long long)result->bytes, (long long)st.st_size);
    result->copy_ms = clock_monotonic_ms() - start;
    if (before[0] == '\0' || strcmp(before, after) != 0)
        return error_set(err, ERROR_BACKUP, 0,
                         "the database changed while it was copied, although it is locked: "
                         "something writes to it without SQLite");
    manifest->stamp = strdup(after);
    if (manifest->stamp == NULL)
        return error_set(err, ERROR_BACKUP, ENOMEM, "cannot make the backup");
    return 0;
}

/* `source` is the file that the copy equals byte for byte, or -1; `counted` is the source's schema
 * as of the snapshot, or NULL. */
static int verify(struct backup_draft *draft, int source, bool full,
                  const struct store_schema *counted, struct backup_manifest *manifest,
                  struct backup_result *result, struct error *err)
{
    int64_t start = clock_monotonic_ms();
    struct backup_hash_job sum;
    backup_hash_start(&sum, draft->fd, source);
    const char *about = source >= 0 ? manifest->source : draft->temp;
    int checked = backup_verify_file(draft->temp, about, full, manifest, err);
    struct error hash_error;
    int hashed = backup_hash_finish(&sum, manifest->sha256, &hash_error);
    if (checked != 0)
        return -1;
    if (hashed != 0) {
        *err = hash_error;
        return -1;
    }
    if (manifest->size != result->bytes)
        return error_set(err, ERROR_BACKUP, 0, "the copy has %lld bytes, %lld were written",
                         (long long)manifest->size, (long long)result->bytes);
    if (counted != NULL && store_schema_compare(counted, &manifest->schema, err) != 0)
        return -1;
    manifest->verified = true;
    result->verify_ms = clock_monotonic_ms() - start;
    (void)snprintf(result->sha256, sizeof result->sha256, "%s", manifest->sha256);
    return 0;
}

int backup_snapshot_cold(struct store_database *database, const struct backup_request *request,
                         struct backup_result *ret_result, struct error *err)
{
    struct backup_result result = {.bytes = 0};
    struct backup_manifest manifest;
    struct backup_draft draft;
    int status = start_manifest(database, request, &manifest, err);
    if (status == 0) {
        status = backup_draft_open(store_database_location(database), request->dir, &draft, err);
        if (status == 0) {
            status = copy_cold(database, &draft, &manifest, &result, err);
            if (status == 0)
                status = verify(&draft, store_source_fd(database), request->full_check, NULL,
                                &manifest, &result, err);
            store_interrupt_watch(store_handle(database));
            if (status == 0)
                status = backup_draft_publish(&draft, request->name, &manifest, result.path, err);
            backup_draft_discard(&draft);
        }
    }
    backup_manifest_free(&manifest);
    if (status == 0)
        *ret_result = result;
    return status;
}

/* A copy of a database that was read without locks counts only when nobody has written to it. */
static int check_still(const struct store_database *database, const char *before, struct error *err)
{
    char after[STORE_STAMP_SIZE];
    store_stamp(store_source_fd(database), after);
    if (!store_is_still(database) || (before[0] != '\0' && strcmp(before, after) == 0))
        return 0;
    (void)error_set(err, ERROR_BUSY, 0,
                    "somebody wrote to the database %s while it was copied without a lock",
                    store_database_location(database)->db);
    return error_hint(err, "run the backup as the user of the app, who may lock it");
}

int backup_snapshot_live(struct store_database *database, const struct backup_request *request,
                         struct backup_result *ret_result, struct error *err)
{
    struct backup_result result = {.bytes = 0};
    struct store_schema counted = {.count = 0};
    struct backup_manifest manifest;
    struct backup_draft draft;
    int64_t start = clock_monotonic_ms();
    int status = start_manifest(database, request, &manifest, err);
    if (status == 0) {
        status = backup_draft_open(store_database_location(database), request->dir, &draft, err);
        if (status == 0) {
            bool same_moment = false;
            char before[STORE_STAMP_SIZE];
            store_stamp(store_source_fd(database), before);
            status = backup_live_copy(store_handle(database), draft.temp, &counted, &same_moment,
                                      &result.bytes, err);
            if (status == 0)
                status = backup_draft_sync(&draft, err);
            result.copy_ms = clock_monotonic_ms() - start;
            if (status == 0)
                status = verify(&draft, -1, request->full_check, same_moment ? &counted : NULL,
                                &manifest, &result, err);
            store_interrupt_watch(store_handle(database));
            if (status == 0)
                status = check_still(database, before, err);
            if (status == 0)
                status = backup_draft_publish(&draft, request->name, &manifest, result.path, err);
            backup_draft_discard(&draft);
        }
    }
    store_schema_free(&counted);
    backup_manifest_free(&manifest);
    if (status == 0)
        *ret_result = result;
    return status;
}

void backup_result_describe(const struct backup_result *result, char *out, size_t size)
{
    char bytes[32];
    char copy[32];
    char verify[32];
    text_format_size(bytes, sizeof bytes, result->bytes);
    text_format_duration(copy, sizeof copy, result->copy_ms);
    text_format_duration(verify, sizeof verify, result->verify_ms);
    (void)snprintf(out, size, "Backup made and verified: %s (%s, %s in %s, verified in %s)",
                   result->path, bytes, result->cloned ? "cloned" : "copied", copy, verify);
}
