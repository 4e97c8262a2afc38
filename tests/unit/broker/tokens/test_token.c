/* Tokens against keys that this program makes: what comes in, and that nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/mem.h"
#include "base/secure/base64.h"
#include "broker/tokens/bearer.h"
#include "broker/tokens/token.h"

enum { NOW_S = 1800000000, ROOM = 8192 };

static const struct token_rules rules = {.issuer = "https://issuer.example.com",
                                         .audiences = "other, drave",
                                         .user_claim = "sub",
                                         .skew_s = 30};
#define CLAIMS                                                          \
    "\"iss\":\"https://issuer.example.com\",\"aud\":\"drave\",\"sub\":" \
    "\"alice\",\"iat\":1799999900,\"exp\":1800000100"

struct fixture {
    EVP_PKEY *rsa, *p256, *p384;
    char *jwks;
    struct token_keys *keys;
};

/* ---- Keys and tokens ---- */

static size_t number_of(EVP_PKEY *key, const char *name, size_t size, unsigned char into[512]) {
    BIGNUM *number = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key, name, &number), 1);
    if (size == 0) size = (size_t)BN_num_bytes(number);
    assert_true(BN_bn2binpad(number, into, (int)size) == (int)size);
    BN_free(number);
    return size;
}

static void field(char *row, const char *name, EVP_PKEY *key, const char *param, size_t size) {
    unsigned char bytes[512];
    char text[BASE64_SIZE(512)];
    base64_encode(BASE64_URL, bytes, number_of(key, param, size, bytes), text);
    size_t used = strlen(row);
    snprintf(row + used, ROOM - used, ",\"%s\":\"%s\"", name, text);
}

static void end_row(char *row) {
    size_t used = strlen(row);
    snprintf(row + used, ROOM - used, "}");
}

static void rsa_row(char *row, EVP_PKEY *key, const char *begin) {
    snprintf(row, ROOM, "{%s", begin);
    field(row, "n", key, OSSL_PKEY_PARAM_RSA_N, 0);
    field(row, "e", key, OSSL_PKEY_PARAM_RSA_E, 0);
    end_row(row);
}

static void ec_row(char *row, EVP_PKEY *key, const char *begin, size_t size) {
    snprintf(row, ROOM, "{%s", begin);
    field(row, "x", key, OSSL_PKEY_PARAM_EC_PUB_X, size);
    field(row, "y", key, OSSL_PKEY_PARAM_EC_PUB_Y, size);
    end_row(row);
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    char rsa[ROOM], pss[ROOM], p256[ROOM], p384[ROOM];
    struct error_text why;
    f->rsa = EVP_RSA_gen(2048);
    f->p256 = EVP_EC_gen("P-256");
    f->p384 = EVP_EC_gen("P-384");
    f->jwks = malloc(8 * ROOM);
    rsa_row(rsa, f->rsa, "\"kty\":\"RSA\",\"kid\":\"r\",\"use\":\"sig\",\"x5c\":[\"MII\"]");
    rsa_row(pss, f->rsa,
            "\"kty\":\"RSA\",\"kid\":\"ps\",\"alg\":\"PS256\",\"key_ops\":[\"verify\"]");
    ec_row(p256, f->p256, "\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\"", 32);
    ec_row(p384, f->p384, "\"kty\":\"EC\",\"kid\":\"e3\",\"crv\":\"P-384\",\"alg\":\"ES384\"", 48);
    snprintf(f->jwks, 8 * ROOM,
             "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"h\",\"k\":\"c2VjcmV0\"},%s,%s,%s,%s,7,"
             "{\"kty\":\"RSA\",\"kid\":\"enc\",\"use\":\"enc\",%s]}",
             rsa, pss, p256, p384, strstr(rsa, "\"n\""));
    assert_int_equal(token_keys_read(f->jwks, strlen(f->jwks), &f->keys, &why), ERR_NONE);
    assert_int_equal(token_keys_count(f->keys), 4);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    token_keys_unref(f->keys);
    EVP_PKEY_free(f->rsa);
    EVP_PKEY_free(f->p256);
    EVP_PKEY_free(f->p384);
    free(f->jwks);
    free(f);
    return 0;
}

