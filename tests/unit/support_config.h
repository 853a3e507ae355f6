/* What the tests of the configuration share: one value given by flag, variable or file, and what
 * must be said of it. */
#ifndef LITEINIT_TEST_SUPPORT_CONFIG_H
#define LITEINIT_TEST_SUPPORT_CONFIG_H

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

#include "base/signals.h"
#include "base/text.h"
#include "config/config.h"
#include "config/database.h"
#include "config/environment.h"
#include "config/file.h"
#include "config/flags.h"
#include "config/keys.h"
#include "config/values.h"

extern char **environ;

static char folder[PATH_MAX];

/* Each test starts with an empty environment in an empty folder of its own, and stays there. */
static inline int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/liteinit-config-XXXXXX");
    if (mkdtemp(folder) == NULL || chdir(folder) != 0)
        return -1;
    return clearenv();
}

static inline int teardown(void **state)
{
    (void)state;
    char command[PATH_MAX + 16];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (chdir("/") != 0)
        return -1;
    return system(command);
}

static inline void write_file(const char *name, const char *data, size_t size)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

static inline void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static inline void assert_has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" says \"%s\"", text, part);
}

/* One given value, by flag: config_load() with `--FLAG=VALUE` for each of the words. */
static inline struct config *load(const char *word, ...)
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
static inline struct error load_fails(const char *msg, const char *hint)
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

static inline struct error variable_fails(const char *name, const char *value, const char *msg,
                                          const char *hint)
{
    assert_int_equal(setenv(name, value, 1), 0);
    struct error err = load_fails(msg, hint);
    assert_int_equal(unsetenv(name), 0);
    return err;
}

static inline struct error flag_fails(const char *flag, const char *value, const char *msg,
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

static inline struct error file_fails(const char *json, const char *msg, const char *hint)
{
    write_text("c.json", json);
    return variable_fails("LITEINIT_CONFIG", "c.json", msg, hint);
}

/* What config_log_warnings() writes, as JSON lines; the caller frees it. */
static inline char *warnings_of(const struct config *config)
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

static inline void assert_warns(const struct config *config, const char *part)
{
    char *text = warnings_of(config);
    assert_has(text, "\"config.warning\"");
    assert_has(text, part);
    free(text);
}

static inline void assert_silent(const struct config *config)
{
    char *text = warnings_of(config);
    assert_string_equal(text, "");
    free(text);
}

#endif
