/* See names.h. */
#include "layout/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "layout/tokens.h"

/* Reads a name byte by byte: doubled quotes once, small letters. */
struct reader {
    const char *at;
    const char *end;
    char quote;
};

static struct reader reader_of(const char *text, const struct layout_name *name)
{
    const char *at = text + name->offset;
    return (struct reader){.at = at, .end = at + name->size, .quote = name->quote};
}

/* The name that this token at offset is. */
static struct layout_name name_of(const char *text, size_t offset, const struct layout_token *token)
{
    struct layout_name name = {
        .offset = (uint32_t)offset, .size = (uint32_t)token->size, .used = true};
    if (token->kind == LAYOUT_TOKEN_WORD)
        return name;
    name.quote = text[offset] == '[' ? ']' : text[offset];
    name.offset++;
    name.size -= token->closed ? 2 : 1;
    return name;
}

static int small(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

/* The next byte, or -1 at the end. */
static int next_of(struct reader *reader)
{
    if (reader->at >= reader->end)
        return -1;
    char c = *reader->at++;
    if (c == reader->quote && reader->quote != ']' && reader->at < reader->end)
        reader->at++;
    return small(c);
}

/* FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/). */
static uint64_t hash_of(struct reader reader)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int c = next_of(&reader); c >= 0; c = next_of(&reader))
        hash = (hash ^ (uint64_t)c) * UINT64_C(1099511628211);
    return hash ^ (hash >> 32);
}

static bool same(struct reader a, struct reader b)
{
    int c = next_of(&a);
    while (c >= 0 && c == next_of(&b))
        c = next_of(&a);
    return c < 0 && next_of(&b) < 0;
}

/* The slot that holds this name, or the empty one where it belongs. */
static struct layout_name *slot_of(const struct layout_names *names, struct reader name)
{
    size_t i = (size_t)hash_of(name) & (names->capacity - 1);
    while (names->slots[i].used && !same(reader_of(names->text, &names->slots[i]), name))
        i = (i + 1) & (names->capacity - 1);
    return &names->slots[i];
}

static bool grow(struct layout_names *names)
{
    struct layout_names grown = *names;
    grown.capacity = names->capacity > 0 ? names->capacity * 2 : 64;
    grown.slots = calloc(grown.capacity, sizeof *grown.slots);
    if (grown.slots == NULL)
        return false;
    for (size_t i = 0; i < names->capacity; i++)
        if (names->slots[i].used)
            *slot_of(&grown, reader_of(names->text, &names->slots[i])) = names->slots[i];
    free(names->slots);
    *names = grown;
    return true;
}

static bool is_name(const struct layout_token *token)
{
    return token->kind == LAYOUT_TOKEN_WORD || token->kind == LAYOUT_TOKEN_NAME ||
           token->kind == LAYOUT_TOKEN_STRING;
}

int layout_names_build(const char *text, size_t size, struct layout_names *ret_names,
                       struct error *err)
{
    struct layout_names names = {.text = text};
    size_t at = 0;
    if (size >= UINT32_MAX)
        return error_set(err, ERROR_DATA, 0, "the SQL is too large");
    while (at < size) {
        struct layout_token token = layout_token_next(text + at, size - at);
        if (is_name(&token)) {
            if (names.count * 2 >= names.capacity && !grow(&names)) {
                layout_names_free(&names);
                return error_set(err, ERROR_IO, ENOMEM, "cannot list the names in the SQL");
            }
            struct layout_name name = name_of(text, at, &token);
            struct layout_name *slot = slot_of(&names, reader_of(text, &name));
            names.count += !slot->used;
            *slot = name;
        }
        at += token.size;
    }
    *ret_names = names;
    return 0;
}

bool layout_names_has(const struct layout_names *names, const char *name)
{
    struct reader reader = {.at = name, .end = name + strlen(name)};
    return names->capacity > 0 && slot_of(names, reader)->used;
}

void layout_names_free(struct layout_names *names)
{
    free(names->slots);
    *names = (struct layout_names){.text = NULL};
}
