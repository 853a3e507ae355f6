/* What a rehearsal found out: for each migration what it changed, how long it took and how much it
 * wrote. Plain data; prepare_rehearse() makes it. */
#ifndef LITEINIT_PREPARE_REHEARSAL_H
#define LITEINIT_PREPARE_REHEARSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout/script.h"
#include "migrate/difference.h"

struct prepare_rehearsal_notice {
    int line; /* of the item's file; 0: about all of it */
    char *sentence;
};

/* One migration that went well. */
struct prepare_rehearsal_item {
    int64_t version;
    char *name;
    char *file;
    enum layout_direction direction;
    int64_t duration_ms;
    struct migrate_difference difference;
    int64_t new_violations; /* of foreign keys, with foreign-keys=warn; without it they abort */
    int64_t wal_bytes;      /* what it wrote to the WAL */
    int64_t growth;         /* by how many bytes the main file became larger; may be below 0 */
    struct prepare_rehearsal_notice *notices;
    size_t notice_count;
};

struct prepare_rehearsal {
    struct prepare_rehearsal_item *items; /* in the order in which they ran */
    size_t count;
    bool cloned;     /* the copy shared the blocks of the database: it was free */
    int64_t bytes;   /* of the copy */
    int64_t copy_ms; /* making it */
    int64_t check_ms;
    int64_t wal_bytes;   /* the WAL at its largest: the most that one migration wrote */
    int64_t space_bytes; /* the most room that was taken at once, beside the database as it was */
    int64_t
        failed_version; /* the one that failed, or the last one when the check failed; 0: none */
};

/* One that is {0}, or was freed, is fine. */
void prepare_rehearsal_free(struct prepare_rehearsal *rehearsal);

/* Adds an item for a migration that begins; the texts are copies. ERROR_IO when memory is out. */
int prepare_rehearsal_add(struct prepare_rehearsal *rehearsal, int64_t version, const char *name,
                          const char *file, enum layout_direction direction, struct error *err);

/* Takes the last item away: it did not go well. */
void prepare_rehearsal_drop(struct prepare_rehearsal *rehearsal);

/* Adds a sentence to the last item. Without memory, or beyond what anybody reads, it is left out. */
void prepare_rehearsal_note(struct prepare_rehearsal *rehearsal, int line, const char *sentence);

#endif
