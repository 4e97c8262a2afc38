/* The broker's side of SCRAM against a client made of the same arithmetic, and against messages
 * that are no such. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/secure/base64.h"
#include "broker/login/plain.h"
#include "broker/login/scram_server.h"

static const char NONCE[] = "fyko+d2lbbFgONRv9qkxdawL";
static const uint8_t random_bytes[SCRAM_NONCE_RANDOM] = "0123456789abcdef";

/* A user with the password "pencil". */
static struct user_key key_of(enum scram_mechanism mechanism, const char *password,
                              uint8_t salted[SCRAM_HASH_MAX]) {
    struct user_key key = {.mechanism = mechanism, .iterations = 4096, .salt_len = 16};
    memcpy(key.salt, "saltsaltsaltsalt", 16);
    scram_salt_password(mechanism, password, strlen(password), key.salt, key.salt_len, 4096,
                        salted);
    scram_keys_of(mechanism, salted, &key.keys);
    return key;
}

/* Everything that one client says; NULL: as it is right. */
struct talk {
    enum scram_mechanism mechanism;
    const char *first, *last_begin, *between, *password;
    bool twice; /* its nonce, as librdkafka up to 2.6.0 */
};

static const char header_of_first[] = "n,,";

/* Whether the client of that talk gets in. */
static bool gets_in(const struct talk *talk, char *answer, size_t *answer_len) {
    struct scram_server server;
    uint8_t salted[SCRAM_HASH_MAX], proof[SCRAM_HASH_MAX];
    char first[600], challenge[600], last[1200], said[3000], text[100], nonce[400];
    size_t len;
    struct user_key key = key_of(talk->mechanism, "pencil", salted);
    snprintf(first, sizeof first, "n,,n=user,r=%s", NONCE);
    if (talk->first != NULL) snprintf(first, sizeof first, "%s", talk->first);
    if (!scram_server_hear(&server, talk->mechanism, first, strlen(first))) return false;
    const char *message = scram_server_challenge(&server, &key, random_bytes, &len);
    snprintf(challenge, sizeof challenge, "%.*s", (int)len, message);
    assert_int_equal(sscanf(challenge, "r=%399[^,]", nonce), 1);
    if (talk->password != NULL) key_of(talk->mechanism, talk->password, salted);
    snprintf(last, sizeof last, "%s%s%s%s",
             talk->last_begin ? talk->last_begin : "c=biws,r=", talk->twice ? NONCE : "", nonce,
             talk->between ? talk->between : "");
    snprintf(said, sizeof said, "%s,%s,%s", first + strlen(header_of_first), challenge, last);
    scram_proof_of(talk->mechanism, salted, said, strlen(said), proof);
    base64_encode(BASE64_PADDED, proof, scram_hash_size(talk->mechanism), text);
    snprintf(last + strlen(last), sizeof last - strlen(last), ",p=%s", text);
    return scram_server_judge(&server, last, strlen(last), answer, answer_len);
}

static bool talk_works(const struct talk *talk) {
    char answer[4 * SCRAM_HASH_MAX];
    size_t len;
    return gets_in(talk, answer, &len);
}

static void test_scram_server_good(void **state) {
    (void)state;
    char answer[4 * SCRAM_HASH_MAX];
    size_t len;
    assert_true(gets_in(&(struct talk){.mechanism = SCRAM_SHA_256}, answer, &len));
    assert_int_equal(len, 2 + 44);
    assert_memory_equal(answer, "v=", 2);
    assert_true(gets_in(&(struct talk){.mechanism = SCRAM_SHA_512}, answer, &len));
    assert_int_equal(len, 2 + 88);
    assert_true(talk_works(&(struct talk){.mechanism = SCRAM_SHA_256, .twice = true}));
    assert_true(talk_works(&(struct talk){.mechanism = SCRAM_SHA_256, .between = ",x=y"}));
}

static void test_scram_server_bad(void **state) {
    (void)state;
    static const struct talk talks[] = {
        {SCRAM_SHA_256, .password = "Pencil"},
        {SCRAM_SHA_512, .password = "pencil "},
        {SCRAM_SHA_256, .last_begin = "c=eSws,r="}, /* y,, */
        {SCRAM_SHA_256, .last_begin = "c=biw=,r="},
        {SCRAM_SHA_256, .last_begin = "c=,r="},
        {SCRAM_SHA_256, .last_begin = "c=biws,r=a"},
        {SCRAM_SHA_256, .last_begin = "c=biws,r=fyko+d2lbbFgONRv9qkxdawLfyko+d2lbbFgONRv9qkxdawL"},
        {SCRAM_SHA_256, .last_begin = "r="},
        {SCRAM_SHA_256, .last_begin = "c=biws,x=1,r="},
        {SCRAM_SHA_256, .between = "=x"},
        {SCRAM_SHA_256, .between = ",x"},
        {SCRAM_SHA_256, .between = ",=y"},
    };
    for (size_t i = 0; i < sizeof talks / sizeof talks[0]; i++)
        if (talk_works(&talks[i])) fail_msg("talk %zu", i);
}

