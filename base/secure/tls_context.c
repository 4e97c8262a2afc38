/* Setting OpenSSL up, once for many connections. */
#include "base/secure/tls_context.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/secure/tls_files.h"

enum { CHAIN_MOST = 8, SECURITY_LEVEL = 2, CIPHERS_ROOM = 2048 };

struct tls_context {
    SSL_CTX *ssl;
    unsigned refs;
    int64_t expires_ms;
    struct tls_secrets *secrets; /* NULL: certificates prove who it is */
};

/* ---- Protocols and ciphers ---- */

struct spoken {
    bool v12, v13;
    char ciphers[CIPHERS_ROOM], suites[CIPHERS_ROOM]; /* of 1.2 and of 1.3, with colons */
};

static bool next_item(const char **at, char *item, size_t room) {
    while (**at == ',' || **at == ' ' || **at == ':')
        (*at)++;
    size_t len = strcspn(*at, ", :");
    if (len == 0) return false;
    snprintf(item, room, "%.*s", (int)len, *at);
    *at += len;
    return true;
}

static int read_protocols(const struct tls_options *options, struct spoken *spoken,
                          struct error_text *why) {
    char item[64];
    for (const char *at = options->protocols; next_item(&at, item, sizeof item);) {
        if (strcmp(item, "TLSv1.2") == 0)
            spoken->v12 = true;
        else if (strcmp(item, "TLSv1.3") == 0)
            spoken->v13 = true;
        else
            return error_set(why, ERR_INVALID,
                             "ssl.enabled.protocols has %s; only TLSv1.2 and TLSv1.3 are safe "
                             "enough to be served",
                             item);
    }
    if (spoken->v12 || spoken->v13) return ERR_NONE;
    return error_set(why, ERR_INVALID,
                     "ssl.enabled.protocols is empty; write TLSv1.2,TLSv1.3, or leave it out");
}

static void append(char list[CIPHERS_ROOM], const char *name) {
    size_t len = strlen(list);
    snprintf(list + len, CIPHERS_ROOM - len, "%s%s", len == 0 ? "" : ":", name);
}

