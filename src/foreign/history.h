/*
 * Reads the history that another migration tool keeps in the database. Never writes.
 */
#ifndef LITEINIT_FOREIGN_HISTORY_H
#define LITEINIT_FOREIGN_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "foreign/tools.h"

struct sqlite3;

/* More rows than any project has: beyond it the table is not believed. */
#define FOREIGN_ENTRIES_MAX ((size_t)1000000)
/* Bytes of the longest text of a row (the script's name of Flyway may have 1,000). */
#define FOREIGN_TEXT_MAX 1024

/* An applied migration. */
struct foreign_entry {
    char *label;      /* as the tool wrote it: "20240115093000", "0001_initial", "1.2" */
    int64_t version;  /* -1: the label is no number */
    char *name;       /* NULL: unknown */
    char *applied_at; /* RFC 3339, UTC; NULL: unknown */
    char *checksum;   /* the tool's own, as it writes it; NULL: none */
    bool up_to;       /* all before it are applied as well */
    bool repeatable;
};

struct foreign_history {
    const struct foreign_tool *tool;
    const char *table; /* static */
    struct foreign_entry *entries;
    size_t count;
};

/*
 * Reads what `tool` says is applied; what was taken back is left out. ERROR_DATA: one is half
 * applied (the hint says how the tool mends that), or a row has no usable version. Frees with
 * foreign_history_free().
 */
int foreign_history_read(struct sqlite3 *handle, const struct foreign_tool *tool,
                         struct foreign_history *ret_history, struct error *err);
void foreign_history_free(struct foreign_history *history);

#endif
