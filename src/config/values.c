/* See values.h. */
#include "config/values.h"

#include <ctype.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/signals.h"
#include "base/text.h"
#include "config/database.h"
#include "config/template.h"

#define LONGEST_TEXT 128

_Static_assert(sizeof(enum config_backup) == sizeof(int) && sizeof(enum log_level) == sizeof(int),
               "set_word() writes the enums of struct config as int");

/* The key's field, written by copy: the table knows its offset and type, the compiler does not. */
static void set_field(struct config *config, const struct config_key *key, const void *value,
                      size_t size)
{
    if (key->offset != CONFIG_KEY_NO_FIELD)
        memcpy((char *)config + key->offset, value, size);
}

static void set_text(struct config *config, const struct config_key *key, const char *text)
{
    set_field(config, key, (const void *)&text, sizeof text);
}

static int set_path(struct config *config, const struct config_source *source, const char *text,
                    struct error *err)
{
    if (strlen(text) > PATH_MAX - 64) {
        (void)config_source_fail(source, err, "the path is longer than %d bytes", PATH_MAX - 64);
        return config_source_example(source, err, NULL);
    }
    set_text(config, source->key, text);
    return 0;
}

static bool is_utf8(const char *text)
{
    size_t left = strlen(text);
    const unsigned char *at = (const unsigned char *)text;
    while (left > 0) {
        size_t n = text_utf8_length(at, left);
        if (n == 0)
            return false;
        at += n;
        left -= n;
    }
    return true;
}

static int check_text(const struct config_source *source, const char *text, struct error *err)
{
    if (!is_utf8(text)) {
        (void)config_source_fail(source, err, "the value is not valid UTF-8");
        return config_source_example(source, err, NULL);
    }
    if (strlen(text) > LONGEST_TEXT && source->key->type == CONFIG_KEY_TEXT) {
        (void)config_source_fail(source, err, "the value is longer than %d bytes", LONGEST_TEXT);
        return config_source_example(source, err, NULL);
    }
    if (source->key->type == CONFIG_KEY_TEMPLATE)
        return config_template_check(text, source, err);
    return 0;
}

static int set_database(struct config *config, const struct config_source *source, char *text,
                        enum config_value_outcome *ret_outcome, struct error *err)
{
    enum config_database_kind kind = CONFIG_DATABASE_FILE;
    char *path = NULL;
    bool of_app =
        source->type == CONFIG_SOURCE_VARIABLE && !text_starts_with(source->name, "LITEINIT_");
    if (config_database_parse(text, source, &kind, &path, err) != 0)
        return -1;
    switch (kind) {
    case CONFIG_DATABASE_FILE:
        *ret_outcome = CONFIG_VALUE_SET;
        break;
    case CONFIG_DATABASE_UNCERTAIN:
        *ret_outcome = CONFIG_VALUE_SET_UNCERTAIN;
        break;
    case CONFIG_DATABASE_MEMORY:
        *ret_outcome = CONFIG_VALUE_IN_MEMORY;
        if (of_app)
            return 0;
        (void)config_source_fail(source, err, "the value names a database in memory, not a file");
        return config_source_example(source, err, NULL);
    case CONFIG_DATABASE_OTHER:
        *ret_outcome = CONFIG_VALUE_NOT_OURS;
        if (of_app)
            return 0;
        (void)config_source_fail(source, err, "the value is an address, but not of an SQLite file");
        return config_source_example(source, err, NULL);
    }
    set_text(config, source->key, path);
    return 0;
}

