/*
 * A file is read whole, recognised by how it begins, and parsed from memory.
 *
 * Of a PEM file the certificate that fits the key is the own one, whichever place it has, and the
 * others go with it. The bytes are wiped: they hold keys.
 */
#include "base/secure/tls_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/settings.h"

enum { MOST_CERTIFICATES = 1000 };

/* One store while it is read. */
struct reading {
    const struct tls_store *store;
    const char *name; /* of the setting, without .location */
    uint8_t *bytes;
    size_t len;
    struct error_text *why;
};

/* ---- Bytes ---- */

/* "ssl.keystore" ".location=", or "--cert" " " */
static const char *location(const struct reading *reading) {
    return reading->name[0] == '-' ? " " : ".location=";
}

static int refuse_unread(struct reading *reading, int error) {
    return error_set(reading->why, ERR_INVALID, "%s%s%.200s cannot be read: %s", reading->name,
                     location(reading), reading->store->path, error_phrase(error));
}

/* A broker looks again and again, and waits for nobody; drave may be given a pipe, --ca <(...). */
static int open_file(const struct reading *reading, FILE **file) {
    if (reading->name[0] != '-') return settings_open_file(reading->store->path, file);
    *file = fopen(reading->store->path, "rbe");
    return *file == NULL ? error_from_errno(errno) : ERR_NONE;
}

static int read_file(struct reading *reading) {
    FILE *file;
    int error = open_file(reading, &file);
    if (error != ERR_NONE) return refuse_unread(reading, error);
    setvbuf(file, NULL, _IONBF, 0); /* no second copy of a key */
    reading->bytes = mem_alloc(TLS_FILE_MOST + 1);
    errno = 0;
    reading->len = fread(reading->bytes, 1, TLS_FILE_MOST + 1, file);
    error = ferror(file) ? error_from_errno(errno) : ERR_NONE;
    fclose(file);
    if (error != ERR_NONE) return refuse_unread(reading, error);
    if (reading->len <= TLS_FILE_MOST) return ERR_NONE;
    return error_set(reading->why, ERR_INVALID,
                     "%s%s%.200s has more than %d bytes; keys and certificates are smaller",
                     reading->name, location(reading), reading->store->path, TLS_FILE_MOST);
}

static void drop(struct reading *reading) {
    if (reading->bytes != NULL) OPENSSL_cleanse(reading->bytes, reading->len);
    mem_free(reading->bytes);
    ERR_clear_error();
}

enum form { FORM_PEM, FORM_DER, FORM_JKS, FORM_OTHER };

static enum form form_of(const struct reading *reading) {
    static const uint8_t jks[] = {0xfe, 0xed, 0xfe, 0xed}, jceks[] = {0xce, 0xce, 0xce, 0xce};
    const uint8_t *bytes = reading->bytes;
    if (reading->len >= 4 && (memcmp(bytes, jks, 4) == 0 || memcmp(bytes, jceks, 4) == 0))
        return FORM_JKS;
    if (reading->len > 2 && bytes[0] == 0x30) return FORM_DER;
    if (memmem(bytes, reading->len, "-----BEGIN ", 11) != NULL) return FORM_PEM;
    return FORM_OTHER;
}

/* Java's default of the type is JKS, and what is in such files is mostly PKCS12. */
static int check_form(struct reading *reading, enum form form) {
    const char *path = reading->store->path, *type = reading->store->type;
    if (form == FORM_JKS)
        return error_set(
            reading->why, ERR_INVALID,
            "%s%s%.120s is a Java keystore (JKS); drave reads PEM and PKCS12. Convert it: keytool "
            "-importkeystore -srckeystore %.120s -destkeystore server.p12 -deststoretype PKCS12",
            reading->name, location(reading), path, path);
    if (form == FORM_OTHER)
        return error_set(reading->why, ERR_INVALID,
                         "%s%s%.200s is neither PEM nor PKCS12; name a file with keys and "
                         "certificates in one of these forms",
                         reading->name, location(reading), path);
    bool pem = strcmp(type, "PEM") == 0;
    if (type[0] == '\0' || pem == (form == FORM_PEM)) return ERR_NONE;
    return error_set(reading->why, ERR_INVALID, "%s.type is %s, but %.200s is %s; set %s.type=%s",
                     reading->name, type, path, pem ? "PKCS12" : "PEM", reading->name,
                     pem ? "PKCS12" : "PEM");
}

