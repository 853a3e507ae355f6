/* --dry-run: the migrations on a private copy, and the report (work.h). */
#include <cjson/cJSON.h>
#include <inttypes.h>

#include "base/log.h"
#include "cli/work.h"

static cJSON *table_json(const struct migrate_table_change *table)
{
    cJSON *item = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(item, "name", table->name);
    (void)cJSON_AddStringToObject(item, "change", migrate_change_name(table->change));
    if (table->rows_before >= 0)
        (void)cJSON_AddNumberToObject(item, "rows_before", (double)table->rows_before);
    if (table->rows_after >= 0)
        (void)cJSON_AddNumberToObject(item, "rows_after", (double)table->rows_after);
    return item;
}

static void add_tally(cJSON *object, const char *key, const struct migrate_tally *tally)
{
    cJSON *item = cJSON_AddObjectToObject(object, key);
    (void)cJSON_AddNumberToObject(item, "created", (double)tally->created);
    (void)cJSON_AddNumberToObject(item, "changed", (double)tally->changed);
    (void)cJSON_AddNumberToObject(item, "dropped", (double)tally->dropped);
}

static cJSON *item_json(const struct prepare_rehearsal_item *item)
{
    cJSON *root = cJSON_CreateObject();
    (void)cJSON_AddNumberToObject(root, "version", (double)item->version);
    (void)cJSON_AddStringToObject(root, "name", item->name);
    (void)cJSON_AddStringToObject(root, "file", item->file);
    (void)cJSON_AddStringToObject(root, "direction",
                                  item->direction == LAYOUT_DOWN ? "down" : "up");
    (void)cJSON_AddNumberToObject(root, "duration_ms", (double)item->duration_ms);
    (void)cJSON_AddNumberToObject(root, "wal_bytes", (double)item->wal_bytes);
    (void)cJSON_AddNumberToObject(root, "growth_bytes", (double)item->growth);
    (void)cJSON_AddNumberToObject(root, "new_violations", (double)item->new_violations);
    cJSON *tables = cJSON_AddArrayToObject(root, "tables");
    for (size_t i = 0; i < item->difference.count; i++)
        (void)cJSON_AddItemToArray(tables, table_json(&item->difference.tables[i]));
    add_tally(root, "indexes", &item->difference.indexes);
    add_tally(root, "views", &item->difference.views);
    add_tally(root, "triggers", &item->difference.triggers);
    cJSON *notices = cJSON_AddArrayToObject(root, "notices");
    for (size_t i = 0; i < item->notice_count; i++) {
        cJSON *notice = cJSON_CreateObject();
        (void)cJSON_AddNumberToObject(notice, "line", item->notices[i].line);
        (void)cJSON_AddStringToObject(notice, "message", item->notices[i].sentence);
        (void)cJSON_AddItemToArray(notices, notice);
    }
    return root;
}

static int print_json(const struct prepare_rehearsal *rehearsal, const struct error *failure)
{
    cJSON *root = cJSON_CreateObject();
    (void)cJSON_AddBoolToObject(root, "ok", failure == NULL);
    (void)cJSON_AddBoolToObject(root, "cloned", rehearsal->cloned);
    (void)cJSON_AddNumberToObject(root, "bytes", (double)rehearsal->bytes);
    (void)cJSON_AddNumberToObject(root, "copy_ms", (double)rehearsal->copy_ms);
    (void)cJSON_AddNumberToObject(root, "check_ms", (double)rehearsal->check_ms);
    (void)cJSON_AddNumberToObject(root, "wal_bytes", (double)rehearsal->wal_bytes);
    (void)cJSON_AddNumberToObject(root, "space_bytes", (double)rehearsal->space_bytes);
    cJSON *list = cJSON_AddArrayToObject(root, "migrations");
    for (size_t i = 0; i < rehearsal->count; i++)
        (void)cJSON_AddItemToArray(list, item_json(&rehearsal->items[i]));
    if (failure != NULL)
        (void)cJSON_AddItemToObject(root, "error", command_error_json(failure));
    return command_print_json(root);
}

