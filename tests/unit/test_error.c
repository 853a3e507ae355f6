/* Errors: kinds and exit statuses, wrapping, texts that are too long or point into the error. */
#include "support.h"

#include <errno.h>

#include "base/text.h"

static void assert_utf8(const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        size_t n = text_utf8_length((const unsigned char *)text, left);
        if (n == 0)
            fail_msg("not UTF-8 from here: %.20s", text);
        text += n;
        left -= n;
    }
}

static void every_kind_has_status_and_name(void **state)
{
    (void)state;
    /* The contract with the users, apart from the X-macro. */
    static const struct {
        enum error_kind kind;
        int status;
    } contract[] = {{ERROR_NONE, 0},       {ERROR_USAGE, 64},       {ERROR_DATA, 65},
                    {ERROR_NOT_FOUND, 66}, {ERROR_BUG, 70},         {ERROR_BACKUP, 73},
                    {ERROR_IO, 74},        {ERROR_BUSY, 75},        {ERROR_PERMISSION, 77},
                    {ERROR_CONFIG, 78},    {ERROR_INTERRUPTED, 143}};
    assert_int_equal(COUNT_OF(contract), ERROR_KIND_COUNT);
    for (size_t i = 0; i < COUNT_OF(contract); i++) {
        assert_int_equal(error_exit_status(contract[i].kind), contract[i].status);
        if (contract[i].kind != ERROR_NONE)
            assert_true(error_status_name(contract[i].status)[0] != '\0');
    }
    assert_int_equal(error_exit_status(ERROR_KIND_COUNT), 70);
    assert_null(error_status_name(0));
    assert_null(error_status_name(1));
    assert_null(error_status_name(137));
}

static void set_fills_everything(void **state)
{
    (void)state;
    struct error err;
    memset(&err, 0x5A, sizeof err);
    assert_int_equal(error_set(&err, ERROR_IO, ENOSPC, "cannot write %s", "x"), -1);
    assert_int_equal(err.kind, ERROR_IO);
    assert_int_equal(err.sys, ENOSPC);
    assert_int_equal(err.sqlite, 0);
    assert_string_equal(err.msg, "cannot write x: No space left on device");
    assert_string_equal(err.hint, "");
    assert_string_equal(err.file, "");
    assert_string_equal(err.statement, "");
    assert_int_equal(err.line, 0);
    assert_int_equal(error_set(&err, ERROR_BUSY, 0, "busy"), -1);
    assert_string_equal(err.msg, "busy");
}

static void wrap_puts_context_in_front(void **state)
{
    (void)state;
    struct error err;
    (void)error_set(&err, ERROR_BACKUP, ENOSPC, "cannot write %s", "a.db");
    (void)error_hint(&err, "free %s", "space");
    err.line = 3;
    assert_int_equal(error_wrap(&err, "%s", "backup"), -1);
    assert_int_equal(error_wrap(&err, "prepare"), -1);
    assert_string_equal(err.msg, "prepare: backup: cannot write a.db: No space left on device");
    assert_string_equal(err.hint, "free space");
    assert_int_equal(err.kind, ERROR_BACKUP);
    assert_int_equal(err.sys, ENOSPC);
    assert_int_equal(err.line, 3);
}

static void arguments_may_point_into_the_error(void **state)
{
    (void)state;
    struct error err;
    (void)error_set(&err, ERROR_IO, 0, "inner");
    (void)error_hint(&err, "do this");
    (void)error_set(&err, ERROR_DATA, EIO, "outer of %s (%s)", err.msg, err.hint);
    assert_string_equal(err.msg, "outer of inner (do this): Input/output error");
    assert_string_equal(err.hint, "");
    (void)error_wrap(&err, "again %s", err.msg);
    assert_says(err.msg, "again outer of inner (do this): Input/output error: outer of inner");
    (void)error_hint(&err, "hint");
    (void)error_hint(&err, "%s %s", err.hint, err.hint);
    assert_string_equal(err.hint, "hint hint");
}

static void texts_too_long_are_cut_and_the_reason_stays(void **state)
{
    (void)state;
    struct error err;
    char *text = malloc(100001);
    assert_non_null(text);
    memset(text, 'x', 100000);
    text[100000] = '\0';
    (void)error_set(&err, ERROR_IO, ENOSPC, "cannot write %s", text);
    assert_true(strlen(err.msg) < sizeof err.msg);
    assert_true(text_ends_with(err.msg, ": No space left on device"));
    (void)error_hint(&err, "%s", text);
    assert_int_equal(strlen(err.hint), sizeof err.hint - 1);
    for (int i = 0; i < 20; i++)
        (void)error_wrap(&err, "%s", text);
    assert_true(strlen(err.msg) < sizeof err.msg);
    (void)error_set(&err, ERROR_IO, 0, "%s", text);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
    free(text);
}

/* The message goes into the database and is read there by programs that insist on UTF-8. */
static void texts_are_cut_between_characters(void **state)
{
    (void)state;
    struct error err;
    char text[4000];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'x', shift);
        for (size_t at = shift; at + 4 < sizeof text; at += 4)
            memcpy(text + at, "\xF0\x9F\x98\x80", 4);
        text[sizeof text - 4] = '\0';
        (void)error_set(&err, ERROR_IO, 0, "%s", text);
        assert_utf8(err.msg);
        assert_true(strlen(err.msg) > sizeof err.msg - 6);
        (void)error_wrap(&err, "context");
        assert_utf8(err.msg);
        (void)error_wrap(&err, "%s", text);
        assert_utf8(err.msg);
        (void)error_hint(&err, "%s", text);
        assert_utf8(err.hint);
        (void)error_set(&err, ERROR_IO, ENOSPC, "%s", text);
        assert_utf8(err.msg);
    }
}

static void errno_values_have_kinds(void **state)
{
    (void)state;
    assert_int_equal(error_kind_of_errno(EACCES), ERROR_PERMISSION);
    assert_int_equal(error_kind_of_errno(EPERM), ERROR_PERMISSION);
    assert_int_equal(error_kind_of_errno(EROFS), ERROR_PERMISSION);
    assert_int_equal(error_kind_of_errno(ENOENT), ERROR_NOT_FOUND);
    assert_int_equal(error_kind_of_errno(ENOTDIR), ERROR_NOT_FOUND);
    assert_int_equal(error_kind_of_errno(ENOSPC), ERROR_IO);
    assert_int_equal(error_kind_of_errno(0), ERROR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_status_and_name),
        cmocka_unit_test(set_fills_everything),
        cmocka_unit_test(wrap_puts_context_in_front),
        cmocka_unit_test(arguments_may_point_into_the_error),
        cmocka_unit_test(texts_too_long_are_cut_and_the_reason_stays),
        cmocka_unit_test(texts_are_cut_between_characters),
        cmocka_unit_test(errno_values_have_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
