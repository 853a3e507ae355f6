/* SHA-256 and SHA-384: the vectors of FIPS 180-4 and NIST's byte-oriented test sets. */
#include "support.h"

#include "base/hash.h"

static void assert_sum(const void *data, size_t size, const char *expected)
{
    struct hash hash;
    char out[HASH_HEX_SIZE];
    hash_start(&hash);
    hash_add(&hash, data, size);
    hash_finish(&hash, out);
    assert_string_equal(out, expected);
}

static void vectors(void **state)
{
    (void)state;
    assert_sum("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_sum("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_sum("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
               "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_sum("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
               "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
               112, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
    assert_sum("\xd3", 1, "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1");
    assert_sum("\x11\xaf", 2, "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98");
}

static void million_letters_in_pieces_of_every_size(void **state)
{
    (void)state;
    struct hash hash;
    char out[HASH_HEX_SIZE];
    char block[997];
    memset(block, 'a', sizeof block);
    hash_start(&hash);
    size_t left = 1000000;
    for (size_t piece = 0; left > 0; piece = (piece + 1) % sizeof block) {
        size_t n = piece < left ? piece : left;
        hash_add(&hash, block, n);
        left -= n;
    }
    hash_finish(&hash, out);
    assert_string_equal(out, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void longer_sums(void **state)
{
    (void)state;
    char out[HASH_384_HEX_SIZE];
    hash_384("", 0, out);
    assert_string_equal(out, "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da"
                             "274edebfe76f65fbd51ad2f14898b95b");
    hash_384("abc", 3, out);
    assert_string_equal(out, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                             "8086072ba1e7cc2358baeca134c825a7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(million_letters_in_pieces_of_every_size),
        cmocka_unit_test(longer_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
