/* The configuration: values, flags, environment, file, and which of them counts. */
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "config/config.h"
#include "config/database.h"
#include "config/environment.h"
#include "config/file.h"
#include "config/flags.h"
#include "config/keys.h"
#include "config/signals.h"
#include "config/values.h"

extern char **environ;

static char folder[PATH_MAX];

/* Each test starts with an empty environment in an empty folder of its own, and stays there. */
static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/liteinit-config-XXXXXX");
    if (mkdtemp(folder) == NULL || chdir(folder) != 0)
        return -1;
    return clearenv();
}

static int teardown(void **state)
{
    (void)state;
    char command[PATH_MAX + 16];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (chdir("/") != 0)
        return -1;
    return system(command);
}

static void write_file(const char *name, const char *data, size_t size)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static void assert_has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" says \"%s\"", text, part);
}

/* One given value, by flag: config_load() with `--FLAG=VALUE` for each of the words. */
static struct config *load(const char *word, ...)
{
    struct error err;
    struct config *config = NULL;
    char *argv[8];
    int argc = 0;
    int used = 0;
    va_list ap;
    va_start(ap, word);
    for (const char *at = word; at != NULL; at = va_arg(ap, const char *))
        argv[argc++] = strdup(at);
    va_end(ap);
    struct config_flags *flags = config_flags_new();
    assert_non_null(flags);
    if (config_parse_flags(flags, argc, argv, NULL, true, &used, &err) != 0)
        fail_msg("%s", err.msg);
    assert_int_equal(used, argc);
    if (config_load(flags, &config, &err) != 0)
        fail_msg("%s", err.msg);
    config_flags_free(flags);
    for (int i = 0; i < argc; i++)
        free(argv[i]); /* the configuration must not point into argv */
    return config;
}

/* config_load() without flags must fail as ERROR_CONFIG; msg and hint say these parts. */
static struct error load_fails(const char *msg, const char *hint)
{
    struct error err = {.kind = ERROR_NONE};
    struct config *config = NULL;
    if (config_load(NULL, &config, &err) == 0) {
        config_free(config);
        fail_msg("it was accepted; expected: %s", msg);
    }
    assert_null(config);
    assert_int_equal(err.kind, ERROR_CONFIG);
    assert_has(err.msg, msg);
    assert_has(err.hint, hint);
    return err;
}

static struct error variable_fails(const char *name, const char *value, const char *msg,
                                   const char *hint)
{
    assert_int_equal(setenv(name, value, 1), 0);
    struct error err = load_fails(msg, hint);
    assert_int_equal(unsetenv(name), 0);
    return err;
}

static struct error flag_fails(const char *flag, const char *value, const char *msg,
                               const char *hint)
{
    struct error err = {.kind = ERROR_NONE};
    char first[256];
    char second[8192];
    char *argv[] = {first, second};
    int used = -7;
    (void)snprintf(first, sizeof first, "%s", flag);
    (void)snprintf(second, sizeof second, "%s", value != NULL ? value : "");
    struct config_flags *flags = config_flags_new();
    assert_non_null(flags);
    int result = config_parse_flags(flags, value != NULL ? 2 : 1, argv, NULL, true, &used, &err);
    config_flags_free(flags);
    if (result == 0)
        fail_msg("%s %s was accepted; expected: %s", flag, value, msg);
    assert_int_equal(err.kind, ERROR_USAGE);
    assert_int_equal(used, -7);
    assert_has(err.msg, msg);
    assert_has(err.hint, hint);
    return err;
}

static struct error file_fails(const char *json, const char *msg, const char *hint)
{
    write_text("c.json", json);
    return variable_fails("LITEINIT_CONFIG", "c.json", msg, hint);
}

/* What config_log_warnings() writes, as JSON lines; the caller frees it. */
static char *warnings_of(const struct config *config)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    int saved = dup(STDERR_FILENO);
    assert_true(saved >= 0);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    log_set_format(LOG_FORMAT_JSON);
    config_log_warnings(config);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);
    long size = lseek(fileno(file), 0, SEEK_END);
    assert_true(size >= 0);
    char *text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(pread(fileno(file), text, (size_t)size, 0), size);
    (void)fclose(file);
    return text;
}

static void assert_warns(const struct config *config, const char *part)
{
    char *text = warnings_of(config);
    assert_has(text, "\"config.warning\"");
    assert_has(text, part);
    free(text);
}