static int open_store(struct reading *reading, const struct tls_store *store, const char *name,
                      struct error_text *why, enum form *form) {
    *reading = (struct reading){.store = store, .name = name, .why = why};
    int error = read_file(reading);
    if (error != ERR_NONE) return error;
    *form = form_of(reading);
    return check_form(reading, *form);
}

/* ---- PEM ---- */

/* Without it OpenSSL asks at the terminal. */
static int give_password(char *into, int room, int writes, void *password) {
    (void)writes;
    size_t len = password == NULL ? 0 : strlen(password);
    if (len == 0 || len > (size_t)room) return -1;
    memcpy(into, password, len);
    return (int)len;
}

static int certificates_of_pem(const struct reading *reading, STACK_OF(X509) * into) {
    BIO *bio = BIO_new_mem_buf(reading->bytes, (int)reading->len);
    X509 *one;
    int count = 0;
    while (count < MOST_CERTIFICATES && bio != NULL &&
           (one = PEM_read_bio_X509(bio, NULL, give_password, NULL)) != NULL) {
        sk_X509_push(into, one);
        count++;
    }
    BIO_free(bio);
    ERR_clear_error();
    return count;
}

static int key_of_pem(const struct reading *reading, const char *password, EVP_PKEY **key) {
    bool encrypted = memmem(reading->bytes, reading->len, "ENCRYPTED", 9) != NULL;
    BIO *bio = BIO_new_mem_buf(reading->bytes, (int)reading->len);
    *key = PEM_read_bio_PrivateKey(bio, NULL, give_password, (void *)password);
    BIO_free(bio);
    if (*key != NULL) return ERR_NONE;
    const char *path = reading->store->path;
    if (encrypted && password[0] == '\0')
        return error_set(reading->why, ERR_INVALID, "the private key in %.200s is encrypted; %s",
                         path,
                         reading->name[0] == '-' ? "put it there without a password"
                                                 : "give its password with ssl.key.password");
    if (encrypted)
        return error_set(reading->why, ERR_INVALID,
                         "ssl.key.password does not open the private key in %.200s", path);
    return error_set(reading->why, ERR_INVALID,
                     "%s%s%.200s has no private key that can be read; put the key (PEM) and its "
                     "certificate into that file",
                     reading->name, location(reading), path);
}

/* ---- PKCS12 ---- */

static int parse_pkcs12(const struct reading *reading, EVP_PKEY **key, X509 **own,
                        STACK_OF(X509) * *others) {
    const uint8_t *at = reading->bytes;
    PKCS12 *store = d2i_PKCS12(NULL, &at, (long)reading->len);
    int good = store == NULL ? 0 : PKCS12_parse(store, reading->store->password, key, own, others);
    PKCS12_free(store);
    if (good) return ERR_NONE;
    int reason = ERR_GET_REASON(ERR_peek_error());
    const char *path = reading->store->path;
    if (store == NULL)
        return error_set(reading->why, ERR_INVALID, "%s%s%.200s is not a whole PKCS12 file",
                         reading->name, location(reading), path);
    if (reason == PKCS12_R_MAC_VERIFY_FAILURE)
        return error_set(reading->why, ERR_INVALID, "%s.password does not open %.200s",
                         reading->name, path);
    return error_set(
        reading->why, ERR_INVALID,
        "%s%s%.200s is encrypted in a way that is not safe any more (%s); write it anew: openssl pkcs12 "
        "-legacy -in %.100s -nodes | openssl pkcs12 -export -out server.p12",
        reading->name, location(reading), path, ERR_reason_error_string(ERR_peek_last_error()),
        path);
}

/* ---- The key, and what goes with it ---- */

/* Takes the certificate that fits the key out of `all`; NULL: none does. */
static X509 *take_own(STACK_OF(X509) * all, EVP_PKEY *key) {
    for (int i = 0; i < sk_X509_num(all); i++)
        if (X509_check_private_key(sk_X509_value(all, i), key) == 1) return sk_X509_delete(all, i);
    ERR_clear_error();
    return NULL;
}

static int use_own(const struct reading *reading, SSL_CTX *ctx, EVP_PKEY *key, X509 *own,
                   STACK_OF(X509) * others) {
    if (own == NULL)
        return error_set(reading->why, ERR_INVALID,
                         "%s%s%.200s has no certificate for its private key; they do not belong "
                         "together, or the certificate is missing",
                         reading->name, location(reading), reading->store->path);
    if (SSL_CTX_use_certificate(ctx, own) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
        SSL_CTX_set1_chain(ctx, others) == 1)
        return ERR_NONE;
    return error_set(reading->why, ERR_INVALID,
                     "%s%s%.200s cannot be used: %s. RSA keys have at least 2048 bits",
                     reading->name, location(reading), reading->store->path,
                     ERR_reason_error_string(ERR_peek_last_error()));
}

