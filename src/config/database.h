/*
 * The database's path as apps write it: a path, or an address like file:./dev.db or
 * sqlite:///data/app.db.
 */
#ifndef LITEINIT_CONFIG_DATABASE_H
#define LITEINIT_CONFIG_DATABASE_H

#include "base/error.h"
#include "config/source.h"

enum config_database_kind {
    CONFIG_DATABASE_FILE,      /* a file on disk */
    CONFIG_DATABASE_MEMORY,    /* :memory: and its like: nothing to look after */
    CONFIG_DATABASE_OTHER,     /* another system's address: WORD:… (./WORD:… is a file) */
    CONFIG_DATABASE_UNCERTAIN, /* a file, but tools differ on which: see ret_path */
};

/*
 * Turns `text` into a path, in place: the path is never longer than what it came from. *ret_path
 * points into `text` for CONFIG_DATABASE_FILE and _UNCERTAIN, and is NULL else.
 *
 * What follows the scheme is the path, with %XX decoded and ?query and #fragment left off:
 *     file:app.db  file:./app.db  sqlite:app.db  sqlite://app.db     relative
 *     file:/data/app.db  file:///data/app.db  file://localhost/data/app.db  sqlite:/data/app.db
 *     sqlite:///data/app.db  sqlite:////data/app.db                  absolute
 * sqlite:///data/app.db is absolute for sqlx and dbmate, but relative for SQLAlchemy. That makes
 * no difference where the working folder is /. Elsewhere it is _UNCERTAIN unless only the
 * absolute one exists, and an error when only the relative one does, for then this is surely not
 * the file that the app uses.
 */
int config_database_parse(char *text, const struct config_source *source,
                          enum config_database_kind *ret_kind, char **ret_path, struct error *err);

#endif