static void assert_silent(const struct config *config)
{
    char *text = warnings_of(config);
    assert_string_equal(text, "");
    free(text);
}

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
    for (int i = 0; i <= CONFIG_SIGNAL_MAX; i++)
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
        if (!config_signal_parse(good[i].text, &number) || number != good[i].number)
            fail_msg("%s is %d, not %d", good[i].text, number, good[i].number);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int number = -7;
        if (config_signal_parse(bad[i], &number))
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

static enum config_database_kind parse_database(const char *text, char *out, size_t size)
{
    struct error err;
    struct config_source source = {
        .type = CONFIG_SOURCE_VARIABLE, .key = config_key_find("db"), .name = "DATABASE_URL"};
    enum config_database_kind kind = CONFIG_DATABASE_OTHER;
    char *path = NULL;
    char *copy = strdup(text);
    assert_non_null(copy);
    if (config_database_parse(copy, &source, &kind, &path, &err) != 0)
        fail_msg("%s: %s", text, err.msg);
    (void)snprintf(out, size, "%s", path != NULL ? path : "-");
    free(copy);
    return kind;
}

static void test_database_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *path;
        enum config_database_kind kind;
    } rows[] = {
        {"/data/app.db", "/data/app.db", CONFIG_DATABASE_FILE},
        {"app.db", "app.db", CONFIG_DATABASE_FILE},
        {"./x:y.db", "./x:y.db", CONFIG_DATABASE_FILE},
        {"/data/50%.db", "/data/50%.db", CONFIG_DATABASE_FILE},
        {"/data/a?b#c.db", "/data/a?b#c.db", CONFIG_DATABASE_FILE},
        {"file:./dev.db", "./dev.db", CONFIG_DATABASE_FILE},
        {"file:dev.db", "dev.db", CONFIG_DATABASE_FILE},
        {"FILE:dev.db", "dev.db", CONFIG_DATABASE_FILE},
        {"file:/data/app.db?connection_limit=1", "/data/app.db", CONFIG_DATABASE_FILE},
        {"file:///data/app.db#x", "/data/app.db", CONFIG_DATABASE_FILE},
        {"file://localhost/data/app.db", "/data/app.db", CONFIG_DATABASE_FILE},
        {"file:/data/my%20app%2Edb", "/data/my app.db", CONFIG_DATABASE_FILE},
        {"sqlite:/data/app.db", "/data/app.db", CONFIG_DATABASE_FILE},
        {"sqlite:data.db", "data.db", CONFIG_DATABASE_FILE},
        {"sqlite://data.db", "data.db", CONFIG_DATABASE_FILE},
        {"sqlite3:data.db", "data.db", CONFIG_DATABASE_FILE},
        {"sqlite:////data/app.db", "/data/app.db", CONFIG_DATABASE_FILE},
        {":memory:", "-", CONFIG_DATABASE_MEMORY},
        {"sqlite::memory:", "-", CONFIG_DATABASE_MEMORY},
        {"sqlite://:memory:", "-", CONFIG_DATABASE_MEMORY},
        {"file:x?mode=memory&cache=shared", "-", CONFIG_DATABASE_MEMORY},
        {"postgres://u:p@h/d", "-", CONFIG_DATABASE_OTHER},
        {"postgresql+asyncpg://h/d", "-", CONFIG_DATABASE_OTHER},
        {"jdbc:sqlite:/data/app.db", "-", CONFIG_DATABASE_OTHER},
        {"libsql://host", "-", CONFIG_DATABASE_OTHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[256];
        enum config_database_kind kind = parse_database(rows[i].text, path, sizeof path);
        if (kind != rows[i].kind || strcmp(path, rows[i].path) != 0)
            fail_msg("%s is %d, %s", rows[i].text, (int)kind, path);
    }
    flag_fails("--db", "file:", "names no file", "--db=/data/app.db");
    flag_fails("--db", "/data/", "names no file, but a folder", "");
    flag_fails("--db", "..", "names no file", "");
    flag_fails("--db", "file:a%2", "without two hexadecimal digits", "%25");
    flag_fails("--db", "file:a%00b", "without two hexadecimal digits", "");
    flag_fails("--db", "file:a%0Ab", "control character", "");
    flag_fails("--db", "file://nas/app.db", "only localhost", "file:///");
    flag_fails("--db", ":memory:", "in memory", "");
    struct error err = flag_fails("--db", "postgres://u:geheim@h/d", "not of an SQLite file", "");
    assert_has_not(err.msg, "geheim");
    char name[256] = "";
    memset(name, 'n', 240);
    flag_fails("--db", name, "too long", "");
}

