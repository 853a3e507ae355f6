/* See match.h. */
#include "migrate/match.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/text.h"

/* The forms of a name. */
enum form {
    FORM_LABEL = 'l',
    FORM_VERSION = 'v',
    FORM_PATH = 'p', /* the file with its folder, without its ending */
    FORM_STEM = 's', /* the file alone; for NAME/up.sql and NAME/migration.sql the folder */
    FORM_NAME = 'n',
    FORM_HASH = 'h',
    FORM_STAMP = 't',
};

#define KEY_MAX (PATH_MAX + 2)

/* What files and rows may end in: knex lists its files with their endings. Longest first. */
static const char *const endings[] = {".up.sql", ".sql", ".js", ".cjs", ".mjs", ".ts"};

static void cut_ending(char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t m = strlen(endings[i]);
        if (n > m && strcasecmp(text + n - m, endings[i]) == 0) {
            text[n - m] = '\0';
            return;
        }
    }
}

/* Writes one part of a version, of `size` bytes, without leading zeros and dashes. Returns the
 * length, at least 1 and at most `size`. */
static size_t write_part(char *out, const char *part, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++)
        if (part[i] != '-' && (n > 0 || part[i] != '0'))
            out[n++] = part[i];
    if (n == 0)
        out[n++] = '0';
    return n;
}

/* A version of numbers, parted by dots or underscores: "007" is 7, "1_2" is 1.2, "1.0" is 1. Dashes
 * only make one number easier to read (2024-01-15-093000). Other labels stay as they are. */
static void normalise(char *label)
{
    size_t n = 0;
    size_t keep = 1; /* what comes behind it are parts of 0 */
    size_t at = 0;
    if (label[strspn(label, "0123456789._-")] != '\0')
        return;
    for (size_t i = 0; label[i] != '\0'; i++)
        if (strchr("._-", label[i]) != NULL && (i == 0 || strchr("._-", label[i - 1]) != NULL))
            return;
    while (label[at] != '\0') {
        size_t size = strcspn(label + at, "._");
        size_t written = write_part(label + n, label + at, size);
        if (n == 0 || written > 1 || label[n] != '0')
            keep = n + written;
        n += written;
        at += size;
        if (label[at] != '\0') {
            label[n++] = '.';
            at++;
        }
    }
    if (n > 0)
        label[keep] = '\0';
}

static int out_of_memory(struct error *err)
{
    return error_set(err, ERROR_IO, ENOMEM, "cannot compare the migrations");
}

static int add(struct migrate_match *match, size_t *capacity, enum form form, const char *text,
               size_t migration, struct error *err)
{
    if (match->count == *capacity) {
        size_t grown = *capacity > 0 ? *capacity * 2 : 256;
        struct migrate_match_key *keys = realloc(match->keys, grown * sizeof *keys);
        if (keys == NULL)
            return out_of_memory(err);
        match->keys = keys;
        *capacity = grown;
    }
    char *key = NULL;
    if (asprintf(&key, "%c%s", form, text) < 0)
        return out_of_memory(err);
    match->keys[match->count++] = (struct migrate_match_key){.text = key, .migration = migration};
    return 0;
}

/* The file's own name, or its folder's where all files have the same name. */
static const char *stem_of(char *path)
{
    static const char *const same[] = {"up", "migration"};
    char *slash = strrchr(path, '/');
    for (size_t i = 0; slash != NULL && i < sizeof same / sizeof same[0]; i++)
        if (strcasecmp(slash + 1, same[i]) == 0) {
            *slash = '\0';
            slash = strrchr(path, '/');
            break;
        }
    return slash != NULL ? slash + 1 : path;
}

static int add_hash(struct migrate_match *match, size_t *capacity, size_t index, struct error *err)
{
    const char *file = match->folder->migrations[index].up;
    char path[PATH_MAX];
    cleanup_free char *data = NULL;
    size_t size = 0;
    char sum[HASH_HEX_SIZE];
    struct hash hash;
    int n = snprintf(path, sizeof path, "%s/%s", match->folder->path, file);
    if (n < 0 || (size_t)n >= sizeof path)
        return error_set(err, ERROR_CONFIG, ENAMETOOLONG, "migration %s", file);
    if (fs_read_file(path, LAYOUT_FILE_MAX, &data, &size, err) != 0)
        return error_wrap(err, "migration %s", file);
    hash_start(&hash);
    hash_add(&hash, data, size);
    hash_finish(&hash, sum);
    return add(match, capacity, FORM_HASH, sum, index, err);
}

static int add_forms(struct migrate_match *match, size_t *capacity, size_t index, bool hashes,
                     struct error *err)
{
    const struct layout_migration *migration = &match->folder->migrations[index];
    char text[KEY_MAX];
    if (migration->label != NULL) {
        (void)snprintf(text, sizeof text, "%s", migration->label);
        normalise(text);
        if (add(match, capacity, FORM_LABEL, text, index, err) != 0)
            return -1;
    }
    (void)snprintf(text, sizeof text, "%lld", (long long)migration->version);
    if (add(match, capacity, FORM_VERSION, text, index, err) != 0)
        return -1;
    (void)snprintf(text, sizeof text, "%lld", (long long)migration->stamp);
    if (migration->stamp != 0 && add(match, capacity, FORM_STAMP, text, index, err) != 0)
        return -1;
    (void)snprintf(text, sizeof text, "%s", migration->up);
    cut_ending(text);
    if (add(match, capacity, FORM_PATH, text, index, err) != 0 ||
        add(match, capacity, FORM_STEM, stem_of(text), index, err) != 0)
        return -1;
    if (migration->name != NULL && migration->name[0] != '\0' &&
        add(match, capacity, FORM_NAME, migration->name, index, err) != 0)
        return -1;
    return hashes ? add_hash(match, capacity, index, err) : 0;
}

