/* See explain.h. */
#include "proc/explain.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "proc/spawn.h"

#define HEAD_SIZE 256 /* the kernel itself reads this much for "#!" (BINPRM_BUF_SIZE) */

/* Reads the beginning of the file as a text; the number of bytes, 0 when it cannot be read. */
static size_t read_head(const char *file, char out[HEAD_SIZE + 1])
{
    out[0] = '\0';
    cleanup_close int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, out, HEAD_SIZE);
    if (n < 0)
        n = 0;
    out[n] = '\0';
    return (size_t)n;
}

/* The interpreter of a "#!" line, without its argument. False when there is no such line. */
static bool interpreter_of(char *head, const char **ret_name)
{
    if (head[0] != '#' || head[1] != '!')
        return false;
    char *name = head + 2 + strspn(head + 2, " \t");
    name[strcspn(name, " \t\n")] = '\0';
    *ret_name = name;
    return true;
}

/* The processor of an ELF file (e_machine of the ELF header), as uname(2) calls it; NULL for what
 * is not ELF or not known here. */
static const char *machine_of(const char *head, size_t size)
{
    static const struct {
        unsigned machine;
        const char *name;
    } known[] = {{3, "i686"},      {62, "x86_64"},  {40, "armv7l"}, {183, "aarch64"},
                 {243, "riscv64"}, {21, "ppc64le"}, {22, "s390x"}};
    if (size < 20 || memcmp(head, "\177ELF", 4) != 0)
        return NULL;
    unsigned low = (unsigned char)head[18];
    unsigned high = (unsigned char)head[19];
    unsigned machine = head[5] == 2 ? low << 8 | high : high << 8 | low;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].machine == machine)
            return known[i].name;
    return NULL;
}

/* The file is there, and yet the kernel said ENOENT: it means what the file needs. */
static void explain_missing_interpreter(const char *command, const char *file, struct error *err)
{
    char head[HEAD_SIZE + 1];
    char quoted[PATH_MAX + 8];
    const char *name = "";
    (void)read_head(file, head);
    if (!interpreter_of(head, &name)) {
        (void)error_set(err, ERROR_NOT_FOUND, 0,
                        "the app's command %s is there, but the program loader it asks for is not",
                        command);
        (void)error_hint(err,
                         "it was built for another C library (a glibc program on Alpine, or the "
                         "other way round): use a build for this image, or another base image");
        return;
    }
    size_t len = strlen(name);
    if (len > 0 && name[len - 1] == '\r') {
        (void)error_set(err, ERROR_NOT_FOUND, 0,
                        "the app's command %s has Windows line ends, so its interpreter "
                        "\"%.*s\\r\" is not found",
                        command, (int)len - 1, name);
        (void)error_hint(err, "run: sed -i 's/\\r$//' %s   (and set eol=lf in .gitattributes)",
                         text_shell_quote(quoted, sizeof quoted, file));
        return;
    }
    (void)error_set(err, ERROR_NOT_FOUND, 0,
                    "the app's command %s is a script whose interpreter %s is not found", command,
                    name);
    (void)error_hint(err, "install %s in the image, or name one that is there in the first line",
                     name);
}

static void explain_not_found(const char *command, const char *file, struct error *err)
{
    if (strchr(command, '/') != NULL)
        (void)error_set(err, ERROR_NOT_FOUND, 0, "the app's command %s is not found", command);
    else
        (void)error_set(err, ERROR_NOT_FOUND, 0, "the app's command %s is in no folder of PATH",
                        command);
    if (command[0] == '\0')
        (void)error_hint(err, "COMMAND is an empty word: look at CMD, or at a variable in it");
    else if (strpbrk(command, " \t") != NULL)
        (void)error_hint(err, "the command is one word with spaces in it: write each word apart, "
                              "CMD [\"python\", \"app.py\"], or use [\"sh\", \"-c\", \"…\"]");
    else if (file[0] != '/' && strchr(command, '/') != NULL)
        (void)error_hint(err, "the path starts at the working directory: look at WORKDIR, or "
                              "write the whole path");
    else
        (void)error_hint(err, "look for a typing error in CMD (or in compose's command:), and "
                              "whether the image really has it");
}

static void explain_denied(const char *command, const char *file, int sys, struct error *err)
{
    char quoted[PATH_MAX + 8];
    struct stat st;
    struct statvfs vfs;
    if (stat(file, &st) == 0 && S_ISDIR(st.st_mode)) {
        (void)error_set(err, ERROR_PERMISSION, 0, "the app's command %s is a folder, not a program",
                        command);
        (void)error_hint(err, "name the program inside it");
        return;
    }
    (void)error_set(err, ERROR_PERMISSION, sys, "cannot execute the app's command %s", command);
    if (statvfs(file, &vfs) == 0 && (vfs.f_flag & ST_NOEXEC) != 0)
        (void)error_hint(err, "%s is on a volume that is mounted noexec: put it into the image",
                         text_shell_quote(quoted, sizeof quoted, file));
    else
        (void)error_hint(err, "run: chmod +x %s   (in a Dockerfile: COPY --chmod=755)",
                         text_shell_quote(quoted, sizeof quoted, file));
}

static void explain_format(const char *command, const char *file, int sys, struct error *err)
{
    char head[HEAD_SIZE + 1];
    size_t size = read_head(file, head);
    const char *machine = machine_of(head, size);
    struct utsname system;
    (void)error_set(err, ERROR_PERMISSION, sys, "cannot execute the app's command %s", command);
    if (size == 0)
        (void)error_hint(err, "the file is empty");
    else if (machine != NULL && uname(&system) == 0 && strcmp(machine, system.machine) != 0)
        (void)error_hint(err,
                         "it was built for %s and this machine is %s: build or pull the image "
                         "with --platform, or use a program for this processor",
                         machine, system.machine);
    else if (memcmp(head, "\177ELF", size < 4 ? size : 4) != 0)
        (void)error_hint(err, "if it is a shell script, its first line must be: #!/bin/sh");
}

int proc_explain_exec(const char *command, const char *file, int sys, struct error *err)
{
    struct stat st;
    switch (sys) {
    case ENOENT:
    case ENOTDIR:
        if (file[0] != '\0' && stat(file, &st) == 0)
            explain_missing_interpreter(command, file, err);
        else
            explain_not_found(command, file, err);
        return PROC_SPAWN_NOT_FOUND;
    case EACCES:
    case EPERM:
        explain_denied(command, file, sys, err);
        return PROC_SPAWN_NOT_EXECUTABLE;
    case ENOEXEC:
        explain_format(command, file, sys, err);
        return PROC_SPAWN_NOT_EXECUTABLE;
    default:
        (void)error_set(err, error_kind_of_errno(sys), sys, "cannot execute the app's command %s",
                        command);
        return PROC_SPAWN_NOT_EXECUTABLE;
    }
}
