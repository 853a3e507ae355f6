/* The configuration: flags, environment and file, and which of them counts. */
#include "support_config.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
