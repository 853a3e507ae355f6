/*
 * migrate_command: the app's own migrator, inside the same lock, backup, checks and history.
 *
 * It opens the database itself, so our own connection is closed meanwhile; liteinit's lock stays.
 * What it did is known only afterwards: a row in the history when the schema has changed or it
 * failed, none when there was nothing for it to do.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/signals.h"
#include "base/text.h"
#include "prepare/steps.h"
#include "proc/run.h"
#include "proc/words.h"
#include "store/check.h"
#include "store/interrupt.h"
#include "store/schema.h"

#define DIRECTION "command"

static int read_hash(struct preparation *p, char out[HASH_HEX_SIZE], struct error *err)
{
    out[0] = '\0';
    return p->database == NULL ? 0 : store_schema_hash(store_handle(p->database), out, err);
}

/* Its end as an error; 0 when it went well. */
static int judge(const char *name, int status, const char *backup, struct error *err)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (store_interrupted())
        return error_set(err, ERROR_INTERRUPTED, 0, "migrate_command was stopped");
    if (WIFSIGNALED(status))
        (void)error_set(err, ERROR_DATA, 0, "migrate_command: %.100s was ended by %s", name,
                        signal_name(WTERMSIG(status)));
    else
        (void)error_set(err, ERROR_DATA, 0, "migrate_command: %.100s ended with status %d", name,
                        WEXITSTATUS(status));
    if (backup[0] != '\0')
        return error_hint(err,
                          "its own words are in the lines above; the app is not started. The data "
                          "from before is also in %.300s",
                          backup);
    return error_hint(err, "its own words are in the lines above; the app is not started");
}

/* Whether the file is byte for byte as it was before: then nothing is to be checked, put back or
 * backed up anew. A restart loop of a command that cannot even begin must not fill the disk with
 * backups (design fact 11). */
static bool changed_nothing(const struct preparation *p, const struct store_probe *before)
{
    struct store_probe now;
    struct error ignored;
    return before->stamp[0] != '\0' && !before->companions &&
           store_probe(&p->location, false, &now, &ignored) == 0 && !now.companions &&
           strcmp(before->stamp, now.stamp) == 0;
}

/* Whether the newest attempt failed, at an earlier start: it may have left its changes behind, and
 * the backup from before them is used again. */
static bool failed_before(const struct preparation *p)
{
    struct migrate_attempt *attempts = NULL;
    struct error ignored;
    size_t count = 0;
    if (p->database == NULL || !p->reused ||
        migrate_history_attempts(&p->plan.history, 1, &attempts, &count, &ignored) != 0)
        return false;
    bool failed =
        count > 0 && attempts[0].status != NULL && strcmp(attempts[0].status, "failed") == 0;
    migrate_attempts_free(attempts, count);
    return failed;
}

static int run(struct preparation *p, struct error *err)
{
    char **words = NULL;
    int status = 0;
    char spent[32];
    if (proc_words_split("migrate_command", p->config->migrate_command, &words, err) != 0)
        return -1;
    log_event(LOG_INFO, "migrate.command", LOG_FIELDS(LOG_TEXT("db", p->location.db)),
              "Starting the app's own migration: %.200s", words[0]);
    const bool again = failed_before(p);
    /* Nobody else is in, so that closing folds the WAL in and leaves one file. */
    store_close(p->database);
    p->database = NULL;
    struct store_probe before = {.stamp = ""};
    struct error ignored;
    (void)store_probe(&p->location, false, &before, &ignored);
    int64_t start = clock_monotonic_ms();
    /* Before whoever has stopped us loses patience, and kills us alone. */
    int result = proc_run(words, store_interrupted, p->config->stop_timeout * 3 / 4, &status, err);
    if (result != 0 && err->kind == ERROR_NOT_FOUND)
        (void)error_hint(err, "look for a typing error in the key migrate_command, and whether the "
                              "image really has it");
    if (result != 0)
        (void)error_wrap(err, "migrate_command");
    if (result == 0) {
        result = judge(words[0], status, p->report.backup, err);
        p->command_ran = !changed_nothing(p, &before) || (result != 0 && again);
        p->checked = p->checked && !p->command_ran;
    }
    proc_words_free(words);
    if (result != 0)
        return -1;
    text_format_duration(spent, sizeof spent, clock_monotonic_ms() - start);
    log_event(LOG_INFO, "migrate.command",
              LOG_FIELDS(LOG_TEXT("db", p->location.db),
                         LOG_NUMBER("duration_ms", clock_monotonic_ms() - start)),
              "Migration by the app's own command completed successfully (%s)", spent);
    return 0;
}

/* The attempt of a command that changed the schema. */
static int record(struct preparation *p, struct error *err)
{
    struct migrate_history history;
    int64_t id = 0;
    if (migrate_history_open(store_handle(p->database), &history, err) != 0 ||
        migrate_history_create(&history, err) != 0 ||
        migrate_history_start(&history, 0, DIRECTION,
                              p->report.backup[0] != '\0' ? p->report.backup : NULL, &id, err) != 0)
        return -1;
    return migrate_history_finish(&history, id, "success", NULL, err);
}

int step_command_words(const struct preparation *p, struct error *err)
{
    char **words = NULL;
    if (p->config->migrate_command == NULL)
        return 0;
    if (proc_words_split("migrate_command", p->config->migrate_command, &words, err) != 0)
        return -1;
    proc_words_free(words);
    return 0;
}

int step_command(struct preparation *p, struct error *err)
{
    char before[HASH_HEX_SIZE];
    char after[HASH_HEX_SIZE];
    if (p->config->migrate_command == NULL)
        return 0;
    if (read_hash(p, before, err) != 0 ||
        (p->database != NULL &&
         migrate_violations_collect_all(store_handle(p->database), &p->violations, err) != 0))
        return -1;
    step_activity(p, "migrate_command");
    if (run(p, err) != 0) {
        if (err->kind == ERROR_DATA)
            step_record_failure(p, 0, DIRECTION, err);
        return -1;
    }
    /* A stop that came meanwhile must not keep what was done out of the history. */
    store_interrupt_shield(true);
    int result = step_reopen(p, err);
    if (result == 0)
        result = read_hash(p, after, err);
    /* liteinit's own row changes the schema too, the first time: before was before it. */
    if (result == 0 && p->database != NULL && strcmp(before, after) != 0)
        result = record(p, err);
    store_interrupt_shield(false);
    return result;
}

/* What was broken before is not the migrator's fault. */
int step_command_check(struct preparation *p, struct error *err)
{
    struct migrate_violations now = {.count = 0};
    if (!p->command_ran || p->database == NULL)
        return 0;
    int result = migrate_violations_collect_all(store_handle(p->database), &now, err);
    if (result == 0)
        result = migrate_violations_compare(store_handle(p->database), &p->violations, &now, err);
    migrate_violations_free(&now);
    if (result == 0)
        return 0;
    (void)error_hint(err, "see which: PRAGMA foreign_key_check");
    return error_wrap(err, "migrate_command");
}
