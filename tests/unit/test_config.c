/* The configuration: the values of the keys, and the help. */
#include "support_config.h"

static void test_defaults(void **state)
{
    (void)state;
    struct config *c = load(NULL);
    assert_null(c->db);
    if (access("/app/migrations", F_OK) == 0)
        assert_string_equal(c->migrations, "/app/migrations");
    else
        assert_null(c->migrations);
    assert_null(c->backup_dir);
    assert_int_equal(c->backup, CONFIG_BACKUP_PENDING);
    assert_string_equal(c->backup_name, "{stem}_{date}_{time}_{reason}{ext}");
    assert_int_equal(c->keep, 10);
    assert_int_equal(c->keep_days, 0);
    assert_int_equal(c->check, CONFIG_CHECK_AUTO);
    assert_int_equal(c->drift, CONFIG_DRIFT_FAIL);
    assert_int_equal(c->journal_mode, CONFIG_JOURNAL_WAL);
    assert_int_equal(c->busy_timeout, 5000);
    assert_int_equal(c->lock_timeout, 30000);
    assert_int_equal(c->min_free, -1);
    assert_int_equal(c->stop_timeout, 8000);
    assert_int_equal(c->stop_signal, 0);
    assert_int_equal(c->forward_to, CONFIG_FORWARD_GROUP);
    assert_null(c->app_version);
    assert_int_equal(c->prepare, CONFIG_PREPARE_AUTO);
    assert_int_equal(c->log_format, CONFIG_LOG_AUTO);
    assert_int_equal(c->log_level, LOG_INFO);
    for (int i = 0; i <= SIGNAL_MAX; i++)
        assert_int_equal(c->rewrite[i], i);
    for (int i = 0; i < 256; i++)
        assert_false(c->expect_exit[i]);
    assert_silent(c);
    config_free(c);
    config_free(NULL);
}

/* Each word of the table is the enum value of the same name, not of its neighbour. */
static void test_words(void **state)
{
    (void)state;
    static const struct {
        const char *flag;
        size_t offset;
        int value;
    } rows[] = {
        {"--backup=pending", offsetof(struct config, backup), CONFIG_BACKUP_PENDING},
        {"--backup=always", offsetof(struct config, backup), CONFIG_BACKUP_ALWAYS},
        {"--backup=never", offsetof(struct config, backup), CONFIG_BACKUP_NEVER},
        {"--check=auto", offsetof(struct config, check), CONFIG_CHECK_AUTO},
        {"--check=quick", offsetof(struct config, check), CONFIG_CHECK_QUICK},
        {"--check=full", offsetof(struct config, check), CONFIG_CHECK_FULL},
        {"--check=off", offsetof(struct config, check), CONFIG_CHECK_OFF},
        {"--drift=fail", offsetof(struct config, drift), CONFIG_DRIFT_FAIL},
        {"--drift=warn", offsetof(struct config, drift), CONFIG_DRIFT_WARN},
        {"--journal-mode=wal", offsetof(struct config, journal_mode), CONFIG_JOURNAL_WAL},
        {"--journal-mode=WAL", offsetof(struct config, journal_mode), CONFIG_JOURNAL_WAL},
        {"--journal-mode=keep", offsetof(struct config, journal_mode), CONFIG_JOURNAL_KEEP},
        {"--forward-to=group", offsetof(struct config, forward_to), CONFIG_FORWARD_GROUP},
        {"--forward-to=child", offsetof(struct config, forward_to), CONFIG_FORWARD_CHILD},
        {"--prepare=auto", offsetof(struct config, prepare), CONFIG_PREPARE_AUTO},
        {"--prepare=always", offsetof(struct config, prepare), CONFIG_PREPARE_ALWAYS},
        {"--prepare=never", offsetof(struct config, prepare), CONFIG_PREPARE_NEVER},
        {"--log-format=auto", offsetof(struct config, log_format), CONFIG_LOG_AUTO},
        {"--log-format=json", offsetof(struct config, log_format), CONFIG_LOG_JSON},
        {"--log-format=logfmt", offsetof(struct config, log_format), CONFIG_LOG_LOGFMT},
        {"--log-format=pretty", offsetof(struct config, log_format), CONFIG_LOG_PRETTY},
        {"--log-level=debug", offsetof(struct config, log_level), LOG_DEBUG},
        {"--log-level=info", offsetof(struct config, log_level), LOG_INFO},
        {"--log-level=warn", offsetof(struct config, log_level), LOG_WARN},
        {"--log-level=error", offsetof(struct config, log_level), LOG_ERROR},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int value = -1;
        struct config *c = load(rows[i].flag, NULL);
        memcpy(&value, (const char *)c + rows[i].offset, sizeof value);
        if (value != rows[i].value)
            fail_msg("%s is %d, not %d", rows[i].flag, value, rows[i].value);
        config_free(c);
    }
    flag_fails("--log-level", "wran", "flag --log-level: \"wran\" is none of: debug, info, warn",
               "--log-level=warn");
    flag_fails("--backup", "x", "pending, always, never", "--backup=pending");
}

