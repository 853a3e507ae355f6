/* Which of two versions comes first, and whether a file is the one that a tool has summed. */
#include "support.h"

#include "migrate/match.h"
#include "migrate/sums.h"

static void versions_have_an_order(void **state)
{
    (void)state;
    static const char *const ascending[] = {
        "0",    "0.0.1", "1",  "1.0.1", "1.1",        "1_2",      "1.9",
        "1.10", "2",     "10", "99",    "2024-01-15", "20240116", "20240115093000"};
    for (size_t i = 0; i < COUNT_OF(ascending); i++)
        for (size_t j = 0; j < COUNT_OF(ascending); j++) {
            int order = migrate_match_order(ascending[i], ascending[j]);
            if ((order > 0) - (order < 0) != (i > j) - (i < j))
                fail_msg("%s and %s", ascending[i], ascending[j]);
        }
    assert_int_equal(migrate_match_order("007", "7"), 0);
    assert_int_equal(migrate_match_order("1.0", "1"), 0);
    assert_int_equal(migrate_match_order("000", "0.0"), 0);
    assert_int_equal(migrate_match_order("1_02", "1.2.0"), 0);
    assert_int_equal(migrate_match_order("10", "10.00"), 0);
    assert_int_equal(migrate_match_order("2024-01-15-093000", "20240115093000"), 0);
}

static void checksums_are_those_of_the_tools(void **state)
{
    (void)state;
    static const struct {
        enum foreign_sum kind;
        const char *text;
        const char *sum;
        bool match;
    } cases[] = {
        {FOREIGN_SUM_SHA256, "abc",
         "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", true},
        {FOREIGN_SUM_SHA256, "abd",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", false},
        {FOREIGN_SUM_SHA384, "abc",
         "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
         "8086072ba1e7cc2358baeca134c825a7",
         true},
        {FOREIGN_SUM_SHA384, "abd",
         "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
         "8086072ba1e7cc2358baeca134c825a7",
         false},
        /* sha256("a\nb\n") and sha256("a\r\nb\r\n"), each against the other's file. */
        {FOREIGN_SUM_SHA256, "a\r\nb\r\n",
         "911169ddaaf146aff539f58c26c489af3b892dff0fe283c1c264c65ae5aa59a2", true},
        {FOREIGN_SUM_SHA256, "a\nb\n",
         "58055bdcc73787eb88c78d36f0b4939e9c5dc1c3ad17e25cc85a6833cf1a0cab", true},
        {FOREIGN_SUM_SHA256, "abc",
         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", true},
        /* Without the padding of the bytes 01, 03 and 00, as old versions wrote it. */
        {FOREIGN_SUM_SHA256, "abc", "ba7816bf8f1cfea414140de5dae2223b0361a396177a9cb410ff61f2015ad",
         true},
        /* CRC-32 of "123456789" is CBF43926, of nothing 0. */
        {FOREIGN_SUM_CRC32_LINES, "123\n456\r\n\n789\n", "-873187034", true},
        {FOREIGN_SUM_CRC32_LINES,
         "\xEF\xBB\xBF"
         "123456789",
         "-873187034", true},
        {FOREIGN_SUM_CRC32_LINES, "12345678", "-873187034", false},
        {FOREIGN_SUM_CRC32_LINES, "", "0", true},
        {FOREIGN_SUM_NONE, "x", "y", true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (migrate_sums_match(cases[i].kind, cases[i].sum, cases[i].text, strlen(cases[i].text)) !=
            cases[i].match)
            fail_msg("case %zu", i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_have_an_order),
        cmocka_unit_test(checksums_are_those_of_the_tools),
    };
    return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
