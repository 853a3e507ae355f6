/*
 * What the readers of this folder share.
 *
 * A reader lists the folder, takes each name apart, and adds pieces: an up file, a down file, or
 * both in one. folder.c puts the pieces of one version together, in order, and refuses what does
 * not fit. A fault of the folder goes through layout_fault(): it ends the reading, or is collected.
 */
#ifndef LITEINIT_LAYOUT_INTERNAL_H
#define LITEINIT_LAYOUT_INTERNAL_H

#include "base/error.h"
#include "base/pool.h"
#include "layout/directives.h"
#include "layout/findings.h"
#include "layout/folder.h"
#include "layout/script.h"

struct layout_entry {
    char *name; /* relative to the folder */
    bool folder;
};

/* Sorted by name; without those that begin with a dot. */
struct layout_listing {
    struct layout_entry *items;
    size_t count;
    size_t capacity;
    struct pool names;
};

/* How deep Flyway's and refinery's folders are looked into. */
#define LAYOUT_DEPTH_MAX 8
/* How many files a folder may have, those in folders inside it too. */
#define LAYOUT_FILES_MAX ((size_t)1 << 20)

/* Lists a folder; `depth` is how many levels below it are listed, too (folders are entries in any
 * case). Symbolic links to folders are not followed further down, so that there is no endless way.
 * ERROR_NOT_FOUND or ERROR_PERMISSION for the folder itself. */
int layout_list(const char *path, int depth, struct layout_listing *ret_listing, struct error *err);
void layout_listing_free(struct layout_listing *listing);

struct layout_reader {
    const char *path;
    const struct layout_listing *listing;
    struct layout_findings *findings; /* NULL: a fault is an error */
    struct layout_folder folder;
    size_t capacity;
};

/* A part of a migration. The texts are copied. */
struct layout_piece {
    int64_t version;
    int64_t stamp;
    const char *label;
    const char *name;
    const char *up; /* one of the two may be NULL */
    const char *down;
    bool repeatable;
};

int layout_add(struct layout_reader *reader, const struct layout_piece *piece, struct error *err);

/* A fault of the folder: -1 with it in `err`, or 0 when it was collected. `fault` names the file. */
int layout_fault(const struct layout_reader *reader, const struct error *fault, struct error *err);

/* Fills a fault about a file, or with "" about the folder, and its remedy. */
void layout_fault_set(struct error *fault, enum error_kind kind, const char *file, const char *fmt,
                      ...) __attribute__((format(printf, 4, 5)));

/* A fault: the migration is written in a programming language. */
int layout_fault_program(const struct layout_reader *reader, const char *file, const char *language,
                         struct error *err);

/* An error at a line of a file: "FILE:LINE: …", with file, line and column 1 set. -1. */
int layout_error_at(struct error *err, enum error_kind kind, const char *file, int line,
                    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Whether a name ends so. Case does not count: people bring 001_INIT.SQL along from Windows. */
bool layout_has_suffix(const char *name, const char *suffix);

/* Path of a file of the folder; false when it is too long. */
bool layout_path(char *out, size_t size, const char *folder, const char *file);

/* Whether a file of the folder is there, as something that is no folder. */
bool layout_file_exists(const char *folder, const char *file);

/* Whether a file holds nothing but blanks and comments. False when it cannot be read: that is told
 * when it is loaded. */
bool layout_file_is_blank(const char *folder, const char *file);

/* The digits of the dates that diesel writes now, YYYYMMDDHHMMSS and four more. */
#define LAYOUT_DIESEL_DIGITS 18

/* The readers. */
int layout_read_numbered(struct layout_reader *reader, struct error *err);
int layout_read_flyway(struct layout_reader *reader, struct error *err);
int layout_read_diesel(struct layout_reader *reader, struct error *err);
int layout_read_prisma(struct layout_reader *reader, struct error *err);
int layout_read_drizzle(struct layout_reader *reader, struct error *err);

/* The tool that the folder is written for. ERROR_CONFIG when there are marks of two. */
int layout_detect(const char *path, const struct layout_listing *listing,
                  enum layout_tool *ret_tool, struct error *err);

/* Whether this is a name of Flyway's or refinery's: a prefix of `prefixes`, and for V, U and B a
 * version, then "__" or the ending. *ret_language is the language of a program, NULL for SQL. */
bool layout_flyway_name(const char *file, const char *prefixes, const char **ret_language);

/* Where the directions are in a file of dbmate or goose. Offsets in the text; the marker's own line
 * belongs to its section. */
struct layout_sections {
    size_t up; /* where the text before the first marker ends */
    size_t down;
    size_t end; /* of the text; `down` is this when there is no way back */
    bool up_no_transaction;
    bool down_no_transaction;
};

/* ERROR_DATA for markers that are wrong, ERROR_CONFIG for what cannot be read as it is. */
int layout_sections_find(enum layout_tool tool, const char *file, const char *text, size_t size,
                         struct layout_sections *ret_sections, struct error *err);

/* dbmate or goose when a line outside quotes and block comments is a marker that divides a file in
 * two, else LAYOUT_DETECT. *ret_line is where. */
enum layout_tool layout_sections_tool(const char *text, size_t size, int *ret_line);

/* What a tool says beside or in a file about how to run it, added to the directives. */
int layout_extras(const struct layout_folder *folder, const char *file, const char *text,
                  size_t size, struct layout_directives *directives, struct error *err);

#endif
