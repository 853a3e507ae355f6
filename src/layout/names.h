/*
 * Which names an SQL text holds, in any quoting: for asking of many tables whether a migration
 * speaks of them.
 *
 * A name is a bare word, "…", `…`, […], and '…' too, which SQLite takes for a name in places
 * (https://www.sqlite.org/lang_keywords.html); not what stands in a comment. ASCII letters of both
 * cases are the same, as in SQLite. A word that is something else (a column, a keyword) counts as
 * well: whoever asks must be content with "it may be meant".
 */
#ifndef LITEINIT_LAYOUT_NAMES_H
#define LITEINIT_LAYOUT_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A name as it stands in the text, between its quotes. */
struct layout_name {
    uint32_t offset;
    uint32_t size;
    char quote; /* the closing one, doubled where it is meant; '\0': a bare word */
    bool used;
};

/* A hash set of places in the text, so that a large file of data costs little. */
struct layout_names {
    const char *text;
    struct layout_name *slots;
    size_t capacity; /* a power of two */
    size_t count;
};

/* Points into `text`, which must stay as long as the set. ERROR_IO when memory is out. */
int layout_names_build(const char *text, size_t size, struct layout_names *ret_names,
                       struct error *err);
bool layout_names_has(const struct layout_names *names, const char *name);
void layout_names_free(struct layout_names *names);

#endif