static void test_durations_sizes_numbers(void **state)
{
    (void)state;
    struct config *c = load("--stop-timeout=1500ms", "--busy-timeout", "0", "--lock-timeout=2m",
                            "--min-free=64MiB", "--keep=0", "--keep-days=365", NULL);
    assert_int_equal(c->stop_timeout, 1500);
    assert_int_equal(c->busy_timeout, 0);
    assert_int_equal(c->lock_timeout, 120000);
    assert_int_equal(c->min_free, 64 << 20);
    assert_int_equal(c->keep, 0);
    assert_int_equal(c->keep_days, 365);
    config_free(c);
    c = load("--min-free=1GB", "--min-free=auto", NULL);
    assert_int_equal(c->min_free, -1);
    config_free(c);

    flag_fails("--stop-timeout", "8", "\"8\" is no duration: the unit is missing",
               "--stop-timeout=8s");
    flag_fails("--stop-timeout", "8 s", "is no duration: a whole number and ms",
               "--stop-timeout=8s");
    flag_fails("--stop-timeout", "-8s", "is no duration", "");
    flag_fails("--stop-timeout", "1.5s", "is no duration", "");
    flag_fails("--stop-timeout", "99999999999999999999s", "is no duration", "");
    flag_fails("--busy-timeout", "61m", "is more than 1 h", "--busy-timeout=5s");
    flag_fails("--min-free", "lots", "is no size", "--min-free=512MiB");
    flag_fails("--min-free", "-1", "is no size", "");
    flag_fails("--keep", "-1", "is no whole number from 0 to", "--keep=10");
    flag_fails("--keep", "ten", "is no whole number", "");
    flag_fails("--keep", "10 ", "is no whole number", "");
    flag_fails("--keep", "1000001", "is no whole number", "");
}

static void test_signals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int number;
    } good[] = {
        {"SIGTERM", 15}, {"TERM", 15},       {"sigterm", 15},    {"15", 15},    {"QUIT", 3},
        {"1", 1},        {"64", 64},         {"SIGRTMIN+3", 37}, {"RTMIN", 34}, {"RTMIN+30", 64},
        {"RTMAX", 64},   {"SIGRTMAX-1", 63}, {"RTMAX-30", 34},   {"KILL", 9},
    };
    static const char *const bad[] = {"",          "0",      "65",       "-1",
                                      "TERMINATE", "SIG",    "RTMIN+31", "RTMIN-1",
                                      "RTMAX+1",   "RTMIN+", "15x",      "SIGSIGTERM"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int number = -1;
        if (!signal_parse(good[i].text, &number) || number != good[i].number)
            fail_msg("%s is %d, not %d", good[i].text, number, good[i].number);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int number = -7;
        if (signal_parse(bad[i], &number))
            fail_msg("\"%s\" is taken for signal %d", bad[i], number);
        assert_int_equal(number, -7);
    }
    struct config *c = load("--stop-signal=SIGRTMIN+3", NULL);
    assert_int_equal(c->stop_signal, 37);
    config_free(c);
    flag_fails("--stop-signal", "KILL", "SIGKILL cannot be caught", "--stop-signal=SIGINT");
    flag_fails("--stop-signal", "19", "SIGSTOP cannot be caught", "");
    flag_fails("--stop-signal", "TREM", "\"TREM\" is no signal", "");
}

