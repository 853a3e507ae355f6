/* What unit tests share: a scratch folder, files in it, sentences that must say something, and
 * children whose end is looked at. Everything is static: each test is one program. */
#ifndef LITEINIT_TESTS_SUPPORT_H
#define LITEINIT_TESTS_SUPPORT_H

#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"

#define SCRATCH_PATHS 4
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A folder that is new for each test; its path has no symbolic link in it. */
__attribute__((unused)) static char scratch[64];

static inline int scratch_begin(void **state)
{
    (void)state;
    (void)snprintf(scratch, sizeof scratch, "/tmp/liteinit-unit-XXXXXX");
    return mkdtemp(scratch) != NULL ? 0 : -1;
}

static inline int scratch_end(void **state)
{
    char command[96];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", scratch);
    return system(command); /* NOLINT(cert-env33-c) */
}

/* A path in the scratch folder; good until SCRATCH_PATHS further calls. */
static inline const char *scratch_path(const char *name)
{
    static char paths[SCRATCH_PATHS][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % SCRATCH_PATHS];
    (void)snprintf(path, PATH_MAX, "%s/%s", scratch, name);
    return path;
}

static inline void put_bytes_at(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        fail_msg("cannot write %s", path);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Writes a file in the scratch folder and gives its path. */
static inline const char *put_file(const char *name, const void *data, size_t size)
{
    const char *path = scratch_path(name);
    put_bytes_at(path, data, size);
    return path;
}

static inline const char *put_text(const char *name, const char *text)
{
    return put_file(name, text, strlen(text));
}

/* The whole file, NUL-terminated, for the caller to free. */
static inline char *get_file(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("cannot read %s", path);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_true(size >= 0);
    rewind(file);
    char *data = malloc((size_t)size + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)size, file), size);
    data[size] = '\0';
    (void)fclose(file);
    if (ret_size != NULL)
        *ret_size = (size_t)size;
    return data;
}

static inline void assert_file_is(const char *path, const char *text)
{
    char *data = get_file(path, NULL);
    assert_string_equal(data, text);
    free(data);
}

static inline bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static inline void assert_says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text, part);
}

/* For a call that should have worked: shows why it did not. */
static inline void assert_ok(int result, const struct error *err)
{
    if (result != 0)
        fail_msg("%s", err->msg);
}

/* An error of this kind whose message says `part`. */
static inline void assert_fails(int result, const struct error *err, enum error_kind kind,
                                const char *part)
{
    if (result == 0)
        fail_msg("it worked; expected: %s", part);
    if (err->kind != kind)
        fail_msg("kind \"%s\": %s", error_status_name(error_exit_status(err->kind)), err->msg);
    assert_says(err->msg, part);
}

/* Runs `body` in a child, which is nobody where we are root, and gives its exit status. In the
 * child cmocka's assertions must not be used. */
static inline int status_of_child(int (*body)(void *context), void *context, bool as_nobody)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (as_nobody && geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(99);
        _exit(body(context));
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif
