/* `liteinit up`: pending migrations, by hand or on a copy. */
#include "cli/work.h"

int command_up(const struct invocation *call)
{
    struct error err;
    const char *target = call->word_count == 1 ? call->words[0] : NULL;
    const bool runs_command =
        call->config->migrate_command != NULL && !command_flags.dry_run && target == NULL;
    if (!runs_command && work_require_folder(call->config, &err) != 0)
        return command_fail("migrate.failed", "Migration failed", &err);
    return command_flags.dry_run ? work_rehearse(call, PREPARE_UP, target)
                                 : work_run(call, PREPARE_UP, target, false);
}
