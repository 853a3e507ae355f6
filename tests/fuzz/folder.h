/*
 * A folder of migrations made of bytes, for the targets that read one.
 *
 *     goose                      the tool
 *     === 001_a.sql              a file, perhaps in a folder of its own
 *     -- +goose Up
 *     …
 *     === 002_b.sql
 */
#ifndef LITEINIT_TESTS_FUZZ_FOLDER_H
#define LITEINIT_TESTS_FUZZ_FOLDER_H

#include "fuzz.h"

#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layout/tool.h"

struct fuzz_folder {
    char path[64];
    enum layout_tool tool;
};

/* Whether the name stays inside the folder. */
static inline bool is_inside(const char *name)
{
    return name[0] != '\0' && name[0] != '/' && strlen(name) < 200 && strstr(name, "..") == NULL &&
           strcmp(name, ".") != 0;
}

static inline void put_in_folder(const char *folder, const char *name, const char *data,
                                 size_t size)
{
    char path[PATH_MAX];
    if (!is_inside(name))
        return;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    for (char *slash = strchr(path + strlen(folder) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "wbe");
    if (file == NULL)
        return;
    (void)fwrite(data, 1, size, file);
    (void)fclose(file);
}

static inline void fuzz_folder_make(const uint8_t *data, size_t size, struct fuzz_folder *folder)
{
    const char *at = (const char *)data;
    const char *end = at + size;
    /* In memory where there is such a place: thousands of folders a second. */
    (void)snprintf(folder->path, sizeof folder->path, "%s/liteinit-fuzz-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    MUST(mkdtemp(folder->path) != NULL, "cannot make %s", folder->path);
    folder->tool = LAYOUT_DETECT;
    const char *line = size > 0 ? memchr(at, '\n', size) : NULL;
    for (int i = 0; line != NULL && i < LAYOUT_TOOL_COUNT; i++) {
        const char *name = layout_tool_name((enum layout_tool)i);
        if (strlen(name) == (size_t)(line - at) && memcmp(at, name, strlen(name)) == 0)
            folder->tool = (enum layout_tool)i;
    }
    while (line != NULL && end - line > 5 && memcmp(line, "\n=== ", 5) == 0) {
        char name[256];
        const char *start = line + 5;
        const char *content = memchr(start, '\n', (size_t)(end - start));
        if (content == NULL || content - start >= (ptrdiff_t)sizeof name)
            break;
        memcpy(name, start, (size_t)(content - start));
        name[content - start] = '\0';
        line = memmem(content, (size_t)(end - content), "\n=== ", 5);
        const char *stop = line != NULL ? line : end;
        /* With its line end, which begins the next head too. */
        put_in_folder(folder->path, name, stop > content ? content + 1 : content,
                      stop > content ? (size_t)(stop - content - 1) : 0);
    }
}

static inline int fuzz_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void fuzz_folder_remove(const struct fuzz_folder *folder)
{
    MUST(nftw(folder->path, fuzz_remove, 8, FTW_DEPTH | FTW_PHYS) == 0, "cannot remove %s",
         folder->path);
}

#endif
