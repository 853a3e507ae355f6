/*
 * The migration tools whose histories can be read: one table.
 *
 * A history is told by the name of its table and by the columns that the tool gives it, never by
 * the name alone: apps have a table `migrations` of their own. What a row means is said by the
 * tool's own query, whose result is one row for each migration:
 *   label, name, at, checksum, state (enum foreign_state).
 */
#ifndef LITEINIT_FOREIGN_TOOLS_H
#define LITEINIT_FOREIGN_TOOLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct sqlite3;

/* What a row says of its migration. The numbers stand in the queries. */
enum foreign_state {
    FOREIGN_NOT_APPLIED = 0, /* taken back, undone, or a mark that means nothing here */
    FOREIGN_APPLIED = 1,
    FOREIGN_HALF = 2,       /* begun and not ended, or failed */
    FOREIGN_UP_TO = 3,      /* it and all before it */
    FOREIGN_REPEATABLE = 4, /* applied, and to be run again when its file changes */
};

/* The checksum that a tool keeps of each file. */
enum foreign_sum {
    FOREIGN_SUM_NONE,
    FOREIGN_SUM_SHA256, /* of the file's bytes; with other line ends it counts as the same file */
    FOREIGN_SUM_SHA384, /* of the file's bytes */
    FOREIGN_SUM_CRC32_LINES, /* CRC-32 of the lines without their ends, as a signed number */
};

/* A table beside the history that can say that something is under way. */
struct foreign_aside {
    const char *table;
    const char *columns;
    const char *busy; /* a query that has a row when it is */
};

struct foreign_tool {
    const char *name;           /* as users type it */
    const char *table;          /* "PRAGMA user_version" for that one */
    const char *columns;        /* that it has, separated by spaces; NULL: it is no table */
    bool exact;                 /* it has no others */
    bool known_by_name;         /* nobody else has a table of this name */
    bool head_only;             /* it knows the newest one alone, by a name that has no order */
    bool by_app;                /* labels are app/name */
    bool by_stamp;              /* labels are times of the journal in the folder */
    bool has_baselines;         /* "up to" may name a version that has no file */
    const char *beside;         /* a table that must be there as well; NULL: none */
    struct foreign_aside aside; /* table NULL: none */
    const char *rows;           /* the query */
    enum foreign_sum sum;
    const char *mend; /* what to do about a half-applied one; NULL: it knows of none */
};

/* More than there are tools. */
#define FOREIGN_FOUND_MAX 32

struct foreign_found {
    const struct foreign_tool *tool;
    bool readable; /* false: a table of this name with other columns than the tool gives it */
};

/* All tools, for a list of names. */
const struct foreign_tool *foreign_tools(size_t *ret_count);

/* The tool of this name, or NULL. */
const struct foreign_tool *foreign_tool_named(const char *name);

/* Whether this tool's table is there, with its columns. What else two tools with one kind of table
 * are told apart by does not count: the user has named one. */
int foreign_tool_has_table(struct sqlite3 *handle, const struct foreign_tool *tool, bool *ret_there,
                           struct error *err);

/*
 * All histories that are there, at most one for each table. PRAGMA user_version counts only when
 * there is nothing else and it is not 0: many apps set it.
 */
int foreign_detect(struct sqlite3 *handle, struct foreign_found ret_found[FOREIGN_FOUND_MAX],
                   size_t *ret_count, struct error *err);

#endif
