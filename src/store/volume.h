/* What kind of volume a path is on, and whether SQLite's data is safe there. */
#ifndef LITEINIT_STORE_VOLUME_H
#define LITEINIT_STORE_VOLUME_H

#include <stdbool.h>

struct store_volume {
    const char *type;    /* "ext4", "nfs", …; "unknown" */
    const char *warning; /* a sentence when data is at risk there, else NULL */
    const char *hint;    /* what mends it, with `warning` */
    bool network;        /* the shared memory that WAL needs does not work over it */
};

/* Looks at the volume by statfs(2). Never fails: what cannot be told is "unknown". */
struct store_volume store_volume_of(const char *path);

#endif
