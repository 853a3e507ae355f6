/* See touch.h. */
#include "migrate/touch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/sql.h"

static int out_of_memory(struct error *err)
{
    return error_set(err, ERROR_IO, ENOMEM, "cannot guard the rows");
}

static bool is_called(const struct migrate_touched *entry, const char *table)
{
    return !entry->gone && sqlite3_stricmp(entry->name, table) == 0;
}

/* The entry of the table that has this name now, or NULL. Good until the next one is added. A dump
 * fills one table after the other, so the one that was asked for last comes first. */
static struct migrate_touched *find(struct migrate_guard *guard, const char *table)
{
    if (guard->latest < guard->count && is_called(&guard->touched[guard->latest], table))
        return &guard->touched[guard->latest];
    for (size_t i = 0; i < guard->count; i++)
        if (is_called(&guard->touched[i], table)) {
            guard->latest = i;
            return &guard->touched[i];
        }
    return NULL;
}

static struct migrate_touched *add(struct migrate_guard *guard, const char *table,
                                   enum migrate_table_kind kind, struct error *err)
{
    struct migrate_touched *grown =
        realloc(guard->touched, (guard->count + 1) * sizeof *guard->touched);
    char *name = grown != NULL ? strdup(table) : NULL;
    if (grown != NULL)
        guard->touched = grown;
    if (name == NULL) {
        (void)out_of_memory(err);
        return NULL;
    }
    grown[guard->count] = (struct migrate_touched){.name = name, .kind = kind, .rows = -1};
    return &grown[guard->count++];
}

static bool is_table(const struct migrate_guard *guard, const char *name)
{
    return sqlite3_table_column_metadata(guard->handle, "main", name, NULL, NULL, NULL, NULL, NULL,
                                         NULL) == SQLITE_OK;
}

/* Views have no rows of their own. Virtual tables and the shadow tables in which they keep their
 * data are indexes of other data, which FTS5 merges and rebuilds as it likes: rows that are fewer
 * there mean nothing. */
static int kind_of(struct migrate_guard *guard, const char *table,
                   enum migrate_table_kind *ret_kind, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    if (sql_prepare(guard->handle,
                    "SELECT 1 FROM pragma_table_list(?1) WHERE schema = 'main' AND type = 'table'",
                    &statement, err) != 0)
        return -1;
    (void)sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return sql_error(err, guard->handle, "cannot look at the table %s", table);
    *ret_kind = code == SQLITE_ROW ? MIGRATE_TABLE_OLD : MIGRATE_TABLE_OTHER;
    return 0;
}

static struct migrate_touched *find_or_add(struct migrate_guard *guard, const char *table,
                                           struct error *err)
{
    struct migrate_touched *entry = find(guard, table);
    enum migrate_table_kind kind = MIGRATE_TABLE_OTHER;
    if (entry != NULL)
        return entry;
    return kind_of(guard, table, &kind, err) == 0 ? add(guard, table, kind, err) : NULL;
}

int migrate_touch_count(struct migrate_guard *guard, const char *table, int64_t *ret_rows,
                        struct error *err)
{
    char *sql = sqlite3_mprintf("SELECT count(*) FROM main.\"%w\"", table);
    int result = sql != NULL ? sql_int(guard->handle, sql, 0, ret_rows, err) : out_of_memory(err);
    sqlite3_free(sql);
    return result;
}

/* Whether the migration's SQL may speak of it. */
static int is_named(struct migrate_guard *guard, const char *name, bool *ret_named,
                    struct error *err)
{
    if (!guard->names_known) {
        if (layout_names_build(guard->script->text, guard->script->size, &guard->names, err) != 0)
            return -1;
        guard->names_known = true;
    }
    *ret_named = layout_names_has(&guard->names, name);
    return 0;
}

/* REPLACE takes rows away where one would think of none: in a statement of the migration, in a
 * trigger, or because a table asks for it (ON CONFLICT REPLACE). */
static int may_replace(struct migrate_guard *guard, bool *ret_may, struct error *err)
{
    bool named = false;
    if (migrate_references_read(guard->handle, guard->references, err) != 0 ||
        is_named(guard, "replace", &named, err) != 0)
        return -1;
    *ret_may = named || guard->references->replaces;
    return 0;
}

static int tell(struct migrate_guard *guard, const char *table, struct error *err)
{
    if (migrate_list_has(&guard->told, table))
        return 0;
    if (guard->observer->touching != NULL)
        guard->observer->touching(guard->observer->context, guard->handle, table);
    return migrate_list_add(&guard->told, table, err);
}

static int count_rows(struct migrate_guard *guard, const char *table, struct error *err)
{
    bool named = false;
    struct migrate_touched *entry = find(guard, table);
    if (entry->rows >= 0 || guard->script->directives.allow_row_loss)
        return 0;
    if (is_named(guard, table, &named, err) != 0)
        return -1;
    return named ? 0 : migrate_touch_count(guard, table, &entry->rows, err);
}

