/* Why a program could not be executed, in words that lead to the remedy. */
#ifndef LITEINIT_PROC_EXPLAIN_H
#define LITEINIT_PROC_EXPLAIN_H

#include "base/error.h"

/*
 * Fills `err` for an execve(2) that failed with `sys`. `command` is what was asked for; `file` is
 * the path that was tried last, "" when `command` was found in no folder of PATH. Reads the head
 * of the file to tell a missing interpreter, Windows line ends or another processor's program.
 * Returns the exit status: 127 when something is not found, 126 when it cannot be executed.
 */
int proc_explain_exec(const char *command, const char *file, int sys, struct error *err);

#endif