/* The bytes of a signature as JWS has them; a NULL key: HMAC with `secret`. */
static size_t sign(EVP_PKEY *key, const EVP_MD *digest, bool pss, const char *secret,
                   const char *data, unsigned char into[512]) {
    unsigned char der[512];
    size_t len = sizeof der;
    EVP_PKEY_CTX *how;
    if (key == NULL) {
        unsigned used;
        HMAC(digest, secret, (int)strlen(secret), (const void *)data, strlen(data), into, &used);
        return used;
    }
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(ctx, &how, digest, NULL, key), 1);
    if (pss) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST), 1);
    }
    assert_int_equal(EVP_DigestSign(ctx, der, &len, (const void *)data, strlen(data)), 1);
    EVP_MD_CTX_free(ctx);
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) {
        memcpy(into, der, len);
        return len;
    }
    const unsigned char *at = der;
    ECDSA_SIG *both = d2i_ECDSA_SIG(NULL, &at, (long)len);
    int half = EVP_PKEY_get_bits(key) / 8;
    BN_bn2binpad(ECDSA_SIG_get0_r(both), into, half);
    BN_bn2binpad(ECDSA_SIG_get0_s(both), into + half, half);
    ECDSA_SIG_free(both);
    return 2 * (size_t)half;
}

struct wish {
    const char *header, *claims; /* JSON */
    EVP_PKEY *key;
    const EVP_MD *digest; /* NULL: SHA-256 */
    bool pss;
    const char *secret;
};

#define SIGNED(json, object, by) .header = (json), .claims = (object), .key = (by)

static void make(const struct wish *wish, char token[ROOM]) {
    unsigned char signature[512];
    size_t used = base64_encode(BASE64_URL, wish->header, strlen(wish->header), token);
    token[used++] = '.';
    used += base64_encode(BASE64_URL, wish->claims, strlen(wish->claims), token + used);
    size_t len = sign(wish->key, wish->digest == NULL ? EVP_sha256() : wish->digest, wish->pss,
                      wish->secret, token, signature);
    token[used++] = '.';
    base64_encode(BASE64_URL, signature, len, token + used);
}

static struct token_facts facts;
static struct error_text said;

static int check_text(const struct fixture *f, const char *token) {
    return token_check(f->keys, &rules, token, strlen(token), (int64_t)NOW_S * 1000, &facts, &said);
}

static int check(const struct fixture *f, const struct wish *wish) {
    char token[ROOM];
    make(wish, token);
    return check_text(f, token);
}

static void assert_refused(const struct fixture *f, const struct wish *wish, const char *why) {
    if (check(f, wish) != ERR_DENIED) fail_msg("%s %s came in", wish->header, wish->claims);
    if (strstr(said.text, why) == NULL) fail_msg("'%s' instead of '%s'", said.text, why);
}

/* ---- What comes in ---- */

/* Each algorithm, by the key that it is of. */
static void test_token_good(void **state) {
    const struct fixture *f = *state;
    const struct wish rows[] = {
        {SIGNED("{\"alg\":\"RS256\",\"kid\":\"r\",\"typ\":\"JWT\"}", "{" CLAIMS "}", f->rsa)},
        {SIGNED("{\"alg\":\"RS384\",\"kid\":\"r\"}", "{" CLAIMS "}", f->rsa),
         .digest = EVP_sha384()},
        {SIGNED("{\"alg\":\"RS512\",\"kid\":\"r\"}", "{" CLAIMS "}", f->rsa),
         .digest = EVP_sha512()},
        {SIGNED("{\"alg\":\"PS256\",\"kid\":\"r\"}", "{" CLAIMS "}", f->rsa), .pss = true},
        {SIGNED("{\"alg\":\"PS256\",\"kid\":\"ps\"}", "{" CLAIMS "}", f->rsa), .pss = true},
        {SIGNED("{\"alg\":\"ES256\",\"kid\":\"e\"}", "{" CLAIMS "}", f->p256)},
        {SIGNED("{\"alg\":\"ES384\",\"kid\":\"e3\"}", "{" CLAIMS "}", f->p384),
         .digest = EVP_sha384()},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (check(f, &rows[i]) != ERR_NONE) fail_msg("row %zu: %s", i, said.text);
        assert_string_equal(facts.user, "alice");
        assert_int_equal(facts.ends_ms, 1800000100000);
    }
}