/* Its own keys, before it is written. */
static int check_keys(struct migrate_guard *guard, const char *table, struct error *err)
{
    struct migrate_touched *entry = find(guard, table);
    if (entry == NULL)
        entry = add(guard, table, MIGRATE_TABLE_OLD, err);
    if (entry == NULL)
        return -1;
    if (entry->checked || entry->kind != MIGRATE_TABLE_OLD)
        return 0;
    entry->checked = true;
    return migrate_violations_collect(guard->handle, table, -1, &guard->before, err);
}

/* The keys of the tables that refer to it. */
static int check_children(struct migrate_guard *guard, const char *table, struct error *err)
{
    const struct migrate_references *references = guard->references;
    if (migrate_list_has(&guard->parents, table))
        return 0;
    if (migrate_list_add(&guard->parents, table, err) != 0)
        return -1;
    for (size_t i = 0; i < references->count; i++)
        if (references->list[i].parent != NULL &&
            sqlite3_stricmp(references->list[i].parent, table) == 0 &&
            check_keys(guard, references->list[i].child, err) != 0)
            return -1;
    return 0;
}

/* Rows of the table are written: what may break by that? */
static int before_writing(struct migrate_guard *guard, enum migrate_touch touch, const char *table,
                          const char *column, struct error *err)
{
    bool loses = touch == MIGRATE_TOUCH_DELETE || touch == MIGRATE_TOUCH_DROP;
    if (migrate_references_read(guard->handle, guard->references, err) != 0 ||
        (!loses && may_replace(guard, &loses, err) != 0))
        return -1;
    if (loses || touch == MIGRATE_TOUCH_INSERT)
        column = NULL;
    if (migrate_references_from(guard->references, table, column) &&
        check_keys(guard, table, err) != 0)
        return -1;
    if ((loses || touch == MIGRATE_TOUCH_UPDATE) &&
        migrate_references_to(guard->references, table, column) &&
        check_children(guard, table, err) != 0)
        return -1;
    return loses ? count_rows(guard, table, err) : 0;
}

/* The table's foreign keys, one a line; they are numbered in this order. */
static int list_keys(struct migrate_guard *guard, const char *table, char **ret_keys,
                     struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    if (sql_prepare(guard->handle,
                    "SELECT group_concat(key, '') FROM (SELECT"
                    " group_concat(\"table\" || char(31) || \"from\" || char(31) ||"
                    "  coalesce(\"to\", ''), char(30)) || char(10) AS key"
                    " FROM (SELECT * FROM pragma_foreign_key_list(?1, 'main') ORDER BY id, seq)"
                    " GROUP BY id ORDER BY id)",
                    &statement, err) != 0)
        return -1;
    (void)sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW)
        return sql_error(err, guard->handle, "cannot read the foreign keys of %s", table);
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    char *copy = strdup(text != NULL ? text : "");
    if (copy == NULL)
        return out_of_memory(err);
    free(*ret_keys);
    *ret_keys = copy;
    return 0;
}

static int root_of(struct migrate_guard *guard, const char *table, int64_t *ret_root,
                   struct error *err)
{
    char *sql = sqlite3_mprintf("SELECT rootpage FROM main.sqlite_schema WHERE type = 'table'"
                                " AND name = %Q COLLATE NOCASE",
                                table);
    int result = sql != NULL ? sql_int(guard->handle, sql, 0, ret_root, err) : out_of_memory(err);
    sqlite3_free(sql);
    return result;
}

/* A new name, a new column: no row is written, so only what the table is now is kept. With
 * legacy_alter_table the keys that refer to a table do not follow its new name
 * (https://www.sqlite.org/pragma.html#pragma_legacy_alter_table). */
static int before_altering(struct migrate_guard *guard, struct migrate_touched *entry,
                           struct error *err)
{
    int legacy = 0;
    if (root_of(guard, entry->name, &entry->root, err) != 0 ||
        list_keys(guard, entry->name, &entry->keys, err) != 0)
        return -1;
    (void)sqlite3_db_config(guard->handle, SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, -1, &legacy);
    if (legacy == 0 || entry->kind != MIGRATE_TABLE_OLD)
        return 0;
    return migrate_references_read(guard->handle, guard->references, err) == 0
               ? check_children(guard, entry->name, err)
               : -1;
}

/* Without its unique index a table cannot be referred to. */
static int before_dropping_index(struct migrate_guard *guard, const char *table, const char *index,
                                 struct error *err)
{
    int64_t unique = 0;
    char *sql = sqlite3_mprintf("SELECT \"unique\" FROM pragma_index_list(%Q, 'main')"
                                " WHERE name = %Q COLLATE NOCASE",
                                table, index);
    int result = sql != NULL ? sql_int(guard->handle, sql, 0, &unique, err) : out_of_memory(err);
    sqlite3_free(sql);
    if (result == 0 && unique != 0)
        result = migrate_references_read(guard->handle, guard->references, err);
    return result == 0 && unique != 0 ? check_children(guard, table, err) : result;
}

static int before_making(struct migrate_guard *guard, const char *table, struct error *err)
{
    /* CREATE TABLE IF NOT EXISTS of one that is there. */
    if (is_table(guard, table))
        return 0;
    if (migrate_list_add(&guard->told, table, err) != 0)
        return -1;
    struct migrate_touched *entry = find(guard, table);
    if (entry != NULL) /* a view had the name before */
        entry->kind = MIGRATE_TABLE_NEW;
    else
        entry = add(guard, table, MIGRATE_TABLE_NEW, err);
    return entry != NULL ? 0 : -1;
}

