/*
 * The one table of keys. Parsing, help, documents, suggestions and the names in the environment
 * are all made from it: a new key is a row here and a field in struct config.
 *
 * A key `backup_dir` is the flag --backup-dir, the variable LITEINIT_BACKUP_DIR (or
 * LITEINIT_BACKUP_DIR_FILE, which names a file with the value) and "backup_dir" in the JSON file.
 */
#ifndef LITEINIT_CONFIG_KEYS_H
#define LITEINIT_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_KEY_COUNT 28
#define CONFIG_KEY_NAME_SIZE 64 /* room for a key in any of its spellings */

enum config_key_type {
    CONFIG_KEY_DATABASE, /* a path, or a file: or sqlite: URL */
    CONFIG_KEY_PATH,
    CONFIG_KEY_TEXT,     /* one short line */
    CONFIG_KEY_TEMPLATE, /* a file name with {tokens} */
    CONFIG_KEY_WORD,     /* one of `words` */
    CONFIG_KEY_DURATION,
    CONFIG_KEY_SIZE, /* bytes, or the word auto, which is -1 */
    CONFIG_KEY_INTEGER,
    CONFIG_KEY_SIGNAL,
    CONFIG_KEY_REWRITE,  /* 15:3,2:0 */
    CONFIG_KEY_STATUSES, /* 143,130 */
};

struct config_key {
    const char *name;
    enum config_key_type type;
    size_t offset; /* of its field in struct config; CONFIG_KEY_NO_FIELD: it has none */

    const char *fallback;      /* the default, as a user would write it; NULL: field left empty */
    const char *fallback_said; /* the default in words, where `fallback` does not say it */
    bool only_if_there;        /* the default counts only when that path exists */

    const char *const *words; /* ends with NULL; word number i is the value i of the enum */
    int64_t min;              /* bounds of a duration (milliseconds) or whole number */
    int64_t max;

    const char *placeholder; /* for the help: FILE, TIME … */
    const char *example;     /* for hints */
    const char *meaning;     /* one line */

    /* Variables of the app's that are honoured when LITEINIT_X is not set, first one first. */
    const char *also[2];
    bool not_in_file; /* a flag and a variable only, without the _FILE form */
};

#define CONFIG_KEY_NO_FIELD ((size_t)-1)

extern const struct config_key config_keys[CONFIG_KEY_COUNT];

/* The key of that name (with underscores), or NULL. */
const struct config_key *config_key_find(const char *name);

/* Its row in the table. */
size_t config_key_index(const struct config_key *key);

/* "--backup-dir" and "LITEINIT_BACKUP_DIR". */
void config_key_flag(const struct config_key *key, char out[CONFIG_KEY_NAME_SIZE]);
void config_key_variable(const struct config_key *key, char out[CONFIG_KEY_NAME_SIZE]);

/* The key whose name is nearest to `name`, in whatever case and with dashes or underscores; NULL
 * when none is near. With `for_file`, keys that cannot stand in the file are left out. */
const struct config_key *config_key_nearest(const char *name, bool for_file);

#endif
