/* Who has the database open: for the messages about a busy database. */
#ifndef LITEINIT_STORE_HOLDER_H
#define LITEINIT_STORE_HOLDER_H

#include <stddef.h>

#include "store/location.h"

/* Writes "pid 17 (python3), pid 23 (node)" for the processes other than this one that have the
 * database file open, as far as /proc shows them; "" when it shows none: then the holder is in
 * another container, or belongs to another user. */
void store_holders(const struct store_location *location, char *out, size_t size);

#endif
