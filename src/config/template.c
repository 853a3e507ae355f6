/* See template.h. */
#include "config/template.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* A file name has at most 255 bytes, and the tokens need their share. */
#define LONGEST_TEMPLATE 160
#define LONGEST_TOKEN 15

/* The first ones are never empty; {ext} is for a database without one. */
static const char *const tokens[] = {"stem", "date", "time",    "reason",
                                     "db",   "iso",  "version", "ext"};
#define TOKEN_COUNT (sizeof tokens / sizeof tokens[0])

static int fail_token(const char *token, const struct config_source *source, struct error *err)
{
    const char *nearest = text_nearest(token, tokens, TOKEN_COUNT);
    (void)config_source_fail(source, err, "{%s} is unknown", token);
    if (nearest != NULL)
        return error_hint(err,
                          "did you mean {%s}? There are {stem} {date} {time} {reason} {ext} {db} "
                          "{iso} {version}",
                          nearest);
    return error_hint(err, "there are {stem} {date} {time} {reason} {ext} {db} {iso} {version}");
}

int config_template_check(const char *text, const struct config_source *source, struct error *err)
{
    bool never_empty = false;
    if (strchr(text, '/') != NULL) {
        (void)config_source_fail(source, err,
                                 "the value has a slash in it, but it makes a file's name");
        return error_hint(err, "the folder is said by backup_dir");
    }
    if (strlen(text) > LONGEST_TEMPLATE)
        return config_source_fail(source, err, "the value is longer than %d bytes",
                                  LONGEST_TEMPLATE);
    if (text[0] == '.') {
        (void)config_source_fail(source, err,
                                 "the value begins with a dot, which hides the backups");
        return config_source_example(source, err, NULL);
    }

    for (const char *at = text; *at != '\0';) {
        if (*at == '}') {
            (void)config_source_fail(source, err, "the value has a } without its {");
            return config_source_example(source, err, NULL);
        }
        if (*at != '{') {
            never_empty = true;
            at++;
            continue;
        }
        char token[LONGEST_TOKEN + 1];
        size_t length = strcspn(at + 1, "{}");
        if (at[1 + length] != '}') {
            (void)config_source_fail(source, err, "the value has a { without its }");
            return config_source_example(source, err, NULL);
        }
        (void)snprintf(token, sizeof token, "%.*s", (int)length, at + 1);
        size_t known = 0;
        while (known < TOKEN_COUNT && strcmp(tokens[known], token) != 0)
            known++;
        if (known == TOKEN_COUNT)
            return fail_token(token, source, err);
        if (strcmp(token, "ext") != 0)
            never_empty = true;
        at += length + 2;
    }
    if (!never_empty) {
        (void)config_source_fail(
            source, err, "the value makes an empty name for a database without an extension");
        return config_source_example(source, err, NULL);
    }
    return 0;
}
