/* Flags, environment and file brought together: see config.h for the rules. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "config/config.h"
#include "config/environment.h"
#include "config/file.h"
#include "config/flags.h"
#include "config/source.h"
#include "config/values.h"
#include "config/warnings.h"

/* What config_load() hands out is the first member; the rest is what the config owns. */
struct loaded {
    struct config config;
    char *texts[CONFIG_KEY_COUNT]; /* what text fields point into; NULL for static texts */
    struct config_warnings warnings;
};

static int out_of_memory(struct error *err)
{
    return error_set(err, ERROR_IO, ENOMEM, "cannot read the configuration");
}

/* Sets a key to `text`, which is owned here from now on, whatever happens. */
static int apply(struct loaded *loaded, const struct config_source *source, char *text,
                 enum config_value_outcome *ret_outcome, struct error *err)
{
    size_t index = config_key_index(source->key);
    if (config_value_set(&loaded->config, source, text, ret_outcome, err) != 0) {
        free(text);
        return -1;
    }
    bool was_set = *ret_outcome == CONFIG_VALUE_SET || *ret_outcome == CONFIG_VALUE_SET_UNCERTAIN;
    if (was_set && config_value_keeps_text(source->key->type)) {
        free(loaded->texts[index]);
        loaded->texts[index] = text;
    } else {
        free(text);
    }
    return 0;
}

static int apply_copy(struct loaded *loaded, const struct config_source *source, const char *text,
                      enum config_value_outcome *ret_outcome, struct error *err)
{
    char *copy = strdup(text);
    if (copy == NULL)
        return out_of_memory(err);
    return apply(loaded, source, copy, ret_outcome, err);
}

static int apply_defaults(struct loaded *loaded, struct error *err)
{
    for (int i = 0; i <= SIGNAL_MAX; i++)
        loaded->config.rewrite[i] = i;
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        const struct config_key *key = &config_keys[i];
        const struct config_source source = {.type = CONFIG_SOURCE_DEFAULT, .key = key};
        enum config_value_outcome outcome = CONFIG_VALUE_SET;
        if (key->fallback == NULL || (key->only_if_there && access(key->fallback, F_OK) != 0))
            continue;
        if (apply_copy(loaded, &source, key->fallback, &outcome, err) != 0)
            return -1;
    }
    return 0;
}

/* Says what is odd about a database that was found in a variable of the app's. */
static void warn_of_database(struct loaded *loaded, const struct config_source *source,
                             enum config_value_outcome outcome)
{
    const char *hint = "say the database's path, for example: LITEINIT_DB=/data/app.db";
    switch (outcome) {
    case CONFIG_VALUE_SET:
        break;
    case CONFIG_VALUE_SET_UNCERTAIN:
        config_warnings_add(&loaded->warnings, hint,
                            "%s says sqlite:///…, read as the absolute path %s; some tools read it "
                            "as relative to the working folder",
                            source->name, loaded->config.db);
        break;
    case CONFIG_VALUE_NOT_OURS:
        config_warnings_add(&loaded->warnings, hint,
                            "environment variable %s is not an address of an SQLite file, ignoring "
                            "it",
                            source->name);
        break;
    case CONFIG_VALUE_IN_MEMORY:
        config_warnings_add(&loaded->warnings, hint,
                            "environment variable %s names a database in memory, ignoring it",
                            source->name);
        break;
    }
}

/* The first of the app's own variables that has a value for this key. */
static int apply_also(struct loaded *loaded, const struct config_key *key, struct error *err)
{
    for (size_t i = 0; i < sizeof key->also / sizeof key->also[0]; i++) {
        struct config_source source = {.type = CONFIG_SOURCE_VARIABLE};
        enum config_value_outcome outcome = CONFIG_VALUE_SET;
        char *text = NULL;
        if (config_environment_read_also(key, i, &text, &source, err) != 0)
            return -1;
        if (text == NULL)
            continue;
        if (apply(loaded, &source, text, &outcome, err) != 0)
            return -1;
        warn_of_database(loaded, &source, outcome);
        if (outcome == CONFIG_VALUE_SET || outcome == CONFIG_VALUE_SET_UNCERTAIN)
            break;
    }
    return 0;
}

/* File, environment, flag: each one that is given is checked, and the last one counts. */
static int apply_key(struct loaded *loaded, const struct config_key *key,
                     const struct config_file *file, const struct config_flags *flags,
                     struct error *err)
{
    size_t index = config_key_index(key);
    const char *in_flags = flags != NULL ? flags->texts[index] : NULL;
    struct config_source in_file = {.type = CONFIG_SOURCE_FILE, .key = key, .path = file->path};
    struct config_source variable = {.type = CONFIG_SOURCE_VARIABLE};
    struct config_source flag = {.type = CONFIG_SOURCE_FLAG, .key = key};
    enum config_value_outcome outcome = CONFIG_VALUE_SET;
    char *in_environment = NULL;

