/* Runs a fuzz target on the files of folders: replay for ctest, without libFuzzer. */
#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

#include "fuzz.h"

#define FILE_MAX ((size_t)1 << 20)

static void try_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    MUST(file != NULL, "cannot open %s", path);
    uint8_t *data = malloc(FILE_MAX);
    MUST(data != NULL, "memory");
    size_t size = fread(data, 1, FILE_MAX, file);
    (void)fclose(file);
    (void)printf("%s\n", path);
    (void)fflush(stdout);
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static size_t try_folder(const char *folder)
{
    struct dirent **entries = NULL;
    char path[PATH_MAX];
    size_t tried = 0;
    int n = scandir(folder, &entries, NULL, alphasort);
    MUST(n >= 0, "cannot read %s", folder);
    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.') {
            (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
            try_file(path);
            tried++;
        }
        free(entries[i]);
    }
    free(entries);
    return tried;
}

int main(int argc, char **argv)
{
    size_t tried = 0;
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        struct stat st;
        MUST(stat(argv[i], &st) == 0, "cannot find %s", argv[i]);
        if (S_ISDIR(st.st_mode)) {
            tried += try_folder(argv[i]);
        } else {
            try_file(argv[i]);
            tried++;
        }
    }
    (void)printf("%zu inputs\n", tried);
    return tried > 0 ? 0 : 1;
}
