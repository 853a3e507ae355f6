/* See schema_diff.h. */
#include "migrate/schema_diff.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "layout/tokens.h"
#include "migrate/columns.h"
#include "migrate/history.h"
#include "store/sql.h"

static int out_of_memory(struct error *err)
{
    return error_set(err, ERROR_IO, ENOMEM, "cannot compare two schemas");
}

static int add_object(struct migrate_schema *schema, sqlite3_stmt *row, struct error *err)
{
    if (schema->count == schema->capacity) {
        size_t capacity = schema->capacity > 0 ? schema->capacity * 2 : 64;
        struct migrate_object *objects = realloc(schema->objects, capacity * sizeof *objects);
        if (objects == NULL)
            return out_of_memory(err);
        schema->objects = objects;
        schema->capacity = capacity;
    }
    struct migrate_object *object = &schema->objects[schema->count++];
    char **fields[] = {&object->type, &object->name, &object->table, &object->sql};
    bool complete = true;
    for (int i = 0; i < 4; i++) {
        const char *text = (const char *)sqlite3_column_text(row, i);
        *fields[i] = text != NULL ? strdup(text) : NULL;
        complete = complete && *fields[i] != NULL;
    }
    return complete ? 0 : out_of_memory(err);
}

static int read_objects(sqlite3 *handle, struct migrate_schema *schema, struct error *err)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    struct migrate_history own;
    if (migrate_history_open(handle, &own, err) != 0 ||
        sql_prepare(handle,
                    "SELECT type, name, tbl_name, coalesce(sql, '') FROM main.sqlite_schema"
                    " WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
                    " AND tbl_name NOT LIKE 'liteinit\\_%' ESCAPE '\\'"
                    " AND tbl_name NOT IN (?1, ?2) ORDER BY type, lower(name)",
                    &statement, err) != 0)
        return -1;
    /* Where a table of the user's has the name, it is not liteinit's. */
    (void)sqlite3_bind_text(statement, 1, own.applied_exists ? own.applied_table : "", -1,
                            SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 2, own.history_exists ? own.history_table : "", -1,
                            SQLITE_STATIC);
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        if (add_object(schema, statement, err) != 0)
            return -1;
    return code == SQLITE_DONE ? 0 : sql_error(err, handle, "cannot read the schema");
}

int migrate_schema_take(sqlite3 *handle, struct migrate_schema *ret_schema, struct error *err)
{
    struct migrate_schema schema = {.objects = NULL};
    if (read_objects(handle, &schema, err) != 0) {
        migrate_schema_free(&schema);
        return -1;
    }
    *ret_schema = schema;
    return 0;
}

void migrate_schema_free(struct migrate_schema *schema)
{
    for (size_t i = 0; i < schema->count; i++) {
        free(schema->objects[i].type);
        free(schema->objects[i].name);
        free(schema->objects[i].table);
        free(schema->objects[i].sql);
    }
    free(schema->objects);
    *schema = (struct migrate_schema){.objects = NULL};
}

/* One token of a text: what it says, without the quotes of a name that needs none. */
struct word {
    const char *text;
    size_t size;
    bool exact; /* a string: its case counts */
};

static bool is_bare(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '_' && (unsigned char)text[i] < 0x80)
            return false;
    return size > 0;
}

/* The next token from *at; false at the end of the text. */
static bool next_word(const char **at, struct word *ret_word)
{
    size_t left = strlen(*at);
    size_t blank = layout_blank_length(*at, left);
    const char *text = *at + blank;
    if (blank == left)
        return false;
    struct layout_token token = layout_token_next(text, left - blank);
    *ret_word = (struct word){
        .text = text,
        .size = token.size,
        .exact = token.kind == LAYOUT_TOKEN_STRING,
    };
    if (token.kind == LAYOUT_TOKEN_NAME && token.size > 2 && is_bare(text + 1, token.size - 2)) {
        ret_word->text++;
        ret_word->size -= 2;
    }
    *at = text + token.size;
    return true;
}

static bool same_word(const struct word *a, const struct word *b)
{
    if (a->size != b->size || a->exact != b->exact)
        return false;
    return a->exact ? memcmp(a->text, b->text, a->size) == 0
                    : strncasecmp(a->text, b->text, a->size) == 0;
}

