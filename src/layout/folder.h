/*
 * The folder of migration files.
 *
 * In liteinit's own layout 001_what_it_does.sql (any width of number) is an up migration;
 * 001_what_it_does_down.sql or 001_what_it_does.down.sql takes it back and is never run as an up;
 * .up.sql may mark an up. Files that do not end in .sql or do not begin with a digit are left alone.
 * The layouts of other tools are read as they are (tool.h).
 */
#ifndef LITEINIT_LAYOUT_FOLDER_H
#define LITEINIT_LAYOUT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pool.h"
#include "layout/findings.h"
#include "layout/tool.h"

/* Largest migration file that is read. */
#define LAYOUT_FILE_MAX ((size_t)64 << 20)

struct layout_migration {
    int64_t version; /* what orders them. Never below 0, but for repeatable ones, which have a
                        negative one that their name gives and come after all others */
    char *label;     /* the version as its tool writes it: "7", "1.2", "20240115_init" */
    char *name;      /* what_it_does */
    char *up;        /* the file that applies it, relative to the folder */
    char *down;      /* the one that takes it back, perhaps the same one; NULL: no way back */
    bool repeatable; /* to be run again whenever it changes */
    int64_t stamp;   /* the journal's `when` of drizzle, by which its history knows it; else 0 */
};

struct layout_folder {
    char *path;
    enum layout_tool tool;               /* never LAYOUT_DETECT */
    struct layout_migration *migrations; /* in the order in which they are applied */
    size_t count;
    struct pool texts; /* of the migrations */
    size_t ignored;    /* .sql files that are left alone since no number begins their name */
};

/*
 * Lists the folder as `tool` lays it out. ERROR_NOT_FOUND or ERROR_PERMISSION for the folder itself;
 * ERROR_CONFIG for two files with one number, a number that is none, a down file without its up, or
 * a migration that liteinit cannot run (written in a programming language). With `findings`, all
 * faults of the latter kind are collected there instead of being errors, and what is left is the
 * result. The caller frees it with layout_folder_free().
 */
int layout_folder_read(const char *path, enum layout_tool tool, struct layout_findings *findings,
                       struct layout_folder *ret_folder, struct error *err);
void layout_folder_free(struct layout_folder *folder);

/* The migration of this version, or NULL. Points into the folder. */
const struct layout_migration *layout_folder_find(const struct layout_folder *folder,
                                                  int64_t version);

/*
 * The migration that had this number in an earlier state of the folder and has another one now, or
 * NULL. Flyway's versions are whole numbers until one with dots comes into the folder, or when the
 * last of these is gone (an older image): then all of them are counted anew. A history that was kept
 * with the other numbers cannot be compared with the folder as it is.
 */
const struct layout_migration *layout_folder_renumbered(const struct layout_folder *folder,
                                                        int64_t version);

#endif
