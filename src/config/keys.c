/* See keys.h. */
#include "config/keys.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/config.h"

#define FIELD(name) offsetof(struct config, name)
#define HOUR_MS INT64_C(3600000)

/* Each list is in the order of its enum in config.h. */
static const char *const backup_words[] = {"pending", "always", "never", NULL};
static const char *const check_words[] = {"auto", "quick", "full", "off", NULL};
static const char *const drift_words[] = {"fail", "warn", NULL};
static const char *const layout_words[] = {"detect", "liteinit", "golang-migrate", "sqlx",
                                           "dbmate", "goose",    "flyway",         "refinery",
                                           "diesel", "prisma",   "drizzle",        NULL};
static const char *const rehearse_words[] = {"auto", "always", "never", NULL};
static const char *const on_failure_words[] = {"exit", "restore", NULL};
static const char *const on_newer_words[] = {"refuse", "rollback", "restore", NULL};
static const char *const journal_words[] = {"wal", "keep", NULL};
static const char *const forward_words[] = {"group", "child", NULL};
static const char *const prepare_words[] = {"auto", "always", "never", NULL};
static const char *const format_words[] = {"auto", "json", "logfmt", "pretty", NULL};
static const char *const level_words[] = {"debug", "info", "warn", "error", NULL};

const struct config_key config_keys[] = {
    {
        .name = "db",
        .type = CONFIG_KEY_DATABASE,
        .offset = FIELD(db),
        .fallback_said = "required",
        .placeholder = "FILE",
        .example = "/data/app.db",
        .meaning = "the app's SQLite database: a path, or a file: or sqlite: URL; DATABASE_PATH, "
                   "then DATABASE_URL, are read where LITEINIT_DB is not set",
        .also = {"DATABASE_PATH", "DATABASE_URL"},
    },
    {
        .name = "migrations",
        .type = CONFIG_KEY_PATH,
        .offset = FIELD(migrations),
        .fallback = "/app/migrations",
        .fallback_said = "/app/migrations if it exists",
        .only_if_there = true,
        .placeholder = "FOLDER",
        .example = "/app/migrations",
        .meaning = "folder of migration files; none: there are no migrations for liteinit, be "
                   "there an /app/migrations or not",
    },
    {
        .name = "layout",
        .type = CONFIG_KEY_WORD,
        .offset = FIELD(layout),
        .fallback = "detect",
        .fallback_said = "detected",
        .words = layout_words,
        .placeholder = "TOOL",
        .example = "goose",
        .meaning = "whose layout the folder has: liteinit, golang-migrate, sqlx, dbmate, goose, "
                   "flyway, refinery, diesel, prisma, drizzle",
    },
    {
        .name = "rehearse",
        .type = CONFIG_KEY_WORD,
        .offset = FIELD(rehearse),
        .fallback = "auto",
        .words = rehearse_words,
        .placeholder = "WHEN",
        .example = "always",
        .meaning = "run pending migrations on a copy of the database first: auto (where the copy "
                   "costs nothing or the database is small), always, never",
    },
    {
        .name = "migrate_command",
        .type = CONFIG_KEY_TEXT,
        .offset = FIELD(migrate_command),
        .fallback_said = "none",
        .placeholder = "COMMAND",
        .example = "npx prisma migrate deploy",
        .meaning = "the app's own migrator, run instead of the folder inside the same lock, backup "
                   "and checks",
    },
    {
        .name = "backup_dir",
        .type = CONFIG_KEY_PATH,
        .offset = FIELD(backup_dir),
        .fallback_said = "backups beside the database",
        .placeholder = "FOLDER",
        .example = "/data/backups",
        .meaning = "where backups go; made with mode 0700",
    },
    {
        .name = "backup",
        .type = CONFIG_KEY_WORD,
        .offset = FIELD(backup),
        .fallback = "pending",
        .words = backup_words,
        .placeholder = "WHEN",
        .example = "pending",
        .meaning = "when a start makes a backup: pending (only before a change), always, never",
    },
    {
        .name = "backup_name",
        .type = CONFIG_KEY_TEMPLATE,
        .offset = FIELD(backup_name),
        .fallback = "{stem}_{date}_{time}_{reason}{ext}",
        .placeholder = "NAME",
        .example = "{stem}_{date}_{time}_{reason}{ext}",
        .meaning = "name of a backup; also {db} {iso} {version}; times are UTC",
    },
    {
        .name = "keep",
        .type = CONFIG_KEY_INTEGER,
        .offset = FIELD(keep),
        .fallback = "10",
        .max = 1000000,
        .placeholder = "N",
        .example = "10",
        .meaning = "verified backups to keep; 0: all of them",
    },
    {
        .name = "keep_days",
        .type = CONFIG_KEY_INTEGER,
        .offset = FIELD(keep_days),
        .fallback = "0",
        .fallback_said = "0 (no such rule)",
        .max = 36500,
        .placeholder = "DAYS",
        .example = "30",
        .meaning = "keep the backups that are younger than this, too",
    },
    {
        .name = "check",
        .type = CONFIG_KEY_WORD,
        .offset = FIELD(check),
        .fallback = "auto",
        .words = check_words,
        .placeholder = "HOW",
        .example = "auto",
        .meaning = "check of the database: auto (before and after a change, and after a stop that "
                   "was not clean), quick or full (at each start), off",
    },
    {
        .name = "drift",
        .type = CONFIG_KEY_WORD,
        .offset = FIELD(drift),
        .fallback = "fail",
        .words = drift_words,
        .placeholder = "WHAT",
        .example = "warn",
        .meaning = "when the SQL of an applied migration has changed: fail, warn",
    },
    {
        .name = "on_failure",
        .type = CONFIG_KEY_WORD,
        .offset = FIELD(on_failure),
        .fallback = "exit",
        .words = on_failure_words,
        .placeholder = "WHAT",
        .example = "restore",
        .meaning = "when a migration or the check after it fails: exit, restore (put the backup "
                   "from before back, then exit)",
    },
    {
        .name = "on_newer_schema",
        .type = CONFIG_KEY_WORD,
        .offset = FIELD(on_newer_schema),
        .fallback = "refuse",
        .words = on_newer_words,
        .placeholder = "WHAT",
        .example = "rollback",
        .meaning = "when the database is newer than the image: refuse, rollback (with the down "
                   "scripts kept in the database), restore (the newest backup that fits)",
    },
    {
        .name = "journal_mode",
        .type = CONFIG_KEY_WORD,
        .offset = FIELD(journal_mode),
        .fallback = "wal",
        .words = journal_words,
        .placeholder = "MODE",
        .example = "wal",
        .meaning = "wal (set it), keep (leave it as it is)",
    },
    {
        .name = "busy_timeout",
        .type = CONFIG_KEY_DURATION,
        .offset = FIELD(busy_timeout),
        .fallback = "5s",
        .max = HOUR_MS,
        .placeholder = "TIME",
        .example = "5s",
        .meaning = "how long to wait for another connection to the database",
    },
    {
        .name = "lock_timeout",
        .type = CONFIG_KEY_DURATION,
        .offset = FIELD(lock_timeout),
        .fallback = "30s",
        .max = 24 * HOUR_MS,
        .placeholder = "TIME",
        .example = "30s",
        .meaning = "how long to wait for another liteinit on the same database",
    },
    {
        .name = "min_free",
        .type = CONFIG_KEY_SIZE,
        .offset = FIELD(min_free),
        .fallback = "auto",
        .fallback_said = "auto: twice the database and its WAL",
        .placeholder = "SIZE",
        .example = "512MiB",
        .meaning = "less free space than this stops a migration before it begins; 0: never",
    },
    {
        .name = "stop_timeout",
        .type = CONFIG_KEY_DURATION,
        .offset = FIELD(stop_timeout),
        .fallback = "8s",
        .max = 24 * HOUR_MS,
        .placeholder = "TIME",
        .example = "8s",
        .meaning = "from the stop signal to SIGKILL; keep it below the container's own grace "
                   "(10 s with Docker), which the last checkpoint needs a part of",
    },
    {
        .name = "stop_signal",
        .type = CONFIG_KEY_SIGNAL,
        .offset = FIELD(stop_signal),
        .fallback_said = "the signal received",
        .placeholder = "SIGNAL",
        .example = "SIGINT",
        .meaning = "what the app gets when the container stops",
    },
    {
        .name = "rewrite",
        .type = CONFIG_KEY_REWRITE,
        .offset = FIELD(rewrite),
        .fallback_said = "none",
        .placeholder = "FROM:TO,…",
        .example = "15:3,2:0",
        .meaning = "signals the app gets in place of others, by number or name; 0 swallows it",
    },
    {
        .name = "forward_to",
        .type = CONFIG_KEY_WORD,
        .offset = FIELD(forward_to),
        .fallback = "group",
        .words = forward_words,
        .placeholder = "WHOM",
        .example = "group",
        .meaning = "who gets signals: group (the app and its children), child (the app alone)",
    },
    {
        .name = "expect_exit",
        .type = CONFIG_KEY_STATUSES,
        .offset = FIELD(expect_exit),
        .fallback_said = "none",
        .placeholder = "STATUS,…",
        .example = "143,130",
        .meaning = "exit statuses of the app that count as 0",
    },
    {
        .name = "app_version",
        .type = CONFIG_KEY_TEXT,
        .offset = FIELD(app_version),
        .fallback_said = "none",
        .placeholder = "TEXT",
        .example = "1.4.2",
        .meaning = "version of the app's image, for the records; APP_VERSION is read where "
                   "LITEINIT_APP_VERSION is not set",
        .also = {"APP_VERSION"},
    },
    {
        .name = "prepare",
        .type = CONFIG_KEY_WORD,
        .offset = FIELD(prepare),
        .fallback = "auto",
        .words = prepare_words,
        .placeholder = "WHEN",
        .example = "auto",
        .meaning = "whether `run` prepares the database: auto (not for an interactive shell), "
                   "always, never",
    },
    {
        .name = "log_format",
        .type = CONFIG_KEY_WORD,
        .offset = FIELD(log_format),
        .fallback = "auto",
        .words = format_words,
        .placeholder = "FORMAT",
        .example = "json",
        .meaning = "auto (pretty on a terminal, else json), json, logfmt, pretty",
    },
    {
        .name = "log_level",
        .type = CONFIG_KEY_WORD,
        .offset = FIELD(log_level),
        .fallback = "info",
        .words = level_words,
        .placeholder = "LEVEL",
        .example = "info",
        .meaning = "the least important events that are logged: debug, info, warn, error",
    },
    {
        .name = "config",
        .type = CONFIG_KEY_PATH,
        .offset = CONFIG_KEY_NO_FIELD,
        .fallback = "/etc/liteinit.json",
        .fallback_said = "/etc/liteinit.json if it exists",
        .only_if_there = true,
        .placeholder = "FILE",
        .example = "/etc/liteinit.json",
        .meaning = "JSON file with any of the keys above; a flag and a variable only",
        .not_in_file = true,
    },
};

