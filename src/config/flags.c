/* Flags of the command line: see config_parse_flags() in config.h. */
#include "config/flags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/source.h"
#include "config/values.h"

#define MAX_OWN 32 /* more options than any command has */

struct config_flags *config_flags_new(void)
{
    return calloc(1, sizeof(struct config_flags));
}

void config_flags_free(struct config_flags *flags)
{
    free(flags);
}

/* True when `word` is FLAG or FLAG=VALUE; the value goes to *ret_value, NULL when there is none. */
static bool matches(const char *word, const char *flag, const char **ret_value)
{
    size_t n = strlen(flag);
    if (strncmp(word, flag, n) != 0 || (word[n] != '\0' && word[n] != '='))
        return false;
    *ret_value = word[n] == '=' ? word + n + 1 : NULL;
    return true;
}

static const struct config_option *find_own(const struct config_option *own, const char *word,
                                            const char **ret_value)
{
    for (; own != NULL && own->name != NULL; own++) {
        char flag[CONFIG_KEY_NAME_SIZE];
        (void)snprintf(flag, sizeof flag, "--%s", own->name);
        if (matches(word, flag, ret_value))
            return own;
    }
    return NULL;
}

static const struct config_key *find_key(const char *word, const char **ret_value)
{
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        char flag[CONFIG_KEY_NAME_SIZE];
        config_key_flag(&config_keys[i], flag);
        if (matches(word, flag, ret_value))
            return &config_keys[i];
    }
    return NULL;
}

/* The flag nearest to `flag`, among the command's own, the keys and those that every command has.
 * NULL when none is near; the name is in `out`. */
static const char *nearest_flag(const char *flag, const struct config_option *own,
                                char out[CONFIG_KEY_NAME_SIZE])
{
    char spelled[CONFIG_KEY_COUNT][CONFIG_KEY_NAME_SIZE];
    const char *names[2 + MAX_OWN + CONFIG_KEY_COUNT] = {"help", "version"};
    char word[CONFIG_KEY_NAME_SIZE];
    size_t count = 2;

    /* Compared without the dashes in front: they are always alike, and -db finds --db. */
    for (size_t i = 0; own != NULL && own[i].name != NULL && i < MAX_OWN; i++)
        names[count++] = own[i].name;
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        config_key_flag(&config_keys[i], spelled[i]);
        names[count++] = spelled[i] + 2;
    }
    (void)snprintf(word, sizeof word, "%s", flag + strspn(flag, "-"));
    for (char *at = word; *at != '\0'; at++)
        if (*at == '_')
            *at = '-';
    const char *nearest = text_nearest(word, names, count);
    if (nearest == NULL)
        return NULL;
    (void)snprintf(out, CONFIG_KEY_NAME_SIZE, "--%.60s", nearest);
    return out;
}

static int fail_unknown(const char *word, const struct config_option *own, struct error *err)
{
    char flag[CONFIG_KEY_NAME_SIZE];
    char near[CONFIG_KEY_NAME_SIZE];
    (void)snprintf(flag, sizeof flag, "%.*s", (int)strcspn(word, "="), word);
    const char *nearest = nearest_flag(flag, own, near);
    (void)error_set(err, ERROR_USAGE, 0,
                    "unknown flag %s: version %s of liteinit has no such flag here", flag,
                    LITEINIT_VERSION);
    if (nearest != NULL)
        return error_hint(err, "did you mean %s? Flags for the app itself go after --", nearest);
    return error_hint(err, "flags for the app itself go after --; liteinit --help lists these");
}

static int fail_no_value(const char *flag, const char *example, struct error *err)
{
    (void)error_set(err, ERROR_USAGE, 0, "flag %s needs a value", flag);
    return error_hint(err, "for example: %s=%s", flag, example);
}

/* The value of argv[*at], from the word itself or from the next one, which is then passed over.
 * A next word with dashes is the next flag: the value has been forgotten. NULL: there is none. */
static const char *take_value(const char *inside, int argc, char **argv, int *at)
{
    if (inside != NULL)
        return inside;
    if (*at + 1 >= argc || text_starts_with(argv[*at + 1], "--"))
        return NULL;
    *at += 1;
    return argv[*at];
}

static int read_own(const struct config_option *option, const char *inside, int argc, char **argv,
                    int *at, struct error *err)
{
    if (option->value == NULL) {
        if (inside != NULL) {
            (void)error_set(err, ERROR_USAGE, 0, "flag --%s takes no value", option->name);
            return error_hint(err, "write only --%s", option->name);
        }
    } else {
        const char *value = take_value(inside, argc, argv, at);
        if (value == NULL || *value == '\0') {
            char flag[CONFIG_KEY_NAME_SIZE];
            (void)snprintf(flag, sizeof flag, "--%.60s", option->name);
            return fail_no_value(flag, option->value, err);
        }
        if (option->ret_text != NULL)
            *option->ret_text = value;
    }
    if (option->ret_set != NULL)
        *option->ret_set = true;
    return 0;
}

static int read_key(struct config_flags *flags, const struct config_key *key, const char *inside,
                    int argc, char **argv, int *at, struct error *err)
{
    struct config_source source = {.type = CONFIG_SOURCE_FLAG, .key = key};
    config_key_flag(key, source.name);
    const char *value = take_value(inside, argc, argv, at);
    if (value == NULL)
        return fail_no_value(source.name, key->example, err);
    if (config_value_check(&source, value, err) != 0)
        return -1;
    flags->texts[config_key_index(key)] = value;
    return 0;
}

int config_parse_flags(struct config_flags *flags, int argc, char **argv,
                       const struct config_option *own, bool stop_at_word, int *ret_used,
                       struct error *err)
{
    int words = 0;
    int at = 0;
    for (; at < argc; at++) {
        const char *word = argv[at];
        const char *inside = NULL;
        if (strcmp(word, "--") == 0) {
            at++;
            break;
        }
        if (word[0] != '-' || word[1] == '\0') { /* "-" alone is a word, as everywhere */
            if (stop_at_word)
                break;
            argv[words++] = argv[at];
            continue;
        }
        const struct config_option *option = find_own(own, word, &inside);
        if (option != NULL) {
            if (read_own(option, inside, argc, argv, &at, err) != 0)
                return -1;
            continue;
        }
        const struct config_key *key = find_key(word, &inside);
        if (key == NULL)
            return fail_unknown(word, own, err);
        if (read_key(flags, key, inside, argc, argv, &at, err) != 0)
            return -1;
    }
    if (stop_at_word) {
        *ret_used = at;
        return 0;
    }
    while (at < argc)
        argv[words++] = argv[at++];
    *ret_used = words;
    return 0;
}
