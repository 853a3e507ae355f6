/* The configuration: where the database is, in all the forms in which apps say it. */
#include "support_config.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_database_forms, setup, teardown),
        cmocka_unit_test_setup_teardown(test_three_slashes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_variables_of_the_app, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_databases, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