/* Times at the edge of what clocks may differ; audiences in an array; fractions of a second. */
static void test_token_claims_good(void **state) {
    const struct fixture *f = *state;
    static const char *const claims[] = {
        "{\"iss\":\"https://issuer.example.com\",\"aud\":[\"x\",\"other\"],\"sub\":\"Zo\\u00eb\","
        "\"iat\":1.5,\"exp\":1800000000.25}",
        "{\"iss\":\"https://issuer.example.com\",\"aud\":[\"drave\"],\"sub\":\"a b\",\"iat\":9999999999,"
        "\"exp\":1799999971,\"nbf\":1800000030}",
    };
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        const struct wish wish = {SIGNED("{\"alg\":\"ES256\",\"kid\":\"e\"}", claims[i], f->p256)};
        if (check(f, &wish) != ERR_NONE) fail_msg("row %zu: %s", i, said.text);
    }
}

/* A set with one key needs no name of it. */
static void test_token_one_key(void **state) {
    const struct fixture *f = *state;
    char row[ROOM], set[ROOM + 32], token[ROOM];
    struct token_keys *keys;
    ec_row(row, f->p256, "\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\"", 32);
    snprintf(set, sizeof set, "{\"keys\":[%s]}", row);
    assert_int_equal(token_keys_read(set, strlen(set), &keys, &said), ERR_NONE);
    make(&(struct wish){SIGNED("{\"alg\":\"ES256\"}", "{" CLAIMS "}", f->p256)}, token);
    assert_int_equal(
        token_check(keys, &rules, token, strlen(token), (int64_t)NOW_S * 1000, &facts, &said),
        ERR_NONE);
    assert_int_equal(check_text(f, token), ERR_DENIED);
    assert_non_null(strstr(said.text, "there are several"));
    token_keys_unref(keys);
}

/* ---- What does not ---- */

