/* See mark.h. */
#include "migrate/mark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layout/tokens.h"

void migrate_mark_start(struct migrate_mark *mark, const char *text)
{
    *mark = (struct migrate_mark){.at = text};
    hash_start(&mark->hash);
}

/* A byte that no token holds keeps `a b` apart from `ab`. */
static void add_token(struct migrate_mark *mark, const char *token, size_t size)
{
    hash_add(&mark->hash, token, size);
    hash_add(&mark->hash, "", 1);
}

void migrate_mark_move(struct migrate_mark *mark, const char *end)
{
    while (mark->at < end) {
        struct layout_token token = layout_token_next(mark->at, (size_t)(end - mark->at));
        if (token.kind != LAYOUT_TOKEN_SPACE && token.kind != LAYOUT_TOKEN_COMMENT) {
            bool semicolon = token.kind == LAYOUT_TOKEN_OTHER && mark->at[0] == ';';
            if (mark->semicolon && !semicolon)
                add_token(mark, ";", 1);
            if (!semicolon)
                add_token(mark, mark->at, token.size);
            mark->semicolon = semicolon;
        }
        mark->at += token.size;
    }
    mark->statements++;
}

static void finish(const struct migrate_mark *mark, char sum[HASH_HEX_SIZE])
{
    struct hash copy = mark->hash;
    hash_finish(&copy, sum);
}

void migrate_mark_format(const struct migrate_mark *mark, char out[MIGRATE_NOTE_SIZE])
{
    char sum[HASH_HEX_SIZE];
    finish(mark, sum);
    (void)snprintf(out, MIGRATE_NOTE_SIZE, "%zu:%s", mark->statements, sum);
}

size_t migrate_mark_statements(const char *note)
{
    return (size_t)strtoull(note, NULL, 10);
}

bool migrate_mark_is(const struct migrate_mark *mark, const char *note)
{
    char sum[HASH_HEX_SIZE];
    const char *colon = strchr(note, ':');
    finish(mark, sum);
    return colon != NULL && strcmp(colon + 1, sum) == 0;
}
