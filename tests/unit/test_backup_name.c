/* Names of backups: tokens, numbers for those that meet, and what is no name. */
#include "support.h"

#include "backup/name.h"

#define USUAL "{stem}_{date}_{time}_{reason}{ext}"

static struct backup_name_parts parts = {
    .db = "/data/my.app.db", .reason = "migration", .version = 42, .when = 1768902003, .ms = 7};

static const char *expand(const char *db, const char *pattern, int sequence)
{
    static char out[NAME_MAX + 1];
    struct error err;
    parts.db = db;
    assert_ok(backup_name_expand(pattern, &parts, sequence, out, &err), &err);
    assert_true(strlen(out) <= NAME_MAX);
    return out;
}

static void assert_refused(const char *db, const char *pattern, const char *msg)
{
    struct error err = {.kind = ERROR_NONE};
    char out[NAME_MAX + 1];
    parts.db = db;
    assert_fails(backup_name_expand(pattern, &parts, 1, out, &err), &err, ERROR_CONFIG, msg);
    assert_says(err.hint, "--backup-name");
}

static void tokens_are_replaced(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "Asia/Kathmandu", 1), 0);
    tzset();
    assert_string_equal(expand("/data/my.app.db", USUAL, 1),
                        "my.app_2026-01-20_09-40-03_migration.db");
    assert_string_equal(expand("/data/app.db", "{db}-{version}-{iso}", 1),
                        "app.db-42-2026-01-20T09-40-03-007Z");
    assert_string_equal(expand("app", USUAL, 1), "app_2026-01-20_09-40-03_migration");
    assert_string_equal(expand("/a/app.db", "fixed", 1), "fixed");
    assert_string_equal(expand("/a/app.db", "{stem}{stem}", 1), "appapp");
    assert_string_equal(expand("/a/it's \xC3\xA4 b.sqlite3", "{stem}{ext}", 1),
                        "it's \xC3\xA4 b.sqlite3");
    /* The backup of a hidden database can be seen. */
    assert_string_equal(expand("/a/.app", "{stem}{ext}", 1), "app");
    assert_string_equal(expand("/a/.app.db", "{stem}-{db}{ext}", 1), "app-app.db.db");
    assert_string_equal(expand("/a/app.", "{stem}|{ext}", 1), "app|.");
}

static void those_that_meet_are_numbered(void **state)
{
    (void)state;
    assert_string_equal(expand("/a/app.db", "{stem}{ext}", 2), "app-2.db");
    assert_string_equal(expand("/a/app.db", "{stem}{ext}", 10000), "app-10000.db");
    assert_string_equal(expand("/a/app", "{stem}{ext}", 3), "app-3");
    assert_string_equal(expand("/a/app.db", "{stem}_{reason}", 2), "app_migration-2");
    assert_string_equal(expand("/a/app.db", "{stem}{ext}.bak", 2), "app.db.bak-2");
    assert_string_equal(expand("/a/app.db", "{stem}{ext}", 0), "app.db");
}

static void no_name_is_refused(void **state)
{
    (void)state;
    assert_refused("/a/app.db", "{nonsense}", "unknown token {nonsense}");
    assert_refused("/a/app.db", "{}", "unknown token {}");
    assert_refused("/a/app.db", "{ste}", "unknown token {ste}");
    assert_refused("/a/app.db", "{stemx}", "unknown token {stemx}");
    assert_refused("/a/app.db", "{STEM}", "unknown token {STEM}");
    assert_refused("/a/app.db", "", "not usable");
    assert_refused("/a/app", "{ext}", "not usable");
    assert_refused("/a/app.db", ".", "not usable");
    assert_refused("/a/app.db", "..", "not usable");
    assert_refused("/a/app.db", "{ext}", "not usable"); /* hidden */
    assert_refused("/a/app.db", "sub/{stem}", "not usable");
    assert_refused("/a/app.db", "../{stem}", "not usable");
    parts.reason = "a/b";
    assert_refused("/a/app.db", USUAL, "not usable");
    parts.reason = "migration";
}

static void long_names_leave_room(void **state)
{
    (void)state;
    char db[300] = "/";
    memset(db + 1, 'n', 207);
    const char *name = expand(db, "{stem}", 10000);
    assert_int_equal(strlen(name), 213);
    /* Beside it there must be place for ".json" and a temporary name. */
    assert_true(strlen(name) + strlen(".json.2147483647.tmp") <= NAME_MAX);
    db[208] = 'n';
    assert_refused(db, "{stem}", "too long");
    char pattern[1000];
    memset(pattern, 'p', sizeof pattern - 1);
    pattern[sizeof pattern - 1] = '\0';
    assert_refused("/a/app.db", pattern, "too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_replaced),
        cmocka_unit_test(those_that_meet_are_numbered),
        cmocka_unit_test(no_name_is_refused),
        cmocka_unit_test(long_names_leave_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