/* Each by itself, because OpenSSL passes over names that it does not know. */
static int read_ciphers(const struct tls_options *options, SSL_CTX *ssl, struct spoken *spoken,
                        struct error_text *why) {
    char item[128];
    const char *at = options->cipher_suites;
    if (strlen(at) >= CIPHERS_ROOM)
        return error_set(why, ERR_INVALID, "ssl.cipher.suites is too long; name fewer");
    while (next_item(&at, item, sizeof item)) {
        const char *name = OPENSSL_cipher_name(item);
        bool v13 = strncmp(item, "TLS_", 4) == 0 && strstr(item, "_WITH_") == NULL;
        if (strcmp(name, "(NONE)") == 0) name = item;
        if ((v13 ? SSL_CTX_set_ciphersuites(ssl, item) : SSL_CTX_set_cipher_list(ssl, name)) != 1)
            return error_set(why, ERR_INVALID,
                             "ssl.cipher.suites has %s, which OpenSSL does not know; openssl "
                             "ciphers -stdname lists those that exist",
                             item);
        append(v13 ? spoken->suites : spoken->ciphers, v13 ? item : name);
    }
    if (options->cipher_suites[0] == '\0') {
        append(spoken->ciphers, "ECDHE+AESGCM:ECDHE+CHACHA20");
        append(spoken->suites,
               "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
    }
    spoken->v12 = spoken->v12 && spoken->ciphers[0] != '\0';
    spoken->v13 = spoken->v13 && spoken->suites[0] != '\0';
    if (spoken->v12 || spoken->v13) return ERR_NONE;
    return error_set(
        why, ERR_INVALID,
        "ssl.cipher.suites has none for the versions of ssl.enabled.protocols; TLS_AES_* "
        "are of TLSv1.3, the others of TLSv1.2");
}

static int set_spoken(const struct tls_options *options, SSL_CTX *ssl, struct error_text *why) {
    struct spoken spoken = {0};
    int error = read_protocols(options, &spoken, why);
    if (error == ERR_NONE) error = read_ciphers(options, ssl, &spoken, why);
    if (error != ERR_NONE) return error;
    SSL_CTX_set_min_proto_version(ssl, spoken.v12 ? TLS1_2_VERSION : TLS1_3_VERSION);
    SSL_CTX_set_max_proto_version(ssl, spoken.v13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    if (spoken.v12) SSL_CTX_set_cipher_list(ssl, spoken.ciphers);
    if (spoken.v13) SSL_CTX_set_ciphersuites(ssl, spoken.suites);
    return ERR_NONE;
}

/* ---- What nobody can set ---- */

static void set_rules(SSL_CTX *ssl) {
    SSL_CTX_set_security_level(ssl, SECURITY_LEVEL);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
#ifdef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION
    SSL_CTX_set_options(ssl, SSL_OP_NO_RX_CERTIFICATE_COMPRESSION);
#endif
    SSL_CTX_set_num_tickets(ssl, 0);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify_depth(ssl, CHAIN_MOST);
    /* ffdhe8192, which OpenSSL takes by default, costs a hundred times as much. */
    if (SSL_CTX_set1_groups_list(ssl, "X25519MLKEM768:X25519:P-256:P-384") != 1)
        SSL_CTX_set1_groups_list(ssl, "X25519:P-256:P-384");
    ERR_clear_error();
}

static void set_verifying(const struct tls_options *options, SSL_CTX *ssl) {
    int mode = SSL_VERIFY_NONE;
    if (options->client || options->client_auth == TLS_CLIENT_ASKED) mode = SSL_VERIFY_PEER;
    if (options->client_auth == TLS_CLIENT_CERTIFIED)
        mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(ssl, mode, NULL);
}

static int64_t ends_ms(const X509 *certificate) {
    struct tm end;
    if (certificate == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1)
        return INT64_MAX;
    return (int64_t)timegm(&end) * 1000;
}

static int64_t expires_ms(SSL_CTX *ssl) {
    STACK_OF(X509) *chain = NULL;
    int64_t first = ends_ms(SSL_CTX_get0_certificate(ssl));
    SSL_CTX_get0_chain_certs(ssl, &chain);
    for (int i = 0; i < sk_X509_num(chain); i++) {
        int64_t end = ends_ms(sk_X509_value(chain, i));
        if (end < first) first = end;
    }
    return first;
}

int tls_context_new(const struct tls_options *options, struct tls_context **context_out,
                    struct error_text *why) {
    SSL_CTX *ssl = SSL_CTX_new(options->client ? TLS_client_method() : TLS_server_method());
    if (ssl == NULL) return error_set(why, ERR_SYSTEM, "OpenSSL does not start");
    set_rules(ssl);
    int error = set_spoken(options, ssl, why);
    if (error == ERR_NONE && options->own.path[0] != '\0') error = tls_files_own(options, ssl, why);
    if (error == ERR_NONE && options->trusted.path[0] != '\0')
        error = tls_files_trusted(options, ssl, !options->client, why);
    if (error == ERR_NONE && options->client && options->trusted.path[0] == '\0')
        SSL_CTX_set_default_verify_paths(ssl);
    if (error != ERR_NONE) {
        SSL_CTX_free(ssl);
        return error;
    }
    set_verifying(options, ssl);
    struct tls_context *context = mem_zalloc(sizeof *context);
    context->ssl = ssl;
    context->refs = 1;
    context->expires_ms = expires_ms(ssl);
    *context_out = context;
    return ERR_NONE;
}

int tls_context_of_secrets(const struct tls_secrets *secrets, bool client,
                           struct tls_context **context_out, struct error_text *why) {
    SSL_CTX *ssl = SSL_CTX_new(client ? TLS_client_method() : TLS_server_method());
    if (ssl == NULL) return error_set(why, ERR_SYSTEM, "OpenSSL does not start");
    struct tls_context *context = mem_zalloc(sizeof *context);
    set_rules(ssl);
    SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION);
    SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(ssl, "TLS_AES_128_GCM_SHA256"); /* the hash of the secrets */
    /* A server that shows a certificate instead is nobody whom this one trusts. */
    SSL_CTX_set_verify(ssl, client ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    context->ssl = ssl;
    context->refs = 1;
    context->expires_ms = INT64_MAX;
    context->secrets = tls_secrets_copy(secrets);
    tls_secrets_use(context->secrets, ssl);
    *context_out = context;
    return ERR_NONE;
}

struct tls_context *tls_context_ref(struct tls_context *context) {
    context->refs++;
    return context;
}

void tls_context_unref(struct tls_context *context) {
    if (context == NULL || --context->refs > 0) return;
    SSL_CTX_free(context->ssl);
    tls_secrets_free(context->secrets);
    mem_free(context);
}

struct ssl_ctx_st *tls_context_ssl(const struct tls_context *context) {
    return context->ssl;
}

int64_t tls_context_expires_ms(const struct tls_context *context) {
    return context->expires_ms;
}

bool tls_context_covers(const struct tls_context *context, const char *host) {
    X509 *own = SSL_CTX_get0_certificate(context->ssl);
    if (own == NULL) return false;
    bool covers = X509_check_ip_asc(own, host, 0) == 1 ||
                  X509_check_host(own, host, strlen(host), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                                  NULL) == 1;
    ERR_clear_error();
    return covers;
}

/* ---- Options that are kept ---- */

/* What is copied: everything that whoever made them may take away. */
enum { OPTION_TEXTS = 9 };

static void texts_of(struct tls_options *options, const char **texts[OPTION_TEXTS]) {
    const char **all[OPTION_TEXTS] = {
        &options->own.path,     &options->own.type,     &options->own.password,
        &options->trusted.path, &options->trusted.type, &options->trusted.password,
        &options->key_password, &options->protocols,    &options->cipher_suites};
    memcpy(texts, all, sizeof all);
}

struct tls_options tls_options_copy(const struct tls_options *options) {
    struct tls_options copy = *options;
    const char **texts[OPTION_TEXTS];
    texts_of(&copy, texts);
    for (int i = 0; i < OPTION_TEXTS; i++)
        *texts[i] = mem_strdup(*texts[i]);
    return copy;
}

void tls_options_drop(struct tls_options *options) {
    const char **texts[OPTION_TEXTS];
    texts_of(options, texts);
    for (int i = 0; i < OPTION_TEXTS; i++) {
        OPENSSL_cleanse((char *)*texts[i], strlen(*texts[i]));
        mem_free((char *)*texts[i]);
        *texts[i] = NULL;
    }
}
