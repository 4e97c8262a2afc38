/* A BIO without memory of its own: what has come is read where it lies, what is to leave is put
 * into `out`. It never waits and never ends. */
#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/secure/secure_internal.h"

size_t secure_bio_take(struct secure_stream *stream, void *into, size_t room) {
    size_t n = room < stream->in_len ? room : stream->in_len;
    if (n == 0) return 0;
    memcpy(into, stream->in, n);
    stream->in += n;
    stream->in_len -= n;
    return n;
}

static int bio_read(BIO *bio, char *into, int len) {
    struct secure_stream *stream = BIO_get_data(bio);
    size_t n = len < 0 ? 0 : (size_t)len;
    BIO_clear_retry_flags(bio);
    if (secure_bio_rekeys_too_much(stream)) return -1;
    n = secure_bio_take(stream, into, n);
    if (n > 0) return (int)n;
    BIO_set_retry_read(bio);
    return -1;
}

/* Beyond that the other side makes us say much and hears none of it: updates of keys. */
bool secure_bio_put(struct secure_stream *stream, const void *bytes, size_t len) {
    if (stream->out_len + len > SECURE_OUT_MOST) return false;
    if (stream->out_room - stream->out_len < len) {
        size_t room = stream->out_room == 0 ? 4096 : stream->out_room;
        while (room < stream->out_len + len)
            room *= 2;
        stream->out = mem_realloc(stream->out, room);
        stream->out_room = room;
    }
    memcpy(stream->out + stream->out_len, bytes, len);
    stream->out_len += len;
    return true;
}

static int bio_write(BIO *bio, const char *data, int len) {
    BIO_clear_retry_flags(bio);
    return len > 0 && secure_bio_put(BIO_get_data(bio), data, (size_t)len) ? len : -1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer) {
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

bool secure_bio_rekeys_too_much(const struct secure_stream *stream) {
    return stream->rekeys > SECURE_REKEYS + stream->opened_bytes / SECURE_REKEY_BYTES;
}

/* OpenSSL handles any number of them within one call. */
static void message_passed(int written, int version, int content, const void *bytes, size_t len,
                           SSL *ssl, void *arg) {
    struct secure_stream *stream = arg;
    (void)version;
    (void)ssl;
    if (written == 0 && content == SSL3_RT_HANDSHAKE && len > 0 &&
        *(const uint8_t *)bytes == SSL3_MT_KEY_UPDATE)
        stream->rekeys++;
}

BIO_METHOD *secure_bio_method(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "drave");
    CHECK(method != NULL); /* out of memory alone */
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_ctrl);
    return method;
}

SSL *secure_bio_ssl(struct secure_stream *stream) {
    SSL *ssl = SSL_new(tls_context_ssl(stream->context));
    BIO *bio = BIO_new(stream->host->bio);
    CHECK(ssl != NULL && bio != NULL); /* out of memory alone */
    BIO_set_data(bio, stream);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    if (stream->dials)
        SSL_set_connect_state(ssl);
    else
        SSL_set_accept_state(ssl);
    SSL_set_msg_callback(ssl, message_passed);
    SSL_set_msg_callback_arg(ssl, stream);
    return ssl;
}

void secure_bio_keep(struct secure_stream *stream) {
    if (stream->in_len == 0) {
        mem_free(stream->kept);
        stream->kept = NULL;
        stream->in = NULL;
        return;
    }
    if (stream->kept != NULL) return;
    stream->kept = mem_alloc(stream->in_len);
    memcpy(stream->kept, stream->in, stream->in_len);
    stream->in = stream->kept;
}

void secure_bio_reason(SSL *ssl, char into[256]) {
    unsigned long error = ERR_peek_last_error();
    long verified = SSL_get_verify_result(ssl);
    const char *text = ERR_reason_error_string(error);
    if (ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED && verified != X509_V_OK)
        snprintf(into, 256, "its certificate is refused (%s)",
                 X509_verify_cert_error_string(verified));
    else
        snprintf(into, 256, "%s", text != NULL ? text : "it makes no sense");
}
