/* Text: buffers that know their end, durations, sizes, near names, UTF-8, words for a shell. */
#include "support.h"

#include "base/text.h"

static void buffer_grows_up_to_its_maximum(void **state)
{
    (void)state;
    struct text_buffer buffer = {.max = 10};
    assert_true(text_buffer_append(&buffer, "", 0));
    assert_string_equal(buffer.data, "");
    assert_true(text_buffer_append(&buffer, "12345", 5));
    assert_true(text_buffer_printf(&buffer, "%d", 67890));
    assert_string_equal(buffer.data, "1234567890");
    assert_int_equal(buffer.len, 10);

    /* Full: nothing is added, not even in part. */
    assert_false(text_buffer_append(&buffer, "x", 1));
    assert_false(text_buffer_printf(&buffer, "%s", "yz"));
    assert_string_equal(buffer.data, "1234567890");
    assert_true(text_buffer_append(&buffer, "", 0));
    assert_true(text_buffer_printf(&buffer, "%s", ""));
    text_buffer_free(&buffer);
    assert_null(buffer.data);
    text_buffer_free(&buffer);
}

static void buffer_refuses_more_than_its_maximum_at_once(void **state)
{
    (void)state;
    struct text_buffer buffer = {.max = 4};
    assert_false(text_buffer_append(&buffer, "12345", 5));
    assert_false(text_buffer_append(&buffer, "12345", SIZE_MAX));
    assert_null(buffer.data);
    struct text_buffer none = {.max = 0};
    assert_false(text_buffer_append(&none, "a", 1));
    text_buffer_free(&none);
    text_buffer_free(&buffer);
}

static void buffer_holds_any_bytes(void **state)
{
    (void)state;
    struct text_buffer buffer = {.max = (size_t)1 << 20};
    for (int i = 0; i < 5000; i++)
        assert_true(text_buffer_append(&buffer, "a\0b", 3));
    assert_int_equal(buffer.len, 15000);
    assert_memory_equal(buffer.data + 14997, "a\0b", 4);
    text_buffer_free(&buffer);
}

static void durations_need_their_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"500ms", 500},    {"8s", 8000},      {"2m", 120000},
                {"24h", 86400000}, {"7d", 604800000}, {"0", 0},
                {"0s", 0},         {"00008s", 8000},  {"3650d", 315360000000}};
    static const char *const bad[] = {"",
                                      "8",
                                      "s",
                                      "-1s",
                                      "+1s",
                                      "1.5s",
                                      "8 s",
                                      " 8s",
                                      "8s ",
                                      "8sec",
                                      "1h2m",
                                      "0x8s",
                                      "8\n",
                                      "8s\n",
                                      "99999999999999999999s",
                                      "3661d",
                                      "9223372036854775807s"};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        int64_t ms = -7;
        if (!text_parse_duration(good[i].text, &ms) || ms != good[i].ms)
            fail_msg("%s is %lld ms", good[i].text, (long long)ms);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        int64_t ms = -7;
        if (text_parse_duration(bad[i], &ms) || ms != -7)
            fail_msg("\"%s\" was taken as %lld ms", bad[i], (long long)ms);
    }
}

static void sizes_are_of_1000_or_of_1024(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } good[] = {{"0", 0},
                {"1048576", 1048576},
                {"12B", 12},
                {"512k", 524288},
                {"64MiB", 67108864},
                {"64mib", 67108864},
                {"1GB", 1000000000},
                {"1G", 1073741824},
                {"3kB", 3000},
                {"2TiB", INT64_C(2199023255552)},
                {"8388607TiB", INT64_C(9223370937343148032)},
                {"9223372036854775807", INT64_MAX}};
    static const char *const bad[] = {"",    "k",       "-1",         "1.5G",
                                      "1 G", "1Gb/s",   "8388608TiB", "9223372036854775808",
                                      "0x1", "1KiBKiB", " 1",         "1\n"};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        int64_t bytes = -7;
        if (!text_parse_size(good[i].text, &bytes) || bytes != good[i].bytes)
            fail_msg("%s is %lld bytes", good[i].text, (long long)bytes);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        int64_t bytes = -7;
        if (text_parse_size(bad[i], &bytes) || bytes != -7)
            fail_msg("\"%s\" was taken as %lld bytes", bad[i], (long long)bytes);
    }
}