/* Whoever signs does not choose how he is checked. */
static void test_token_algorithms(void **state) {
    const struct fixture *f = *state;
    BIO *pem = BIO_new(BIO_s_mem());
    char *public;
    i2d_PUBKEY_bio(pem, f->rsa);
    BIO_write(pem, "", 1);
    BIO_get_mem_data(pem, &public);
    const struct {
        struct wish wish;
        const char *why;
    } rows[] = {
        {{SIGNED("{\"alg\":\"none\",\"kid\":\"r\"}", "{" CLAIMS "}", f->rsa)}, "\"alg\" is none"},
        {{SIGNED("{\"alg\":\"NONE\"}", "{" CLAIMS "}", f->rsa)}, "\"alg\" is none"},
        {{SIGNED("{\"alg\":\"\",\"kid\":\"r\"}", "{" CLAIMS "}", f->rsa)}, "\"alg\" is none"},
        {{SIGNED("{\"kid\":\"r\"}", "{" CLAIMS "}", f->rsa)}, "\"alg\" is none"},
        {{SIGNED("{\"alg\":[\"RS256\"],\"kid\":\"r\"}", "{" CLAIMS "}", f->rsa)},
         "\"alg\" is none"},
        {{SIGNED("{\"alg\":\"rs256\",\"kid\":\"r\"}", "{" CLAIMS "}", f->rsa)}, "\"alg\" is none"},
        {{SIGNED("{\"alg\":\"HS256\",\"kid\":\"r\"}", "{" CLAIMS "}", NULL), .secret = public},
         "\"alg\" is none"},
        {{SIGNED("{\"alg\":\"HS256\",\"kid\":\"h\"}", "{" CLAIMS "}", NULL), .secret = "secret"},
         "\"alg\" is none"},
        {{SIGNED("{\"alg\":\"RS256\",\"kid\":\"e\"}", "{" CLAIMS "}", f->rsa)}, "another \"alg\""},
        {{SIGNED("{\"alg\":\"ES256\",\"kid\":\"r\"}", "{" CLAIMS "}", f->p256)}, "another \"alg\""},
        {{SIGNED("{\"alg\":\"RS256\",\"kid\":\"ps\"}", "{" CLAIMS "}", f->rsa)}, "another \"alg\""},
        {{SIGNED("{\"alg\":\"ES384\",\"kid\":\"e\"}", "{" CLAIMS "}", f->p256),
          .digest = EVP_sha384()},
         "another \"alg\""},
        {{SIGNED("{\"alg\":\"RS384\",\"kid\":\"r\"}", "{" CLAIMS "}", f->rsa)},
         "not that of the key"},
        {{SIGNED("{\"alg\":\"RS256\",\"kid\":\"r\"}", "{" CLAIMS "}", f->rsa), .pss = true},
         "not that of the key"},
        {{SIGNED("{\"alg\":\"ES256\",\"kid\":\"e\"}", "{" CLAIMS "}", f->p384),
          .digest = EVP_sha384()},
         "not that of the key"},
        {{SIGNED("{\"alg\":\"RS256\",\"kid\":\"enc\"}", "{" CLAIMS "}", f->rsa)},
         "no key with its \"kid\""},
        {{SIGNED("{\"alg\":\"RS256\",\"kid\":\"R\"}", "{" CLAIMS "}", f->rsa)},
         "no key with its \"kid\""},
        {{SIGNED("{\"alg\":\"RS256\",\"kid\":1}", "{" CLAIMS "}", f->rsa)}, "\"kid\" is no text"},
        {{SIGNED("{\"alg\":\"RS256\"}", "{" CLAIMS "}", f->rsa)}, "there are several"},
        {{SIGNED("{\"alg\":\"RS256\",\"kid\":\"r\",\"crit\":[\"exp\"]}", "{" CLAIMS "}", f->rsa)},
         "critical"},
        {{SIGNED("{\"alg\":\"RS256\",\"kid\":\"r\",\"crit\":null}", "{" CLAIMS "}", f->rsa)},
         "critical"},
        {{SIGNED("{\"alg\":\"HS256\",\"alg\":\"RS256\",\"kid\":\"r\"}", "{" CLAIMS "}", f->rsa)},
         "its header is no JSON"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_refused(f, &rows[i].wish, rows[i].why);
    assert_refused(f, &rows[15].wish, "no key");
    assert_true(facts.unknown_key);
    assert_refused(f, &rows[0].wish, "");
    assert_false(facts.unknown_key);
    BIO_free(pem);
}

#define AS(claims) "{\"iss\":\"https://issuer.example.com\",\"aud\":\"drave\"," claims "}"

static void test_token_claims(void **state) {
    const struct fixture *f = *state;
    static const struct {
        const char *claims, *why;
    } rows[] = {
        {AS("\"sub\":\"a\",\"iat\":1,\"exp\":1799999970"), "it ended 30 s ago"},
        {AS("\"sub\":\"a\",\"iat\":1,\"exp\":1800000100,\"nbf\":1800000031"),
         "not good before 31 s"},
        {AS("\"sub\":\"a\",\"iat\":1,\"exp\":1800000100,\"nbf\":\"1\""), "\"nbf\" is no time"},
        {AS("\"sub\":\"a\",\"iat\":1"), "(\"exp\")"},
        {AS("\"sub\":\"a\",\"iat\":1,\"exp\":\"1800000100\""), "(\"exp\")"},
        {AS("\"sub\":\"a\",\"iat\":1,\"exp\":1e300"), "(\"exp\")"},
        {AS("\"sub\":\"a\",\"iat\":1,\"exp\":-1"), "(\"exp\")"},
        {AS("\"sub\":\"a\",\"iat\":1,\"exp\":true"), "(\"exp\")"},
        {AS("\"sub\":\"a\",\"iat\":1,\"exp\":99999999999999999999"), "no JSON object"},
        {AS("\"sub\":\"a\",\"exp\":1800000100"), "(\"iat\")"},
        {AS("\"iat\":1,\"exp\":1800000100"), "\"sub\" is no name"},
        {AS("\"sub\":\"\",\"iat\":1,\"exp\":1800000100"), "\"sub\" is no name"},
        {AS("\"sub\":7,\"iat\":1,\"exp\":1800000100"), "\"sub\" is no name"},
        {AS("\"sub\":\"a\\nb\",\"iat\":1,\"exp\":1800000100"), "\"sub\" is no name"},
        {AS("\"sub\":\"admin\\u0000x\",\"iat\":1,\"exp\":1800000100"), "no JSON object"},
        {AS("\"sub\":\"\xff\",\"iat\":1,\"exp\":1800000100"), "no JSON object"},
        {AS("\"sub\":\"a\",\"sub\":\"b\",\"iat\":1,\"exp\":1800000100"), "no JSON object"},
        {AS("\"sub\":\"a\",\"iat\":1,\"exp\":1800000100,\"exp\":1"), "no JSON object"},
        {AS("\"sub\":\"a\",\"iat\":1,\"exp\":1800000100") " ", "" /* good: see below */},
        {"{\"aud\":\"drave\",\"sub\":\"a\",\"iat\":1,\"exp\":1800000100}", "\"iss\" is not"},
        {"{\"iss\":\"https://issuer.example.com/\",\"aud\":\"drave\",\"sub\":\"a\",\"iat\":1,"
         "\"exp\":1800000100}",
         "\"iss\" is not"},
        {"{\"iss\":[\"https://issuer.example.com\"],\"aud\":\"drave\",\"sub\":\"a\",\"iat\":1,"
         "\"exp\":1800000100}",
         "\"iss\" is not"},
        {"{\"iss\":\"https://issuer.example.com\",\"sub\":\"a\",\"iat\":1,\"exp\":1800000100}",
         "\"aud\" has none"},
        {"{\"iss\":\"https://issuer.example.com\",\"aud\":\"drav\",\"sub\":\"a\",\"iat\":1,"
         "\"exp\":1800000100}",
         "\"aud\" has none"},
        {"{\"iss\":\"https://issuer.example.com\",\"aud\":[[\"drave\"],{\"drave\":1},7],\"sub\":"
         "\"a\",\"iat\":1,\"exp\":1800000100}",
         "\"aud\" has none"},
        {"[" CLAIMS "]", "no JSON object"},
        {"7", "no JSON object"},
        {"", "no JSON object"},
        {"{" CLAIMS "}{}", "no JSON object"},
        {"{" CLAIMS ",\"x\":[[[[[[[[1]]]]]]]]}", "no JSON object"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct wish wish = {
            SIGNED("{\"alg\":\"ES256\",\"kid\":\"e\"}", rows[i].claims, f->p256)};
        if (rows[i].why[0] == '\0')
            assert_int_equal(check(f, &wish), ERR_NONE);
        else
            assert_refused(f, &wish, rows[i].why);
    }
}

/* No byte of a token can be another one, none can be added or be missing. */
static void test_token_bytes(void **state) {
    const struct fixture *f = *state;
    static const char letters[] = "AQgw_-+/=. \n";
    char token[ROOM], other[2 * ROOM];
    make(&(struct wish){SIGNED("{\"alg\":\"ES256\",\"kid\":\"e\"}", "{" CLAIMS "}", f->p256)},
         token);
    size_t len = strlen(token);
    assert_int_equal(check_text(f, token), ERR_NONE);
    for (size_t i = 0; i < len; i++)
        for (const char *letter = letters; *letter != '\0'; letter++) {
            memcpy(other, token, len + 1);
            if (other[i] == *letter) continue;
            other[i] = *letter;
            if (check_text(f, other) == ERR_NONE) fail_msg("byte %zu as '%c'", i, *letter);
        }
    for (size_t i = 0; i <= len; i++)
        for (const char *letter = letters; *letter != '\0'; letter++) {
            snprintf(other, sizeof other, "%.*s%c%s", (int)i, token, *letter, token + i);
            if (check_text(f, other) == ERR_NONE) fail_msg("'%c' before byte %zu", *letter, i);
        }
    for (size_t i = 0; i < len; i++) {
        memcpy(other, token, len + 1);
        memmove(other + i, other + i + 1, len - i);
        if (check_text(f, other) == ERR_NONE) fail_msg("without byte %zu", i);
    }
    snprintf(other, sizeof other, "%s.", token);
    assert_int_equal(check_text(f, other), ERR_DENIED);
    snprintf(other, sizeof other, "%.*s", (int)(strrchr(token, '.') - token) + 1, token);
    assert_int_equal(check_text(f, other), ERR_DENIED);
    static const char *const few[] = {"", ".", "..", "...", "a", "a.b", "a.b.c", "e30.e30.e30"};
    for (size_t i = 0; i < sizeof few / sizeof few[0]; i++)
        assert_int_equal(check_text(f, few[i]), ERR_DENIED);
}

/* Longer ones are not looked at. */
static void test_token_too_long(void **state) {
    const struct fixture *f = *state;
    char *token = mem_alloc(TOKEN_MAX + 2);
    memset(token, 'A', TOKEN_MAX + 1);
    token[TOKEN_MAX + 1] = '\0';
    assert_int_equal(check_text(f, token), ERR_DENIED);
    assert_non_null(strstr(said.text, "16384 are the most"));
    token[TOKEN_MAX] = '\0';
    assert_int_equal(check_text(f, token), ERR_DENIED);
    assert_non_null(strstr(said.text, "three parts"));
    mem_free(token);
}

/* Sets that are none, and keys that are none. */
static void test_token_key_sets(void **state) {
    const struct fixture *f = *state;
    char row[ROOM], set[2 * ROOM];
    struct token_keys *keys;
    EVP_PKEY *small = EVP_RSA_gen(1024);
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"keys\":{}}",
        "{\"keys\":[]}",
        "{\"keys\":[],\"keys\":[]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"\"}]}",
        ("{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
         "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}"),
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(token_keys_read(texts[i], strlen(texts[i]), &keys, &said), ERR_INVALID);
        assert_null(keys);
    }
    rsa_row(row, small, "\"kty\":\"RSA\"");
    snprintf(set, sizeof set, "{\"keys\":[%s]}", row);
    assert_int_equal(token_keys_read(set, strlen(set), &keys, &said), ERR_INVALID);
    unsigned char even[256];
    char text[BASE64_SIZE(sizeof even)];
    memset(even, 0xfe, sizeof even); /* a modulus that is no product of two primes */
    base64_encode(BASE64_URL, even, sizeof even, text);
    snprintf(set, sizeof set, "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"}]}", text);
    assert_int_equal(token_keys_read(set, strlen(set), &keys, &said), ERR_INVALID);
    rsa_row(row, f->rsa, "\"kty\":\"RSA\",\"alg\":\"HS256\"");
    snprintf(set, sizeof set, "{\"keys\":[%s]}", row);
    assert_int_equal(token_keys_read(set, strlen(set), &keys, &said), ERR_INVALID);
    ec_row(row, f->p256, "\"kty\":\"EC\",\"crv\":\"P-384\"", 48);
    snprintf(set, sizeof set, "{\"keys\":[%s]}", row);
    assert_int_equal(token_keys_read(set, strlen(set), &keys, &said), ERR_INVALID);
    EVP_PKEY_free(small);
}