_Static_assert(sizeof config_keys / sizeof config_keys[0] == CONFIG_KEY_COUNT,
               "CONFIG_KEY_COUNT is the number of rows");

const struct config_key *config_key_find(const char *name)
{
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
        if (strcmp(config_keys[i].name, name) == 0)
            return &config_keys[i];
    return NULL;
}

size_t config_key_index(const struct config_key *key)
{
    return (size_t)(key - config_keys);
}

void config_key_flag(const struct config_key *key, char out[CONFIG_KEY_NAME_SIZE])
{
    (void)snprintf(out, CONFIG_KEY_NAME_SIZE, "--%s", key->name);
    for (char *at = out; *at != '\0'; at++)
        if (*at == '_')
            *at = '-';
}

void config_key_variable(const struct config_key *key, char out[CONFIG_KEY_NAME_SIZE])
{
    (void)snprintf(out, CONFIG_KEY_NAME_SIZE, "LITEINIT_%s", key->name);
    for (char *at = out; *at != '\0'; at++)
        *at = (char)toupper((unsigned char)*at);
}

const struct config_key *config_key_nearest(const char *name, bool for_file)
{
    char word[CONFIG_KEY_NAME_SIZE];
    const char *names[CONFIG_KEY_COUNT];
    size_t count = 0;
    (void)snprintf(word, sizeof word, "%s", name);
    for (char *at = word; *at != '\0'; at++)
        *at = *at == '-' ? '_' : (char)tolower((unsigned char)*at);
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
        if (!for_file || !config_keys[i].not_in_file)
            names[count++] = config_keys[i].name;
    const char *nearest = text_nearest(word, names, count);
    return nearest != NULL ? config_key_find(nearest) : NULL;
}
