/* Certificates made anew for each test, and the client's side by hand. */
#include "tests/unit/base/fixture_tls.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "tests/unit/unit.h"

struct tls_world tls;

uint8_t tls_byte(uint64_t i) {
    return (uint8_t)(i * 7 + i / 251);
}

const char *tls_make_files(struct loop *loop, const char *name, int days) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *made = X509_new();
    assert_non_null(key);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    X509_set_version(made, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(made), -100L * 86400);
    X509_gmtime_adj(X509_getm_notAfter(made), days * 86400L);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                               (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(made));
    X509_set_pubkey(made, key);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
                                                "DNS:localhost,IP:127.0.0.1");
    X509_add_ext(made, names, -1);
    X509_EXTENSION_free(names);
    assert_true(X509_sign(made, key, EVP_sha256()) > 0);
    const char *path = loop_path(loop, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    PEM_write_X509(file, made);
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    X509_free(made);
    EVP_PKEY_free(key);
    return path;
}

struct tls_options tls_server_options(const char *path) {
    return (struct tls_options){.own = {path, "", ""},
                                .key_password = "",
                                .trusted = {"", "", ""},
                                .protocols = "TLSv1.2,TLSv1.3",
                                .cipher_suites = "",
                                .own_name = "ssl.keystore",
                                .trusted_name = "ssl.truststore"};
}

/* ---- The client ---- */

struct sending {
    struct env_write write;
    uint8_t *bytes;
};

static void sent(struct env_write *write, int error) {
    (void)error;
    struct sending *sending = (struct sending *)write;
    mem_free(sending->bytes);
    mem_free(sending);
}

void tls_client_go(struct tls_pair *pair) {
    size_t len = BIO_ctrl_pending(pair->from_client);
    if (len == 0 || pair->silent || pair->client == NULL) return;
    struct sending *sending = mem_zalloc(sizeof *sending);
    sending->write.done = sent;
    sending->bytes = mem_alloc(len);
    assert_int_equal(BIO_read(pair->from_client, sending->bytes, (int)len), len);
    if (pair->flip_at > pair->sent_raw && pair->flip_at <= pair->sent_raw + len)
        sending->bytes[pair->flip_at - pair->sent_raw - 1] ^= 1;
    pair->sent_raw += len;
    struct env_iov piece = {sending->bytes, len};
    env_stream_write(pair->client, &sending->write, &piece, 1);
}

static void check_stop(const struct tls_pair *pair) {
    if ((pair->stop_received > 0 && pair->received >= pair->stop_received) ||
        (pair->stop_heard > 0 && pair->heard >= pair->stop_heard))
        loop_done(&tls.loop);
}

static void client_listen(struct tls_pair *pair) {
    uint8_t bytes[5000];
    int len;
    ERR_clear_error();
    if (!SSL_is_init_finished(pair->ssl)) SSL_do_handshake(pair->ssl);
    while (SSL_is_init_finished(pair->ssl) && (len = SSL_read(pair->ssl, bytes, sizeof bytes)) > 0)
        for (int i = 0; i < len; i++)
            pair->wrong += bytes[i] != tls_byte(pair->heard++);
    tls_client_go(pair);
    check_stop(pair);
}

static size_t client_room(void *arg, void **into) {
    struct tls_pair *pair = arg;
    *into = pair->arriving;
    return sizeof pair->arriving;
}

static void client_received(void *arg, size_t len) {
    struct tls_pair *pair = arg;
    BIO_write(pair->to_client, pair->arriving, (int)len);
    client_listen(pair);
}

static void client_ended(void *arg, int error) {
    (void)error;
    struct tls_pair *pair = arg;
    pair->client_ended = true;
    loop_done(&tls.loop);
}

static const struct env_stream_events client_events = {.room = client_room,
                                                       .received = client_received,
                                                       .ended = client_ended};

