/* Proves that a file is a whole, self-contained database. */
#ifndef LITEINIT_BACKUP_VERIFY_H
#define LITEINIT_BACKUP_VERIFY_H

#include <stdbool.h>

#include "backup/manifest.h"
#include "base/error.h"

/*
 * Opens `path` with immutable=1 (no locks, no companions: https://www.sqlite.org/uri.html), runs
 * quick_check or integrity_check, and fills manifest's size, page_size, page_count and schema from
 * what it finds. `about` is the file that a damage is said of: where the copy is byte for byte its
 * source, that is the source. ERROR_DATA when the file is damaged or shorter than its page_count pages.
 */
int backup_verify_file(const char *path, const char *about, bool full,
                       struct backup_manifest *manifest, struct error *err);

#endif
