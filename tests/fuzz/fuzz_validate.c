/* `liteinit validate --roundtrip` on any folder: it says what is wrong, in order, and its numbers
 * add up. */
#include "folder.h"

#include "base/error.h"
#include "validate/validate.h"

static void check(const struct validate_result *validation)
{
    const struct validate_remarks *remarks = &validation->remarks;
    size_t faults = 0;
    size_t warnings = 0;
    for (size_t i = 0; i < remarks->count; i++) {
        const struct layout_finding *what = &remarks->items[i].what;
        faults += remarks->items[i].severity == VALIDATE_FAULT;
        warnings += remarks->items[i].severity == VALIDATE_WARNING;
        MUST(what->file != NULL && what->message[0] != '\0' && what->hint != NULL, "half a remark");
        MUST(what->line >= 0 && what->column >= 0, "%s:%d:%d", what->file, what->line,
             what->column);
        MUST(what->line == 0 || what->file[0] != '\0', "a place in no file: %s", what->message);
        MUST(strchr(what->message, '\n') == NULL || what->line > 0, "two lines: %s", what->message);
    }
    MUST(faults == remarks->faults && warnings == remarks->warnings, "the sums are wrong");
    MUST(validation->reversible <= validation->migrations, "more ways back than ways");
    MUST(validation->not_run <= validation->migrations, "more not run than there are");
    MUST(validation->not_run == 0 || faults > 0, "not run for no reason");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_folder made;
    struct validate_result validation;
    struct error err = {.kind = ERROR_NONE};
    char *text = fuzz_text(data, size);
    bool costly = fuzz_is_costly(text);
    free(text);
    if (costly)
        return 0;
    fuzz_folder_make(data, size, &made);
    if (validate_folder(made.path, made.tool, true, &validation, &err) == 0) {
        check(&validation);
        validate_result_free(&validation);
    } else {
        MUST(err.kind != ERROR_BUG && err.msg[0] != '\0', "%s", err.msg);
    }
    fuzz_folder_remove(&made);
    return 0;
}
