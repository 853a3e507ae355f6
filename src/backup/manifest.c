/* See manifest.h. */
#include "backup/manifest.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define MANIFEST_MAX ((size_t)4 << 20)
#define FORMAT_VERSION 1

static int out_of_memory(const char *path, struct error *err)
{
    return error_set(err, ERROR_IO, ENOMEM, "cannot handle the manifest %s", path);
}

static const char *text_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* The number of an item, -1 for everything that is no count (an item may be NULL). */
static int64_t count_in(const cJSON *item)
{
    return cJSON_IsNumber(item) && item->valuedouble >= -1 && item->valuedouble < 9e15
               ? (int64_t)item->valuedouble
               : -1;
}

static int64_t number_of(const cJSON *object, const char *key)
{
    return count_in(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* A copy of an optional text; false when memory is out. */
static bool copy_text(const cJSON *object, const char *key, char **ret_copy)
{
    const char *text = text_of(object, key);
    *ret_copy = text != NULL ? strdup(text) : NULL;
    return text == NULL || *ret_copy != NULL;
}

static bool read_rows(const cJSON *rows, struct store_schema *schema)
{
    int count = cJSON_GetArraySize(rows);
    const cJSON *row = NULL;
    schema->tables = calloc((size_t)(count > 0 ? count : 0) + 1, sizeof *schema->tables);
    if (schema->tables == NULL)
        return false;
    cJSON_ArrayForEach(row, rows)
    {
        char *name = strdup(row->string != NULL ? row->string : "");
        if (name == NULL)
            return false;
        schema->tables[schema->count++] = (struct store_table){.name = name, .rows = count_in(row)};
    }
    return true;
}

static int from_json(const char *path, const cJSON *root, struct backup_manifest *manifest,
                     struct error *err)
{
    const char *sha256 = text_of(root, "sha256");
    const char *created = text_of(root, "created");
    const char *verdict = text_of(root, "verdict");
    const char *hash = text_of(root, "schema_hash");
    if (number_of(root, "liteinit") != FORMAT_VERSION || sha256 == NULL ||
        strlen(sha256) + 1 != sizeof manifest->sha256 || created == NULL || verdict == NULL ||
        hash == NULL || text_of(root, "source") == NULL || text_of(root, "reason") == NULL ||
        number_of(root, "size") < 0)
        return error_set(err, ERROR_DATA, 0, "%s is not a manifest of a backup", path);
    (void)snprintf(manifest->sha256, sizeof manifest->sha256, "%s", sha256);
    (void)snprintf(manifest->created, sizeof manifest->created, "%s", created);
    const char *folder = text_of(root, "source_folder");
    (void)snprintf(manifest->source_folder, sizeof manifest->source_folder, "%.47s",
                   folder != NULL ? folder : "");
    (void)snprintf(manifest->schema.hash, sizeof manifest->schema.hash, "%s", hash);
    manifest->verified = strcmp(verdict, "verified") == 0;
    manifest->size = number_of(root, "size");
    manifest->page_size = number_of(root, "page_size");
    manifest->page_count = number_of(root, "page_count");
    manifest->schema_version = number_of(root, "schema_version");
    if (!copy_text(root, "source", &manifest->source) ||
        !copy_text(root, "reason", &manifest->reason) ||
        !copy_text(root, "app_version", &manifest->app_version) ||
        !copy_text(root, "source_stamp", &manifest->stamp) ||
        !read_rows(cJSON_GetObjectItemCaseSensitive(root, "rows"), &manifest->schema))
        return out_of_memory(path, err);
    return 0;
}

int backup_manifest_read(const char *path, struct backup_manifest *ret_manifest, struct error *err)
{
    cleanup_free char *text = NULL;
    size_t size = 0;
    struct backup_manifest manifest = {.source = NULL};
    if (fs_read_file(path, MANIFEST_MAX, &text, &size, err) != 0)
        return -1;
    cJSON *root = cJSON_ParseWithLength(text, size);
    if (root == NULL)
        return error_set(err, ERROR_DATA, 0, "%s is not valid JSON", path);
    int result = from_json(path, root, &manifest, err);
    cJSON_Delete(root);
    if (result != 0) {
        backup_manifest_free(&manifest);
        return -1;
    }
    *ret_manifest = manifest;
    return 0;
}

static cJSON *to_json(const struct backup_manifest *manifest)
{
    cJSON *root = cJSON_CreateObject();
    if (root == NULL)
        return NULL;
    bool ok =
        cJSON_AddNumberToObject(root, "liteinit", FORMAT_VERSION) != NULL &&
        cJSON_AddStringToObject(root, "source", manifest->source) != NULL &&
        cJSON_AddStringToObject(root, "source_folder", manifest->source_folder) != NULL &&
        cJSON_AddStringToObject(root, "reason", manifest->reason) != NULL &&
        cJSON_AddStringToObject(root, "created", manifest->created) != NULL &&
        cJSON_AddNumberToObject(root, "size", (double)manifest->size) != NULL &&
        cJSON_AddNumberToObject(root, "page_size", (double)manifest->page_size) != NULL &&
        cJSON_AddNumberToObject(root, "page_count", (double)manifest->page_count) != NULL &&
        cJSON_AddStringToObject(root, "sha256", manifest->sha256) != NULL &&
        cJSON_AddNumberToObject(root, "schema_version", (double)manifest->schema_version) != NULL &&
        cJSON_AddStringToObject(root, "schema_hash", manifest->schema.hash) != NULL;
    cJSON *rows = ok ? cJSON_AddObjectToObject(root, "rows") : NULL;
    ok = rows != NULL;
    for (size_t i = 0; ok && i < manifest->schema.count; i++)
        ok = cJSON_AddNumberToObject(rows, manifest->schema.tables[i].name,
                                     (double)manifest->schema.tables[i].rows) != NULL;
    if (ok && manifest->app_version != NULL)
        ok = cJSON_AddStringToObject(root, "app_version", manifest->app_version) != NULL;
    if (ok && manifest->stamp != NULL)
        ok = cJSON_AddStringToObject(root, "source_stamp", manifest->stamp) != NULL;
    if (ok)
        ok = cJSON_AddStringToObject(root, "verdict",
                                     manifest->verified ? "verified" : "unverified") != NULL;
    if (ok)
        return root;
    cJSON_Delete(root);
    return NULL;
}

int backup_manifest_write(const char *path, const struct backup_manifest *manifest, mode_t mode,
                          const struct stat *owner, struct error *err)
{
    cJSON *root = to_json(manifest);
    char *text = root != NULL ? cJSON_Print(root) : NULL;
    cJSON_Delete(root);
    if (text == NULL)
        return out_of_memory(path, err);
    int result = fs_replace_file(path, text, strlen(text), mode, owner, err);
    cJSON_free(text);
    return result;
}

void backup_manifest_free(struct backup_manifest *manifest)
{
    free(manifest->source);
    free(manifest->reason);
    free(manifest->app_version);
    free(manifest->stamp);
    store_schema_free(&manifest->schema);
    *manifest = (struct backup_manifest){.source = NULL};
}
