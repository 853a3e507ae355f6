/* `liteinit down` and `liteinit redo`: the way back. An image that lacks the files has it too. */
#include "cli/work.h"

int command_down(const struct invocation *call)
{
    const char *target = call->word_count == 1 ? call->words[0] : NULL;
    return command_flags.dry_run ? work_rehearse(call, PREPARE_DOWN, target)
                                 : work_run(call, PREPARE_DOWN, target, false);
}

int command_redo(const struct invocation *call)
{
    struct error err;
    if (work_require_folder(call->config, &err) != 0)
        return command_fail("migrate.failed", "Migration failed", &err);
    return work_run(call, PREPARE_REDO, NULL, false);
}
