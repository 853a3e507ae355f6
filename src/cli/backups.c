/* `liteinit backups`: the backups that are there. */
#include <cjson/cJSON.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "backup/catalogue.h"
#include "cli/command.h"

static cJSON *entry_json(const struct backup_catalogue *catalogue, const struct backup_entry *entry)
{
    char path[PATH_MAX + NAME_MAX + 2];
    char created[CLOCK_TEXT_SIZE];
    cJSON *item = cJSON_CreateObject();
    (void)snprintf(path, sizeof path, "%s/%s", catalogue->dir, entry->name);
    clock_format(created, entry->modified, 0);
    (void)cJSON_AddStringToObject(item, "name", entry->name);
    (void)cJSON_AddStringToObject(item, "path", path);
    (void)cJSON_AddNumberToObject(item, "bytes", (double)entry->size);
    (void)cJSON_AddStringToObject(item, "created",
                                  entry->known ? entry->manifest.created : created);
    (void)cJSON_AddBoolToObject(item, "verified", entry->verified);
    if (!entry->known)
        return item;
    (void)cJSON_AddStringToObject(item, "reason", entry->manifest.reason);
    (void)cJSON_AddNumberToObject(item, "schema_version", (double)entry->manifest.schema_version);
    (void)cJSON_AddStringToObject(item, "sha256", entry->manifest.sha256);
    if (entry->manifest.app_version != NULL)
        (void)cJSON_AddStringToObject(item, "app_version", entry->manifest.app_version);
    return item;
}

cJSON *command_backups_json(const struct backup_catalogue *catalogue)
{
    int64_t total = 0;
    cJSON *root = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(root, "folder", catalogue->dir);
    cJSON *list = cJSON_AddArrayToObject(root, "backups");
    for (size_t i = 0; i < catalogue->count; i++) {
        (void)cJSON_AddItemToArray(list, entry_json(catalogue, &catalogue->entries[i]));
        total += catalogue->entries[i].size;
    }
    (void)cJSON_AddNumberToObject(root, "bytes", (double)total);
    return root;
}

static void print_entry(struct text_buffer *out, const struct backup_entry *entry)
{
    char age[32];
    char size[32];
    char version[24] = "-";
    int ms = 0;
    int64_t seconds = (int64_t)(clock_utc(&ms) - entry->modified);
    text_format_duration(age, sizeof age, (seconds > 0 ? seconds : 0) * 1000);
    text_format_size(size, sizeof size, entry->size);
    if (entry->known)
        (void)snprintf(version, sizeof version, "%lld", (long long)entry->manifest.schema_version);
    (void)text_buffer_printf(out, "%-14s %10s  %-12s %7s  %-10s  %s\n", age, size,
                             entry->known ? entry->manifest.reason : "-", version,
                             entry->verified ? "verified" : "unverified", entry->name);
}

static int print_text(const struct backup_catalogue *catalogue)
{
    struct text_buffer out = {.max = (size_t)32 << 20};
    char size[32];
    int64_t total = 0;
    if (catalogue->count == 0) {
        (void)text_buffer_printf(&out, "No backups in %s yet.\n", catalogue->dir);
        return command_print_text(&out);
    }
    (void)text_buffer_printf(&out, "%-14s %10s  %-12s %7s  %-10s  %s\n", "AGE", "SIZE", "REASON",
                             "SCHEMA", "VERDICT", "NAME");
    for (size_t i = 0; i < catalogue->count; i++) {
        print_entry(&out, &catalogue->entries[i]);
        total += catalogue->entries[i].size;
    }
    text_format_size(size, sizeof size, total);
    (void)text_buffer_printf(&out, "%zu in %s, %s in all\n", catalogue->count, catalogue->dir,
                             size);
    return command_print_text(&out);
}

int command_backups(const struct invocation *call)
{
    struct store_location location;
    struct backup_catalogue catalogue;
    struct error err;
    if (command_require_db(call->config, &err) != 0 ||
        store_locate(call->config->db, &location, &err) != 0 ||
        backup_catalogue_read(&location, call->config->backup_dir, &catalogue, &err) != 0)
        return command_fail("backup.failed", "The backups cannot be listed", &err);
    int status = command_flags.json ? command_print_json(command_backups_json(&catalogue))
                                    : print_text(&catalogue);
    backup_catalogue_free(&catalogue);
    return status;
}
