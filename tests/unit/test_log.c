/* The log: what arrives at the other end of a pipe, in each format and for hostile values. */
#include "support.h"

#include <cjson/cJSON.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>

#include "base/log.h"
#include "base/text.h"

#define LINE_LIMIT ((size_t)16384)

static int writes;        /* write(2) calls on stderr since log_begin() */
static int interruptions; /* that many of the next ones fail with EINTR */
static int reader = -1;
static int terminal = -1; /* the real stderr */

/* Takes the place of the C library's for everything in this program. */
ssize_t write(int fd, const void *data, size_t size)
{
    static ssize_t (*real)(int, const void *, size_t);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "write");
    if (fd == STDERR_FILENO && reader >= 0) {
        if (interruptions > 0) {
            interruptions--;
            errno = EINTR;
            return -1;
        }
        writes++;
    }
    return real(fd, data, size);
}

static void log_begin(enum log_format format)
{
    int ends[2];
    log_set_format(format);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    terminal = dup(STDERR_FILENO);
    assert_true(terminal >= 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    (void)close(ends[1]);
    reader = ends[0];
    writes = 0;
}

/* All that was written; the caller frees it. */
static char *log_end(size_t *ret_size)
{
    char *text = calloc(1, 65536 + 1);
    assert_non_null(text);
    (void)dup2(terminal, STDERR_FILENO);
    (void)close(terminal);
    size_t size = 0;
    ssize_t n = 0;
    while ((n = read(reader, text + size, 65536 - size)) > 0)
        size += (size_t)n;
    (void)close(reader);
    reader = -1;
    if (ret_size != NULL)
        *ret_size = size;
    return text;
}

/* Ends the log, which must hold one line from one write, and gives it as JSON. */
static cJSON *one_json_line(void)
{
    size_t size = 0;
    char *text = log_end(&size);
    assert_int_equal(writes, 1);
    assert_true(size > 0 && size < LINE_LIMIT);
    assert_int_equal(strlen(text), size);
    assert_ptr_equal(strchr(text, '\n'), text + size - 1);
    for (size_t at = 0; at < size;) {
        size_t n = text_utf8_length((const unsigned char *)text + at, size - at);
        assert_true(n > 0);
        assert_true((unsigned char)text[at] >= 0x20 || at == size - 1);
        at += n;
    }
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithOpts(text, &end, false);
    if (root == NULL || *end != '\n')
        fail_msg("no JSON: %s", text);
    free(text);
    return root;
}

static const char *text_in(const cJSON *root, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, key));
    if (text == NULL)
        fail_msg("the line has no text \"%s\"", key);
    return text;
}

static void keys_come_in_their_order(void **state)
{
    (void)state;
    static const char *const keys[] = {"time",      "level", "event", "msg",
                                       "component", "db",    "bytes", "clean"};
    log_begin(LOG_FORMAT_JSON);
    errno = E2BIG;
    log_event(LOG_WARN, "backup.done",
              LOG_FIELDS(LOG_TEXT("db", "/data/app.db"), LOG_TEXT("absent", NULL),
                         LOG_NUMBER("bytes", INT64_C(9007199254740991)), LOG_BOOL("clean", 7)),
              "Backup of %s", "app.db");
    assert_int_equal(errno, E2BIG);
    cJSON *root = one_json_line();
    assert_int_equal(cJSON_GetArraySize(root), COUNT_OF(keys));
    for (int i = 0; i < (int)COUNT_OF(keys); i++)
        assert_string_equal(cJSON_GetArrayItem(root, i)->string, keys[i]);
    assert_string_equal(text_in(root, "level"), "warn");
    assert_string_equal(text_in(root, "event"), "backup.done");
    assert_string_equal(text_in(root, "msg"), "Backup of app.db");
    assert_string_equal(text_in(root, "component"), "liteinit");
    assert_int_equal(strlen(text_in(root, "time")), 24);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(root, "clean")));
    assert_true(cJSON_GetObjectItem(root, "bytes")->valuedouble > 9007199254740990.0);
    cJSON_Delete(root);
}