/* ---- The message around it ---- */

static void test_bearer(void **state) {
    (void)state;
    static const struct {
        const char *message, *user, *token; /* a NULL token: refused */
    } rows[] = {
        {"n,,\1auth=Bearer a.b.c\1\1", "", "a.b.c"},
        {"n,a=x=2Cy=3D,\1auth=bEARER   a.b.c\1\1", "x,y=", "a.b.c"},
        {"n,,\1host=h\1port=9092\1auth=Bearer t\1traceId=1 2\1\1", "", "t"},
        {"n,,\1auth=Bearer a\1auth=Bearer b\1\1", "", NULL},
        {"n,,\1auth=Basic a\1\1", "", NULL},
        {"n,,\1auth=Bearer \1\1", "", NULL},
        {"n,,\1auth=Bearera\1\1", "", NULL},
        {"n,,\1auth=Bearer a b\1\1", "", NULL},
        {"n,,\1auth=Bearer a\1", "", NULL},
        {"n,,\1auth=Bearer a\1\1\1", "", NULL},
        {"n,,\1auth=Bearer a\1\1x", "", NULL},
        {"n,,\1\1", "", NULL},
        {"n,,auth=Bearer a\1\1", "", NULL},
        {"y,,\1auth=Bearer a\1\1", "", NULL},
        {"p=x,,\1auth=Bearer a\1\1", "", NULL},
        {"n,a=,\1auth=Bearer a\1\1", "", NULL},
        {"n,a=x=2c,\1auth=Bearer a\1\1", "", NULL},
        {"n,a=x\1,\1auth=Bearer a\1\1", "", NULL},
        {"n,,\1=x\1auth=Bearer a\1\1", "", NULL},
        {"n,,\1k=\1auth=Bearer a\1\1", "", NULL},
        {"n,,\1k=\x7f\1auth=Bearer a\1\1", "", NULL},
        {"n,,\1k2=v\1auth=Bearer a\1\1", "", NULL},
        {"", "", NULL},
        {"n", "", NULL},
        {"\1", "", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bearer_message message;
        size_t len = strlen(rows[i].message);
        bool good = bearer_read(rows[i].message, len, &message);
        if (good != (rows[i].token != NULL)) fail_msg("row %zu", i);
        if (!good) continue;
        assert_string_equal(message.user, rows[i].user);
        assert_int_equal(message.token_len, strlen(rows[i].token));
        assert_memory_equal(message.token, rows[i].token, message.token_len);
        for (size_t cut = 0; cut < len; cut++)
            assert_false(bearer_read(rows[i].message, cut, &message));
    }
    assert_true(bearer_is_end("\1", 1));
    assert_false(bearer_is_end("\1\1", 2));
    assert_false(bearer_is_end("", 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_good),     cmocka_unit_test(test_token_claims_good),
        cmocka_unit_test(test_token_one_key),  cmocka_unit_test(test_token_algorithms),
        cmocka_unit_test(test_token_claims),   cmocka_unit_test(test_token_bytes),
        cmocka_unit_test(test_token_too_long), cmocka_unit_test(test_token_key_sets),
        cmocka_unit_test(test_bearer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
