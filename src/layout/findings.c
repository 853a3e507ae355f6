/* See findings.h. */
#include "layout/findings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const char *without_place(const struct error *fault)
{
    char place[320];
    const char *forms[] = {"%s:%d:%d: ", "%s:%d: ", "%s: "};
    for (size_t i = 0; fault->file[0] != '\0' && i < sizeof forms / sizeof forms[0]; i++) {
        /* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral) */
        int n = snprintf(place, sizeof place, forms[i], fault->file, fault->line, fault->column);
        if (n > 0 && (size_t)n < sizeof place && text_starts_with(fault->msg, place))
            return fault->msg + n;
    }
    return fault->msg;
}

static void free_item(struct layout_finding *item)
{
    free(item->file);
    free(item->message);
    free(item->hint);
}

int layout_findings_add(struct layout_findings *findings, const struct error *fault,
                        struct error *err)
{
    struct layout_finding item = {
        .file = strdup(fault->file),
        .line = fault->line,
        .column = fault->column,
        .message = strdup(without_place(fault)),
        .hint = strdup(fault->hint),
    };
    struct layout_finding *grown = NULL;
    if (item.file != NULL && item.message != NULL && item.hint != NULL)
        grown = realloc(findings->items, (findings->count + 1) * sizeof *grown);
    if (grown == NULL) {
        free_item(&item);
        return error_set(err, ERROR_IO, ENOMEM, "cannot list what is wrong with the migrations");
    }
    findings->items = grown;
    grown[findings->count++] = item;
    return 0;
}

void layout_findings_free(struct layout_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        free_item(&findings->items[i]);
    free(findings->items);
    *findings = (struct layout_findings){.items = NULL};
}
