/*
 * A worker's answer to stop signals: SIGTERM, SIGINT and SIGHUP interrupt what SQLite is doing,
 * which rolls back; the worker then closes the database in order and exits.
 */
#ifndef LITEINIT_STORE_INTERRUPT_H
#define LITEINIT_STORE_INTERRUPT_H

#include <stdbool.h>

struct sqlite3;

/* Installs the handlers and unblocks these signals. One that was pending takes effect at once. */
void store_interrupt_setup(void);

/* True once a stop signal came. Long loops of our own ask this. */
bool store_interrupted(void);

/* The connection that a signal interrupts from now on; NULL for none. There is one at a time. */
void store_interrupt_watch(struct sqlite3 *handle);

/* Called again and again, many times a second, while a statement of the watched connection runs;
 * NULL for nobody. It may not use the connection, but for sqlite3_db_status(). */
void store_interrupt_on_tick(void (*tick)(void *context), void *context);

/* While `shield` is on, statements run to their end although a signal came: for the few that
 * write down what happened. */
void store_interrupt_shield(bool shield);

#endif
