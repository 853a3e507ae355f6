/* Time: moments as text, and clocks that go forward. */
#include "support.h"

#include "base/clock.h"

static void moments_are_rfc_3339_in_utc(void **state)
{
    (void)state;
    char out[CLOCK_TEXT_SIZE];
    assert_int_equal(setenv("TZ", "Asia/Kathmandu", 1), 0);
    tzset();
    clock_format(out, 0, 0);
    assert_string_equal(out, "1970-01-01T00:00:00.000Z");
    clock_format(out, 1768902000, 123);
    assert_string_equal(out, "2026-01-20T09:40:00.123Z");
    clock_format(out, 951782400, 7);
    assert_string_equal(out, "2000-02-29T00:00:00.007Z");
    clock_format(out, 253402300799, 999);
    assert_string_equal(out, "9999-12-31T23:59:59.999Z");
    clock_format(out, -1, 0);
    assert_string_equal(out, "1969-12-31T23:59:59.000Z");
    /* Beyond what a struct tm can say. */
    clock_format(out, (time_t)INT64_MAX, 0);
    assert_string_equal(out, "");
    clock_format(out, (time_t)INT64_MIN, 0);
    assert_string_equal(out, "");
}

/* Moments are compared as text (the order of backups, the retention). */
static void text_sorts_as_time_does(void **state)
{
    (void)state;
    static const time_t moments[] = {-30000000000, -1,          0,          1,
                                     999999999,    1000000000,  1768902000, 1768902001,
                                     4102444800,   253402300799};
    char earlier[CLOCK_TEXT_SIZE];
    char later[CLOCK_TEXT_SIZE];
    for (size_t i = 1; i < COUNT_OF(moments); i++) {
        clock_format(earlier, moments[i - 1], 999);
        clock_format(later, moments[i], 0);
        if (strcmp(earlier, later) >= 0)
            fail_msg("%s is not before %s", earlier, later);
    }
}

static void present_moment(void **state)
{
    (void)state;
    int ms = -1;
    char out[CLOCK_TEXT_SIZE];
    char again[CLOCK_TEXT_SIZE];
    time_t before = time(NULL);
    time_t now = clock_utc(&ms);
    assert_true(now >= before - 1 && now <= time(NULL) + 1);
    assert_in_range(ms, 0, 999);
    clock_format_now(out);
    clock_format_now(again);
    assert_int_equal(strlen(out), 24);
    assert_int_equal(out[23], 'Z');
    assert_true(strcmp(out, again) <= 0);
}

static void monotonic_goes_forward(void **state)
{
    (void)state;
    int64_t ms = clock_monotonic_ms();
    clock_sleep_ms(20);
    assert_true(clock_monotonic_ms() - ms >= 19);
    clock_sleep_ms(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_rfc_3339_in_utc),
        cmocka_unit_test(text_sorts_as_time_does),
        cmocka_unit_test(present_moment),
        cmocka_unit_test(monotonic_goes_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
