/* Is all that one database holds in another file too? Asked before one of the two is let go. */
#ifndef LITEINIT_BACKUP_CONTAINED_H
#define LITEINIT_BACKUP_CONTAINED_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True when every table of the database at `path` is in the file `keeper` with the same columns, at
 * least as many rows, and each of its rows. `left_out` are tables that do not count (records of
 * migration tools). Both files are read as nobody writes to them: the caller makes sure of that, or
 * proves it afterwards by store_stamp(). False too when it cannot be told.
 *
 * Must not be called while this process has a connection to one of them (design fact 3).
 */
bool backup_is_contained(const char *path, const char *keeper, const char *const *left_out,
                         size_t left_out_count);

#endif
