/* Keys and checks by OpenSSL's EVP. */
#include "base/secure/signature.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "base/check.h"
#include "base/mem.h"

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, EXPONENT_MAX = 8, POINT_MAX = 48, DER_MAX = 128 };

enum kind { KIND_RSA, KIND_P256, KIND_P384 };

static const struct algorithm {
    const char *name;
    enum kind kind;
    const EVP_MD *(*digest)(void);
    bool pss;
} algorithms[SIGNATURE_ALGORITHMS] = {
    [SIGNATURE_RS256] = {"RS256", KIND_RSA, EVP_sha256, false},
    [SIGNATURE_RS384] = {"RS384", KIND_RSA, EVP_sha384, false},
    [SIGNATURE_RS512] = {"RS512", KIND_RSA, EVP_sha512, false},
    [SIGNATURE_PS256] = {"PS256", KIND_RSA, EVP_sha256, true},
    [SIGNATURE_ES256] = {"ES256", KIND_P256, EVP_sha256, false},
    [SIGNATURE_ES384] = {"ES384", KIND_P384, EVP_sha384, false},
};

struct signature_key {
    enum kind kind;
    size_t size; /* of a signature, or of half of one on a curve */
    EVP_PKEY *pkey;
};

enum signature_algorithm signature_named(const char *name) {
    for (int one = SIGNATURE_NONE + 1; one < SIGNATURE_ALGORITHMS; one++)
        if (strcmp(algorithms[one].name, name) == 0) return (enum signature_algorithm)one;
    return SIGNATURE_NONE;
}

/* ---- Keys ---- */

/* NULL: the numbers are no public key. */
static EVP_PKEY *build(const char *type, OSSL_PARAM_BLD *builder) {
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    ctx = pkey == NULL ? NULL : EVP_PKEY_CTX_new(pkey, NULL);
    if (pkey != NULL && (ctx == NULL || EVP_PKEY_public_check(ctx) != 1)) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return pkey;
}

static struct signature_key *key_of(enum kind kind, size_t size, EVP_PKEY *pkey) {
    ERR_clear_error();
    if (pkey == NULL) return NULL;
    struct signature_key *key = mem_alloc(sizeof *key);
    *key = (struct signature_key){.kind = kind, .size = size, .pkey = pkey};
    return key;
}

struct signature_key *signature_key_rsa(const void *n, size_t n_len, const void *e, size_t e_len) {
    if (n_len > SIGNATURE_MAX + 1 || e_len > EXPONENT_MAX) return NULL;
    BIGNUM *modulus = BN_bin2bn(n, (int)n_len, NULL), *exponent = BN_bin2bn(e, (int)e_len, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *pkey = NULL;
    int bits = modulus == NULL ? 0 : BN_num_bits(modulus);
    if (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX && exponent != NULL && builder != NULL &&
        BN_is_odd(exponent) && !BN_is_one(exponent) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        pkey = build("RSA", builder);
    OSSL_PARAM_BLD_free(builder);
    BN_free(modulus);
    BN_free(exponent);
    return key_of(KIND_RSA, (size_t)(bits + 7) / 8, pkey);
}

struct signature_key *signature_key_ec(const char *curve, const void *x, size_t x_len,
                                       const void *y, size_t y_len) {
    bool p256 = strcmp(curve, "P-256") == 0;
    size_t size = p256 ? 32 : 48;
    unsigned char point[1 + 2 * POINT_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
    if ((!p256 && strcmp(curve, "P-384") != 0) || x_len != size || y_len != size) return NULL;
    memcpy(point + 1, x, size);
    memcpy(point + 1 + size, y, size);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *pkey = NULL;
    if (builder != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * size) ==
            1)
        pkey = build("EC", builder);
    OSSL_PARAM_BLD_free(builder);
    return key_of(p256 ? KIND_P256 : KIND_P384, size, pkey);
}

void signature_key_free(struct signature_key *key) {
    if (key == NULL) return;
    EVP_PKEY_free(key->pkey);
    mem_free(key);
}

/* ---- Signatures ---- */

bool signature_key_takes(const struct signature_key *key, enum signature_algorithm algorithm) {
    return algorithm != SIGNATURE_NONE && algorithms[algorithm].kind == key->kind;
}

/* Two numbers behind each other, as OpenSSL wants them; 0: it cannot. */
static size_t der_of(const unsigned char *signature, size_t half, unsigned char der[DER_MAX]) {
    BIGNUM *r = BN_bin2bn(signature, (int)half, NULL),
           *s = BN_bin2bn(signature + half, (int)half, NULL);
    ECDSA_SIG *both = ECDSA_SIG_new();
    if (r == NULL || s == NULL || both == NULL || ECDSA_SIG_set0(both, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(both);
        return 0;
    }
    int len = i2d_ECDSA_SIG(both, NULL);
    unsigned char *at = der;
    if (len > 0 && len <= DER_MAX) len = i2d_ECDSA_SIG(both, &at);
    ECDSA_SIG_free(both);
    return len > 0 && len <= DER_MAX ? (size_t)len : 0;
}

static bool verify(const struct signature_key *key, const struct algorithm *by, const void *data,
                   size_t len, const void *signature, size_t signature_len) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how = NULL;
    bool good = ctx != NULL &&
                EVP_DigestVerifyInit(ctx, &how, by->digest(), NULL, key->pkey) == 1 &&
                (!by->pss ||
                 (EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) == 1 &&
                  EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) == 1)) &&
                EVP_DigestVerify(ctx, signature, signature_len, data, len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

bool signature_is_good(const struct signature_key *key, enum signature_algorithm algorithm,
                       const void *data, size_t len, const void *signature, size_t signature_len) {
    unsigned char der[DER_MAX];
    CHECK(signature_key_takes(key, algorithm)); /* asked before */
    const struct algorithm *by = &algorithms[algorithm];
    if (key->kind == KIND_RSA)
        return signature_len == key->size && verify(key, by, data, len, signature, signature_len);
    size_t der_len = signature_len == 2 * key->size ? der_of(signature, key->size, der) : 0;
    return der_len > 0 && verify(key, by, data, len, der, der_len);
}