static int by_text(const void *a, const void *b)
{
    const struct migrate_match_key *left = a;
    const struct migrate_match_key *right = b;
    return strcmp(left->text, right->text);
}

int migrate_match_open(const struct layout_folder *folder, bool hashes,
                       struct migrate_match *ret_match, struct error *err)
{
    struct migrate_match match = {.folder = folder};
    size_t capacity = 0;
    for (size_t i = 0; i < folder->count; i++)
        if (add_forms(&match, &capacity, i, hashes, err) != 0) {
            migrate_match_free(&match);
            return -1;
        }
    if (match.count > 1)
        qsort(match.keys, match.count, sizeof *match.keys, by_text);
    *ret_match = match;
    return 0;
}

void migrate_match_free(struct migrate_match *match)
{
    for (size_t i = 0; i < match->count; i++)
        free(match->keys[i].text);
    free(match->keys);
    *match = (struct migrate_match){.folder = NULL};
}

/* The one migration of this name; none when two have it. */
static size_t look_up(const struct migrate_match *match, enum form form, const char *text)
{
    char key[KEY_MAX];
    (void)snprintf(key, sizeof key, "%c%s", form, text);
    struct migrate_match_key wanted = {.text = key};
    const struct migrate_match_key *found =
        match->count > 0 ? bsearch(&wanted, match->keys, match->count, sizeof wanted, by_text)
                         : NULL;
    if (found == NULL)
        return MIGRATE_MATCH_NONE;
    const struct migrate_match_key *end = match->keys + match->count;
    if ((found > match->keys && by_text(found - 1, found) == 0) ||
        (found + 1 < end && by_text(found + 1, found) == 0))
        return MIGRATE_MATCH_NONE;
    return found->migration;
}

static size_t find_by_number(const struct migrate_match *match, const char *label, int64_t version)
{
    char text[24];
    size_t found = look_up(match, FORM_LABEL, label);
    /* The numbers of Flyway's versions and of diesel's dates are made up by the folder's reader. */
    if (found != MIGRATE_MATCH_NONE || version < 0 || match->folder->tool == LAYOUT_FLYWAY ||
        match->folder->tool == LAYOUT_DIESEL)
        return found;
    (void)snprintf(text, sizeof text, "%lld", (long long)version);
    return look_up(match, FORM_VERSION, text);
}

size_t migrate_match_find(const struct migrate_match *match, const struct foreign_tool *tool,
                          const struct foreign_entry *entry)
{
    static const enum form forms[] = {FORM_PATH, FORM_STEM, FORM_NAME};
    char text[FOREIGN_TEXT_MAX + 1];
    /* drizzle's journal has the same time as its history; a folder without a journal the sums. */
    if (tool->by_stamp) {
        size_t found = look_up(match, FORM_STAMP, entry->label);
        if (found == MIGRATE_MATCH_NONE && entry->checksum != NULL)
            found = look_up(match, FORM_HASH, entry->checksum);
        if (found != MIGRATE_MATCH_NONE)
            return found;
    }
    (void)snprintf(text, sizeof text, "%s", entry->label);
    normalise(text);
    size_t found = find_by_number(match, text, entry->version);
    if (found != MIGRATE_MATCH_NONE || entry->version >= 0)
        return found;
    (void)snprintf(text, sizeof text, "%s", entry->label);
    cut_ending(text);
    /* One folder has many apps' names in it only where it has a folder for each. */
    size_t count = tool->by_app ? 1 : sizeof forms / sizeof forms[0];
    for (size_t i = 0; i < count && found == MIGRATE_MATCH_NONE; i++)
        found = look_up(match, forms[i], text);
    return found;
}

/* The next part of a normalised version; parts that are not there are 0. */
static const char *next_part(const char **version, size_t *ret_size)
{
    const char *part = *version;
    *ret_size = strcspn(part, ".");
    *version += *ret_size + (part[*ret_size] == '.');
    if (*ret_size > 0)
        return part;
    *ret_size = 1;
    return "0";
}

static int compare_versions(const char *left, const char *right)
{
    while (*left != '\0' || *right != '\0') {
        size_t n = 0;
        size_t m = 0;
        const char *a = next_part(&left, &n);
        const char *b = next_part(&right, &m);
        int order = n != m ? (n > m) - (n < m) : strncmp(a, b, n);
        if (order != 0)
            return order;
    }
    return 0;
}

int migrate_match_order(const char *label, const char *other)
{
    char left[KEY_MAX];
    char right[KEY_MAX];
    (void)snprintf(left, sizeof left, "%s", label);
    (void)snprintf(right, sizeof right, "%s", other);
    normalise(left);
    normalise(right);
    return compare_versions(left, right);
}

bool migrate_match_is_up_to(const struct layout_migration *migration, const char *label)
{
    char version[24];
    if (migration->repeatable)
        return false;
    if (migration->label != NULL &&
        migration->label[strspn(migration->label, "0123456789._-")] == '\0')
        return migrate_match_order(migration->label, label) <= 0;
    (void)snprintf(version, sizeof version, "%lld", (long long)migration->version);
    return migrate_match_order(version, label) <= 0;
}