static void values_come_back_as_they_were(void **state)
{
    (void)state;
    char all[256];
    for (int c = 1; c < 128; c++)
        all[c - 1] = (char)c;
    all[127] = '\0';
    log_begin(LOG_FORMAT_JSON);
    log_event(LOG_INFO, "test", LOG_FIELDS(LOG_TEXT("all", all), LOG_TEXT("none", "")),
              "\"quoted\" \\ %s \xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\b\f\n\r\t\033[31m");
    cJSON *root = one_json_line();
    assert_string_equal(text_in(root, "all"), all);
    assert_string_equal(text_in(root, "none"), "");
    assert_string_equal(text_in(root, "msg"),
                        "\"quoted\" \\ \b\f\n\r\t\033[31m \xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80");
    cJSON_Delete(root);
}

static void bytes_that_are_no_utf8_are_replaced(void **state)
{
    (void)state;
    log_begin(LOG_FORMAT_JSON);
    log_event(LOG_INFO, "test",
              LOG_FIELDS(LOG_TEXT("latin1", "caf\xE9"), LOG_TEXT("cut", "\xF0\x9F\x98"),
                         LOG_TEXT("surrogate", "\xED\xA0\x80!")),
              "\xFF\xFE");
    cJSON *root = one_json_line();
    assert_string_equal(text_in(root, "latin1"), "caf\xEF\xBF\xBD");
    assert_string_equal(text_in(root, "msg"), "\xEF\xBF\xBD\xEF\xBF\xBD");
    assert_says(text_in(root, "surrogate"), "!");
    cJSON_Delete(root);
}

static char *huge(const char *piece, size_t size)
{
    char *text = malloc(size + 1);
    assert_non_null(text);
    for (size_t i = 0; i < size; i++)
        text[i] = piece[i % strlen(piece)];
    text[size] = '\0';
    return text;
}

static void huge_values_make_one_valid_line(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "/path", "\"", "\\", "\001", "\n", "\xFF", "\xF0\x9F\x98\x80", "\xC3\xA4", "a\xE2\x82\xAC"};
    for (size_t i = 0; i < COUNT_OF(pieces); i++)
        for (size_t size = 100000; size < 100004; size++) {
            char *value = huge(pieces[i], size);
            log_begin(LOG_FORMAT_JSON);
            log_event(LOG_ERROR, "test",
                      LOG_FIELDS(LOG_TEXT("path", value), LOG_NUMBER("bytes", 7),
                                 LOG_TEXT("hint", "do this")),
                      "%s", value);
            cJSON *root = one_json_line();
            assert_true(strlen(text_in(root, "path")) > 600);
            /* What comes after the huge one is still there. */
            assert_string_equal(text_in(root, "hint"), "do this");
            assert_int_equal(cJSON_GetObjectItem(root, "bytes")->valueint, 7);
            cJSON_Delete(root);
            free(value);
        }
}

static void more_than_a_line_can_hold_is_left_out(void **state)
{
    (void)state;
    char *value = huge("xyz", 100000);
    struct log_field fields[200];
    for (size_t i = 0; i + 1 < COUNT_OF(fields); i++)
        fields[i] = i % 2 == 0 ? LOG_TEXT("text", value) : LOG_NUMBER("number", INT64_MIN);
    fields[COUNT_OF(fields) - 1] = (struct log_field){.key = NULL};
    log_begin(LOG_FORMAT_JSON);
    log_event(LOG_INFO, "test", fields, "Many");
    cJSON *root = one_json_line();
    assert_string_equal(text_in(root, "component"), "liteinit");
    cJSON_Delete(root);
    free(value);
}

