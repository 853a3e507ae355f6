/* `liteinit adopt`, `baseline` and `repair`: records without running anything. */
#include "cli/work.h"

static int record(const struct invocation *call, enum prepare_work work, const char *target)
{
    struct error err;
    if (work_require_folder(call->config, &err) != 0)
        return command_fail("migrate.failed", "Migration failed", &err);
    return work_run(call, work, target, false);
}

/* The one word of a command that needs it. */
static int with_version(const struct invocation *call, enum prepare_work work)
{
    struct error err;
    if (call->word_count == 1)
        return record(call, work, call->words[0]);
    (void)error_set(&err, ERROR_USAGE, 0, "%s needs the VERSION that it is about",
                    call->command->name);
    (void)error_hint(&err, "for example: liteinit %s 7; see: liteinit status", call->command->name);
    return command_fail("usage", NULL, &err);
}

int command_adopt(const struct invocation *call)
{
    return record(call, PREPARE_ADOPT, command_flags.baseline);
}

int command_baseline(const struct invocation *call)
{
    return with_version(call, PREPARE_BASELINE);
}

int command_repair(const struct invocation *call)
{
    return with_version(call, PREPARE_REPAIR);
}
