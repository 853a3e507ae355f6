/* SHA-256: the vectors of FIPS 180-4 and NIST's byte-oriented test sets. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),
        cmocka_unit_test(million_letters_in_pieces_of_every_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
