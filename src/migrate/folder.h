/*
 * The folder of migration files.
 *
 * 001_what_it_does.sql (any width of number) is an up migration; 001_what_it_does_down.sql or
 * 001_what_it_does.down.sql takes it back and is never run as an up; .up.sql may mark an up.
 * Files that do not end in .sql or do not begin with a digit are left alone.
 */
#ifndef LITEINIT_MIGRATE_FOLDER_H
#define LITEINIT_MIGRATE_FOLDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Largest migration file that is read. */
#define MIGRATE_FILE_MAX ((size_t)64 << 20)

struct migrate_file {
    int64_t version;
    char *name; /* what_it_does */
    char *up;   /* file names within the folder */
    char *down; /* NULL: no way back */
};

struct migrate_folder {
    char *path;
    struct migrate_file *files; /* ordered by version */
    size_t count;
    size_t ignored; /* .sql files that are left alone since no number begins their name */
};

/* Lists the folder. ERROR_NOT_FOUND or ERROR_PERMISSION for the folder itself; ERROR_CONFIG for
 * two files with one number, a number that is none, or a down file without its up. The caller
 * frees the result with migrate_folder_free(). */
int migrate_folder_read(const char *path, struct migrate_folder *ret_folder, struct error *err);
void migrate_folder_free(struct migrate_folder *folder);

/* Reads one file of the folder. *ret_text is NUL-terminated and owned by the caller. ERROR_DATA
 * for a NUL byte within it: SQLite would silently ignore all that follows. */
int migrate_folder_load(const struct migrate_folder *folder, const char *file, char **ret_text,
                        size_t *ret_size, struct error *err);

#endif
