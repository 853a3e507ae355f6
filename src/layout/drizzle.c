/*
 * drizzle's journal, which gives the order and the names of the files. See internal.h.
 *
 * meta/_journal.json: {"version", "dialect", "entries": [{"idx", "when", "tag", …}]}; the entry's
 * file is <tag>.sql, and `when` is what drizzle keeps of it in the database
 * (https://orm.drizzle.team/docs/drizzle-kit-generate). Its `--> statement-breakpoint` is a comment
 * to SQLite.
 */
#include "layout/internal.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/text.h"

#define JOURNAL "meta/_journal.json"
#define JOURNAL_MAX ((size_t)16 << 20)

static void delete_tree(cJSON **tree)
{
    cJSON_Delete(*tree);
}

static int malformed(const struct layout_reader *reader, const char *what, struct error *err)
{
    struct error fault;
    layout_fault_set(&fault, ERROR_CONFIG, JOURNAL, "drizzle's journal %s: %s", JOURNAL, what);
    (void)error_hint(&fault, "take the folder meta as drizzle-kit wrote it; after a merge let "
                             "drizzle-kit check look at it");
    return layout_fault(reader, &fault, err);
}

/* A whole number that JSON carries without loss. */
static bool read_whole(const cJSON *entry, const char *key, int64_t *ret_value)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(entry, key);
    if (!cJSON_IsNumber(item))
        return false;
    double value = item->valuedouble;
    if (!(value >= 0 && value <= 9007199254740991.0))
        return false;
    *ret_value = (int64_t)value;
    return value - (double)*ret_value <= 0;
}

/* A tag is a file's name: nothing that leads out of the folder. */
static bool is_tag(const char *tag)
{
    size_t length = strlen(tag);
    if (length == 0 || length > NAME_MAX - 4 || tag[0] == '.' || strchr(tag, '/') != NULL)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)tag[i] < 0x20 || tag[i] == 0x7F)
            return false;
    return true;
}

static int add_entry(struct layout_reader *reader, const cJSON *entry, int64_t *last,
                     struct error *err)
{
    char what[NAME_MAX + 128];
    char file[NAME_MAX + 8];
    struct layout_piece piece = {.version = 0};
    const cJSON *tag = cJSON_GetObjectItemCaseSensitive(entry, "tag");
    if (!cJSON_IsObject(entry) || !read_whole(entry, "idx", &piece.version) ||
        !read_whole(entry, "when", &piece.stamp) || !cJSON_IsString(tag))
        return malformed(reader, "an entry is without its numbers idx and when, or its text tag",
                         err);
    if (!is_tag(tag->valuestring))
        return malformed(reader, "a tag is no name of a file", err);
    if (piece.version <= *last) {
        (void)snprintf(what, sizeof what,
                       "the entry %s has the idx %lld, which is not above the one before it",
                       tag->valuestring, (long long)piece.version);
        return malformed(reader, what, err);
    }
    *last = piece.version;
    (void)snprintf(file, sizeof file, "%s.sql", tag->valuestring);
    if (!layout_file_exists(reader->path, file)) {
        struct error fault;
        layout_fault_set(&fault, ERROR_CONFIG, file,
                         "%s is missing, which drizzle's journal %s names", file, JOURNAL);
        (void)error_hint(&fault, "bring the file back");
        return layout_fault(reader, &fault, err);
    }
    piece.label = tag->valuestring;
    const char *name = tag->valuestring + strspn(tag->valuestring, "0123456789");
    piece.name = *name == '_' ? name + 1 : name;
    piece.up = file;
    return layout_add(reader, &piece, err);
}

static int read_journal(struct layout_reader *reader, const cJSON *journal, struct error *err)
{
    const cJSON *dialect = cJSON_GetObjectItemCaseSensitive(journal, "dialect");
    const cJSON *entries = cJSON_GetObjectItemCaseSensitive(journal, "entries");
    if (!cJSON_IsObject(journal) || !cJSON_IsArray(entries))
        return malformed(reader, "it has no list of entries", err);
    if (!cJSON_IsString(dialect))
        return malformed(reader, "it does not say its dialect", err);
    /* Turso is SQLite's dialect at another place. */
    if (strcmp(dialect->valuestring, "sqlite") != 0 && strcmp(dialect->valuestring, "turso") != 0) {
        struct error fault;
        layout_fault_set(&fault, ERROR_CONFIG, JOURNAL,
                         "the migrations are written for %.64s, as %s says: their SQL is not "
                         "SQLite's",
                         dialect->valuestring, JOURNAL);
        (void)error_hint(&fault, "name the folder of the migrations for SQLite with --migrations");
        return layout_fault(reader, &fault, err);
    }
    const cJSON *entry = NULL;
    int64_t last = -1;
    cJSON_ArrayForEach(entry, entries)
    {
        if (add_entry(reader, entry, &last, err) != 0)
            return -1;
    }
    return 0;
}

/* .sql files that the journal does not name are left alone, as drizzle does. */
static void count_ignored(struct layout_reader *reader)
{
    size_t files = 0;
    for (size_t i = 0; i < reader->listing->count; i++) {
        const struct layout_entry *entry = &reader->listing->items[i];
        files += !entry->folder && layout_has_suffix(entry->name, ".sql");
    }
    if (files > reader->folder.count)
        reader->folder.ignored = files - reader->folder.count;
}

/* cJSON takes any bytes, and ends a text at \u0000 without a word. */
static bool is_clean(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        size_t n = text_utf8_length((const unsigned char *)text + at, size - at);
        if (n == 0 || text[at] == '\0')
            return false;
        at += n;
    }
    return strstr(text, "\\u0000") == NULL;
}

int layout_read_drizzle(struct layout_reader *reader, struct error *err)
{
    char path[PATH_MAX];
    cleanup_free char *text = NULL;
    size_t size = 0;
    const char *end = NULL;
    if (!layout_path(path, sizeof path, reader->path, JOURNAL))
        return error_set(err, ERROR_CONFIG, ENAMETOOLONG, "%s", reader->path);
    if (fs_read_file(path, JOURNAL_MAX, &text, &size, err) != 0)
        return error_wrap(err, "drizzle's journal");
    if (!is_clean(text, size))
        return malformed(reader, "it is not UTF-8 text", err);
    __attribute__((cleanup(delete_tree))) cJSON *journal = cJSON_ParseWithOpts(text, &end, 1);
    if (journal == NULL) {
        char what[64];
        int line = 1;
        for (const char *c = text; end != NULL && c < end; c++)
            line += *c == '\n';
        (void)snprintf(what, sizeof what, "it is no JSON, in line %d", line);
        return malformed(reader, what, err);
    }
    if (read_journal(reader, journal, err) != 0)
        return -1;
    count_ignored(reader);
    return 0;
}