void tls_client_write(struct tls_pair *pair, uint64_t from, size_t len) {
    uint8_t bytes[8192];
    assert_true(len <= sizeof bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = tls_byte(from + i);
    assert_int_equal(SSL_write(pair->ssl, bytes, (int)len), len);
    tls_client_go(pair);
}

/* ---- The server ---- */

static size_t server_room(void *arg, void **into) {
    struct tls_pair *pair = arg;
    *into = pair->room;
    return pair->room_most > 0 ? pair->room_most : TLS_ROOM;
}

static void server_received(void *arg, size_t len) {
    struct tls_pair *pair = arg;
    for (size_t i = 0; i < len; i++)
        pair->wrong += pair->room[i] != tls_byte(pair->received++);
    check_stop(pair);
    if (pair->close_at > 0 && pair->received >= pair->close_at) {
        tls_server_close(pair);
        loop_done(&tls.loop);
    } else if (pair->pauses) {
        secure_stream_read(pair->server, false);
        env_defer(tls.loop.env, &pair->again);
    }
}

static void read_again(struct env_task *task) {
    struct tls_pair *pair = CONTAINER_OF(task, struct tls_pair, again);
    if (pair->server != NULL) secure_stream_read(pair->server, true);
}

static void server_ended(void *arg, int error) {
    struct tls_pair *pair = arg;
    assert_int_equal(pair->ended, -1);
    pair->ended = error;
    loop_done(&tls.loop);
}

/* ---- The world ---- */

void tls_open(uint32_t handshakes_max, uint32_t timeout_ms) {
    struct error_text why = {""};
    memset(&tls, 0, sizeof tls);
    loop_open(&tls.loop);
    struct tls_options options = tls_server_options(tls_make_files(&tls.loop, "server.pem", 100));
    if (tls_context_new(&options, &tls.context, &why) != ERR_NONE) fail_msg("%s", why.text);
    budget_init(&tls.sent, SIZE_MAX);
    tls.host = secure_host_new(tls.loop.env,
                               &(struct secure_limits){.handshakes_max = handshakes_max,
                                                       .timeout_ms = timeout_ms,
                                                       .timeout_name = "the.setting",
                                                       .not_tls = "it does not speak TLS",
                                                       .sent = &tls.sent,
                                                       .rekey_bytes = 300000});
    tls.client = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_options(tls.client, SSL_OP_IGNORE_UNEXPECTED_EOF);
}

struct tls_pair *tls_connect(void) {
    struct tls_pair *pair = &tls.pairs[tls.count++];
    struct env_stream *server;
    pair->ended = -1;
    pair->again.run = read_again;
    pair->ssl = SSL_new(tls.client);
    pair->to_client = BIO_new(BIO_s_mem());
    pair->from_client = BIO_new(BIO_s_mem());
    SSL_set_bio(pair->ssl, pair->to_client, pair->from_client);
    SSL_set_connect_state(pair->ssl);
    pair_open(&tls.loop, &pair->client, &server);
    env_stream_attach(pair->client, &client_events, pair);
    env_stream_read(pair->client, true);
    pair->events = (struct env_stream_events){
        .room = server_room, .received = server_received, .ended = server_ended};
    pair->server = secure_stream_over(tls.host, tls.context, server);
    secure_stream_attach(pair->server, &pair->events, pair);
    secure_stream_read(pair->server, true);
    SSL_do_handshake(pair->ssl);
    return pair;
}

void tls_client_close(struct tls_pair *pair) {
    if (pair->client != NULL) env_stream_close(pair->client);
    pair->client = NULL;
}

void tls_server_close(struct tls_pair *pair) {
    env_defer_cancel(tls.loop.env, &pair->again);
    if (pair->server != NULL) secure_stream_close(pair->server);
    pair->server = NULL;
}

void tls_run_ms(uint32_t ms) {
    struct env_timer *soon = env_timer_new(tls.loop.env, (void (*)(void *))loop_done, &tls.loop);
    env_timer_start(soon, (uint64_t)ms * 1000);
    loop_run(&tls.loop);
    env_timer_free(soon);
}

void tls_close(void) {
    for (size_t i = 0; i < tls.count; i++) {
        tls_server_close(&tls.pairs[i]);
        tls_client_close(&tls.pairs[i]);
        SSL_free(tls.pairs[i].ssl);
    }
    SSL_CTX_free(tls.client);
    tls_context_unref(tls.context);
    secure_host_free(tls.host);
    loop_close(&tls.loop);
}
