/* See cli.h. */
#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/worker.h"
#include "cli/command.h"
#include "proc/find.h"
#include "store/interrupt.h"
#include "store/lock.h"

/* The arguments taken apart. The arrays have room for all arguments. */
struct arguments {
    struct config_flags *flags;
    const struct command *command;
    char **flag_words; /* liteinit's flags as given, without a "--" */
    int flag_count;
    char **words;
    int word_count;
    bool help;
};

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static bool is_version(const char *word)
{
    return strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0;
}

static void keep_flags(struct arguments *arguments, char **argv, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(argv[i], "--") != 0)
            arguments->flag_words[arguments->flag_count++] = argv[i];
}

/* Flags before COMMAND; *ret_ended when "--" ended them, so that the next word is the app's. */
static int take_leading_flags(struct arguments *arguments, int argc, char **argv, int *at,
                              bool *ret_ended, struct error *err)
{
    int used = 0;
    if (config_parse_flags(arguments->flags, argc - *at, argv + *at, NULL, true, &used, err) != 0)
        return -1;
    keep_flags(arguments, argv + *at, used);
    *at += used;
    *ret_ended = used > 0 && strcmp(argv[*at - 1], "--") == 0;
    return 0;
}

/* A command other than run: flags and words may mix. */
static int take_command(struct arguments *arguments, int argc, char **argv, int at,
                        struct error *err)
{
    const struct command *command = arguments->command;
    int used = 0;
    for (int i = at; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (is_help(argv[i])) {
            arguments->help = true;
            return 0;
        }
    if (config_parse_flags(arguments->flags, argc - at, argv + at, command->options, false, &used,
                           err) != 0)
        return -1;
    arguments->words = argv + at;
    arguments->word_count = used;
    if (used > command->max_words) {
        (void)error_set(err, ERROR_USAGE, 0, "%s takes %s%s, and \"%s\" is too much", command->name,
                        command->max_words == 0 ? "no word" : "only ", command->words,
                        argv[at + command->max_words]);
        return error_hint(err, "see: liteinit %s --help", command->name);
    }
    return 0;
}

/* `liteinit statu` must not become a start of the app "statu", with migrations and all. */
static int refuse_mistyped(const char *word, struct error *err)
{
    const char *names[32];
    size_t count = 0;
    for (const struct command *command = commands; command->name != NULL && count < 32; command++)
        names[count++] = command->name;
    const char *nearest = text_nearest(word, names, count);
    if (nearest == NULL || proc_find(word))
        return 0;
    (void)error_set(err, ERROR_USAGE, 0, "\"%s\" is no command of liteinit and no program", word);
    return error_hint(err, "did you mean: liteinit %s? (An app is started with: liteinit -- %s)",
                      nearest, word);
}

static int take_apart(struct arguments *arguments, int argc, char **argv, struct error *err)
{
    int at = 1;
    bool ended = false;
    if (argc > 1 && is_help(argv[1])) {
        arguments->help = true;
        return 0;
    }
    if (take_leading_flags(arguments, argc, argv, &at, &ended, err) != 0)
        return -1;
    arguments->command = command_find("run");
    if (!ended && at < argc) {
        const struct command *named = command_find(argv[at]);
        if (named != NULL && named != arguments->command) {
            arguments->command = named;
            return take_command(arguments, argc, argv, at + 1, err);
        }
        if (named != NULL) {
            at++;
            if (at < argc && is_help(argv[at])) {
                arguments->help = true;
                return 0;
            }
            if (take_leading_flags(arguments, argc, argv, &at, &ended, err) != 0)
                return -1;
        } else if (refuse_mistyped(argv[at], err) != 0) {
            return -1;
        }
    }
    arguments->words = argv + at;
    arguments->word_count = argc - at;
    return 0;
}

/* Everything but `run` is a worker or an operator's command: signals interrupt it. */
static void take_signals(const struct command *command, const sigset_t *inherited)
{
    if (strcmp(command->name, "run") == 0)
        return;
    /* A reader of the log that goes away must not end a migration; nor one that went before. */
    (void)signal(SIGPIPE, SIG_IGN); /* NOLINT(bugprone-signal-handler) */
    (void)sigprocmask(SIG_SETMASK, inherited, NULL);
    store_interrupt_setup();
}

static int perform(const struct arguments *arguments, char **argv, const sigset_t *inherited)
{
    struct config *config = NULL;
    struct error err;
    if (arguments->help)
        return help_print(arguments->command);
    if (config_load(arguments->flags, &config, &err) != 0)
        return command_fail("config.failed", "Bad configuration", &err);
    config_apply_log(config);
    /* A worker's parent has said them. */
    bool worker = getenv(WORKER_LOCK_FD) != NULL;
    if (!worker)
        config_log_warnings(config);
    /* PID 1 waits for it, and Docker for PID 1: a log that nobody reads must not hold them up. */
    log_set_patient(!worker);
    const struct invocation call = {
        .command = arguments->command,
        .config = config,
        .words = arguments->words,
        .word_count = arguments->word_count,
        .flags = arguments->flag_words,
        .flag_count = arguments->flag_count,
        .program = argv[0],
        .inherited_mask = inherited,
    };
    take_signals(arguments->command, inherited);
    int status = arguments->command->run(&call);
    config_free(config);
    return status;
}

/* A usage error comes before the configuration; where that can be had, it says in which form the
 * log is read. */
static void apply_log_if_known(const struct arguments *arguments)
{
    struct config *config = NULL;
    struct error ignored;
    if (config_load(arguments->flags, &config, &ignored) != 0)
        return;
    config_apply_log(config);
    config_free(config);
}

int cli_main(int argc, char **argv, const sigset_t *inherited)
{
    struct error err;
    int status = 0;
    if (argc > 1 && is_version(argv[1]))
        return help_print_version();
    struct arguments arguments = {.flags = config_flags_new()};
    arguments.flag_words = calloc((size_t)argc + 1, sizeof *arguments.flag_words);
    if (arguments.flags == NULL || arguments.flag_words == NULL) {
        (void)error_set(&err, ERROR_IO, ENOMEM, "cannot start");
        status = command_fail("init.failed", NULL, &err);
    } else if (take_apart(&arguments, argc, argv, &err) != 0) {
        apply_log_if_known(&arguments);
        status = command_fail("usage", NULL, &err);
    } else {
        status = perform(&arguments, argv, inherited);
    }
    config_flags_free(arguments.flags);
    free(arguments.flag_words);
    return status;
}
