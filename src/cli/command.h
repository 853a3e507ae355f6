/* What the commands have in common. Private to cli/. */
#ifndef LITEINIT_CLI_COMMAND_H
#define LITEINIT_CLI_COMMAND_H

#include <signal.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"
#include "config/config.h"
#include "store/database.h"
#include "store/location.h"

struct cJSON;

/* A command as it was called. */
struct invocation {
    const struct command *command;
    const struct config *config;
    char **words; /* what followed that is no flag */
    int word_count;
    char **flags; /* liteinit's flags as given, for the workers */
    int flag_count;
    const char *program; /* argv[0] */
    const sigset_t *inherited_mask;
};

/* The flags that single commands have. */
struct command_flags {
    bool json;
    bool full;
    bool dry_run;
    bool roundtrip;
    const char *reason;
    const char *from;
    const char *baseline;
};
extern struct command_flags command_flags;

struct command {
    const char *name;
    const char *words; /* what it takes, for the help; "" for nothing */
    int max_words;
    const char *summary;
    const struct config_option *options; /* NULL: none of its own */
    int (*run)(const struct invocation *call);
    const char *details; /* for COMMAND --help */
};

/* All of them; ends with name NULL. */
extern const struct command commands[];
const struct command *command_find(const char *name);

int command_run(const struct invocation *call);
int command_prepare(const struct invocation *call);
int command_up(const struct invocation *call);
int command_status(const struct invocation *call);
int command_backup(const struct invocation *call);
int command_backups(const struct invocation *call);
int command_check(const struct invocation *call);
int command_checkpoint(const struct invocation *call);
int command_down(const struct invocation *call);
int command_redo(const struct invocation *call);
int command_new(const struct invocation *call);
int command_history(const struct invocation *call);
int command_adopt(const struct invocation *call);
int command_baseline(const struct invocation *call);
int command_repair(const struct invocation *call);
int command_health(const struct invocation *call);
int command_validate(const struct invocation *call);

/* --help and --version. `command` NULL: of liteinit as a whole. */
int help_print(const struct command *command);
int help_print_version(void);

/* Logs an error under `event`, prints it as a JSON document when --json was given, and returns its
 * exit status. */
int command_fail(const char *event, const char *context, const struct error *err);

/* The same without the log line: the error has been logged already. */
int command_fail_quietly(const struct error *err);

/* An error as the "error" of a JSON document. */
struct cJSON *command_error_json(const struct error *err);

/* Prints a JSON document on stdout and deletes it. Returns 0, or the status of a failed write. */
int command_print_json(struct cJSON *document);

/* A text of the database as one line of a list: whoever may write there must not be able to make up
 * further lines. NULL is "-". Cut at `size`. Returns `out`. */
const char *command_one_line(char *out, size_t size, const char *text);

/* Prints text on stdout, without what moves a terminal's cursor, and frees the buffer. Returns as
 * command_print_json(). */
int command_print_text(struct text_buffer *text);

/* The document of `backups --json`, which `status --json` holds too. */
struct backup_catalogue;
struct cJSON *command_backups_json(const struct backup_catalogue *catalogue);

/* One attempt of the history as JSON, for `history` and `status`. */
struct migrate_attempt;
struct cJSON *command_attempt_json(const struct migrate_attempt *attempt);

/* Adds a text to a JSON object, unless it is NULL or empty. */
void command_add_text(struct cJSON *object, const char *key, const char *text);

/* ERROR_CONFIG unless a database is configured. */
int command_require_db(const struct config *config, struct error *err);

/* Finds the configured database, which must be there, and opens it beside a living app: read only,
 * never a checkpoint. The caller closes with store_close(). */
int command_open_visitor(const struct config *config, struct store_location *ret_location,
                         struct store_probe *ret_probe, struct store_database **ret_database,
                         struct error *err);

/* Whether a liteinit holds the database's lock now, and what it says that it is doing (phase "" when
 * nothing). The lock file is not made, and a lock that is got is let go. */
struct store_activity;
struct cJSON *command_activity_json(const struct store_activity *activity);
bool command_is_supervised(const struct store_location *location,
                           struct store_activity *ret_activity);

#endif
