/* --help and --version. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "store/version.h"

#define HELP_MAX ((size_t)1 << 20)

static void print_options(struct text_buffer *out, const struct command *command)
{
    if (command->options == NULL)
        return;
    (void)text_buffer_printf(out, "Flags of %s:\n", command->name);
    for (const struct config_option *option = command->options; option->name != NULL; option++) {
        char flag[64];
        (void)snprintf(flag, sizeof flag, "--%s%s%s", option->name,
                       option->value != NULL ? " " : "",
                       option->value != NULL ? option->value : "");
        (void)text_buffer_printf(out, "  %-20s %s\n", flag, option->help);
    }
    (void)text_buffer_printf(out, "\n");
}

int help_print(const struct command *command)
{
    struct text_buffer out = {.max = HELP_MAX};
    if (command != NULL) {
        (void)text_buffer_printf(&out, "Usage: liteinit %s [OPTIONS] %s\n\n%s.\n%s\n",
                                 command->name, command->words, command->summary, command->details);
        print_options(&out, command);
        (void)text_buffer_printf(&out, "All options: liteinit --help\n");
        return command_print_text(&out);
    }
    (void)text_buffer_printf(
        &out,
        "liteinit %s: an init for the container of an app with an SQLite database.\n\n"
        "Usage: liteinit [run] [OPTIONS] [--] COMMAND [ARG…]\n"
        "       liteinit COMMAND-OF-LITEINIT [OPTIONS]\n\nCommands:\n",
        LITEINIT_VERSION);
    for (const struct command *item = commands; item->name != NULL; item++) {
        char call[64];
        (void)snprintf(call, sizeof call, "%s %s", item->name,
                       strcmp(item->name, "run") == 0 ? "" : item->words);
        (void)text_buffer_printf(&out, "  %-14s %s\n", call, item->summary);
    }
    (void)text_buffer_printf(&out, "\nOptions (flag, or LITEINIT_… in the environment, or key of "
                                   "the JSON file):\n");
    (void)config_write_help(&out);
    return command_print_text(&out);
}

int help_print_version(void)
{
    struct text_buffer out = {.max = HELP_MAX};
    (void)text_buffer_printf(&out, "liteinit %s (SQLite %s)\n", LITEINIT_VERSION,
                             store_sqlite_version());
    return command_print_text(&out);
}