static void print_rows(struct text_buffer *out, const char *before, int64_t rows)
{
    if (rows < 0)
        (void)text_buffer_printf(out, "%s-", before);
    else
        (void)text_buffer_printf(out, "%s%" PRId64, before, rows);
}

static void print_table(struct text_buffer *out, const struct migrate_table_change *table)
{
    (void)text_buffer_printf(out, "    %-8s %s", migrate_change_name(table->change), table->name);
    if (table->rows_before >= 0 || table->rows_after >= 0) {
        print_rows(out, ", rows ", table->rows_before);
        print_rows(out, " -> ", table->rows_after);
    }
    (void)text_buffer_printf(out, "\n");
}

static void print_tally(struct text_buffer *out, const char *what,
                        const struct migrate_tally *tally)
{
    if (tally->created + tally->changed + tally->dropped > 0)
        (void)text_buffer_printf(out, "    %s: %zu created, %zu changed, %zu dropped\n", what,
                                 tally->created, tally->changed, tally->dropped);
}

static void print_item(struct text_buffer *out, const struct prepare_rehearsal_item *item)
{
    char duration[32];
    char wal[32];
    text_format_duration(duration, sizeof duration, item->duration_ms);
    text_format_size(wal, sizeof wal, item->wal_bytes);
    (void)text_buffer_printf(out, "%s: ok, %s, %s written\n", item->file, duration, wal);
    for (size_t i = 0; i < item->difference.count; i++)
        print_table(out, &item->difference.tables[i]);
    print_tally(out, "indexes", &item->difference.indexes);
    print_tally(out, "views", &item->difference.views);
    print_tally(out, "triggers", &item->difference.triggers);
    if (item->new_violations > 0)
        (void)text_buffer_printf(out, "    %" PRId64 " new violations of foreign keys\n",
                                 item->new_violations);
    for (size_t i = 0; i < item->notice_count; i++)
        (void)text_buffer_printf(out, "    line %d: %s\n", item->notices[i].line,
                                 item->notices[i].sentence);
}

static int print_text(const struct prepare_rehearsal *rehearsal, const char *db)
{
    struct text_buffer out = {.max = (size_t)64 << 20};
    char size[32];
    char copy[32];
    char space[32];
    if (rehearsal->count == 0) {
        (void)text_buffer_printf(&out, "Nothing to rehearse: no migration is pending.\n");
        return command_print_text(&out);
    }
    text_format_size(size, sizeof size, rehearsal->bytes);
    text_format_size(space, sizeof space, rehearsal->space_bytes);
    text_format_duration(copy, sizeof copy, rehearsal->copy_ms);
    for (size_t i = 0; i < rehearsal->count; i++)
        print_item(&out, &rehearsal->items[i]);
    (void)text_buffer_printf(&out,
                             "%zu rehearsed on a copy of %s (%s, %s in %s); at most %s more "
                             "room needed; the database itself is untouched\n",
                             rehearsal->count, db, size, rehearsal->cloned ? "cloned" : "copied",
                             copy, space);
    return command_print_text(&out);
}

int work_rehearse(const struct invocation *call, enum prepare_work work, const char *target)
{
    struct prepare_rehearsal rehearsal = {.count = 0};
    struct store_location location;
    struct store_probe probe;
    struct store_database *database = NULL;
    struct error err;
    const struct prepare_request request = {.config = call->config, .work = work, .target = target};
    if (command_open_visitor(call->config, &location, &probe, &database, &err) != 0)
        return command_fail("migrate.failed", "Rehearsal failed", &err);
    int result = prepare_dry_run(&request, database, &rehearsal, &err);
    store_close(database);
    int status = 0;
    if (result != 0) {
        log_error(LOG_ERROR, "migrate.failed", &err, LOG_FIELDS(LOG_TEXT("db", location.db)),
                  "Rehearsal failed");
        status = error_exit_status(err.kind);
    }
    int printed = 0;
    if (command_flags.json)
        printed = print_json(&rehearsal, result != 0 ? &err : NULL);
    else if (result == 0 || rehearsal.count > 0)
        printed = print_text(&rehearsal, location.db);
    prepare_rehearsal_free(&rehearsal);
    return status != 0 ? status : printed;
}