/* Whether a first message is one; `user`: who it is of then. */
static bool heard(const char *first, const char *user) {
    struct scram_server server;
    if (!scram_server_hear(&server, SCRAM_SHA_256, first, strlen(first))) return false;
    assert_string_equal(server.user, user);
    return true;
}

static void test_scram_server_first(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        "n",
        "n,",
        "n,,",
        "n,,n=user",
        "n,,n=user,r=",
        "n,,n=user,r=1234567", /* too short to be anybody's */
        "p=tls-unique,,n=user,r=12345678",
        "n,,m=x,n=user,r=12345678",
        "n,a=other,n=user,r=12345678",
        "n,a=user=3,n=user,r=12345678",
        "n,,n=,r=12345678",
        "n,,n=us=er,r=12345678",
        "n,,n=us=2cer,r=12345678",
        "n,,n=us\x01er,r=12345678",
        "n,,n=user,r=1234 5678",
        "n,,n=user,r=1234\1775678",
        "n,,n=user,r=12345678,",
        "n,,n=user,r=12345678,tokenauth",
        "n,,r=12345678,n=user",
        "x,,n=user,r=12345678",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (heard(wrong[i], "user")) fail_msg("%s", wrong[i]);
    assert_true(heard("n,,n=user,r=12345678", "user"));
    assert_true(heard("y,,n=user,r=12345678", "user"));
    assert_true(heard("n,a=user,n=user,r=12345678", "user"));
    assert_true(heard("n,a=,n=user,r=12345678", "user"));
    assert_true(heard("n,a=a=2Cb,n=a=2Cb,r=12345678", "a,b"));
    assert_true(heard("n,,n=a=3Db,r=12345678", "a=b"));
    assert_true(heard("n,,n=user,r=12345678,x=y,z=", "user"));
}

/* Names and nonces at their limits, and one beyond. */
static void test_scram_server_limits(void **state) {
    (void)state;
    struct scram_server server;
    char text[SCRAM_MESSAGE_MAX + 100];
    for (int more = 0; more <= 1; more++) {
        int len = snprintf(text, sizeof text, "n,,n=%0*d,r=12345678", USER_NAME_MAX + more, 7);
        assert_int_equal(scram_server_hear(&server, SCRAM_SHA_256, text, (size_t)len), !more);
        len = snprintf(text, sizeof text, "n,,n=u,r=%0*d", SCRAM_NONCE_MAX + more, 7);
        assert_int_equal(scram_server_hear(&server, SCRAM_SHA_256, text, (size_t)len), !more);
        len = snprintf(text, sizeof text, "n,,n=u,r=12345678,x=%0*d", SCRAM_MESSAGE_MAX - 20 + more,
                       7);
        assert_int_equal(scram_server_hear(&server, SCRAM_SHA_256, text, (size_t)len), !more);
    }
}

static bool plain(const char *text, size_t len) {
    struct plain_message message;
    return plain_read(text, len, &message);
}

static void test_plain(void **state) {
    (void)state;
    struct plain_message message;
    assert_true(plain_read("\0alice\0secret", 13, &message));
    assert_string_equal(message.user, "alice");
    assert_int_equal(message.password_len, 6);
    assert_memory_equal(message.password, "secret", 6);
    assert_true(plain("alice\0alice\0secret", 18));
    assert_false(plain("bob\0alice\0secret", 16));
    assert_false(plain("", 0));
    assert_false(plain("\0", 1));
    assert_false(plain("\0\0", 2));
    assert_false(plain("\0alice", 6));
    assert_false(plain("\0alice\0", 7));
    assert_false(plain("\0\0secret", 8));
    assert_false(plain("\0alice\0sec\0ret", 14));
    assert_false(plain("\0al\nice\0secret", 14));
    char text[2 * USER_NAME_MAX] = {0};
    memset(text + 1, 'u', USER_NAME_MAX + 1);
    text[USER_NAME_MAX + 3] = 'p';
    assert_false(plain(text, USER_NAME_MAX + 4));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scram_server_good),
        cmocka_unit_test(test_scram_server_bad),
        cmocka_unit_test(test_scram_server_first),
        cmocka_unit_test(test_scram_server_limits),
        cmocka_unit_test(test_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