/* sqlite:///a.db is /a.db for some tools and a.db for others: see database.h. */
static void test_three_slashes(void **state)
{
    (void)state;
    char url[PATH_MAX + 32];
    struct stat st;
    write_text("absolute.db", "");
    (void)snprintf(url, sizeof url, "sqlite://%s/absolute.db", folder);
    assert_int_equal(setenv("DATABASE_URL", url, 1), 0);
    struct config *c = load(NULL);
    assert_int_equal(stat(c->db, &st), 0);
    assert_silent(c);
    config_free(c);

    assert_int_equal(setenv("DATABASE_URL", "sqlite:///neither-here/nor-there.db", 1), 0);
    c = load(NULL);
    assert_string_equal(c->db, "/neither-here/nor-there.db");
    assert_warns(c, "read as the absolute path /neither-here/nor-there.db");
    config_free(c);

    write_text("liteinit-test-relative.db", "");
    variable_fails("DATABASE_URL", "sqlite:///liteinit-test-relative.db",
                   "liteinit-test-relative.db in this folder is", folder);
    /* Where the working folder is / both mean the same. */
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(setenv("DATABASE_URL", "sqlite:///nor-there.db", 1), 0);
    c = load(NULL);
    assert_string_equal(c->db, "/nor-there.db");
    assert_silent(c);
    config_free(c);
}

static void test_variables_of_the_app(void **state)
{
    (void)state;
    assert_int_equal(setenv("DATABASE_URL", "file:/url.db", 1), 0);
    assert_int_equal(setenv("APP_VERSION", "1.2.3", 1), 0);
    struct config *c = load(NULL);
    assert_string_equal(c->db, "/url.db");
    assert_string_equal(c->app_version, "1.2.3");
    config_free(c);
    assert_int_equal(setenv("DATABASE_PATH", "./path.db", 1), 0);
    c = load(NULL);
    assert_string_equal(c->db, "./path.db");
    config_free(c);
    /* They are the environment: they beat the file, and LITEINIT_DB and the flag beat them. */
    write_text("c.json", "{\"db\": \"/file.db\", \"app_version\": \"9\"}");
    c = load("--config=c.json", NULL);
    assert_string_equal(c->db, "./path.db");
    assert_string_equal(c->app_version, "1.2.3");
    config_free(c);
    assert_int_equal(setenv("LITEINIT_DB", "/liteinit.db", 1), 0);
    assert_int_equal(setenv("LITEINIT_APP_VERSION", "2", 1), 0);
    c = load(NULL);
    assert_string_equal(c->db, "/liteinit.db");
    assert_string_equal(c->app_version, "2");
    config_free(c);
    c = load("--db=/flag.db", NULL);
    assert_string_equal(c->db, "/flag.db");
    config_free(c);
}

static void test_other_databases(void **state)
{
    (void)state;
    assert_int_equal(setenv("DATABASE_URL", "postgres://u:geheim@h/d", 1), 0);
    struct config *c = load(NULL);
    assert_null(c->db);
    char *text = warnings_of(c);
    assert_has(text, "DATABASE_URL is not an address of an SQLite file, ignoring it");
    assert_has_not(text, "geheim");
    free(text);
    config_free(c);
    /* Who says which database it is does not want to hear of the other one. */
    c = load("--db=/flag.db", NULL);
    assert_string_equal(c->db, "/flag.db");
    assert_silent(c);
    config_free(c);
    write_text("c.json", "{\"db\": \"/file.db\"}");
    c = load("--config=c.json", NULL);
    assert_string_equal(c->db, "/file.db");
    config_free(c);
    assert_int_equal(setenv("DATABASE_URL", "file::memory:", 1), 0);
    c = load(NULL);
    assert_null(c->db);
    assert_warns(c, "DATABASE_URL names a database in memory, ignoring it");
    config_free(c);
}