static void test_rewrite(void **state)
{
    (void)state;
    struct config *c = load("--rewrite=15:3, 2:0 ,HUP:SIGUSR1", NULL);
    assert_int_equal(c->rewrite[15], 3);
    assert_int_equal(c->rewrite[2], 0);
    assert_int_equal(c->rewrite[1], SIGUSR1);
    assert_int_equal(c->rewrite[3], 3);
    config_free(c);
    /* A later one replaces the whole list. */
    c = load("--rewrite=15:3", "--rewrite=2:0", NULL);
    assert_int_equal(c->rewrite[15], 15);
    assert_int_equal(c->rewrite[2], 0);
    config_free(c);

    static const char *const bad[] = {"15",    "15:", ":3",       "15:65",  "0:15",  "15=3",
                                      "15:3,", ",",   "15:3;2:0", "15:3:2", "15:-1", "x:y"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        flag_fails("--rewrite", bad[i], "is no list of FROM:TO", "--rewrite=15:3,2:0");
    flag_fails("--rewrite", "9:15", "SIGKILL never reaches the app", "");
    flag_fails("--rewrite", "CHLD:15", "SIGCHLD never reaches the app", "");
    flag_fails("--rewrite", "32:15", "signal 32 never reaches the app", "");
    flag_fails("--rewrite", "15:3,TERM:2", "SIGTERM stands in the list twice", "");
}

static void test_statuses(void **state)
{
    (void)state;
    struct config *c = load("--expect-exit=143, 130,255", NULL);
    for (int i = 0; i < 256; i++)
        assert_int_equal(c->expect_exit[i], i == 143 || i == 130 || i == 255);
    config_free(c);
    static const char *const bad[] = {"256", "-1", "143,", "143 130", "a", ","};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        flag_fails("--expect-exit", bad[i], "is no list of exit statuses from 0 to 255", "143,130");
    char many[2048] = "1";
    for (int i = 0; i < 500; i++)
        strcat(many, ",1");
    c = load("--expect-exit", many, NULL);
    assert_true(c->expect_exit[1]);
    config_free(c);
}

static void test_backup_name(void **state)
{
    (void)state;
    static const char *const good[] = {"{stem}", "{db}-{iso}", "a", "{version}{ext}",
                                       "{date} {time} {reason}"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct config *c = load("--backup-name", good[i], NULL);
        assert_string_equal(c->backup_name, good[i]);
        config_free(c);
    }
    flag_fails("--backup-name", "a/{stem}", "has a slash", "backup_dir");
    flag_fails("--backup-name", "{stemm}", "{stemm} is unknown", "did you mean {stem}?");
    flag_fails("--backup-name", "{}", "{} is unknown", "{stem} {date}");
    flag_fails("--backup-name", "{aVeryLongTokenThatNobodyKnows}", "is unknown", "");
    flag_fails("--backup-name", "{stem", "has a { without its }", "");
    flag_fails("--backup-name", "{a{stem}}", "has a { without its }", "");
    flag_fails("--backup-name", "stem}", "has a } without its {", "");
    flag_fails("--backup-name", "{ext}", "empty name", "");
    flag_fails("--backup-name", "..", "begins with a dot", "");
    flag_fails("--backup-name", "\xFF", "is not valid UTF-8", "");
    char name[200];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    flag_fails("--backup-name", name, "is longer than 160 bytes", "");
    flag_fails("--app-version", name, "is longer than 128 bytes", "");
}

static void test_paths(void **state)
{
    (void)state;
    char path[PATH_MAX + 8] = "";
    memset(path, 'a', PATH_MAX - 64);
    struct config *c = load("--migrations", path, "--backup-dir=b c", NULL);
    assert_string_equal(c->migrations, path);
    assert_string_equal(c->backup_dir, "b c");
    config_free(c);
    strcat(path, "a");
    flag_fails("--migrations", path, "the path is longer than", "--migrations=/app/migrations");
    flag_fails("--backup-dir", "a\nb", "has a line break", "");
    flag_fails("--backup-dir", "/data\r", "ends with a carriage return", "Windows line endings");
    flag_fails("--backup-dir", "", "the value is empty", "--backup-dir=/data/backups");
}

static void test_help(void **state)
{
    (void)state;
    struct text_buffer help = {.max = 64 * 1024};
    struct text_buffer markdown = {.max = 64 * 1024};
    assert_true(config_write_help(&help));
    assert_true(config_write_markdown(&markdown));
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        char flag[CONFIG_KEY_NAME_SIZE + 4];
        char cell[CONFIG_KEY_NAME_SIZE + 8];
        (void)snprintf(flag, sizeof flag, "  ");
        config_key_flag(&config_keys[i], flag + 2);
        assert_has(help.data, flag);
        (void)snprintf(cell, sizeof cell, "\n| `%s` |", config_keys[i].name);
        assert_has(markdown.data, cell);
    }
    assert_has(help.data, "[8s]");
    for (const char *line = help.data; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        assert_true(length <= 104); /* 100 columns, and "…" has three bytes */
        line += length + (line[length] == '\n');
    }
    text_buffer_free(&help);
    text_buffer_free(&markdown);
    struct text_buffer small = {.max = 100};
    assert_false(config_write_help(&small));
    text_buffer_free(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_words, setup, teardown),
        cmocka_unit_test_setup_teardown(test_durations_sizes_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rewrite, setup, teardown),
        cmocka_unit_test_setup_teardown(test_statuses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_backup_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_paths, setup, teardown),
        cmocka_unit_test_setup_teardown(test_help, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