int tls_files_own(const struct tls_options *options, SSL_CTX *ctx, struct error_text *why) {
    struct reading reading;
    enum form form;
    EVP_PKEY *key = NULL;
    X509 *own = NULL;
    STACK_OF(X509) *all = sk_X509_new_null(), *others = NULL;
    int error = open_store(&reading, &options->own, options->own_name, why, &form);
    if (error == ERR_NONE && form == FORM_PEM) {
        error = key_of_pem(&reading, options->key_password, &key);
        certificates_of_pem(&reading, all);
    } else if (error == ERR_NONE) {
        error = parse_pkcs12(&reading, &key, &own, &others);
        if (error == ERR_NONE && key == NULL)
            error = error_set(why, ERR_INVALID, "%s%s%.200s has no private key", reading.name,
                              location(&reading), options->own.path);
        for (X509 *one; others != NULL && (one = sk_X509_shift(others)) != NULL;)
            sk_X509_push(all, one);
    }
    if (error == ERR_NONE && own == NULL) own = take_own(all, key);
    if (error == ERR_NONE) error = use_own(&reading, ctx, key, own, all);
    X509_free(own);
    EVP_PKEY_free(key);
    sk_X509_pop_free(all, X509_free);
    sk_X509_pop_free(others, X509_free);
    drop(&reading);
    return error;
}

/* ---- Whom one trusts ---- */

int tls_files_trusted(const struct tls_options *options, SSL_CTX *ctx, bool names,
                      struct error_text *why) {
    struct reading reading;
    enum form form;
    EVP_PKEY *key = NULL;
    X509 *own = NULL;
    STACK_OF(X509) *all = sk_X509_new_null(), *others = NULL;
    int error = open_store(&reading, &options->trusted, options->trusted_name, why, &form);
    if (error == ERR_NONE && form == FORM_PEM) certificates_of_pem(&reading, all);
    if (error == ERR_NONE && form != FORM_PEM) error = parse_pkcs12(&reading, &key, &own, &others);
    for (X509 *one; others != NULL && (one = sk_X509_shift(others)) != NULL;)
        sk_X509_push(all, one);
    if (own != NULL && error == ERR_NONE) sk_X509_push(all, own);
    if (error == ERR_NONE && sk_X509_num(all) == 0)
        error = error_set(why, ERR_INVALID,
                          "%s%s%.200s has no certificate; name a file with those of the CAs",
                          reading.name, location(&reading), options->trusted.path);
    for (int i = 0; error == ERR_NONE && i < sk_X509_num(all); i++) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), sk_X509_value(all, i));
        if (names) SSL_CTX_add_client_CA(ctx, sk_X509_value(all, i));
    }
    EVP_PKEY_free(key);
    sk_X509_pop_free(all, X509_free);
    sk_X509_pop_free(others, X509_free);
    drop(&reading);
    return error;
}

/* ---- Whether files have changed ---- */

static bool add_file(EVP_MD_CTX *digest, const char *path) {
    uint8_t bytes[4096];
    size_t len, total = 0;
    FILE *file;
    if (settings_open_file(path, &file) != ERR_NONE) return false;
    while ((len = fread(bytes, 1, sizeof bytes, file)) > 0 && total <= TLS_FILE_MOST) {
        EVP_DigestUpdate(digest, bytes, len);
        total += len;
    }
    bool good = !ferror(file);
    fclose(file);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return good;
}

uint64_t tls_files_fingerprint(const struct tls_options *options) {
    uint8_t hash[EVP_MAX_MD_SIZE];
    uint64_t number = 0;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    CHECK(digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1);
    const char *paths[] = {options->own.path, options->trusted.path};
    bool good = true;
    for (int i = 0; i < 2; i++) {
        if (paths[i][0] != '\0') good = good && add_file(digest, paths[i]);
        EVP_DigestUpdate(digest, "", 1); /* where one ends */
    }
    EVP_DigestFinal_ex(digest, hash, NULL);
    EVP_MD_CTX_free(digest);
    memcpy(&number, hash, sizeof number);
    return good ? number | 1 : 0;
}

bool tls_files_own_is_open(const struct tls_options *options) {
    struct stat status;
    return options->own.path != NULL && stat(options->own.path, &status) == 0 &&
           (status.st_mode & S_IROTH) != 0;
}