static void test_precedence(void **state)
{
    (void)state;
    write_text("c.json", "{\"keep\": 1, \"keep_days\": 1, \"stop_timeout\": \"1s\"}");
    assert_int_equal(setenv("LITEINIT_CONFIG", "c.json", 1), 0);
    assert_int_equal(setenv("LITEINIT_KEEP", "2", 1), 0);
    assert_int_equal(setenv("LITEINIT_KEEP_DAYS", "2", 1), 0);
    struct config *c = load("--keep=3", NULL);
    assert_int_equal(c->keep, 3);
    assert_int_equal(c->keep_days, 2);
    assert_int_equal(c->stop_timeout, 1000);
    config_free(c);
    /* A value is checked also where another one beats it. */
    assert_int_equal(setenv("LITEINIT_KEEP", "two", 1), 0);
    char flag[] = "--keep=3";
    char *argv[] = {flag};
    struct error err;
    int used = 0;
    struct config_flags *flags = config_flags_new();
    assert_int_equal(config_parse_flags(flags, 1, argv, NULL, true, &used, &err), 0);
    assert_int_equal(config_load(flags, &c, &err), -1);
    assert_has(err.msg, "environment variable LITEINIT_KEEP: \"two\" is no whole number");
    config_flags_free(flags);
}

static void test_environment(void **state)
{
    (void)state;
    /* Every key has a variable, and the empty one counts as not set. */
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        char name[CONFIG_KEY_NAME_SIZE];
        config_key_variable(&config_keys[i], name);
        assert_int_equal(setenv(name, "", 1), 0);
        strcat(name, "_FILE");
        assert_int_equal(setenv(name, "", 1), 0);
    }
    assert_int_equal(setenv("LITEINIT_UNKNOWN", "", 1), 0);
    assert_int_equal(setenv("DATABASE_PATH", "", 1), 0);
    assert_int_equal(setenv("DATABASE_URL", "", 1), 0);
    struct config *c = load(NULL);
    assert_null(c->db);
    assert_int_equal(c->keep, 10);
    assert_silent(c);
    config_free(c);

    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        char name[CONFIG_KEY_NAME_SIZE];
        struct config_source source;
        struct error err;
        char *text = NULL;
        config_key_variable(&config_keys[i], name);
        assert_int_equal(setenv(name, config_keys[i].example, 1), 0);
        assert_int_equal(config_environment_read(&config_keys[i], &text, &source, &err), 0);
        assert_string_equal(text, config_keys[i].example);
        assert_string_equal(source.name, name);
        /* What hints give as an example is right. */
        assert_int_equal(config_value_check(&source, text, &err), 0);
        free(text);
        assert_int_equal(unsetenv(name), 0);
    }
    variable_fails("LITEINIT_STOP_TIMEOUT", "8",
                   "environment variable LITEINIT_STOP_TIMEOUT: \"8\" is no duration",
                   "LITEINIT_STOP_TIMEOUT=8s");
}

static void test_variable_file(void **state)
{
    (void)state;
    write_text("value", "/data/app.db\r\n\n");
    assert_int_equal(setenv("LITEINIT_DB_FILE", "value", 1), 0);
    struct config *c = load(NULL);
    assert_string_equal(c->db, "/data/app.db");
    assert_silent(c);
    config_free(c);
    c = load("--db=/flag.db", NULL);
    assert_string_equal(c->db, "/flag.db");
    config_free(c);
    variable_fails("LITEINIT_DB", "x", "LITEINIT_DB: LITEINIT_DB_FILE is set too", "remove one");
    assert_int_equal(unsetenv("LITEINIT_DB_FILE"), 0);

    variable_fails("LITEINIT_KEEP_FILE", "nowhere",
                   "LITEINIT_KEEP_FILE: cannot open nowhere: No such file",
                   "is the secret mounted");
    variable_fails("LITEINIT_KEEP_FILE", ".", ". is not a regular file", "");
    write_text("value", "geheim\n");
    struct error err = variable_fails("LITEINIT_KEEP_FILE", "value",
                                      "LITEINIT_KEEP_FILE: value: the value is no whole number",
                                      "for example: 10");
    assert_has_not(err.msg, "geheim");
    write_text("value", "31415\n");
    err = variable_fails("LITEINIT_STOP_TIMEOUT_FILE", "value", "the value is no duration", "8s");
    assert_has_not(err.hint, "31415");
    write_text("value", "\n");
    variable_fails("LITEINIT_KEEP_FILE", "value", "the value is empty", "");
    write_file("value", "1\0002", 3);
    variable_fails("LITEINIT_KEEP_FILE", "value", "has a NUL byte", "");
    char big[9000];
    memset(big, '1', sizeof big);
    write_file("value", big, sizeof big);
    variable_fails("LITEINIT_KEEP_FILE", "value", "value is larger than 8192 bytes", "");
    variable_fails("LITEINIT_CONFIG_FILE", "c.json", "there is no such variable",
                   "LITEINIT_CONFIG");
}

