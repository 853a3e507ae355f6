/* See file.h. */
#include "config/file.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/text.h"
#include "config/source.h"

#define FILE_MAX ((size_t)256 * 1024)
#define VALUE_MAX ((size_t)8 * 1024)

static void delete_tree(cJSON **tree)
{
    cJSON_Delete(*tree);
}

/* An error at a byte of the file: says line and column, counted from 1. */
static int fail_at(const char *path, const char *data, size_t offset, struct error *err,
                   const char *what, const char *hint)
{
    int line = 1;
    size_t line_start = 0;
    for (size_t i = 0; i < offset; i++) {
        if (data[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    int column = (int)(offset - line_start) + 1;
    (void)error_set(err, ERROR_CONFIG, 0, "%.400s, line %d, column %d: %s", path, line, column,
                    what);
    (void)snprintf(err->file, sizeof err->file, "%.255s", path);
    err->line = line;
    err->column = column;
    return error_hint(err, "%s", hint);
}

/* cJSON reads any bytes and ends a text at \u0000 without a word, so both are refused here. */
static int check_bytes(const char *path, const char *data, size_t size, struct error *err)
{
    static const char no_nul[] = "no value can hold NUL; is this the right file?";
    for (size_t at = 0; at < size;) {
        size_t n = text_utf8_length((const unsigned char *)data + at, size - at);
        if (n == 0)
            return fail_at(path, data, at, err, "not valid UTF-8",
                           "save the file as UTF-8 in your editor");
        if (data[at] == '\0')
            return fail_at(path, data, at, err, "a NUL byte", no_nul);
        /* What follows a backslash is passed with it: \\u0000 is no escape of NUL. */
        if (data[at] == '\\' && at + 1 < size) {
            if (text_starts_with(data + at, "\\u0000"))
                return fail_at(path, data, at, err, "a NUL character", no_nul);
            if ((unsigned char)data[at + 1] < 0x80 && data[at + 1] != '\0')
                n = 2;
        }
        at += n;
    }
    return 0;
}

static const char *type_name(const cJSON *item)
{
    if (cJSON_IsBool(item))
        return "true or false";
    if (cJSON_IsNumber(item))
        return "a number";
    if (cJSON_IsString(item))
        return "a text";
    return cJSON_IsArray(item) ? "a list" : "an object";
}

/* Which JSON types a key may have, in words; true in *ret_text and so on when it may. */
static const char *wanted_types(enum config_key_type type, bool *ret_text, bool *ret_number,
                                bool *ret_list)
{
    *ret_text = type != CONFIG_KEY_INTEGER;
    *ret_number = type == CONFIG_KEY_INTEGER || type == CONFIG_KEY_SIZE ||
                  type == CONFIG_KEY_SIGNAL || type == CONFIG_KEY_STATUSES;
    *ret_list = type == CONFIG_KEY_STATUSES;
    if (*ret_list)
        return "a text or a list of numbers";
    if (*ret_text)
        return *ret_number ? "a text or a number" : "a text in quotes";
    return "a number without quotes";
}

static bool append_number(struct text_buffer *out, double number)
{
    /* Whole numbers as they are; others in a form that no reader of whole numbers accepts. */
    const double exact = 9007199254740992.0; /* 2^53 */
    if (number > -exact && number < exact && (double)(int64_t)number == number)
        return text_buffer_printf(out, "%lld", (long long)number);
    return text_buffer_printf(out, "%.17g", number);
}

/* The value as a flag would give it, in *ret_text, which the caller frees. */
static int value_text(const struct config_source *source, const cJSON *item, char **ret_text,
                      struct error *err)
{
    bool text = false;
    bool number = false;
    bool list = false;
    const char *wanted = wanted_types(source->key->type, &text, &number, &list);
    struct text_buffer out = {.max = VALUE_MAX};
    bool fits = true;
    bool right = true;

    if (cJSON_IsString(item) && text) {
        fits = text_buffer_append(&out, item->valuestring, strlen(item->valuestring));
    } else if (cJSON_IsNumber(item) && number) {
        fits = append_number(&out, item->valuedouble);
    } else if (cJSON_IsArray(item) && list && item->child != NULL) {
        for (const cJSON *each = item->child; each != NULL && right && fits; each = each->next) {
            right = cJSON_IsNumber(each);
            fits = right && (each == item->child || text_buffer_append(&out, ",", 1)) &&
                   append_number(&out, each->valuedouble);
        }
    } else {
        right = false;
    }
    if (right && fits) {
        *ret_text = out.data;
        return 0;
    }
    text_buffer_free(&out);
    if (right) {
        (void)config_source_fail(source, err, "the value is longer than %zu bytes", VALUE_MAX);
        return config_source_example(source, err, NULL);
    }
    (void)config_source_fail(source, err, "the value is %s, and should be %s", type_name(item),
                             wanted);
    return config_source_example(source, err, NULL);
}

static int fail_unknown(const char *path, const char *name, struct error *err)
{
    const struct config_key *key = config_key_find(name);
    if (key != NULL) { /* one that cannot stand in the file */
        char flag[CONFIG_KEY_NAME_SIZE];
        config_key_flag(key, flag);
        (void)error_set(err, ERROR_CONFIG, 0, "%.400s: key \"%s\" cannot stand in the file", path,
                        name);
        return error_hint(err, "use the flag %s", flag);
    }
    (void)error_set(err, ERROR_CONFIG, 0,
                    "%.400s: unknown key \"%.60s\": version %s of liteinit has no such key", path,
                    name, LITEINIT_VERSION);
    const struct config_key *nearest = config_key_nearest(name, true);
    if (nearest != NULL)
        return error_hint(err, "did you mean \"%s\"?", nearest->name);
    return error_hint(err, "remove it; liteinit --help lists the keys");
}

static int read_members(const cJSON *tree, struct config_file *file, struct error *err)
{
    bool seen[CONFIG_KEY_COUNT] = {false};
    for (const cJSON *item = tree->child; item != NULL; item = item->next) {
        const struct config_key *key = config_key_find(item->string);
        if (key == NULL || key->not_in_file)
            return fail_unknown(file->path, item->string, err);
        size_t index = config_key_index(key);
        struct config_source source = {.type = CONFIG_SOURCE_FILE, .key = key, .path = file->path};
        (void)snprintf(source.name, sizeof source.name, "%s", key->name);
        if (seen[index]) {
            (void)config_source_fail(&source, err, "it stands in the file twice");
            return error_hint(err, "remove one of the two");
        }
        seen[index] = true;
        if (!cJSON_IsNull(item) && value_text(&source, item, &file->texts[index], err) != 0)
            return -1;
    }
    return 0;
}

static int parse(const char *data, size_t size, struct config_file *file, struct error *err)
{
    if (check_bytes(file->path, data, size, err) != 0)
        return -1;
    if (data[strspn(data, " \t\r\n")] == '\0') {
        (void)error_set(err, ERROR_CONFIG, 0, "%.400s is empty", file->path);
        return error_hint(err, "remove it, or write at least: {}");
    }
    const char *end = NULL;
    /* The NUL behind the data is passed along, so that what follows the object is noticed. */
    cJSON *tree __attribute__((cleanup(delete_tree))) =
        cJSON_ParseWithLengthOpts(data, size + 1, &end, 1);
    if (tree == NULL) {
        size_t offset = end != NULL && end >= data ? (size_t)(end - data) : 0;
        return fail_at(
            file->path, data, offset < size ? offset : size, err,
            "not valid JSON here or just before",
            "look at that place and the line before it: a comma or a quote may be missing "
            "or too much");
    }
    if (!cJSON_IsObject(tree)) {
        (void)error_set(err, ERROR_CONFIG, 0, "%.400s holds %s, and should hold an object",
                        file->path, type_name(tree));
        return error_hint(err, "for example: {\"db\": \"/data/app.db\"}");
    }
    return read_members(tree, file, err);
}

int config_file_read(const char *path, struct config_file *ret_file, struct error *err)
{
    struct config_file file = {.path = path};
    cleanup_free char *data = NULL;
    size_t size = 0;
    if (fs_read_file(path, FILE_MAX, &data, &size, err) != 0) {
        err->kind = ERROR_CONFIG;
        if (err->hint[0] == '\0')
            (void)error_hint(err, "the configuration is a JSON file of some lines, for example: "
                                  "{\"db\": \"/data/app.db\"}");
        return -1;
    }
    if (parse(data, size, &file, err) != 0) {
        config_file_free(&file);
        return -1;
    }
    *ret_file = file;
    return 0;
}

void config_file_free(struct config_file *file)
{
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        free(file->texts[i]);
        file->texts[i] = NULL;
    }
}
