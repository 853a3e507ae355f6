/* The checks of integrity: before anything is touched, before a change, and after it. */
#include "base/log.h"
#include "base/text.h"
#include "prepare/steps.h"
#include "store/check.h"

static int check_now(struct preparation *p, const char *when, struct error *err)
{
    struct store_check check;
    bool full = p->config->check == CONFIG_CHECK_FULL;
    char duration[32];
    step_activity(p, "checking");
    if (store_check_run(store_handle(p->database), full, true, &check, err) != 0)
        return -1;
    if (check.problems > 0)
        return store_check_error(&check, p->location.db, err);
    text_format_duration(duration, sizeof duration, check.duration_ms);
    log_event(LOG_INFO, "check.ok",
              LOG_FIELDS(LOG_TEXT("db", p->location.db), LOG_TEXT("check", full ? "full" : "quick"),
                         LOG_NUMBER("foreign_key_violations", check.foreign_keys),
                         LOG_NUMBER("duration_ms", check.duration_ms)),
              "Database is whole (%s check %s, %s)", full ? "full" : "quick", when, duration);
    if (check.unchecked > 0)
        log_event(LOG_WARN, "check.ok",
                  LOG_FIELDS(LOG_TEXT("db", p->location.db),
                             LOG_NUMBER("unchecked", check.unchecked),
                             LOG_TEXT("hint", "no harm: the app brings along what is missing here; "
                                              "all other tables were checked")),
                  "%lld table%s only the app itself can check: %s", (long long)check.unchecked,
                  check.unchecked == 1 ? "" : "s", check.first_unchecked);
    if (check.foreign_keys > 0)
        log_event(
            LOG_WARN, "check.ok",
            LOG_FIELDS(LOG_TEXT("db", p->location.db),
                       LOG_NUMBER("foreign_key_violations", check.foreign_keys),
                       LOG_TEXT("hint", "see which: PRAGMA foreign_key_check; a migration may mend "
                                        "them")),
            "The data breaks %lld foreign key%s: %s", (long long)check.foreign_keys,
            check.foreign_keys == 1 ? "" : "s", check.first_violation);
    p->checked = true;
    return 0;
}

/* At each start when asked for, and after a stop that was not clean. */
int step_check(struct preparation *p, struct error *err)
{
    if (p->fresh || p->config->check == CONFIG_CHECK_OFF)
        return 0;
    if (p->config->check == CONFIG_CHECK_AUTO && !p->unclean)
        return 0;
    return check_now(p, "at start", err);
}

/* Before a change, unless the backup's own check has proved it: the copy is byte for byte the
 * source (design fact 12). */
int step_check_before(struct preparation *p, struct error *err)
{
    if (p->fresh || p->checked || !step_change_is_due(p) || p->config->check == CONFIG_CHECK_OFF)
        return 0;
    return check_now(p, "before the migration", err);
}

int step_check_after(struct preparation *p, struct error *err)
{
    if (p->database == NULL || p->config->check == CONFIG_CHECK_OFF ||
        (p->report.applied == 0 && p->report.rolled_back == 0 && !p->command_ran))
        return 0;
    if (check_now(p, "after the migration", err) == 0)
        return step_command_check(p, err);
    if (err->kind == ERROR_DATA && p->report.backup[0] != '\0')
        (void)error_hint(err,
                         "the migration damaged the database; stop the container, put the backup "
                         "%s in its place and remove its -wal and -shm",
                         p->report.backup);
    return -1;
}
