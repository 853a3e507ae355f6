/* What the tests of the layouts share: folders made of a few files, what must be read of them, and
 * what must be said of bad ones. */
#ifndef LITEINIT_TESTS_SUPPORT_LAYOUT_H
#define LITEINIT_TESTS_SUPPORT_LAYOUT_H

#include "support.h"

#include "layout/script.h"

/* Makes the folders on the way to a file in the scratch folder, and the file. */
__attribute__((unused)) static void put(const char *name, const char *text)
{
    char folder[256];
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - name), name);
        (void)mkdir(scratch_path(folder), 0700);
    }
    (void)put_text(name, text);
}

__attribute__((unused)) static void put_empty(const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put(names[i], "");
}

/* Empties the scratch folder. */
__attribute__((unused)) static void sweep(void)
{
    void *state = NULL;
    assert_int_equal(scratch_end(&state), 0);
    assert_int_equal(mkdir(scratch, 0700), 0);
}

__attribute__((unused)) static struct layout_folder read_as(enum layout_tool tool)
{
    struct error err;
    struct layout_folder folder;
    assert_ok(layout_folder_read(scratch, tool, NULL, &folder, &err), &err);
    return folder;
}

__attribute__((unused)) static void assert_detected(enum layout_tool tool)
{
    struct layout_folder folder = read_as(LAYOUT_DETECT);
    if (folder.tool != tool)
        fail_msg("taken for %s, not %s", layout_tool_name(folder.tool), layout_tool_name(tool));
    layout_folder_free(&folder);
}

/* The folder is refused, and with a list of findings the same is found at the same file. */
__attribute__((unused)) static void assert_folder_fails(enum layout_tool tool, const char *file,
                                                        const char *msg, const char *hint)
{
    struct error err;
    struct layout_folder folder;
    assert_fails(layout_folder_read(scratch, tool, NULL, &folder, &err), &err, ERROR_CONFIG, msg);
    assert_says(err.hint, hint);
    struct layout_findings findings = {.items = NULL};
    assert_ok(layout_folder_read(scratch, tool, &findings, &folder, &err), &err);
    bool found = false;
    for (size_t i = 0; i < findings.count; i++)
        found = found || (strcmp(findings.items[i].file, file) == 0 &&
                          strstr(findings.items[i].message, msg) != NULL);
    if (!found)
        fail_msg("no finding says of %s: %s", file, msg);
    layout_findings_free(&findings);
    layout_folder_free(&folder);
}

struct expected {
    int64_t version;
    const char *label;
    const char *name;
    const char *up;
    const char *down; /* NULL: no way back */
};

__attribute__((unused)) static void assert_migrations(const struct layout_folder *folder,
                                                      const struct expected *expected, size_t count)
{
    assert_int_equal(folder->count, count);
    for (size_t i = 0; i < count; i++) {
        const struct layout_migration *file = &folder->migrations[i];
        assert_int_equal(file->version, expected[i].version);
        assert_string_equal(file->label, expected[i].label);
        assert_string_equal(file->name, expected[i].name);
        assert_string_equal(file->up, expected[i].up);
        if (expected[i].down == NULL)
            assert_null(file->down);
        else
            assert_string_equal(file->down, expected[i].down);
        assert_ptr_equal(layout_folder_find(folder, expected[i].version), file);
    }
}

/* The only migration of the folder, in one direction; must be loaded. */
__attribute__((unused)) static struct layout_script load_one(enum layout_tool tool,
                                                             enum layout_direction direction)
{
    struct error err;
    struct layout_script script;
    struct layout_folder folder = read_as(tool);
    assert_int_equal(folder.count, 1);
    assert_ok(layout_script_load(&folder, &folder.migrations[0], direction, &script, &err), &err);
    layout_folder_free(&folder);
    return script;
}

/* The only migration of the folder cannot be loaded. */
__attribute__((unused)) static void assert_load_fails(enum layout_tool tool, enum error_kind kind,
                                                      int line, const char *msg)
{
    struct error err;
    struct layout_script script;
    struct layout_folder folder = read_as(tool);
    assert_int_equal(folder.count, 1);
    assert_fails(layout_script_load(&folder, &folder.migrations[0], LAYOUT_UP, &script, &err), &err,
                 kind, msg);
    assert_int_equal(err.line, line);
    assert_true(err.hint[0] != '\0' || kind == ERROR_DATA);
    layout_folder_free(&folder);
}

/* What is kept of a script is read back as the same. */
__attribute__((unused)) static void assert_keeps(const struct layout_script *script,
                                                 const char *kept)
{
    struct error err;
    struct layout_script again;
    char *text = layout_script_keep(script);
    assert_non_null(text);
    assert_string_equal(text, kept);
    assert_ok(layout_script_recall(script->file, text, &again, &err), &err);
    assert_string_equal(again.checksum, script->checksum);
    assert_int_equal(again.directives.irreversible, script->directives.irreversible);
    assert_int_equal(again.directives.no_transaction, script->directives.no_transaction);
    assert_int_equal(again.directives.allow_row_loss, script->directives.allow_row_loss);
    assert_int_equal(again.directives.legacy_alter_table, script->directives.legacy_alter_table);
    assert_int_equal(again.directives.foreign_keys, script->directives.foreign_keys);
    layout_script_free(&again);
    free(text);
}

#endif
