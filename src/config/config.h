/*
 * The configuration: flags, environment and JSON file brought together into one struct, which
 * nothing changes afterwards.
 *
 * A flag beats the environment, which beats the file; LITEINIT_X_FILE names a file that holds the
 * value of LITEINIT_X. All of them, and the help and the documents, come from the one table of
 * keys in keys.c. Order of use: config_parse_flags() for each stretch of the command line, then
 * config_load() once.
 */
#ifndef LITEINIT_CONFIG_CONFIG_H
#define LITEINIT_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/signals.h"

enum config_backup { CONFIG_BACKUP_PENDING, CONFIG_BACKUP_ALWAYS, CONFIG_BACKUP_NEVER };
enum config_check { CONFIG_CHECK_AUTO, CONFIG_CHECK_QUICK, CONFIG_CHECK_FULL, CONFIG_CHECK_OFF };
enum config_drift { CONFIG_DRIFT_FAIL, CONFIG_DRIFT_WARN };
enum config_journal_mode { CONFIG_JOURNAL_WAL, CONFIG_JOURNAL_KEEP };
enum config_forward { CONFIG_FORWARD_GROUP, CONFIG_FORWARD_CHILD };
/* In the order of the layouts' own list (layout/tool.h), which this folder may not know. */
enum config_layout {
    CONFIG_LAYOUT_DETECT,
    CONFIG_LAYOUT_LITEINIT,
    CONFIG_LAYOUT_GOLANG_MIGRATE,
    CONFIG_LAYOUT_SQLX,
    CONFIG_LAYOUT_DBMATE,
    CONFIG_LAYOUT_GOOSE,
    CONFIG_LAYOUT_FLYWAY,
    CONFIG_LAYOUT_REFINERY,
    CONFIG_LAYOUT_DIESEL,
    CONFIG_LAYOUT_PRISMA,
    CONFIG_LAYOUT_DRIZZLE,
};
enum config_rehearse { CONFIG_REHEARSE_AUTO, CONFIG_REHEARSE_ALWAYS, CONFIG_REHEARSE_NEVER };
enum config_on_failure { CONFIG_ON_FAILURE_EXIT, CONFIG_ON_FAILURE_RESTORE };
enum config_on_newer_schema {
    CONFIG_ON_NEWER_REFUSE,
    CONFIG_ON_NEWER_ROLLBACK,
    CONFIG_ON_NEWER_RESTORE,
};
enum config_prepare { CONFIG_PREPARE_AUTO, CONFIG_PREPARE_ALWAYS, CONFIG_PREPARE_NEVER };
enum config_log_format {
    CONFIG_LOG_AUTO,
    CONFIG_LOG_JSON,
    CONFIG_LOG_LOGFMT,
    CONFIG_LOG_PRETTY,
};

/* Texts are owned by the struct and live as long as it. */
struct config {
    const char *db;         /* path of the database file; NULL: none was given */
    const char *migrations; /* folder; NULL: none given and /app/migrations is not there */
    enum config_layout layout;
    enum config_rehearse rehearse;
    const char *migrate_command; /* the app's own migrator; NULL: none */
    const char *backup_dir;      /* NULL: `backups` beside the database */
    enum config_backup backup;
    const char
        *backup_name;  /* template: {stem} {date} {time} {reason} {ext} {db} {iso} {version} */
    int64_t keep;      /* verified backups to keep; 0: all */
    int64_t keep_days; /* and those younger than this; 0: no rule */
    enum config_check check;
    enum config_drift drift;
    enum config_on_failure on_failure;
    enum config_on_newer_schema on_newer_schema;
    enum config_journal_mode journal_mode;
    int64_t busy_timeout; /* durations are milliseconds */
    int64_t lock_timeout;
    int64_t min_free; /* bytes; -1: twice the database and its WAL */
    int64_t stop_timeout;
    int stop_signal;             /* what the app gets for a stop signal; 0: the one received */
    int rewrite[SIGNAL_MAX + 1]; /* what the app gets for signal n; 0 swallows it */
    enum config_forward forward_to;
    bool expect_exit[256];   /* statuses of the app that count as 0 */
    const char *app_version; /* the image's version, for the records; NULL: unknown */
    enum config_prepare prepare;
    enum config_log_format log_format;
    enum log_level log_level;
};

/* A flag of one command that is no key: `--json`, `--reason WORD`. A list ends with name NULL. */
struct config_option {
    const char *name;  /* without the dashes */
    const char *value; /* placeholder in the help, NULL: the flag takes no value */
    const char *help;
    bool *ret_set;         /* set to true when given; may be NULL */
    const char **ret_text; /* set to the value, which points into argv; may be NULL */
};

/* What the flags said. Points into argv, which has to outlive it. */
struct config_flags;

struct config_flags *config_flags_new(void); /* NULL when out of memory */
void config_flags_free(struct config_flags *flags);

/*
 * Reads the flags in argv[0..argc), which are `--key=value`, `--key value` or one of `own` (NULL:
 * none). With `stop_at_word` it ends before the first word that is no flag; else such words are
 * moved, in order, to the front of argv, and *ret_used is their number. "--" always ends it (and
 * is counted as used with stop_at_word; without, what follows are words).
 * With stop_at_word *ret_used is how many arguments were consumed.
 * A flag that is given again beats what it said before. A value in a word of its own may not begin
 * with two dashes: the value has been forgotten then (--key=--value is possible).
 * Errors are ERROR_USAGE and name the nearest flag: unknown flag, missing or bad value, a value
 * for a flag that takes none. `flags` and the targets of `own` then hold what came before it.
 */
int config_parse_flags(struct config_flags *flags, int argc, char **argv,
                       const struct config_option *own, bool stop_at_word, int *ret_used,
                       struct error *err);

/*
 * Brings flags, the environment and the JSON file (--config, LITEINIT_CONFIG, or
 * /etc/liteinit.json where it exists) together. For `db` the variables DATABASE_PATH and
 * DATABASE_URL, for `app_version` APP_VERSION, are read where neither flag nor LITEINIT_X is given;
 * they are the environment too, so they beat the file. `flags` may be NULL.
 *
 * Each value is checked, also one that another one beats. Errors are ERROR_CONFIG: a bad value, an
 * unknown or repeated key of the file, LITEINIT_X and LITEINIT_X_FILE together, a file that is
 * missing or cannot be read (err->sys says why). Messages name the source and show the value, but
 * never the content of a _FILE nor anything that looks like an address. An empty variable counts
 * as not set, since compose files write LITEINIT_X=${X:-}. An unknown LITEINIT_… variable is only
 * a warning, kept for config_log_warnings().
 *
 * The caller frees *ret_config with config_free(); nothing else stays on the heap, and neither
 * flags nor environment are pointed to.
 */
int config_load(const struct config_flags *flags, struct config **ret_config, struct error *err);
void config_free(struct config *config);

/* Logs `config.warning` for each thing config_load() passed over. */
void config_log_warnings(const struct config *config);

/* Sets level and format of the log as configured. */
void config_apply_log(const struct config *config);

/* Writes the table of keys to `out` for --help (text) or for the documents (markdown). */
struct text_buffer;
bool config_write_help(struct text_buffer *out);
bool config_write_markdown(struct text_buffer *out);

#endif
