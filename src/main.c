/*
 * liteinit's first breath.
 *
 * As PID 1 a stop signal with no handler is thrown away by the kernel (signal(7), and pid
 * namespaces(7)), so everything is blocked before anything else happens: what arrives from now on
 * stays pending until somebody is there to act on it (design facts 14 and 22).
 */
#include <signal.h>

#include "cli/cli.h"
#include "proc/signals.h"
#include "proc/streams.h"

int main(int argc, char **argv)
{
    sigset_t inherited;
    proc_signals_block_all(&inherited);
    proc_streams_ensure();
    return cli_main(argc, argv, &inherited);
}
