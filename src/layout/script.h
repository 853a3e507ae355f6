/*
 * One direction of one migration: its text, what it asks for, and its checksum.
 *
 * Where a tool keeps both directions in one file, the other one's bytes are blanked out (line ends
 * stay), so that places in the text are places in the file.
 */
#ifndef LITEINIT_LAYOUT_SCRIPT_H
#define LITEINIT_LAYOUT_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "layout/directives.h"
#include "layout/folder.h"
#include "layout/tokens.h"

enum layout_direction { LAYOUT_UP, LAYOUT_DOWN };

struct layout_script {
    char *file; /* for messages: relative to the folder */
    char *text; /* NUL-terminated */
    size_t size;
    bool cut; /* the text is a part of its file, the rest of which is blanked out */
    char checksum[LAYOUT_CHECKSUM_SIZE];
    struct layout_directives directives;
};

/* Reads one. For LAYOUT_DOWN the migration must have a way back. ERROR_DATA for what is no text (a
 * NUL byte: SQLite would silently ignore all that follows; bytes that are no UTF-8: it would take
 * them), for unknown directives and for markers of the tool that are wrong. ERROR_CONFIG for what
 * liteinit cannot read as it is: a marker that divides the file in a layout that has none, and
 * places where the tool would paste something in. Free with layout_script_free(). */
int layout_script_load(const struct layout_folder *folder, const struct layout_migration *migration,
                       enum layout_direction direction, struct layout_script *ret_script,
                       struct error *err);

/* The same for one of very many: `dir` is the open folder, which saves the way to it for each file,
 * or -1. Messages of files that cannot be read are shorter. */
int layout_script_load_at(const struct layout_folder *folder, int dir,
                          const struct layout_migration *migration, enum layout_direction direction,
                          struct layout_script *ret_script, struct error *err);

/* A script whose text was kept in the database by layout_script_keep(). `file` is what messages
 * call it. */
int layout_script_recall(const char *file, const char *text, struct layout_script *ret_script,
                         struct error *err);

/* The text to keep in the database for layout_script_recall(): it has all that the script asks for
 * in liteinit's own words, and no other direction's blanks; a file of liteinit's own is kept as it
 * is, byte for byte. The caller frees it; NULL when memory is out. */
char *layout_script_keep(const struct layout_script *script);

/* Whether it holds no statement: nothing but blanks, comments and semicolons. */
bool layout_script_is_blank(const struct layout_script *script);

/* That text of the way back of `migration`, whose way up is loaded as `up`. *ret_text is NULL where
 * there is none or a blank one, or where `up` says that it is irreversible; the caller frees it. */
int layout_script_keep_down(const struct layout_folder *folder,
                            const struct layout_migration *migration,
                            const struct layout_script *up, char **ret_text, struct error *err);

void layout_script_free(struct layout_script *script);

#endif
