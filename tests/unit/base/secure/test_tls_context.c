/* Contexts out of files: those that can be used, and the sentence for each that cannot. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "tests/unit/base/fixture_tls.h"
#include "tests/unit/unit.h"

static struct loop loop;
static char server[128], other[128], made[128];

static int open_files(void **state) {
    (void)state;
    loop_open(&loop);
    snprintf(server, sizeof server, "%s", tls_make_files(&loop, "server.pem", 100));
    snprintf(other, sizeof other, "%s", tls_make_files(&loop, "other.pem", 100));
    snprintf(made, sizeof made, "%s", loop_path(&loop, "made"));
    return 0;
}

static int close_files(void **state) {
    (void)state;
    loop_close(&loop);
    return 0;
}

static void write_made(const char *mode, const void *bytes, size_t len) {
    FILE *file = fopen(made, mode);
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

static X509 *certificate_of(const char *path) {
    FILE *file = fopen(path, "r");
    X509 *found = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(found);
    return found;
}

static EVP_PKEY *key_of(const char *path) {
    FILE *file = fopen(path, "r");
    EVP_PKEY *found = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(found);
    return found;
}

static void assert_good(const struct tls_options *options) {
    struct tls_context *context;
    struct error_text why = {""};
    if (tls_context_new(options, &context, &why) != ERR_NONE) fail_msg("%s", why.text);
    tls_context_unref(context);
}

static void assert_bad(const struct tls_options *options, const char *says, const char *too) {
    struct tls_context *context;
    struct error_text why = {""};
    assert_int_equal(tls_context_new(options, &context, &why), ERR_INVALID);
    if (strstr(why.text, says) == NULL || strstr(why.text, too) == NULL)
        fail_msg("\"%s\" has no \"%s\" or \"%s\"", why.text, says, too);
}

/* Certificate and key in either order, with others between; the end and the names are known. */
static void test_tls_context_pem(void **state) {
    (void)state;
    struct tls_context *context;
    struct error_text why;
    struct tls_options options = tls_server_options(made);
    EVP_PKEY *key = key_of(server);
    X509 *own = certificate_of(server), *between = certificate_of(other);
    FILE *file = fopen(made, "w");
    PEM_write_X509(file, between);
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    PEM_write_X509(file, own);
    fclose(file);
    assert_int_equal(tls_context_new(&options, &context, &why), ERR_NONE);
    int64_t left_ms = tls_context_expires_ms(context) - env_wall_ms(loop.env);
    assert_true(left_ms > 99 * 86400000LL && left_ms < 101 * 86400000LL);
    assert_true(tls_context_covers(context, "localhost"));
    assert_true(tls_context_covers(context, "127.0.0.1"));
    assert_false(tls_context_covers(context, "test")); /* the CN is looked at by nobody */
    assert_false(tls_context_covers(context, "10.0.0.1"));
    tls_context_unref(context);
    EVP_PKEY_free(key);
    X509_free(own);
    X509_free(between);
}

/* An encrypted key, with its password, without it, and with another. */
static void test_tls_context_encrypted_key(void **state) {
    (void)state;
    struct tls_options options = tls_server_options(made);
    EVP_PKEY *key = key_of(server);
    X509 *own = certificate_of(server);
    FILE *file = fopen(made, "w");
    PEM_write_PKCS8PrivateKey(file, key, EVP_aes_256_cbc(), "secret", 6, NULL, NULL);
    PEM_write_X509(file, own);
    fclose(file);
    assert_bad(&options, "is encrypted", "ssl.key.password");
    options.key_password = "wrong";
    assert_bad(&options, "does not open", made);
    options.key_password = "secret";
    assert_good(&options);
    EVP_PKEY_free(key);
    X509_free(own);
}

static void write_pkcs12(const char *password, bool with_key, int cipher) {
    EVP_PKEY *key = key_of(server);
    X509 *own = certificate_of(server);
    STACK_OF(X509) *others = sk_X509_new_null();
    if (!with_key) sk_X509_push(others, own);
    PKCS12 *store = PKCS12_create(password, "name", with_key ? key : NULL, with_key ? own : NULL,
                                  others, cipher, cipher, 0, 0, 0);
    assert_non_null(store);
    FILE *file = fopen(made, "w");
    i2d_PKCS12_fp(file, store);
    fclose(file);
    PKCS12_free(store);
    sk_X509_free(others);
    X509_free(own);
    EVP_PKEY_free(key);
}