static void whole_numbers_have_bounds(void **state)
{
    (void)state;
    int64_t value = -7;
    assert_true(text_parse_int("0", 0, 9, &value));
    assert_int_equal(value, 0);
    assert_true(text_parse_int("9", 0, 9, &value));
    assert_int_equal(value, 9);
    assert_true(text_parse_int("9223372036854775807", 0, INT64_MAX, &value));
    static const char *const bad[] = {"10", "-1", "+1",  "",    " 1",
                                      "1 ", "1x", "0x1", "1.0", "18446744073709551617"};
    value = -7;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(text_parse_int(bad[i], 0, 9, &value));
    assert_int_equal(value, -7);
}

static void sizes_and_durations_for_people(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *text;
    } sizes[] = {{0, "0 B"},
                 {999, "999 B"},
                 {1000, "1.0 kB"},
                 {804000, "804.0 kB"},
                 {999949, "999.9 kB"},
                 {999950, "1.0 MB"},
                 {12300000, "12.3 MB"},
                 {INT64_C(5000000000000000), "5000.0 TB"}},
      durations[] = {{0, "0 ms"},
                     {350, "350 ms"},
                     {999, "999 ms"},
                     {2400, "2.4 s"},
                     {59949, "59.9 s"},
                     {59950, "1 min 0 s"},
                     {185000, "3 min 5 s"},
                     {3599999, "59 min 59 s"},
                     {7800000, "2 h 10 min"},
                     {172800000, "2 days"},
                     {INT64_C(432000000), "5 days"}};
    char out[40];
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        text_format_size(out, sizeof out, sizes[i].value);
        assert_string_equal(out, sizes[i].text);
    }
    for (size_t i = 0; i < COUNT_OF(durations); i++) {
        text_format_duration(out, sizeof out, durations[i].value);
        assert_string_equal(out, durations[i].text);
    }
    text_format_size(out, 4, 12300000);
    assert_string_equal(out, "12.");
}

static void distance_counts_edits(void **state)
{
    (void)state;
    char long_name[80];
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(text_distance("", ""), 0);
    assert_int_equal(text_distance("", "abc"), 3);
    assert_int_equal(text_distance("abc", ""), 3);
    assert_int_equal(text_distance("kitten", "sitting"), 3);
    assert_int_equal(text_distance("sitting", "kitten"), 3);
    assert_int_equal(text_distance("same", "same"), 0);
    assert_int_equal(text_distance(long_name, long_name + 1), 79);
    assert_int_equal(text_distance(long_name + 16, long_name + 17), 1); /* 63 and 62 letters */
}

static void nearest_name_is_what_was_meant(void **state)
{
    (void)state;
    static const char *const names[] = {"migrations", "backup_dir", "backup", "db", "drift"};
    assert_string_equal(text_nearest("migratons", names, COUNT_OF(names)), "migrations");
    assert_string_equal(text_nearest("backupdir", names, COUNT_OF(names)), "backup_dir");
    assert_string_equal(text_nearest("backups", names, COUNT_OF(names)), "backup");
    assert_string_equal(text_nearest("drfit", names, COUNT_OF(names)), "drift");
    assert_ptr_equal(text_nearest("db", names, COUNT_OF(names)), names[3]);
    assert_null(text_nearest("x", names, COUNT_OF(names)));
    assert_null(text_nearest("", names, COUNT_OF(names)));
    assert_null(text_nearest("something-else", names, COUNT_OF(names)));
    assert_null(text_nearest("db", names, 0));
}

static void starts_and_ends(void **state)
{
    (void)state;
    assert_true(text_starts_with("abc", "ab"));
    assert_true(text_starts_with("abc", ""));
    assert_false(text_starts_with("ab", "abc"));
    assert_true(text_ends_with("001_a.sql", ".sql"));
    assert_true(text_ends_with("abc", ""));
    assert_false(text_ends_with("sql", ".sql"));
    assert_false(text_ends_with("a.sql ", ".sql"));
}

static size_t utf8(const char *bytes)
{
    return text_utf8_length((const unsigned char *)bytes, strlen(bytes));
}

