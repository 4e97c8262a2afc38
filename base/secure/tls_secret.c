/* Shared secrets: their file, and what TLS makes of them. */
#include "base/secure/tls_secret.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/secure/base64.h"
#include "base/settings.h"

enum {
    SECRET_BYTES = 32,
    KEY_BYTES = 32,
    NAME_BYTES = 17, /* 8 bytes in hex, with their terminating 0 */
    FILE_MOST = 4096,
};

struct secret {
    uint8_t key[KEY_BYTES];
    char name[NAME_BYTES];
};

struct tls_secrets {
    struct secret all[TLS_SECRETS_MOST];
    size_t count;
};

/* ---- Lines ---- */

int tls_secret_make(char line[TLS_SECRET_LINE]) {
    uint8_t bytes[SECRET_BYTES];
    if (RAND_bytes(bytes, sizeof bytes) != 1) return ERR_SYSTEM;
    char text[BASE64_SIZE(SECRET_BYTES)];
    CHECK(base64_encode(BASE64_URL, bytes, SECRET_BYTES, text) == TLS_SECRET_LINE - 1);
    memcpy(line, text, TLS_SECRET_LINE);
    OPENSSL_cleanse(text, sizeof text);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return ERR_NONE;
}

/* The key and the name that is sent in clear are each of one use, and neither tells of the other.
 */
static void derive(const uint8_t bytes[SECRET_BYTES], struct secret *secret) {
    static const char for_key[] = "drave peers key 1", for_name[] = "drave peers name 1";
    uint8_t name[32];
    CHECK(HMAC(EVP_sha256(), bytes, SECRET_BYTES, (const uint8_t *)for_key, sizeof for_key - 1,
               secret->key, NULL) != NULL);
    CHECK(HMAC(EVP_sha256(), bytes, SECRET_BYTES, (const uint8_t *)for_name, sizeof for_name - 1,
               name, NULL) != NULL);
    for (size_t i = 0; i < (NAME_BYTES - 1) / 2; i++)
        snprintf(secret->name + 2 * i, 3, "%02x", name[i]);
}

/* ---- The file ---- */

static int read_bytes(const char *path, char text[FILE_MOST + 2], struct error_text *why) {
    FILE *file;
    int error = settings_open_file(path, &file);
    if (error != ERR_NONE)
        return error_set(why, ERR_INVALID, "peer.secret.file=%.200s cannot be read: %s", path,
                         error_phrase(error));
    struct stat status;
    setvbuf(file, NULL, _IONBF, 0); /* no second copy of a key */
    size_t len = fread(text, 1, FILE_MOST + 1, file);
    bool failed = ferror(file) != 0 || fstat(fileno(file), &status) != 0;
    fclose(file);
    if (failed)
        return error_set(why, ERR_INVALID, "peer.secret.file=%.200s cannot be read: %s", path,
                         error_phrase(ERR_IO));
    if ((status.st_mode & S_IRWXO) != 0)
        return error_set(why, ERR_INVALID,
                         "peer.secret.file=%.200s may be read by everybody on this machine; chmod "
                         "600 (or 640)",
                         path);
    if (len > FILE_MOST)
        return error_set(why, ERR_INVALID,
                         "peer.secret.file=%.200s has more than %d bytes; it should have a secret "
                         "a line, as drave cluster secret makes them",
                         path, FILE_MOST);
    text[len] = '\0';
    return ERR_NONE;
}

static int take_line(struct tls_secrets *secrets, const char *path, unsigned number,
                     const char *line, size_t len, struct error_text *why) {
    uint8_t bytes[SECRET_BYTES];
    size_t got;
    while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL)
        len--;
    if (len == 0 || line[0] == '#') return ERR_NONE;
    if (secrets->count == TLS_SECRETS_MOST)
        return error_set(why, ERR_INVALID,
                         "peer.secret.file=%.200s has more than %d secrets; remove those that no "
                         "broker uses",
                         path, TLS_SECRETS_MOST);
    if (len != TLS_SECRET_LINE - 1 ||
        !base64_decode(BASE64_URL, line, len, bytes, SECRET_BYTES, &got))
        return error_set(why, ERR_INVALID,
                         "line %u of peer.secret.file=%.200s is no secret: 43 characters of "
                         "base64url, as drave cluster secret makes them",
                         number, path);
    derive(bytes, &secrets->all[secrets->count++]);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return ERR_NONE;
}