int migrate_touch_before(struct migrate_guard *guard, enum migrate_touch touch, const char *table,
                         const char *detail, struct error *err)
{
    if (touch == MIGRATE_TOUCH_CREATE)
        return before_making(guard, table, err);
    struct migrate_touched *entry = find_or_add(guard, table, err);
    if (entry == NULL)
        return -1;
    if (entry->kind == MIGRATE_TABLE_OTHER || (touch == MIGRATE_TOUCH_INSERT && entry->inserted))
        return 0;
    entry->inserted = entry->inserted || touch == MIGRATE_TOUCH_INSERT;
    if (entry->kind == MIGRATE_TABLE_OLD && touch != MIGRATE_TOUCH_DROP_INDEX &&
        tell(guard, table, err) != 0)
        return -1;
    if (touch == MIGRATE_TOUCH_ALTER)
        return before_altering(guard, entry, err);
    if (entry->kind == MIGRATE_TABLE_NEW)
        return 0;
    if (touch == MIGRATE_TOUCH_DROP_INDEX)
        return before_dropping_index(guard, table, detail, err);
    return before_writing(guard, touch, table, detail, err);
}

/* The number of the line of `now` that is not in `before`, where it has one more; else -1. */
static int added_line(const char *before, const char *now)
{
    int more = 0;
    int line = 0;
    if (before == NULL || now == NULL)
        return -1;
    for (const char *at = now; *at != '\0'; at++)
        more += *at == '\n';
    for (const char *at = before; *at != '\0'; at++)
        more -= *at == '\n';
    if (more <= 0)
        return -1;
    while (*before != '\0') {
        size_t length = strcspn(now, "\n") + 1;
        if (strncmp(before, now, length) != 0)
            break;
        before += length;
        now += length;
        line++;
    }
    return line;
}

/* ALTER TABLE ADD COLUMN can add a foreign key, which old rows break where its default is not
 * NULL. What the older keys are broken by is the same as before, so it can be asked now. */
static int after_new_key(struct migrate_guard *guard, struct migrate_touched *entry,
                         struct error *err)
{
    cleanup_free char *before = entry->keys;
    entry->keys = NULL;
    if (list_keys(guard, entry->name, &entry->keys, err) != 0)
        return -1;
    int added = added_line(before, entry->keys);
    if (added < 0 || entry->checked)
        return 0;
    entry->checked = true;
    return migrate_violations_collect(guard->handle, entry->name, added, &guard->before, err);
}

/* The statement has renamed the table, given it a foreign key, or something that does not matter
 * here. */
static int after_altering(struct migrate_guard *guard, const char *table, struct error *err)
{
    struct migrate_touched *entry = find(guard, table);
    if (entry == NULL || entry->root == 0)
        return 0;
    char *sql = sqlite3_mprintf("SELECT name FROM main.sqlite_schema WHERE type = 'table'"
                                " AND rootpage = %lld",
                                (long long)entry->root);
    cleanup_statement sqlite3_stmt *statement = NULL;
    int result =
        sql != NULL ? sql_prepare(guard->handle, sql, &statement, err) : out_of_memory(err);
    sqlite3_free(sql);
    if (result != 0 || sqlite3_step(statement) != SQLITE_ROW)
        return result;
    const char *name = (const char *)sqlite3_column_text(statement, 0);
    char *copy = name != NULL ? strdup(name) : NULL;
    if (copy == NULL)
        return out_of_memory(err);
    if (migrate_violations_rename(&guard->before, entry->name, copy) != 0) {
        free(copy);
        return out_of_memory(err);
    }
    bool renamed = sqlite3_stricmp(copy, entry->name) != 0;
    bool parent = migrate_list_has(&guard->parents, entry->name);
    free(entry->name);
    entry->name = copy;
    if (renamed && parent && migrate_list_add(&guard->parents, copy, err) != 0)
        return -1;
    if (renamed && migrate_list_add(&guard->told, copy, err) != 0)
        return -1;
    return entry->kind == MIGRATE_TABLE_OLD ? after_new_key(guard, entry, err) : 0;
}

int migrate_touch_after(struct migrate_guard *guard, enum migrate_touch touch, const char *table,
                        struct error *err)
{
    struct migrate_touched *entry = find(guard, table);
    switch (touch) {
    case MIGRATE_TOUCH_CREATE:
        guard->references->known = false;
        /* One that CREATE VIRTUAL TABLE has made while it ran. */
        return entry == NULL && add(guard, table, MIGRATE_TABLE_NEW, err) == NULL ? -1 : 0;
    case MIGRATE_TOUCH_DROP:
        guard->references->known = false;
        if (entry != NULL)
            entry->gone = !is_table(guard, table);
        return 0;
    case MIGRATE_TOUCH_ALTER:
        guard->references->known = false;
        return after_altering(guard, table, err);
    default:
        return 0;
    }
}