/* PKCS12, by itself and called JKS as Java does; what it is not called is a mistake. */
static void test_tls_context_pkcs12(void **state) {
    (void)state;
    struct tls_options options = tls_server_options(made);
    write_pkcs12("secret", true, 0);
    options.own.password = "wrong";
    assert_bad(&options, "ssl.keystore.password does not open", made);
    options.own.password = "secret";
    assert_good(&options);
    options.own.type = "JKS";
    assert_good(&options);
    options.own.type = "PKCS12";
    assert_good(&options);
    options.own.type = "PEM";
    assert_bad(&options, "ssl.keystore.type is PEM", "set ssl.keystore.type=PKCS12");
    write_pkcs12("secret", false, 0);
    options.own.type = "";
    assert_bad(&options, "has no private key", made);
    options.own = (struct tls_store){server, "PKCS12", ""};
    assert_bad(&options, "ssl.keystore.type is PKCS12", "set ssl.keystore.type=PEM");
}

/* Files that are none of it. */
static void test_tls_context_wrong_files(void **state) {
    (void)state;
    static const char garbage[] = "hello, this is no key", jks[] = "\xfe\xed\xfe\xed\0\0\0\2",
                      half[] = "\x30\x82\x01\x00\x02\x01\x03";
    struct tls_options options = tls_server_options(made);
    write_made("w", garbage, sizeof garbage - 1);
    assert_bad(&options, "neither PEM nor PKCS12", made);
    write_made("w", jks, sizeof jks - 1);
    assert_bad(&options, "Java keystore (JKS)", "keytool -importkeystore -srckeystore");
    write_made("w", half, sizeof half - 1);
    assert_bad(&options, "not a whole PKCS12 file", made);
    write_made("w", "", 0);
    assert_bad(&options, "neither PEM nor PKCS12", made);
    options.own.path = "/nowhere/key.pem";
    assert_bad(&options, "ssl.keystore.location=/nowhere/key.pem cannot be read", "not found");
    FILE *file = fopen(made, "w");
    X509 *strange = certificate_of(other);
    EVP_PKEY *key = key_of(server);
    PEM_write_X509(file, strange);
    fclose(file);
    options.own.path = made;
    assert_bad(&options, "has no private key that can be read", made);
    file = fopen(made, "a");
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    assert_bad(&options, "has no certificate for its private key", made);
    X509_free(strange);
    EVP_PKEY_free(key);
}

/* Versions and cipher suites that do not exist, are not safe, or do not go together. */
static void test_tls_context_protocols(void **state) {
    (void)state;
    struct tls_options options = tls_server_options(server);
    options.protocols = "TLSv1.1,TLSv1.2";
    assert_bad(&options, "ssl.enabled.protocols has TLSv1.1", "TLSv1.3");
    options.protocols = "";
    assert_bad(&options, "ssl.enabled.protocols is empty", "TLSv1.3");
    options.protocols = "TLSv1.2";
    options.cipher_suites = "TLS_AES_128_GCM_SHA256";
    assert_bad(&options, "has none for the versions", "TLSv1.2");
    options.protocols = "TLSv1.2,TLSv1.3";
    assert_good(&options);
    options.cipher_suites = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,ECDHE-RSA-AES256-GCM-SHA384";
    assert_good(&options);
    options.cipher_suites = "TLS_AES_128_GCM_SHA256,TLS_NO_SUCH_SUITE";
    assert_bad(&options, "TLS_NO_SUCH_SUITE", "openssl ciphers");
}

/* Another fingerprint when a byte of any file has changed; 0 when one is not there. */
static void test_tls_files_fingerprint(void **state) {
    (void)state;
    struct tls_options options = tls_server_options(made);
    options.trusted.path = other;
    write_made("w", "one", 3);
    uint64_t first = tls_files_fingerprint(&options);
    assert_true(first != 0);
    assert_int_equal(tls_files_fingerprint(&options), first);
    write_made("w", "onf", 3);
    assert_int_not_equal(tls_files_fingerprint(&options), first);
    remove(made);
    assert_int_equal(tls_files_fingerprint(&options), 0);
}

/* What is no file is refused, and nobody waits for the other end of it. */
static void test_tls_files_fifo(void **state) {
    (void)state;
    struct tls_options options = tls_server_options(made);
    remove(made);
    assert_int_equal(mkfifo(made, 0600), 0);
    assert_int_equal(tls_files_fingerprint(&options), 0);
    assert_bad(&options, "cannot be read: a FIFO, a socket or a device", made);
    options.own.path = server;
    options.trusted.path = made;
    assert_bad(&options, "ssl.truststore.location=", "a FIFO, a socket or a device");
    remove(made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tls_context_pem, open_files, close_files),
        cmocka_unit_test_setup_teardown(test_tls_context_encrypted_key, open_files, close_files),
        cmocka_unit_test_setup_teardown(test_tls_context_pkcs12, open_files, close_files),
        cmocka_unit_test_setup_teardown(test_tls_context_wrong_files, open_files, close_files),
        cmocka_unit_test_setup_teardown(test_tls_context_protocols, open_files, close_files),
        cmocka_unit_test_setup_teardown(test_tls_files_fingerprint, open_files, close_files),
        cmocka_unit_test_setup_teardown(test_tls_files_fifo, open_files, close_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
