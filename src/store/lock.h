/*
 * One liteinit at a time on a database: flock(2) on FILE.liteinit.lock.
 *
 * flock locks belong to the open file description. PID 1 opens the file once and hands its
 * descriptor to each worker; the lock that a worker takes is PID 1's as well and outlives the
 * worker, and a worker that outlives PID 1 still keeps others out. The file is never removed: a
 * new one under the same name would be another lock.
 */
#ifndef LITEINIT_STORE_LOCK_H
#define LITEINIT_STORE_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/location.h"

/* Bytes of the line in which the holder says who it is, always at the beginning of the file. */
#define STORE_LOCK_HOLDER_SIZE 160

/* Opens the lock file, making it 0600 where it is absent. The lock is not taken yet. */
int store_lock_open(const struct store_location *location, int *ret_fd, struct error *err);

/* The descriptor that PID 1 handed over, if there is one and it really is this database's lock
 * file; else opens the file as store_lock_open() does. */
int store_lock_inherit(const struct store_location *location, int *ret_fd, struct error *err);

/* Takes the lock if nobody has it (true also when this description has it already). */
bool store_lock_try(int fd);

/* What the holder wrote about itself: "pid 1 on host 3f2a… since …"; "" when it wrote nothing. */
void store_lock_holder(int fd, char *out, size_t size);

/* Takes the lock, waiting up to `timeout_ms`, and writes who holds it into the file. ERROR_BUSY
 * names the holder; ERROR_INTERRUPTED when a stop signal came meanwhile. */
int store_lock_take(const struct store_location *location, int fd, int64_t timeout_ms,
                    struct error *err);

#endif