static void errors_bring_place_hint_and_status(void **state)
{
    (void)state;
    struct error err;
    (void)error_set(&err, ERROR_DATA, 0, "near \"FORM\": syntax error");
    (void)error_hint(&err, "mend it");
    (void)snprintf(err.file, sizeof err.file, "003_x.sql");
    (void)snprintf(err.statement, sizeof err.statement, "SELECT 1 FORM t");
    err.line = 7;
    err.column = 12;
    log_begin(LOG_FORMAT_JSON);
    log_error(LOG_ERROR, "migrate.failed", &err, LOG_FIELDS(LOG_TEXT("db", "/a")), "Failed");
    cJSON *root = one_json_line();
    assert_string_equal(text_in(root, "msg"), "Failed: near \"FORM\": syntax error");
    assert_string_equal(text_in(root, "error"), "near \"FORM\": syntax error");
    assert_string_equal(text_in(root, "hint"), "mend it");
    assert_string_equal(text_in(root, "file"), "003_x.sql");
    assert_string_equal(text_in(root, "statement"), "SELECT 1 FORM t");
    assert_string_equal(text_in(root, "db"), "/a");
    assert_int_equal(cJSON_GetObjectItem(root, "line")->valueint, 7);
    assert_int_equal(cJSON_GetObjectItem(root, "column")->valueint, 12);
    assert_int_equal(cJSON_GetObjectItem(root, "exit_code")->valueint, 65);
    cJSON_Delete(root);

    (void)error_set(&err, ERROR_BUSY, 0, "busy");
    log_begin(LOG_FORMAT_JSON);
    log_error(LOG_WARN, "x", &err, NULL, NULL);
    root = one_json_line();
    assert_string_equal(text_in(root, "msg"), "busy");
    assert_null(cJSON_GetObjectItem(root, "hint"));
    assert_null(cJSON_GetObjectItem(root, "line"));
    cJSON_Delete(root);
}

static void levels_hide_what_is_below(void **state)
{
    (void)state;
    static const enum log_level levels[] = {LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR};
    for (size_t lowest = 0; lowest < COUNT_OF(levels); lowest++) {
        log_begin(LOG_FORMAT_JSON);
        log_set_level(levels[lowest]);
        for (size_t i = 0; i < COUNT_OF(levels); i++)
            log_event(levels[i], "test", NULL, "at %zu", i);
        log_set_level(LOG_INFO);
        char *text = log_end(NULL);
        assert_int_equal(writes, COUNT_OF(levels) - lowest);
        for (size_t i = 0; i < COUNT_OF(levels); i++) {
            char wanted[16];
            (void)snprintf(wanted, sizeof wanted, "at %zu", i);
            assert_int_equal(strstr(text, wanted) != NULL, i >= lowest);
        }
        free(text);
    }
}

static void logfmt_pairs(void **state)
{
    (void)state;
    log_begin(LOG_FORMAT_LOGFMT);
    log_event(LOG_INFO, "app.start",
              LOG_FIELDS(LOG_TEXT("db", "/data/my app.db"), LOG_TEXT("empty", ""),
                         LOG_NUMBER("pid", -17), LOG_BOOL("clean", 0), LOG_TEXT("x", "a=\"b\"\n"),
                         LOG_TEXT("control", "a\rb\033c")),
              "Started");
    char *text = log_end(NULL);
    assert_int_equal(writes, 1);
    assert_int_equal(strncmp(text, "time=", 5), 0);
    assert_says(text, "Z level=info event=app.start msg=Started component=liteinit "
                      "db=\"/data/my app.db\" empty=\"\" pid=-17 clean=false "
                      "x=\"a=\\\"b\\\"\\n\" control=a?b?c\n");
    free(text);
}

