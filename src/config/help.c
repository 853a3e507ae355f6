/* The table of keys for eyes: --help, and the documents' markdown. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config/config.h"
#include "config/keys.h"

#define MEANING_COLUMN 32
#define LINE_WIDTH 100

static const char *default_text(const struct config_key *key)
{
    return key->fallback_said != NULL ? key->fallback_said : key->fallback;
}

/* Characters of UTF-8 text that a terminal shows: "…" takes one column. */
static size_t columns(const char *text, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++)
        if (((unsigned char)text[i] & 0xC0) != 0x80)
            n++;
    return n;
}

/* Appends `text` from the cursor's column on, broken between words at LINE_WIDTH. */
static bool append_wrapped(struct text_buffer *out, const char *text)
{
    size_t column = MEANING_COLUMN;
    bool ok = true;
    while (*text != '\0' && ok) {
        size_t length = strcspn(text, " ");
        size_t width = columns(text, length);
        bool first = column == MEANING_COLUMN;
        if (!first && column + 1 + width > LINE_WIDTH) {
            ok = text_buffer_printf(out, "\n%*s", MEANING_COLUMN, "");
            column = MEANING_COLUMN;
            first = true;
        }
        ok = ok && (first || text_buffer_append(out, " ", 1)) &&
             text_buffer_append(out, text, length);
        column += width + (first ? 0 : 1);
        text += length;
        text += strspn(text, " ");
    }
    return ok && text_buffer_append(out, "\n", 1);
}

bool config_write_help(struct text_buffer *out)
{
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        const struct config_key *key = &config_keys[i];
        char flag[CONFIG_KEY_NAME_SIZE];
        char left[2 * CONFIG_KEY_NAME_SIZE];
        char meaning[512];
        config_key_flag(key, flag);
        int length = snprintf(left, sizeof left, "  %s %s", flag, key->placeholder);
        (void)snprintf(meaning, sizeof meaning, "%s [%s]", key->meaning, default_text(key));
        if (length < 0 || !text_buffer_append(out, left, (size_t)length))
            return false;
        size_t width = columns(left, (size_t)length);
        bool same_line = width + 2 <= MEANING_COLUMN;
        if (!text_buffer_printf(out, "%s%*s", same_line ? "" : "\n",
                                same_line ? (int)(MEANING_COLUMN - width) : MEANING_COLUMN, "") ||
            !append_wrapped(out, meaning))
            return false;
    }
    return text_buffer_printf(
        out,
        "\n"
        "  --backup-dir is also the variable LITEINIT_BACKUP_DIR, or LITEINIT_BACKUP_DIR_FILE,\n"
        "  which names a file that holds the value, or \"backup_dir\" in the JSON file. A flag\n"
        "  beats the environment, which beats the file. An empty variable counts as not set.\n"
        "  Times: 500ms 8s 2m 24h. Sizes: 64MiB, 1GB. Signals: SIGTERM, TERM, 15, RTMIN+3.\n");
}

/* A cell of a markdown table: a bar in it would end it. */
static bool append_cell(struct text_buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|' && !text_buffer_append(out, "\\", 1))
            return false;
        if (!text_buffer_append(out, text, 1))
            return false;
    }
    return true;
}

bool config_write_markdown(struct text_buffer *out)
{
    bool ok = text_buffer_printf(out, "| key | value | default | meaning |\n"
                                      "| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < CONFIG_KEY_COUNT && ok; i++) {
        const struct config_key *key = &config_keys[i];
        bool literal = key->fallback_said == NULL;
        ok = text_buffer_printf(out, "| `%s` | %s | %s", key->name, key->placeholder,
                                literal ? "`" : "") &&
             append_cell(out, default_text(key)) &&
             text_buffer_printf(out, "%s | ", literal ? "`" : "") &&
             append_cell(out, key->meaning) && text_buffer_append(out, " |\n", 3);
    }
    return ok;
}