static void test_unknown_variables(void **state)
{
    (void)state;
    assert_int_equal(setenv("LITEINIT_INTERNAL_LOCK_FD", "3", 1), 0);
    assert_int_equal(setenv("LITEINITX", "3", 1), 0);
    struct config *c = load(NULL);
    assert_silent(c);
    config_free(c);
    assert_int_equal(setenv("LITEINIT_RESTART", "geheim", 1), 0);
    assert_int_equal(setenv("LITEINIT_MIRGATIONS", "x", 1), 0);
    assert_int_equal(setenv("LITEINIT_MIGRATONS_FILE", "x", 1), 0);
    assert_int_equal(setenv("LITEINIT_db", "x", 1), 0);
    c = load(NULL);
    char *text = warnings_of(c);
    assert_has(text, "LITEINIT_RESTART has no effect: version");
    assert_has(text, "did you mean LITEINIT_MIGRATIONS?");
    assert_has(text, "did you mean LITEINIT_MIGRATIONS_FILE?");
    assert_has(text, "did you mean LITEINIT_DB?");
    assert_has_not(text, "geheim");
    free(text);
    config_free(c);
    for (int i = 0; i < 40; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "LITEINIT_Z%d", i);
        assert_int_equal(setenv(name, "1", 1), 0);
    }
    c = load(NULL);
    assert_warns(c, "and 28 more warnings"); /* 44 less the 16 that are kept */
    config_free(c);
}

static void test_file_values(void **state)
{
    (void)state;
    write_text("c.json", "\xEF\xBB\xBF{\n"
                         " \"db\": \"/data/\\u00fcber.db\", \"migrations\": null,\n"
                         " \"keep\": 3, \"min_free\": 1048576, \"expect_exit\": [143, 130],\n"
                         " \"stop_signal\": 2, \"rewrite\": \"15:3\", \"log_level\": \"debug\",\n"
                         " \"backup_name\": \"a\\\\\\\\u0000{time}\"\n}\n");
    assert_int_equal(setenv("LITEINIT_CONFIG", "c.json", 1), 0);
    struct config *c = load(NULL);
    assert_string_equal(c->db, "/data/\xC3\xBC"
                               "ber.db");
    assert_int_equal(c->keep, 3);
    assert_int_equal(c->min_free, 1048576);
    assert_true(c->expect_exit[143] && c->expect_exit[130] && !c->expect_exit[0]);
    assert_int_equal(c->stop_signal, 2);
    assert_int_equal(c->rewrite[15], 3);
    assert_int_equal(c->log_level, LOG_DEBUG);
    assert_string_equal(c->backup_name, "a\\\\u0000{time}");
    config_free(c);
    write_text("c.json", "{\"expect_exit\": 143, \"min_free\": \"1GB\"}");
    c = load(NULL);
    assert_true(c->expect_exit[143]);
    assert_int_equal(c->min_free, 1000000000);
    config_free(c);
    write_text("c.json", "{}");
    config_free(load(NULL));
    /* The flag names another file. */
    write_text("d.json", "{\"keep\": 4}");
    c = load("--config", "d.json", NULL);
    assert_int_equal(c->keep, 4);
    config_free(c);
}

