/* `liteinit run`: the whole life of a container. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "cli/command.h"
#include "proc/find.h"
#include "store/activity.h"
#include "store/lock.h"
#include "supervise/supervisor.h"

/* `docker run -it image sh` must just work: a shell with a terminal and no script to run. */
static bool is_interactive_shell(char **app)
{
    static const char *const shells[] = {"sh", "bash", "ash", "dash", "zsh", "fish", "ksh"};
    const char *name = fs_base_name(app[0]);
    bool shell = false;
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
        shell = shell || strcmp(name, shells[i]) == 0;
    if (!shell || isatty(STDIN_FILENO) != 1)
        return false;
    for (app++; *app != NULL; app++)
        if ((*app)[0] != '-' || ((*app)[1] != '-' && strchr(*app, 'c') != NULL))
            return false;
    return true;
}

static bool wants_preparation(const struct invocation *call)
{
    switch (call->config->prepare) {
    case CONFIG_PREPARE_ALWAYS:
        return true;
    case CONFIG_PREPARE_NEVER:
        return false;
    case CONFIG_PREPARE_AUTO:
        break;
    }
    return !is_interactive_shell(call->words);
}

/* A worker's arguments: liteinit's name, the command, the flags as they were given. */
static char **worker_arguments(const struct invocation *call, const char *command)
{
    char **argv = calloc((size_t)call->flag_count + 3, sizeof *argv);
    if (argv == NULL)
        return NULL;
    argv[0] = (char *)call->program; /* execve takes them so and does not write */
    argv[1] = (char *)command;
    memcpy(argv + 2, call->flags, (size_t)call->flag_count * sizeof *argv);
    return argv;
}

/* What PID 1 needs to know of the database's place; it never opens the database itself. */
static int plan_database(const struct invocation *call, struct supervisor_plan *plan,
                         char state_path[PATH_MAX], struct error *err)
{
    struct store_location location;
    if (store_locate(call->config->db, &location, err) != 0 ||
        store_lock_open(&location, &plan->lock_fd, err) != 0)
        return -1;
    plan->lock_held = store_lock_try(plan->lock_fd);
    plan->state_path = store_sibling(&location, ".liteinit.state", state_path);
    plan->checkpoint_argv = worker_arguments(call, "checkpoint");
    if (plan->checkpoint_argv == NULL)
        return error_set(err, ERROR_IO, ENOMEM, "cannot start");
    return 0;
}

static int plan_life(const struct invocation *call, struct supervisor_plan *plan,
                     char state_path[PATH_MAX], struct error *err)
{
    bool prepare = wants_preparation(call);
    if (!prepare && (call->config->db == NULL || call->config->prepare == CONFIG_PREPARE_AUTO))
        return 0;
    if (command_require_db(call->config, err) != 0 ||
        plan_database(call, plan, state_path, err) != 0)
        return -1;
    if (prepare) {
        plan->prepare_argv = worker_arguments(call, "prepare");
        return plan->prepare_argv != NULL ? 0 : error_set(err, ERROR_IO, ENOMEM, "cannot start");
    }
    /* Without a preparation nobody waits for the lock: either it is ours now, or another liteinit
     * looks after this database, and then it folds the WAL in. Nor does anybody else clear what a
     * preparation that was killed has left. */
    if (!plan->lock_held) {
        (void)error_set(err, ERROR_BUSY, 0, "another liteinit holds the database %s",
                        call->config->db);
        return error_hint(err, "stop the other container first");
    }
    struct store_activity stale;
    if (store_activity_read(plan->lock_fd, &stale))
        store_activity_write(plan->lock_fd, NULL);
    return 0;
}

int command_run(const struct invocation *call)
{
    char state_path[PATH_MAX];
    struct error err;
    struct supervisor_plan plan = {
        .config = call->config,
        .app_argv = call->words,
        .lock_fd = -1,
        .inherited_mask = call->inherited_mask,
    };
    if (call->word_count == 0) {
        (void)error_set(&err, ERROR_USAGE, 0, "there is no COMMAND to run");
        (void)error_hint(&err, "put the app behind it: liteinit [OPTIONS] -- COMMAND [ARG…]; in a "
                               "Dockerfile: ENTRYPOINT [\"liteinit\", \"--\"] and the app as CMD");
        return command_fail("usage", NULL, &err);
    }
    if (command_find(call->words[0]) != NULL && !proc_find(call->words[0])) {
        (void)error_set(&err, ERROR_USAGE, 0,
                        "\"%s\" is a command of liteinit, and what follows -- is an app's",
                        call->words[0]);
        (void)error_hint(&err,
                         "in a container whose entrypoint is liteinit --: docker compose run --rm "
                         "--entrypoint liteinit SERVICE %s",
                         call->words[0]);
        return command_fail("usage", NULL, &err);
    }
    int status = 0;
    if (plan_life(call, &plan, state_path, &err) != 0)
        status = command_fail("prepare.failed", "Preparation failed", &err);
    else
        status = supervisor_run(&plan);
    free(plan.prepare_argv);
    free(plan.checkpoint_argv);
    if (plan.lock_fd >= 0)
        (void)close(plan.lock_fd);
    return status;
}
