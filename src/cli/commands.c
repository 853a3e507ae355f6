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

static const struct config_option work_options[] = {
    {"dry-run", NULL, "only on a private copy of the data; reports what it does",
     &command_flags.dry_run, NULL},
    {"json", NULL, "one JSON document on stdout", &command_flags.json, NULL},
    {.name = NULL},
};
static const struct config_option adopt_options[] = {
    {"from", "TOOL", "whose history, where there are several", NULL, &command_flags.from},
    {"baseline", "VERSION", "up to which version the tool has applied, where it keeps no list",
     NULL, &command_flags.baseline},
    {"json", NULL, "one JSON document on stdout", &command_flags.json, NULL},
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
    {"up", "[VERSION]", 1, "apply pending migrations, up to VERSION if given", work_options,
     command_up,
     "The same work as prepare, with the same lock and backup: the app must not be running. With\n"
     "--dry-run the migrations run on a private copy of the data, beside a living app too.\n"},
    {"down", "[VERSION]", 1, "roll back the last migration, or down to VERSION", work_options,
     command_down,
     "Takes back what was applied last, with its down script: of the folder, or kept in the\n"
     "database. With VERSION, everything above it; 0 is all of them. Makes a backup first.\n"},
    {"redo", "", 0, "roll the last one back and apply it again", json_only, command_redo, ""},
    {"new", "NAME", 1, "write the next numbered pair of files", json_only, command_new,
     "Into the key migrations, else into ./migrations; in the layout that the folder has.\n"},
    {"validate", "[DIR]", 1, "look the migrations over, for CI; needs no database",
     validate_options, command_validate,
     "Reads all files and runs every up on an empty database in memory. DIR defaults to the key\n"
     "migrations, else to ./migrations. A line for each finding, as FILE:LINE:COLUMN: MESSAGE.\n"
     "Exits with 65 when something must be mended; warnings and notes alone are 0.\n"},
    {"history", "", 0, "every attempt, with its error", json_only, command_history, ""},
    {"adopt", "", 0, "take another tool's history over", adopt_options, command_adopt,
     "Writes liteinit's own records from it. Runs no migration, and leaves its table as it is.\n"},
    {"baseline", "VERSION", 1, "mark the migrations up to VERSION as applied", json_only,
     command_baseline, "Runs none of them.\n"},
    {"repair", "VERSION", 1, "accept an applied file as it is now", json_only, command_repair,
     "Writes the file's new checksum, and its way back, into the record. Runs nothing.\n"},
    {"backup", "", 0, "one verified backup now, also while the app runs", backup_options,
     command_backup, "Never blocks a writer of a database in WAL mode.\n"},
    {"backups", "", 0, "list the backups that are there", json_only, command_backups, ""},
    {"check", "", 0, "integrity and foreign keys", check_options, command_check,
     "Only reads, also while the app runs. Exits with 65 when the database is damaged or rows\n"
     "break foreign keys.\n"},
    {"health", "", 0, "for HEALTHCHECK: one line, exit 0 or 1", json_only, command_health,
     "0 while the app is up, and while the database is prepared for it.\n"},
    {"checkpoint", "", 0, "what the shutdown runs: fold the WAL in, close", NULL,
     command_checkpoint,
     "Refuses while another process has the database open: an app's own SQLite may be one that\n"
     "loses data when somebody else checkpoints.\n"},
    {.name = NULL},
};

const struct command *command_find(const char *name)
{
    for (const struct command *command = commands; command->name != NULL; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}