static void logfmt_with_huge_values_keeps_the_rest(void **state)
{
    (void)state;
    static const char *const pieces[] = {"/path", "a b\"", "\xE2\x82\xAC"};
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        char *value = huge(pieces[i], 100000);
        size_t size = 0;
        log_begin(LOG_FORMAT_LOGFMT);
        log_event(LOG_INFO, "test",
                  LOG_FIELDS(LOG_TEXT("a", value), LOG_TEXT("b", value), LOG_NUMBER("c", 7)),
                  "Sentence");
        char *text = log_end(&size);
        assert_int_equal(writes, 1);
        assert_true(size < LINE_LIMIT);
        assert_says(text, " b=");
        assert_true(text_ends_with(text, " c=7\n"));
        for (size_t at = 0; at < size;) {
            size_t n = text_utf8_length((const unsigned char *)text + at, size - at);
            assert_true(n > 0);
            at += n;
        }
        free(text);
        free(value);
    }
}

static void pretty_is_for_eyes(void **state)
{
    (void)state;
    struct error err;
    (void)error_set(&err, ERROR_DATA, 0, "bad\033[2J\nthing");
    (void)error_hint(&err, "mend it");
    (void)snprintf(err.statement, sizeof err.statement, "SELECT x");
    log_begin(LOG_FORMAT_PRETTY);
    log_error(LOG_ERROR, "x", &err, LOG_FIELDS(LOG_TEXT("db", "/hidden")), "Failed");
    char *text = log_end(NULL);
    assert_int_equal(writes, 1);
    assert_string_equal(text + 8, " ERROR Failed: bad?[2J thing\n"
                                  "               in: SELECT x\n"
                                  "               -> mend it\n");
    assert_true(text[2] == ':' && text[5] == ':');
    free(text);

    char *value = huge("\xC3\xA4", 100000);
    size_t size = 0;
    log_begin(LOG_FORMAT_PRETTY);
    log_event(LOG_INFO, "x", LOG_FIELDS(LOG_TEXT("hint", value)), "%s", value);
    text = log_end(&size);
    assert_int_equal(writes, 1);
    assert_true(size < LINE_LIMIT);
    for (size_t at = 0; at < size; at++)
        assert_true(text[at] != '\0');
    free(text);
    free(value);
}

static void interrupted_write_is_made_again(void **state)
{
    (void)state;
    log_begin(LOG_FORMAT_JSON);
    interruptions = 3;
    log_event(LOG_INFO, "test", NULL, "There");
    cJSON *root = one_json_line();
    assert_string_equal(text_in(root, "msg"), "There");
    cJSON_Delete(root);
}

/* Nobody reads and the pipe is full, or the reader is gone: the container goes on. */
static int log_into_nothing(void *context)
{
    int ends[2];
    (void)context;
    (void)alarm(20);
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || pipe2(ends, O_NONBLOCK) != 0 ||
        dup2(ends[1], STDERR_FILENO) != STDERR_FILENO)
        return 1;
    for (int i = 0; i < 2000; i++)
        log_event(LOG_INFO, "test", NULL, "Line %d of a log that nobody reads", i);
    (void)close(ends[0]);
    log_event(LOG_INFO, "test", NULL, "The reader is gone");
    return 42;
}

static void a_log_that_nobody_reads_is_no_harm(void **state)
{
    (void)state;
    log_set_format(LOG_FORMAT_JSON);
    assert_int_equal(status_of_child(log_into_nothing, NULL, false), 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_in_their_order),
        cmocka_unit_test(values_come_back_as_they_were),
        cmocka_unit_test(bytes_that_are_no_utf8_are_replaced),
        cmocka_unit_test(huge_values_make_one_valid_line),
        cmocka_unit_test(more_than_a_line_can_hold_is_left_out),
        cmocka_unit_test(errors_bring_place_hint_and_status),
        cmocka_unit_test(levels_hide_what_is_below),
        cmocka_unit_test(logfmt_pairs),
        cmocka_unit_test(logfmt_with_huge_values_keeps_the_rest),
        cmocka_unit_test(pretty_is_for_eyes),
        cmocka_unit_test(interrupted_write_is_made_again),
        cmocka_unit_test(a_log_that_nobody_reads_is_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
