/* Listing folders, and small questions about their files. See internal.h. */
#include "layout/internal.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "layout/tokens.h"

/* A down file that is only a comment is a stub of the tool's; longer ones are none. */
#define STUB_MAX ((size_t)64 << 10)

static int out_of_memory(struct error *err)
{
    return error_set(err, ERROR_IO, ENOMEM, "cannot list the migrations");
}

bool layout_has_suffix(const char *name, const char *suffix)
{
    size_t n = strlen(name);
    size_t m = strlen(suffix);
    /* Few names end in the right letter. */
    return n >= m && (m == 0 || ((name[n - 1] ^ suffix[m - 1]) & ~0x20) == 0) &&
           strcasecmp(name + n - m, suffix) == 0;
}

bool layout_path(char *out, size_t size, const char *folder, const char *file)
{
    int n = snprintf(out, size, "%s/%s", folder, file);
    return n > 0 && (size_t)n < size;
}

bool layout_file_exists(const char *folder, const char *file)
{
    char path[PATH_MAX];
    struct stat st;
    return layout_path(path, sizeof path, folder, file) && stat(path, &st) == 0 &&
           !S_ISDIR(st.st_mode);
}

bool layout_file_is_blank(const char *folder, const char *file)
{
    char path[PATH_MAX];
    struct error err;
    cleanup_free char *text = NULL;
    size_t size = 0;
    return layout_path(path, sizeof path, folder, file) &&
           fs_read_file(path, STUB_MAX, &text, &size, &err) == 0 &&
           layout_blank_length(text, size) == size;
}

static int add_entry(struct layout_listing *listing, const char *name, bool folder,
                     struct error *err)
{
    if (listing->count == LAYOUT_FILES_MAX)
        return error_set(err, ERROR_CONFIG, 0, "the folder of migrations holds more than %zu files",
                         LAYOUT_FILES_MAX);
    if (listing->count == listing->capacity) {
        size_t grown = listing->capacity > 0 ? listing->capacity * 2 : 64;
        struct layout_entry *items = realloc(listing->items, grown * sizeof *items);
        if (items == NULL)
            return out_of_memory(err);
        listing->items = items;
        listing->capacity = grown;
    }
    struct layout_entry entry = {.name = pool_copy(&listing->names, name), .folder = folder};
    if (entry.name == NULL)
        return out_of_memory(err);
    listing->items[listing->count++] = entry;
    return 0;
}

/* What kind of thing an entry is: *ret_folder for one that can be listed, *ret_enter for one that
 * is no symbolic link. */
static void look_at(const char *path, const struct dirent *entry, bool *ret_folder, bool *ret_enter)
{
    char full[PATH_MAX];
    struct stat st;
    *ret_enter = entry->d_type == DT_DIR;
    *ret_folder = *ret_enter;
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
        return;
    if (!layout_path(full, sizeof full, path, entry->d_name) || stat(full, &st) != 0)
        return;
    *ret_folder = S_ISDIR(st.st_mode);
    *ret_enter = *ret_folder && lstat(full, &st) == 0 && S_ISDIR(st.st_mode);
}

static int list_into(const char *root, const char *inside, int depth,
                     struct layout_listing *listing, struct error *err);

static int list_entry(const char *root, const char *path, const char *inside,
                      const struct dirent *entry, int depth, struct layout_listing *listing,
                      struct error *err)
{
    char name[PATH_MAX];
    bool folder = false;
    bool enter = false;
    if (entry->d_name[0] == '.')
        return 0;
    look_at(path, entry, &folder, &enter);
    if (inside[0] == '\0' && !(enter && depth > 0))
        return add_entry(listing, entry->d_name, folder, err);
    int n =
        snprintf(name, sizeof name, "%s%s%s", inside, inside[0] != '\0' ? "/" : "", entry->d_name);
    if (n < 0 || (size_t)n >= sizeof name)
        return error_set(err, ERROR_CONFIG, ENAMETOOLONG, "%s", path);
    if (add_entry(listing, name, folder, err) != 0)
        return -1;
    return enter && depth > 0 ? list_into(root, name, depth - 1, listing, err) : 0;
}

static int list_into(const char *root, const char *inside, int depth,
                     struct layout_listing *listing, struct error *err)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s%s%s", root, inside[0] != '\0' ? "/" : "", inside);
    DIR *folder = n > 0 && (size_t)n < sizeof path ? opendir(path) : NULL;
    if (folder == NULL) {
        int sys = n > 0 && (size_t)n < sizeof path ? errno : ENAMETOOLONG;
        (void)error_set(err, error_kind_of_errno(sys), sys,
                        "cannot read the folder of migrations %s", root);
        if (err->kind == ERROR_PERMISSION)
            fs_permission_hint(err, path);
        else
            (void)error_hint(err, "COPY the migrations into the image, or name their folder with "
                                  "--migrations");
        return -1;
    }
    int result = 0;
    while (result == 0) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL) {
            if (errno != 0)
                result = error_set(err, ERROR_IO, errno, "cannot read the folder of migrations %s",
                                   path);
            break;
        }
        result = list_entry(root, path, inside, entry, depth, listing, err);
    }
    (void)closedir(folder);
    return result;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct layout_entry *)a)->name, ((const struct layout_entry *)b)->name);
}

int layout_list(const char *path, int depth, struct layout_listing *ret_listing, struct error *err)
{
    struct layout_listing listing = {.items = NULL};
    if (list_into(path, "", depth, &listing, err) != 0) {
        layout_listing_free(&listing);
        return -1;
    }
    if (listing.count > 1)
        qsort(listing.items, listing.count, sizeof *listing.items, by_name);
    *ret_listing = listing;
    return 0;
}

void layout_listing_free(struct layout_listing *listing)
{
    free(listing->items);
    pool_free(&listing->names);
    *listing = (struct layout_listing){.items = NULL};
}
