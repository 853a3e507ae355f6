/* See schema_diff.h. */
#include "validate/schema_diff.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "layout/tokens.h"
#include "validate/columns.h"

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
    const struct migrate_snapshot *before;
    const struct migrate_snapshot *after;
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
    struct validate_columns old = {.items = NULL};
    struct validate_columns new = {.items = NULL};
    char clause[512];
    int result = 0;
    size_t differences = 0;
    if (validate_columns_of(before->sql, before->name, &old) &&
        validate_columns_of(after->sql, after->name, &new))
        for (size_t i = 0; result == 0; i++) {
            if (!validate_columns_differ(&old, &new, i, clause, sizeof clause))
                break;
            differences++;
            result = tell(comparison, err, "table %s: %s", after->name, clause);
        }
    *ret_told = differences > 0;
    validate_columns_free(&old);
    validate_columns_free(&new);
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

static bool has_table(const struct migrate_snapshot *schema, const char *name)
{
    for (size_t i = 0; schema->objects != NULL && i < schema->count; i++)
        if (strcmp(schema->objects[i].type, "table") == 0 &&
            strcasecmp(schema->objects[i].name, name) == 0)
            return true;
    return false;
}

/* An object that only one of the two has; `other` is the one that lacks it. */
static int lone(const struct comparison *comparison, const struct migrate_object *object,
                const struct migrate_snapshot *other, struct error *err)
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

int validate_schema_compare(const struct migrate_snapshot *before,
                            const struct migrate_snapshot *after,
                            int (*tell_one)(void *context, const char *clause, struct error *err),
                            void *context, struct error *err)
{
    const struct comparison comparison = {before, after, tell_one, context};
    size_t b = 0;
    size_t a = 0;
    int result = 0;
    while (result == 0 && b < before->count && a < after->count) {
        const struct migrate_object *was = &before->objects[b];
        const struct migrate_object *is = &after->objects[a];
        int order = by_name(was, is);
        if (order == 0)
            result = compare_objects(&comparison, was, is, err);
        else
            result =
                order < 0 ? lone(&comparison, was, after, err) : lone(&comparison, is, before, err);
        b += order <= 0;
        a += order >= 0;
    }
    for (; result == 0 && b < before->count; b++)
        result = lone(&comparison, &before->objects[b], after, err);
    for (; result == 0 && a < after->count; a++)
        result = lone(&comparison, &after->objects[a], before, err);
    return result;
}
