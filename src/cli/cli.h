/* From the arguments to a command. */
#ifndef LITEINIT_CLI_CLI_H
#define LITEINIT_CLI_CLI_H

#include <signal.h>

/* Runs the command that argv names and returns liteinit's exit status. All signals are blocked;
 * `inherited` is the mask from before. */
int cli_main(int argc, char **argv, const sigset_t *inherited);

#endif