static int set_word(struct config *config, const struct config_source *source, const char *text,
                    struct error *err)
{
    const char *const *words = source->key->words;
    char list[128] = "";
    char lower[32];
    char quoted[CONFIG_QUOTED_SIZE];
    int count = 0;
    for (; words[count] != NULL; count++) {
        if (strcasecmp(words[count], text) == 0) {
            set_field(config, source->key, &count, sizeof count);
            return 0;
        }
        size_t n = strlen(list);
        (void)snprintf(list + n, sizeof list - n, "%s%s", count > 0 ? ", " : "", words[count]);
    }
    (void)snprintf(lower, sizeof lower, "%s", text);
    for (char *at = lower; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    const char *nearest = text_nearest(lower, words, (size_t)count);
    (void)config_source_fail(source, err, "%s is none of: %s",
                             config_source_quote(source, text, quoted), list);
    return config_source_example(source, err, nearest != NULL ? nearest : words[0]);
}

static bool only_digits(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static int set_duration(struct config *config, const struct config_source *source, const char *text,
                        struct error *err)
{
    int64_t ms = 0;
    char quoted[CONFIG_QUOTED_SIZE];
    if (!text_parse_duration(text, &ms)) {
        bool unit_missing = only_digits(text) && strlen(text) <= 6;
        (void)config_source_fail(
            source, err, "%s is no duration%s", config_source_quote(source, text, quoted),
            unit_missing ? ": the unit is missing" : ": a whole number and ms, s, m, h or d");
        if (unit_missing && source->type != CONFIG_SOURCE_VARIABLE_FILE) {
            char with_unit[16];
            (void)snprintf(with_unit, sizeof with_unit, "%ss", text);
            return config_source_example(source, err, with_unit);
        }
        return config_source_example(source, err, NULL);
    }
    if (ms > source->key->max) {
        char longest[32];
        text_format_duration(longest, sizeof longest, source->key->max);
        (void)config_source_fail(source, err, "%s is more than %s",
                                 config_source_quote(source, text, quoted), longest);
        return config_source_example(source, err, NULL);
    }
    set_field(config, source->key, &ms, sizeof ms);
    return 0;
}

static int set_size(struct config *config, const struct config_source *source, const char *text,
                    struct error *err)
{
    int64_t bytes = -1;
    char quoted[CONFIG_QUOTED_SIZE];
    if (strcasecmp(text, "auto") != 0 && !text_parse_size(text, &bytes)) {
        (void)config_source_fail(source, err,
                                 "%s is no size: a whole number and nothing, kB, MB, GB, KiB, MiB "
                                 "or GiB, or the word auto",
                                 config_source_quote(source, text, quoted));
        return config_source_example(source, err, NULL);
    }
    set_field(config, source->key, &bytes, sizeof bytes);
    return 0;
}

static int set_integer(struct config *config, const struct config_source *source, const char *text,
                       struct error *err)
{
    int64_t value = 0;
    char quoted[CONFIG_QUOTED_SIZE];
    if (!text_parse_int(text, source->key->min, source->key->max, &value)) {
        (void)config_source_fail(source, err, "%s is no whole number from %lld to %lld",
                                 config_source_quote(source, text, quoted),
                                 (long long)source->key->min, (long long)source->key->max);
        return config_source_example(source, err, NULL);
    }
    set_field(config, source->key, &value, sizeof value);
    return 0;
}

static int set_signal(struct config *config, const struct config_source *source, const char *text,
                      struct error *err)
{
    int number = 0;
    char quoted[CONFIG_QUOTED_SIZE];
    if (!signal_parse(text, &number)) {
        (void)config_source_fail(source, err, "%s is no signal",
                                 config_source_quote(source, text, quoted));
        return config_source_example(source, err, NULL);
    }
    if (!signal_is_catchable(number)) {
        (void)config_source_fail(source, err, "%s cannot be caught: an app cannot stop by it",
                                 signal_name(number));
        return config_source_example(source, err, NULL);
    }
    set_field(config, source->key, &number, sizeof number);
    return 0;
}

/* Takes the next item of a comma-separated list, without the blanks around it, into `item`.
 * False at the end; an item that is too long becomes empty, which no reader of items accepts. */
static bool next_item(const char **at, char *item, size_t size)
{
    if (*at == NULL)
        return false;
    const char *start = *at + strspn(*at, " ");
    size_t length = strcspn(start, ",");
    *at = start[length] == ',' ? start + length + 1 : NULL;
    while (length > 0 && start[length - 1] == ' ')
        length--;
    (void)snprintf(item, size, "%.*s", length < size ? (int)length : 0, start);
    return true;
}

static int set_rewrite(struct config *config, const struct config_source *source, const char *text,
                       struct error *err)
{
    int rewrite[SIGNAL_MAX + 1];
    bool given[SIGNAL_MAX + 1] = {false};
    char item[32];
    char quoted[CONFIG_QUOTED_SIZE];
    for (int i = 0; i <= SIGNAL_MAX; i++)
        rewrite[i] = i;
    for (const char *at = text; next_item(&at, item, sizeof item);) {
        int from = 0;
        int to = 0;
        char *colon = strchr(item, ':');
        if (colon != NULL)
            *colon = '\0';
        if (colon == NULL || !signal_parse(item, &from) ||
            (strcmp(colon + 1, "0") != 0 && !signal_parse(colon + 1, &to))) {
            (void)config_source_fail(source, err,
                                     "%s is no list of FROM:TO with signals from 1 to %d (TO may "
                                     "be 0)",
                                     config_source_quote(source, text, quoted), SIGNAL_MAX);
            return config_source_example(source, err, NULL);
        }
        if (!signal_is_catchable(from) || from == SIGCHLD) {
            (void)config_source_fail(source, err, "%s never reaches the app through liteinit",
                                     signal_name(from));
            return config_source_example(source, err, NULL);
        }
        if (given[from]) {
            (void)config_source_fail(source, err, "%s stands in the list twice", signal_name(from));
            return config_source_example(source, err, NULL);
        }
        given[from] = true;
        rewrite[from] = to;
    }
    set_field(config, source->key, rewrite, sizeof rewrite);
    return 0;
}

static int set_statuses(struct config *config, const struct config_source *source, const char *text,
                        struct error *err)
{
    bool expected[256] = {false};
    char item[32];
    char quoted[CONFIG_QUOTED_SIZE];
    for (const char *at = text; next_item(&at, item, sizeof item);) {
        int64_t status = 0;
        if (!text_parse_int(item, 0, 255, &status)) {
            (void)config_source_fail(source, err, "%s is no list of exit statuses from 0 to 255",
                                     config_source_quote(source, text, quoted));
            return config_source_example(source, err, NULL);
        }
        expected[status] = true;
    }
    set_field(config, source->key, expected, sizeof expected);
    return 0;
}

/* What no value may hold. A carriage return gets words of its own: it comes from env files with
 * Windows line endings, and cannot be seen. */
static int check_bytes(const struct config_source *source, const char *text, struct error *err)
{
    if (*text == '\0') {
        (void)config_source_fail(source, err, "the value is empty");
        return config_source_example(source, err, NULL);
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\r' && at[1] == '\0') {
            (void)config_source_fail(source, err, "the value ends with a carriage return");
            return error_hint(err, "the file it comes from has Windows line endings; convert it, "
                                   "for example with: sed -i 's/\\r$//' FILE");
        }
        if ((unsigned char)*at < 0x20 || *at == 0x7F) {
            (void)config_source_fail(source, err,
                                     "the value has a line break or another control character");
            return config_source_example(source, err, NULL);
        }
    }
    return 0;
}

int config_value_set(struct config *config, const struct config_source *source, char *text,
                     enum config_value_outcome *ret_outcome, struct error *err)
{
    enum config_value_outcome outcome = CONFIG_VALUE_SET;
    int result = check_bytes(source, text, err);
    if (result != 0)
        return result;
    switch (source->key->type) {
    case CONFIG_KEY_DATABASE:
        result = set_database(config, source, text, &outcome, err);
        break;
    case CONFIG_KEY_PATH:
        result = set_path(config, source, text, err);
        break;
    case CONFIG_KEY_TEXT:
    case CONFIG_KEY_TEMPLATE:
        result = check_text(source, text, err);
        if (result == 0)
            set_text(config, source->key, text);
        break;
    case CONFIG_KEY_WORD:
        result = set_word(config, source, text, err);
        break;
    case CONFIG_KEY_DURATION:
        result = set_duration(config, source, text, err);
        break;
    case CONFIG_KEY_SIZE:
        result = set_size(config, source, text, err);
        break;
    case CONFIG_KEY_INTEGER:
        result = set_integer(config, source, text, err);
        break;
    case CONFIG_KEY_SIGNAL:
        result = set_signal(config, source, text, err);
        break;
    case CONFIG_KEY_REWRITE:
        result = set_rewrite(config, source, text, err);
        break;
    case CONFIG_KEY_STATUSES:
        result = set_statuses(config, source, text, err);
        break;
    }
    if (result == 0)
        *ret_outcome = outcome;
    return result;
}

int config_value_check(const struct config_source *source, const char *text, struct error *err)
{
    struct config scratch;
    enum config_value_outcome outcome = CONFIG_VALUE_SET;
    memset(&scratch, 0, sizeof scratch);
    char *copy = strdup(text);
    if (copy == NULL)
        return config_source_fail(source, err, "out of memory");
    int result = config_value_set(&scratch, source, copy, &outcome, err);
    free(copy);
    return result;
}

bool config_value_keeps_text(enum config_key_type type)
{
    return type == CONFIG_KEY_DATABASE || type == CONFIG_KEY_PATH || type == CONFIG_KEY_TEXT ||
           type == CONFIG_KEY_TEMPLATE;
}
