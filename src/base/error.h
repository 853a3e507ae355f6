/*
 * One error value for the whole program: what kind, which thing, why, and what mends it.
 *
 * It lives on the caller's stack and never allocates, so that PID 1 can still say what happened
 * when memory is gone. A function that can fail takes `struct error *err` last, returns 0 or -1,
 * and touches `err` only when it fails. Each layer on the way up may put its context in front
 * with error_wrap().
 */
#ifndef LITEINIT_BASE_ERROR_H
#define LITEINIT_BASE_ERROR_H

#include <stddef.h>

/* X(kind, exit status, name). The statuses are those of sysexits.h where it has a fitting one. */
#define ERROR_KINDS(X)                                                                             \
    X(ERROR_NONE, 0, "ok")                                                                         \
    X(ERROR_USAGE, 64, "usage")                                                                    \
    X(ERROR_DATA, 65, "migration failed or database corrupt")                                      \
    X(ERROR_NOT_FOUND, 66, "not found")                                                            \
    X(ERROR_BUG, 70, "bug")                                                                        \
    X(ERROR_BACKUP, 73, "no room, or a backup cannot be written")                                  \
    X(ERROR_IO, 74, "input/output error")                                                          \
    X(ERROR_BUSY, 75, "try later")                                                                 \
    X(ERROR_PERMISSION, 77, "permission denied")                                                   \
    X(ERROR_CONFIG, 78, "configuration or newer schema")                                           \
    X(ERROR_INTERRUPTED, 143, "interrupted")

#define ERROR_ENUM(kind, status, name) kind,
enum error_kind { ERROR_KINDS(ERROR_ENUM) ERROR_KIND_COUNT };
#undef ERROR_ENUM

struct error {
    enum error_kind kind;
    int sys;        /* errno at the time, or 0 */
    int sqlite;     /* extended SQLite result code, or 0 */
    char msg[1024]; /* thing and reason; no newline */
    char hint[512]; /* what mends it, best a command; may be empty */

    /* Where in a migration file, when it is about one. line is 0 when unknown. */
    char file[256];
    int line;
    int column;
    char statement[256]; /* the beginning of the SQL statement that failed */
};

/* Fills `err` and clears hint and place. `sys` is an errno value, whose text is appended after
 * ": " when it is not 0. Always returns -1, so that callers can `return error_set(…)`. */
int error_set(struct error *err, enum error_kind kind, int sys, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Sets the remedy. Always returns -1. */
int error_hint(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "CONTEXT: " in front of the message. Always returns -1. */
int error_wrap(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The kind that fits an errno value of a file operation: permission, not found or input/output. */
enum error_kind error_kind_of_errno(int sys);

/* Exit status of liteinit for a kind, as in the contract with the users. */
int error_exit_status(enum error_kind kind);

/* A few words for an exit status of liteinit's own, or NULL when it is none of them. */
const char *error_status_name(int status);

#endif
