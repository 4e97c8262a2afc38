/* Keys from passwords, by the examples of RFC 7677 and of Kafka's own formatter; base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/secure/base64.h"
#include "base/secure/scram.h"

/* RFC 7677, section 3: user "user", password "pencil". */
static void test_scram_rfc_7677(void **state) {
    (void)state;
    static const char said[] =
        "n=user,r=rOprNGfwEbeRWgbNEkqO,"
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    uint8_t salt[SCRAM_SALT_MAX], salted[SCRAM_HASH_MAX], proof[SCRAM_HASH_MAX],
        signature[SCRAM_HASH_MAX];
    char text[100];
    struct scram_keys keys;
    size_t salt_len;
    assert_true(
        base64_decode(BASE64_PADDED, "W22ZaJ0SNY7soEsUEjb6gQ==", 24, salt, sizeof salt, &salt_len));
    scram_salt_password(SCRAM_SHA_256, "pencil", 6, salt, salt_len, 4096, salted);
    scram_keys_of(SCRAM_SHA_256, salted, &keys);
    scram_proof_of(SCRAM_SHA_256, salted, said, strlen(said), proof);
    base64_encode(BASE64_PADDED, proof, 32, text);
    assert_string_equal(text, "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    scram_hmac(SCRAM_SHA_256, keys.server, 32, said, strlen(said), signature);
    base64_encode(BASE64_PADDED, signature, 32, text);
    assert_string_equal(text, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    assert_true(scram_proof_is_good(SCRAM_SHA_256, &keys, said, strlen(said), proof));
    for (size_t i = 0; i < 32; i++) {
        proof[i] ^= 1;
        assert_false(scram_proof_is_good(SCRAM_SHA_256, &keys, said, strlen(said), proof));
        proof[i] ^= 1;
    }
    assert_false(scram_proof_is_good(SCRAM_SHA_256, &keys, said, strlen(said) - 1, proof));
}

/* SHA-512 has no example in an RFC: the salted password as Python's hashlib makes it. */
static void test_scram_sha_512(void **state) {
    (void)state;
    uint8_t salted[SCRAM_HASH_MAX], proof[SCRAM_HASH_MAX];
    char text[100];
    struct scram_keys keys;
    scram_salt_password(SCRAM_SHA_512, "pencil", 6, (const uint8_t *)"0123456789abcdef", 16, 4096,
                        salted);
    scram_keys_of(SCRAM_SHA_512, salted, &keys);
    base64_encode(BASE64_PADDED, keys.stored, 64, text);
    assert_string_equal(text, "50q+37QH8XpaNkNxjgBGkxqXkoXVH2Lh3lHJ07g7AOGV"
                              "lU4FcOi+wjKQc80Fl2VeSw/SniKUPcJigYjLk6Y/2w==");
    base64_encode(BASE64_PADDED, keys.server, 64, text);
    assert_string_equal(text, "fgiGfVDf7076b3mVdGf4ced4bUxY4L8AjpHsD8KRzbGO"
                              "ujkLSpj40lrcb9IvGqJ4Uv3dBiyDgUgoQnoVamua2Q==");
    scram_proof_of(SCRAM_SHA_512, salted, "said", 4, proof);
    assert_true(scram_proof_is_good(SCRAM_SHA_512, &keys, "said", 4, proof));
    assert_false(scram_proof_is_good(SCRAM_SHA_512, &keys, "sad", 3, proof));
}

static void test_scram_names(void **state) {
    (void)state;
    assert_int_equal(scram_named("SCRAM-SHA-256", 13), SCRAM_SHA_256);
    assert_int_equal(scram_named("SCRAM-SHA-512", 13), SCRAM_SHA_512);
    assert_int_equal(scram_named("SCRAM-SHA-51", 12), SCRAM_NONE);
    assert_int_equal(scram_named("", 0), SCRAM_NONE);
    assert_string_equal(scram_name(SCRAM_SHA_512), "SCRAM-SHA-512");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scram_rfc_7677),
        cmocka_unit_test(test_scram_sha_512),
        cmocka_unit_test(test_scram_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
