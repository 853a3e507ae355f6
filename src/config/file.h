/*
 * The JSON file: one object, whose members are keys.
 *
 * The file must be UTF-8, without NUL bytes, of at most 256 KiB. Unknown and repeated keys are
 * errors, since a key that is silently passed over costs somebody a backup. null counts as not
 * there.
 */
#ifndef LITEINIT_CONFIG_FILE_H
#define LITEINIT_CONFIG_FILE_H

#include "base/error.h"
#include "config/keys.h"

struct config_file {
    const char *path;
    char *texts[CONFIG_KEY_COUNT]; /* the value of each key as a flag would give it; NULL: none */
};

/* Reads `path`, which has to live as long as ret_file; config_file_free() frees what it holds.
 * Errors are ERROR_CONFIG, with err->sys when it was the system's. A syntax error has its place in
 * err->file, line and column too. */
int config_file_read(const char *path, struct config_file *ret_file, struct error *err);
void config_file_free(struct config_file *file);

#endif
