/* The layouts' readers: any folder is read, or refused for a reason; what was read fits together,
 * and a way back that is kept in the database comes out of it as it was. */
#include "folder.h"

#include "base/error.h"
#include "layout/folder.h"
#include "layout/script.h"

static void check_kept(const struct layout_script *script)
{
    struct layout_script again;
    struct error err;
    char *kept = layout_script_keep(script);
    MUST(kept != NULL, "memory");
    MUST(layout_script_recall("kept", kept, &again, &err) == 0, "%s", err.msg);
    MUST(strcmp(again.checksum, script->checksum) == 0, "%s is kept as other tokens: %s",
         script->file, kept);
    MUST(again.directives.irreversible == script->directives.irreversible &&
             again.directives.no_transaction == script->directives.no_transaction &&
             again.directives.allow_row_loss == script->directives.allow_row_loss &&
             again.directives.foreign_keys == script->directives.foreign_keys &&
             again.directives.legacy_alter_table == script->directives.legacy_alter_table,
         "%s is kept with other directives: %s", script->file, kept);
    layout_script_free(&again);
    free(kept);
}

static void check_direction(const struct layout_folder *folder,
                            const struct layout_migration *migration,
                            enum layout_direction direction)
{
    struct layout_script script;
    struct error err;
    if (layout_script_load(folder, migration, direction, &script, &err) != 0) {
        MUST(err.msg[0] != '\0', "no reason");
        return;
    }
    MUST(strlen(script.text) == script.size, "%s: %zu bytes", script.file, script.size);
    check_kept(&script);
    layout_script_free(&script);
}

static void check_folder(const struct layout_folder *folder)
{
    MUST(folder->tool != LAYOUT_DETECT && folder->tool < LAYOUT_TOOL_COUNT, "no tool");
    for (size_t i = 0; i < folder->count; i++) {
        const struct layout_migration *migration = &folder->migrations[i];
        MUST(migration->label != NULL && migration->name != NULL && migration->up != NULL,
             "a migration without a label, name or file");
        MUST(migration->repeatable == (migration->version < 0), "%s: version %lld", migration->up,
             (long long)migration->version);
        MUST(layout_folder_find(folder, migration->version) == migration, "%s: two of one version",
             migration->up);
        if (i > 0 && !migration->repeatable)
            MUST(folder->migrations[i - 1].version < migration->version, "%s is out of order",
                 migration->up);
        check_direction(folder, migration, LAYOUT_UP);
        if (migration->down != NULL)
            check_direction(folder, migration, LAYOUT_DOWN);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_folder made;
    struct layout_folder folder;
    struct layout_folder strict;
    struct layout_findings findings = {.items = NULL};
    struct error err = {.kind = ERROR_NONE};
    fuzz_folder_make(data, size, &made);
    bool read = layout_folder_read(made.path, made.tool, &findings, &folder, &err) == 0;
    bool accepted = layout_folder_read(made.path, made.tool, NULL, &strict, &err) == 0;
    MUST(accepted == (read && findings.count == 0), "%zu findings, and: %s", findings.count,
         err.msg);
    for (size_t i = 0; i < findings.count; i++)
        MUST(findings.items[i].message[0] != '\0', "a finding without a message");
    if (read) {
        check_folder(&folder);
        layout_folder_free(&folder);
    }
    if (accepted)
        layout_folder_free(&strict);
    layout_findings_free(&findings);
    fuzz_folder_remove(&made);
    return 0;
}