static void utf8_as_in_rfc_3629(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80",             /* a lone continuation */
                                      "\xBF",             /* the last of them */
                                      "\xC0\xAF",         /* overlong */
                                      "\xC1\xBF",         /* overlong */
                                      "\xC2",             /* cut */
                                      "\xC3(",            /* no continuation */
                                      "\xE0\x9F\xBF",     /* overlong */
                                      "\xE2\x82",         /* cut */
                                      "\xED\xA0\x80",     /* a surrogate */
                                      "\xF0\x8F\xBF\xBF", /* overlong */
                                      "\xF0\x9F\x98",     /* cut */
                                      "\xF4\x90\x80\x80", /* beyond U+10FFFF */
                                      "\xF5\x80\x80\x80",
                                      "\xFE",
                                      "\xFF"};
    assert_int_equal(utf8("a"), 1);
    assert_int_equal(utf8("\xC2\x80"), 2);
    assert_int_equal(utf8("\xC3\xA4"), 2);
    assert_int_equal(utf8("\xE0\xA0\x80"), 3);
    assert_int_equal(utf8("\xED\x9F\xBF"), 3);
    assert_int_equal(utf8("\xEF\xBF\xBD"), 3);
    assert_int_equal(utf8("\xF0\x90\x80\x80"), 4);
    assert_int_equal(utf8("\xF4\x8F\xBF\xBF"), 4);
    assert_int_equal(utf8(""), 0);
    assert_int_equal(text_utf8_length((const unsigned char *)"\xE2\x82\xAC", 2), 0);
    assert_int_equal(text_utf8_length((const unsigned char *)"\0", 1), 1);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (utf8(bad[i]) != 0)
            fail_msg("the bad sequence %zu counts as %zu bytes", i, utf8(bad[i]));
}

static void shell_reads_the_word_back(void **state)
{
    (void)state;
    static const char *const words[] = {"plain/path-1.0_x",
                                        "",
                                        "two words",
                                        "it's",
                                        "''",
                                        "$HOME `id` $(id) \\ \" * ? ~ ! # & ; | < >",
                                        "~",
                                        "line\nbreak",
                                        "\xC3\xA4",
                                        "a\tb"};
    char quoted[256];
    assert_string_equal(text_shell_quote(quoted, sizeof quoted, words[0]), words[0]);
    assert_string_equal(text_shell_quote(quoted, sizeof quoted, "it's"), "'it'\\''s'");
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        char command[400];
        char back[256];
        (void)snprintf(command, sizeof command, "printf %%s %s",
                       text_shell_quote(quoted, sizeof quoted, words[i]));
        FILE *shell = popen(command, "r"); /* NOLINT(cert-env33-c) */
        assert_non_null(shell);
        size_t n = fread(back, 1, sizeof back - 1, shell);
        back[n] = '\0';
        assert_int_equal(pclose(shell), 0);
        assert_string_equal(back, words[i]);
    }
}

static void quoted_word_that_is_cut_stays_closed(void **state)
{
    (void)state;
    char quoted[40];
    for (size_t size = 1; size <= sizeof quoted; size++) {
        memset(quoted, '#', sizeof quoted);
        (void)text_shell_quote(quoted, size, "a b'c d'e f'g h'i j'k l'm n'o p");
        size_t length = strnlen(quoted, size);
        assert_true(length < size);
        if (length > 0) {
            assert_int_equal(quoted[0], '\'');
            assert_int_equal(quoted[length - 1], '\'');
        }
    }
    assert_string_equal(text_shell_quote(quoted, 4, "plain"), "pla");
}

static void plain_text_moves_no_cursor(void **state)
{
    (void)state;
    char hostile[] = "a\033[2J\r\x7F\xC2\x9B\xFF\x00z\tb\n\xC2\xA0\xC3\xA9\xE2\x82";
    text_make_plain(hostile, sizeof hostile - 1);
    assert_memory_equal(hostile, "a?[2J??????z\tb\n\xC2\xA0\xC3\xA9??", sizeof hostile - 1);
    text_make_plain(hostile, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffer_grows_up_to_its_maximum),
        cmocka_unit_test(buffer_refuses_more_than_its_maximum_at_once),
        cmocka_unit_test(buffer_holds_any_bytes),
        cmocka_unit_test(durations_need_their_unit),
        cmocka_unit_test(sizes_are_of_1000_or_of_1024),
        cmocka_unit_test(whole_numbers_have_bounds),
        cmocka_unit_test(sizes_and_durations_for_people),
        cmocka_unit_test(distance_counts_edits),
        cmocka_unit_test(nearest_name_is_what_was_meant),
        cmocka_unit_test(starts_and_ends),
        cmocka_unit_test(utf8_as_in_rfc_3629),
        cmocka_unit_test(shell_reads_the_word_back),
        cmocka_unit_test(quoted_word_that_is_cut_stays_closed),
        cmocka_unit_test(plain_text_moves_no_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
