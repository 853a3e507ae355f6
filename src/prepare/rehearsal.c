/* See rehearsal.h. */
#include "prepare/rehearsal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NOTICES 200

static void free_item(struct prepare_rehearsal_item *item)
{
    for (size_t i = 0; i < item->notice_count; i++)
        free(item->notices[i].sentence);
    free(item->notices);
    free(item->name);
    free(item->file);
    migrate_difference_free(&item->difference);
}

void prepare_rehearsal_free(struct prepare_rehearsal *rehearsal)
{
    for (size_t i = 0; i < rehearsal->count; i++)
        free_item(&rehearsal->items[i]);
    free(rehearsal->items);
    *rehearsal = (struct prepare_rehearsal){.count = 0};
}

int prepare_rehearsal_add(struct prepare_rehearsal *rehearsal, int64_t version, const char *name,
                          const char *file, enum layout_direction direction, struct error *err)
{
    struct prepare_rehearsal_item item = {.version = version, .direction = direction};
    /* Room for twice as many whenever the number is a power of two. */
    if ((rehearsal->count & (rehearsal->count - 1)) == 0) {
        size_t capacity = rehearsal->count > 0 ? 2 * rehearsal->count : 1;
        struct prepare_rehearsal_item *grown = realloc(rehearsal->items, capacity * sizeof *grown);
        if (grown == NULL)
            return error_set(err, ERROR_IO, ENOMEM, "cannot keep what the rehearsal found out");
        rehearsal->items = grown;
    }
    item.name = strdup(name != NULL ? name : "");
    item.file = strdup(file != NULL ? file : "");
    if (item.name == NULL || item.file == NULL) {
        free_item(&item);
        return error_set(err, ERROR_IO, ENOMEM, "cannot keep what the rehearsal found out");
    }
    rehearsal->items[rehearsal->count++] = item;
    return 0;
}

void prepare_rehearsal_drop(struct prepare_rehearsal *rehearsal)
{
    if (rehearsal->count == 0)
        return;
    /* The memory stays: adding one again asks for the same. */
    free_item(&rehearsal->items[--rehearsal->count]);
}

void prepare_rehearsal_note(struct prepare_rehearsal *rehearsal, int line, const char *sentence)
{
    if (rehearsal->count == 0)
        return;
    struct prepare_rehearsal_item *item = &rehearsal->items[rehearsal->count - 1];
    if (item->notice_count >= MAX_NOTICES)
        return;
    struct prepare_rehearsal_notice *grown =
        realloc(item->notices, (item->notice_count + 1) * sizeof *grown);
    if (grown == NULL)
        return;
    item->notices = grown;
    char *copy = strdup(sentence);
    if (copy != NULL)
        grown[item->notice_count++] =
            (struct prepare_rehearsal_notice){.line = line, .sentence = copy};
}
