/* The table of commands. */
#include <string.h>

#include "cli/command.h"

static const struct config_option json_only[] = {
    {"json", NULL, "one JSON document on stdout", &command_flags.json, NULL},
    {.name = NULL},
};
static const struct config_option backup_options[] = {
    {"json", NULL, "one JSON document on stdout", &command_flags.json, NULL},
    {"reason", "WORD", "why, for the name and the manifest (manual)", NULL, &command_flags.reason},
    {.name = NULL},
};
static const struct config_option check_options[] = {
    {"json", NULL, "one JSON document on stdout", &command_flags.json, NULL},
    {"full", NULL, "integrity_check: every index against its table", &command_flags.full, NULL},
    {.name = NULL},
};
static const struct config_option validate_options[] = {
    {"json", NULL, "one JSON document on stdout", &command_flags.json, NULL},
    {"roundtrip", NULL, "run every way back too; it must restore the schema",
     &command_flags.roundtrip, NULL},
    {.name = NULL},
};

const struct command commands[] = {
    {"run", "[--] COMMAND [ARG…]", -1, "the whole life: prepare, app, checkpoint", NULL,
     command_run,
     "Prepares the database, starts COMMAND and supervises it, and when it has ended folds the\n"
     "WAL in and exits with COMMAND's status. The word `run` may be left out. With\n"
     "prepare=auto (the default), an interactive shell is started without touching the\n"
     "database.\n"},
    {"prepare", "", 0, "the boot work alone: lock, recover, check, back up, migrate, check",
     json_only, command_prepare, ""},
    {"status", "", 0, "schema version, pending migrations, recent attempts, backups, sizes",
     json_only, command_status, "Only reads, also while the app runs.\n"},
    {"up", "[VERSION]", 1, "apply pending migrations, up to VERSION if given", json_only,
     command_up,
     "The same work as prepare, with the same lock and backup: the app must not be running.\n"},
    {"backup", "", 0, "one verified backup now, also while the app runs", backup_options,
     command_backup, "Never blocks a writer of a database in WAL mode.\n"},
    {"backups", "", 0, "list the backups that are there", json_only, command_backups, ""},
    {"check", "", 0, "integrity and foreign keys", check_options, command_check,
     "Only reads, also while the app runs. Exits with 65 when the database is damaged or rows\n"
     "break foreign keys.\n"},
    {"checkpoint", "", 0, "what the shutdown runs: fold the WAL in, close", NULL,
     command_checkpoint,
     "Refuses while another process has the database open: an app's own SQLite may be one that\n"
     "loses data when somebody else checkpoints.\n"},
    {"validate", "[DIR]", 1, "look the migrations over, for CI; needs no database",
     validate_options, command_validate,
     "Reads all files and runs every up on an empty database in memory. DIR defaults to the key\n"
     "migrations, else to ./migrations. A line for each finding, as FILE:LINE:COLUMN: MESSAGE.\n"
     "Exits with 65 when something must be mended; warnings and notes alone are 0.\n"},
    {.name = NULL},
};

const struct command *command_find(const char *name)
{
    for (const struct command *command = commands; command->name != NULL; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}