static void test_file_errors(void **state)
{
    (void)state;
    variable_fails("LITEINIT_CONFIG", "none.json",
                   "LITEINIT_CONFIG: cannot open none.json: No such file", "JSON file");
    variable_fails("LITEINIT_CONFIG", ".", ". is not a regular file", "");
    struct error err =
        file_fails("{\"db\": \"x\",\n \"keep\" 3}", "c.json, line 2, column", "comma");
    assert_int_equal(err.line, 2);
    assert_string_equal(err.file, "c.json");
    file_fails("{\"db\": \"x\"\n\n", "c.json, line 3", "");
    file_fails("{\"db\": \"x\",}", "line 1, column 1", "");
    file_fails("{\"keep\": 3}\n]", "line 2, column 1: not valid JSON", "");
    file_fails("{\"db\": \"x\xFF\"}", "line 1, column 10: not valid UTF-8", "UTF-8");
    file_fails("{\"db\": \"x\\u0000y\"}", "line 1, column 10: a NUL character", "right file");
    write_file("c.json", "{}\n\0", 4);
    variable_fails("LITEINIT_CONFIG", "c.json", "line 2, column 1: a NUL byte", "");
    file_fails("", "c.json is empty", "{}");
    file_fails(" \n", "c.json is empty", "{}");
    file_fails("[]", "holds a list, and should hold an object", "{\"db\"");
    file_fails("3", "holds a number", "");
    file_fails("{\"mirgations\": \"x\"}", "c.json: unknown key \"mirgations\"",
               "did you mean \"migrations\"?");
    file_fails("{\"backup-dir\": \"x\"}", "unknown key \"backup-dir\"", "\"backup_dir\"?");
    file_fails("{\"restart\": \"always\"}", "liteinit has no such key", "");
    file_fails("{\"config\": \"x\"}", "key \"config\" cannot stand in the file", "--config");
    file_fails("{\"keep\": 1, \"keep\": 1}", "key \"keep\": it stands in the file twice", "");
    file_fails("{\"keep\": null, \"keep\": 1}", "it stands in the file twice", "");
    file_fails("{\"stop_timeout\": 8}", "key \"stop_timeout\": the value is a number",
               "\"stop_timeout\": \"8s\"");
    file_fails("{\"stop_timeout\": \"8\"}", "c.json: key \"stop_timeout\": \"8\" is no duration",
               "\"stop_timeout\": \"8s\"");
    file_fails("{\"keep\": \"3\"}", "the value is a text, and should be a number", "\"keep\": 10");
    file_fails("{\"keep\": 1.5}", "\"1.5\" is no whole number", "");
    file_fails("{\"keep\": -1}", "\"-1\" is no whole number", "");
    file_fails("{\"keep\": 1e300}", "is no whole number", "");
    file_fails("{\"keep\": true}", "the value is true or false", "");
    file_fails("{\"db\": {}}", "the value is an object, and should be a text", "");
    file_fails("{\"db\": \"\"}", "key \"db\": the value is empty", "");
    file_fails("{\"expect_exit\": []}", "should be a text or a list of numbers", "");
    file_fails("{\"expect_exit\": [\"1\"]}", "should be a text or a list of numbers", "");
    file_fails("{\"expect_exit\": [1, 1.5]}", "is no list of exit statuses", "");

    size_t size = 10000000;
    char *big = malloc(size);
    assert_non_null(big);
    memset(big, ' ', size);
    write_file("c.json", big, size);
    free(big);
    variable_fails("LITEINIT_CONFIG", "c.json", "c.json is larger than 262144 bytes", "");
    char deep[4096];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    file_fails(deep, "not valid JSON", "");
    size = 10000;
    char *longest = malloc(size);
    assert_non_null(longest);
    (void)snprintf(longest, size, "{\"db\": \"%09000d\"}", 0);
    file_fails(longest, "the value is longer than 8192 bytes", "");
    free(longest);
}

static void test_unknown_flags(void **state)
{
    (void)state;
    flag_fails("--mirgations", "x", "unknown flag --mirgations:", "did you mean --migrations?");
    flag_fails("--mirgations=geheim", NULL, "unknown flag --mirgations:", "--migrations?");
    flag_fails("--backup_dir", "x", "unknown flag --backup_dir:", "did you mean --backup-dir?");
    flag_fails("-db", "x", "unknown flag -db:", "did you mean --db?");
    flag_fails("-x", NULL, "unknown flag -x:", "liteinit --help");
    flag_fails("--hlep", NULL, "unknown flag --hlep:", "did you mean --help?");
    flag_fails("--restart", "always", "liteinit has no such flag", "");
}