/* Whether both texts say the same; else where the first difference is. */
static bool same_text(const char *a, const char *b, const char **ret_a, const char **ret_b)
{
    struct word left;
    struct word right;
    if (strcmp(a, b) == 0)
        return true;
    for (;;) {
        bool more_left = next_word(&a, &left);
        bool more_right = next_word(&b, &right);
        if (!more_left && !more_right)
            return true;
        *ret_a = more_left ? left.text : a;
        *ret_b = more_right ? right.text : b;
        if (more_left != more_right || !same_word(&left, &right))
            return false;
    }
}

/* What a comparison is about, and whom it tells. */
struct comparison {
    const struct migrate_schema *before;
    const struct migrate_schema *after;
    int (*tell)(void *context, const char *clause, struct error *err);
    void *context;
};

__attribute__((format(printf, 3, 4))) static int tell(const struct comparison *comparison,
                                                      struct error *err, const char *fmt, ...)
{
    char clause[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(clause, sizeof clause, fmt, ap);
    va_end(ap);
    return comparison->tell(comparison->context, clause, err);
}

static int compare_columns(const struct comparison *comparison, const struct migrate_object *before,
                           const struct migrate_object *after, bool *ret_told, struct error *err)
{
    struct migrate_columns old = {.items = NULL};
    struct migrate_columns new = {.items = NULL};
    char clause[512];
    int result = 0;
    size_t differences = 0;
    if (migrate_columns_of(before->sql, before->name, &old) &&
        migrate_columns_of(after->sql, after->name, &new))
        for (size_t i = 0; result == 0; i++) {
            if (!migrate_columns_differ(&old, &new, i, clause, sizeof clause))
                break;
            differences++;
            result = tell(comparison, err, "table %s: %s", after->name, clause);
        }
    *ret_told = differences > 0;
    migrate_columns_free(&old);
    migrate_columns_free(&new);
    return result;
}

static int compare_objects(const struct comparison *comparison, const struct migrate_object *before,
                           const struct migrate_object *after, struct error *err)
{
    const char *is = NULL;
    const char *was = NULL;
    if (same_text(before->sql, after->sql, &was, &is))
        return 0;
    if (strcmp(before->type, "table") == 0) {
        bool told = false;
        if (compare_columns(comparison, before, after, &told, err) != 0)
            return -1;
        if (told)
            return 0;
    }
    return tell(comparison, err, "the text of %s %s differs: \"%.60s\" instead of \"%.60s\"",
                after->type, after->name, is, was);
}

static int by_name(const struct migrate_object *a, const struct migrate_object *b)
{
    int order = strcmp(a->type, b->type);
    return order != 0 ? order : strcasecmp(a->name, b->name);
}

static bool has_table(const struct migrate_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->count; i++)
        if (strcmp(schema->objects[i].type, "table") == 0 &&
            strcasecmp(schema->objects[i].name, name) == 0)
            return true;
    return false;
}

/* An object that only one of the two has; `other` is the one that lacks it. */
static int lone(const struct comparison *comparison, const struct migrate_object *object,
                const struct migrate_schema *other, struct error *err)
{
    bool part = strcmp(object->type, "index") == 0 || strcmp(object->type, "trigger") == 0;
    const char *fate = other == comparison->before ? "left over" : "gone";
    if (!part)
        return tell(comparison, err, "%s %s is %s", object->type, object->name, fate);
    /* It comes and goes with its table, which is told of already. A trigger's may be a view. */
    if (strcmp(object->type, "index") == 0 && !has_table(other, object->table))
        return 0;
    return tell(comparison, err, "%s %s on %s is %s", object->type, object->name, object->table,
                fate);
}

int migrate_schema_compare(const struct migrate_schema *before, const struct migrate_schema *after,
                           int (*tell_one)(void *context, const char *clause, struct error *err),
                           void *context, struct error *err)
{
    const struct comparison comparison = {before, after, tell_one, context};
    size_t b = 0;
    size_t a = 0;
    int result = 0;
    while (result == 0 && (b < before->count || a < after->count)) {
        const struct migrate_object *was = b < before->count ? &before->objects[b] : NULL;
        const struct migrate_object *is = a < after->count ? &after->objects[a] : NULL;
        int order = was == NULL ? 1 : -1;
        if (was != NULL && is != NULL)
            order = by_name(was, is);
        if (order < 0)
            result = lone(&comparison, was, after, err);
        else if (order > 0)
            result = lone(&comparison, is, before, err);
        else
            result = compare_objects(&comparison, was, is, err);
        b += order <= 0;
        a += order >= 0;
    }
    return result;
}
