/*
 * The record of each life, in a small JSON file beside the database: it says at the next start how
 * this one ended, which nobody would know after SIGKILL or a power cut (design fact 25).
 *
 * Written by PID 1 when the app starts ("running") and when liteinit ends ("ended"), by whoever
 * holds the lock file. The file is replaced by rename and not synced: it must survive a killed
 * container, for which the page cache is enough; what a power cut may take of it is told at the
 * next start by the WAL, and a record that cannot be read counts as a stop that was not clean.
 */
#ifndef LITEINIT_SUPERVISE_LIFE_H
#define LITEINIT_SUPERVISE_LIFE_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/error.h"

enum life_state {
    LIFE_NONE,       /* no record: the first life, or none could be kept */
    LIFE_RUNNING,    /* lives now, or did not end cleanly: who holds the lock tells */
    LIFE_ENDED,      /* ended in order */
    LIFE_UNREADABLE, /* a record that makes no sense */
};

enum life_wal { LIFE_WAL_UNKNOWN, LIFE_WAL_FOLDED, LIFE_WAL_LEFT };

struct life {
    enum life_state state;
    long pid;
    char started[CLOCK_TEXT_SIZE]; /* as clock_format() writes it; "" when unknown */
    char ended[CLOCK_TEXT_SIZE];   /* "" while running */
    int exit_code;                 /* the app's, 128 + n after signal n; -1 while running */
    int signal;                    /* that ended the app; 0: none */
    bool killed;                   /* the app did not stop within the grace */
    enum life_wal wal;             /* what became of the WAL */
    char app_version[64];          /* "" when unknown */
};

/* Reads the record. Never fails: what is absent, or may not be read, is LIFE_NONE; what cannot be
 * understood is LIFE_UNREADABLE. */
void life_read(const char *path, struct life *ret_life);

/* Replaces the record. On an error the old one is as it was. */
int life_write(const char *path, const struct life *life, struct error *err);

/* "folded", "left" or "unknown". */
const char *life_wal_name(enum life_wal wal);

#endif