static void test_flag_values(void **state)
{
    (void)state;
    flag_fails("--db", NULL, "flag --db needs a value", "--db=/data/app.db");
    flag_fails("--db", "--keep", "flag --db needs a value", "");
    flag_fails("--db", "--", "flag --db needs a value", "");
    flag_fails("--db=", NULL, "flag --db: the value is empty", "");
    struct config *c = load("--db=--x", "--keep=1", "--keep=2", NULL);
    assert_string_equal(c->db, "--x");
    assert_int_equal(c->keep, 2);
    config_free(c);
}

static void test_stop_at_word(void **state)
{
    (void)state;
    static const struct {
        const char *words[6];
        int used;
    } rows[] = {
        {{"app", "--keep=3"}, 0},
        {{"--keep=3", "app", "--keep=4"}, 1},
        {{"--keep", "3", "app"}, 2},
        {{"--keep=3", "--", "--keep=4"}, 2},
        {{"--keep=3", "-", "--keep=4"}, 1},
        {{"--keep=3", "", "--keep=4"}, 1},
        {{"--keep=3"}, 1},
        {{"--", "--", "x"}, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *argv[6];
        int argc = 0;
        int used = -1;
        struct error err;
        struct config *c = NULL;
        for (; argc < 6 && rows[i].words[argc] != NULL; argc++)
            argv[argc] = strdup(rows[i].words[argc]);
        struct config_flags *flags = config_flags_new();
        assert_int_equal(config_parse_flags(flags, argc, argv, NULL, true, &used, &err), 0);
        assert_int_equal(used, rows[i].used);
        for (int j = 0; j < argc; j++)
            assert_string_equal(argv[j], rows[i].words[j]);
        assert_int_equal(config_load(flags, &c, &err), 0);
        assert_int_equal(c->keep, strncmp(rows[i].words[0], "--keep", 6) == 0 ? 3 : 10);
        config_free(c);
        config_flags_free(flags);
        for (int j = 0; j < argc; j++)
            free(argv[j]);
    }
}

static void test_own_options(void **state)
{
    (void)state;
    bool json = false;
    bool reason_given = false;
    const char *reason = NULL;
    const struct config_option own[] = {
        {"json", NULL, "print JSON", &json, NULL},
        {"reason", "WORD", "why", &reason_given, &reason},
        {NULL, NULL, NULL, NULL, NULL},
    };
    char words[][16] = {"one", "--json", "two", "--reason", "why", "--keep=3", "--", "--json"};
    char *argv[8];
    for (size_t i = 0; i < 8; i++)
        argv[i] = words[i];
    struct error err;
    int used = 0;
    struct config_flags *flags = config_flags_new();
    assert_int_equal(config_parse_flags(flags, 8, argv, own, false, &used, &err), 0);
    assert_int_equal(used, 3);
    assert_string_equal(argv[0], "one");
    assert_string_equal(argv[1], "two");
    assert_string_equal(argv[2], "--json");
    assert_true(json && reason_given);
    assert_string_equal(reason, "why");
    struct config *c = NULL;
    assert_int_equal(config_load(flags, &c, &err), 0);
    assert_int_equal(c->keep, 3);
    config_free(c);

    static const struct {
        const char *word;
        const char *msg;
        const char *hint;
    } bad[] = {
        {"--json=1", "flag --json takes no value", "--json"},
        {"--reason", "flag --reason needs a value", "--reason=WORD"},
        {"--reason=", "flag --reason needs a value", ""},
        {"--jsom", "unknown flag --jsom", "did you mean --json?"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char word[32];
        char *one[] = {word};
        (void)snprintf(word, sizeof word, "%s", bad[i].word);
        assert_int_equal(config_parse_flags(flags, 1, one, own, false, &used, &err), -1);
        assert_int_equal(err.kind, ERROR_USAGE);
        assert_has(err.msg, bad[i].msg);
        assert_has(err.hint, bad[i].hint);
    }
    config_flags_free(flags);
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
        cmocka_unit_test_setup_teardown(test_database_forms, setup, teardown),
        cmocka_unit_test_setup_teardown(test_three_slashes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_variables_of_the_app, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_databases, setup, teardown),
        cmocka_unit_test_setup_teardown(test_precedence, setup, teardown),
        cmocka_unit_test_setup_teardown(test_environment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_variable_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_variables, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_flags, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flag_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop_at_word, setup, teardown),
        cmocka_unit_test_setup_teardown(test_own_options, setup, teardown),
        cmocka_unit_test_setup_teardown(test_help, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
