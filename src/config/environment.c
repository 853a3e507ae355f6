/* See environment.h. */
#include "config/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "base/worker.h"

#define PREFIX "LITEINIT_"
#define FILE_ENDING "_FILE"
#define VALUE_FILE_MAX ((size_t)8 * 1024)

extern char **environ;

/* The value of a variable; NULL when it is not set or empty. */
static const char *variable_get(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

static int copy_value(const char *value, char **ret_text, const struct config_source *source,
                      struct error *err)
{
    char *copy = strdup(value);
    if (copy == NULL)
        return config_source_fail(source, err, "out of memory");
    *ret_text = copy;
    return 0;
}

static int read_value_file(const struct config_source *source, char **ret_text, struct error *err)
{
    char *data = NULL;
    size_t size = 0;
    if (fs_read_file(source->path, VALUE_FILE_MAX, &data, &size, err) != 0) {
        bool no_hint = err->hint[0] == '\0';
        struct config_source named = *source;
        named.type = CONFIG_SOURCE_VARIABLE; /* the message names the file already */
        (void)config_source_wrap(&named, err);
        if (no_hint)
            (void)error_hint(err,
                             "%s names a file with the value of \"%s\" in one line; is the secret "
                             "mounted?",
                             source->name, source->key->name);
        return -1;
    }
    if (strlen(data) != size) {
        free(data);
        (void)config_source_fail(source, err, "the value has a NUL byte in it");
        return config_source_example(source, err, NULL);
    }
    while (size > 0 && (data[size - 1] == '\n' || data[size - 1] == '\r'))
        data[--size] = '\0';
    *ret_text = data;
    return 0;
}

int config_environment_read(const struct config_key *key, char **ret_text,
                            struct config_source *ret_source, struct error *err)
{
    struct config_source plain = {.type = CONFIG_SOURCE_VARIABLE, .key = key};
    struct config_source file = {.type = CONFIG_SOURCE_VARIABLE_FILE, .key = key};
    config_key_variable(key, plain.name);
    (void)snprintf(file.name, sizeof file.name, "%.*s%s",
                   (int)(sizeof file.name - sizeof FILE_ENDING), plain.name, FILE_ENDING);
    const char *value = variable_get(plain.name);
    const char *path = variable_get(file.name);

    if (key->not_in_file && path != NULL) {
        file.type = CONFIG_SOURCE_VARIABLE;
        (void)config_source_fail(&file, err, "there is no such variable");
        return error_hint(err, "the variable that names this file is %s", plain.name);
    }
    if (value != NULL && path != NULL) {
        (void)config_source_fail(&plain, err, "%s is set too", file.name);
        return error_hint(err, "remove one of the two");
    }
    if (value != NULL) {
        if (copy_value(value, ret_text, &plain, err) != 0)
            return -1;
        *ret_source = plain;
        return 0;
    }
    if (path != NULL) {
        file.path = path;
        if (read_value_file(&file, ret_text, err) != 0)
            return -1;
        *ret_source = file;
        return 0;
    }
    *ret_text = NULL;
    return 0;
}

int config_environment_read_also(const struct config_key *key, size_t which, char **ret_text,
                                 struct config_source *ret_source, struct error *err)
{
    struct config_source source = {.type = CONFIG_SOURCE_VARIABLE, .key = key};
    const char *name = which < sizeof key->also / sizeof key->also[0] ? key->also[which] : NULL;
    const char *value = name != NULL ? variable_get(name) : NULL;
    if (value == NULL) {
        *ret_text = NULL;
        return 0;
    }
    (void)snprintf(source.name, sizeof source.name, "%s", name);
    if (copy_value(value, ret_text, &source, err) != 0)
        return -1;
    *ret_source = source;
    return 0;
}

/* Whether a variable's name is one that config_environment_read() looks at. */
static bool is_known(const char *name)
{
    char known[CONFIG_KEY_NAME_SIZE];
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        config_key_variable(&config_keys[i], known);
        size_t n = strlen(known);
        if (strncmp(name, known, n) == 0 && (name[n] == '\0' || strcmp(name + n, FILE_ENDING) == 0))
            return true;
    }
    return false;
}

static void warn_unknown(const char *name, struct config_warnings *warnings)
{
    char word[CONFIG_KEY_NAME_SIZE];
    char near[CONFIG_KEY_NAME_SIZE];
    char hint[256];
    bool is_file = text_ends_with(name, FILE_ENDING);
    /* Cut when it is longer than any key: then it is no key. */
    (void)snprintf(word, sizeof word, "%.*s", (int)sizeof word - 1, name + strlen(PREFIX));
    size_t n = strlen(word);
    if (text_ends_with(word, FILE_ENDING))
        word[n - strlen(FILE_ENDING)] = '\0';
    const struct config_key *nearest = config_key_nearest(word, is_file);
    if (nearest != NULL) {
        config_key_variable(nearest, near);
        (void)snprintf(hint, sizeof hint, "did you mean %s%s?", near, is_file ? FILE_ENDING : "");
    } else {
        (void)snprintf(hint, sizeof hint, "remove it, or use an image with a newer liteinit");
    }
    config_warnings_add(warnings, hint,
                        "environment variable %s has no effect: version %s of liteinit has no such "
                        "key",
                        name, LITEINIT_VERSION);
}

void config_environment_warn_unknown(struct config_warnings *warnings)
{
    for (char **at = environ; at != NULL && *at != NULL; at++) {
        if (!text_starts_with(*at, PREFIX) || text_starts_with(*at, WORKER_PREFIX))
            continue;
        char name[128];
        size_t length = strcspn(*at, "=");
        bool empty = (*at)[length] == '\0' || (*at)[length + 1] == '\0';
        (void)snprintf(name, sizeof name, "%.*s", (int)(length < 127 ? length : 127), *at);
        if (!empty && !is_known(name))
            warn_unknown(name, warnings);
    }
}