int tls_secrets_read(const char *path, struct tls_secrets **secrets_out, struct error_text *why) {
    char text[FILE_MOST + 2];
    struct tls_secrets *secrets = mem_zalloc(sizeof *secrets);
    int error = read_bytes(path, text, why);
    unsigned number = 1;
    for (const char *at = text; error == ERR_NONE && *at != '\0'; number++) {
        size_t len = strcspn(at, "\n");
        error = take_line(secrets, path, number, at, len, why);
        at += len + (at[len] == '\n');
    }
    OPENSSL_cleanse(text, sizeof text);
    if (error == ERR_NONE && secrets->count == 0)
        error = error_set(why, ERR_INVALID,
                          "peer.secret.file=%.200s has no secret; make one: drave cluster secret > "
                          "%.200s",
                          path, path);
    if (error != ERR_NONE) {
        tls_secrets_free(secrets);
        return error;
    }
    *secrets_out = secrets;
    return ERR_NONE;
}

void tls_secrets_free(struct tls_secrets *secrets) {
    if (secrets == NULL) return;
    OPENSSL_cleanse(secrets, sizeof *secrets);
    mem_free(secrets);
}

struct tls_secrets *tls_secrets_copy(const struct tls_secrets *secrets) {
    struct tls_secrets *copy = mem_alloc(sizeof *copy);
    *copy = *secrets;
    return copy;
}

/* ---- TLS ---- */

/* What TLS calls a session to be gone on with. NULL: out of memory. */
static SSL_SESSION *session_of(SSL *ssl, const struct secret *secret) {
    static const uint8_t suite[] = {0x13, 0x01}; /* TLS_AES_128_GCM_SHA256 */
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, suite);
    SSL_SESSION *session = SSL_SESSION_new();
    if (session != NULL && cipher != NULL &&
        SSL_SESSION_set1_master_key(session, secret->key, KEY_BYTES) == 1 &&
        SSL_SESSION_set_cipher(session, cipher) == 1 &&
        SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1)
        return session;
    SSL_SESSION_free(session);
    return NULL;
}

static const struct tls_secrets *secrets_of(SSL *ssl) {
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

static int use(SSL *ssl, const EVP_MD *md, const unsigned char **name, size_t *name_len,
               SSL_SESSION **session) {
    const struct secret *first = &secrets_of(ssl)->all[0];
    (void)md; /* there is one suite, and so one hash */
    *session = session_of(ssl, first);
    *name = (const unsigned char *)first->name;
    *name_len = NAME_BYTES - 1;
    return *session != NULL;
}

/* One that is not known is no error yet: the handshake then fails for want of a certificate. */
static int find(SSL *ssl, const unsigned char *name, size_t name_len, SSL_SESSION **session) {
    const struct tls_secrets *secrets = secrets_of(ssl);
    *session = NULL;
    for (size_t i = 0; i < secrets->count; i++) {
        const struct secret *secret = &secrets->all[i];
        if (name_len != NAME_BYTES - 1 || memcmp(secret->name, name, name_len) != 0) continue;
        *session = session_of(ssl, secret);
        return *session != NULL;
    }
    return 1;
}

void tls_secrets_use(const struct tls_secrets *secrets, struct ssl_ctx_st *ssl) {
    SSL_CTX_set_app_data(ssl, (void *)secrets);
    SSL_CTX_set_psk_use_session_callback(ssl, use);
    SSL_CTX_set_psk_find_session_callback(ssl, find);
}