    (void)snprintf(in_file.name, sizeof in_file.name, "%s", key->name);
    config_key_flag(key, flag.name);
    if (file->texts[index] != NULL) {
        if (apply_copy(loaded, &in_file, file->texts[index], &outcome, err) != 0)
            return -1;
        if (outcome == CONFIG_VALUE_SET_UNCERTAIN)
            warn_of_database(loaded, &in_file, outcome);
    }
    if (config_environment_read(key, &in_environment, &variable, err) != 0)
        return -1;
    if (in_environment != NULL) {
        if (apply(loaded, &variable, in_environment, &outcome, err) != 0)
            return -1;
        if (outcome == CONFIG_VALUE_SET_UNCERTAIN)
            warn_of_database(loaded, &variable, outcome);
    } else if (in_flags == NULL && apply_also(loaded, key, err) != 0) {
        return -1;
    }
    if (in_flags != NULL) {
        if (apply_copy(loaded, &flag, in_flags, &outcome, err) != 0)
            return -1;
        if (outcome == CONFIG_VALUE_SET_UNCERTAIN)
            warn_of_database(loaded, &flag, outcome);
    }
    return 0;
}

/* Finds and reads the file: from the flag, the variable, or the default where that exists. *ret_path
 * is what file.path points to, owned by the caller; all is empty when there is no file. */
static int read_file(const struct config_flags *flags, struct config_file *ret_file,
                     char **ret_path, struct error *err)
{
    const struct config_key *key = config_key_find("config");
    struct config_source source = {.type = CONFIG_SOURCE_DEFAULT, .key = key};
    const char *in_flags = flags != NULL ? flags->texts[config_key_index(key)] : NULL;
    char *path = NULL;

    if (config_environment_read(key, &path, &source, err) != 0)
        return -1;
    if (in_flags != NULL) {
        free(path);
        source = (struct config_source){.type = CONFIG_SOURCE_FLAG, .key = key};
        config_key_flag(key, source.name);
        path = strdup(in_flags);
        if (path == NULL)
            return out_of_memory(err);
    } else if (path == NULL) {
        if (access(key->fallback, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
            return 0;
        path = strdup(key->fallback);
        if (path == NULL)
            return out_of_memory(err);
    }
    if (source.type != CONFIG_SOURCE_DEFAULT && config_value_check(&source, path, err) != 0) {
        free(path);
        return -1;
    }
    if (config_file_read(path, ret_file, err) != 0) {
        /* An error of the system's is about the path, so the one who named it is named too. */
        if (err->sys != 0 && source.type != CONFIG_SOURCE_DEFAULT)
            (void)config_source_wrap(&source, err);
        err->kind = ERROR_CONFIG;
        free(path);
        return -1;
    }
    *ret_path = path;
    return 0;
}

int config_load(const struct config_flags *flags, struct config **ret_config, struct error *err)
{
    struct config_file file = {.path = NULL};
    char *path = NULL;
    int result = -1;
    struct loaded *loaded = calloc(1, sizeof *loaded);
    if (loaded == NULL)
        return out_of_memory(err);

    if (apply_defaults(loaded, err) != 0 || read_file(flags, &file, &path, err) != 0)
        goto out;
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
        if (config_keys[i].offset != CONFIG_KEY_NO_FIELD &&
            apply_key(loaded, &config_keys[i], &file, flags, err) != 0)
            goto out;
    /* An empty variable counts as not set, so there is a word for "not even the default". */
    if (loaded->config.migrations != NULL && strcmp(loaded->config.migrations, "none") == 0)
        loaded->config.migrations = NULL;
    config_environment_warn_unknown(&loaded->warnings);
    *ret_config = &loaded->config;
    loaded = NULL;
    result = 0;
out:
    if (loaded != NULL)
        config_free(&loaded->config);
    config_file_free(&file);
    free(path);
    return result;
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    struct loaded *loaded = (struct loaded *)config;
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
        free(loaded->texts[i]);
    config_warnings_free(&loaded->warnings);
    free(loaded);
}

void config_log_warnings(const struct config *config)
{
    config_warnings_log(&((const struct loaded *)config)->warnings);
}

void config_apply_log(const struct config *config)
{
    log_set_level(config->log_level);
    switch (config->log_format) {
    case CONFIG_LOG_AUTO:
        log_set_format(log_is_terminal() ? LOG_FORMAT_PRETTY : LOG_FORMAT_JSON);
        break;
    case CONFIG_LOG_JSON:
        log_set_format(LOG_FORMAT_JSON);
        break;
    case CONFIG_LOG_LOGFMT:
        log_set_format(LOG_FORMAT_LOGFMT);
        break;
    case CONFIG_LOG_PRETTY:
        log_set_format(LOG_FORMAT_PRETTY);
        break;
    }
}
