/* `liteinit prepare`: the work before the app's start, alone. PID 1 runs it, too. */
#include "cli/work.h"

int command_prepare(const struct invocation *call)
{
    return work_run(call, PREPARE_UP, NULL, true);
}
