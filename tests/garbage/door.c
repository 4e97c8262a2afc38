/* OpenSSL as it comes; the login is two frames written by hand. */
#include "tests/garbage/door.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum { HEADER = 14, ROOM = 1024, SASL_HANDSHAKE = 17, SASL_AUTHENTICATE = 36 };

static SSL_CTX *context(void) {
    static SSL_CTX *one;
    if (one == NULL) {
        one = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_mode(one, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    }
    return one;
}

static bool read_all(SSL *tls, uint8_t *into, size_t len) {
    for (size_t got = 0; got < len;) {
        int n = SSL_read(tls, into + got, (int)(len - got));
        if (n <= 0) return false;
        got += (size_t)n;
    }
    return true;
}

/* Whether it is answered with error 0. */
static bool ask(SSL *tls, int16_t key, int16_t version, const uint8_t *body, size_t len) {
    uint8_t frame[ROOM], answer[ROOM];
    uint32_t size = htobe32((uint32_t)(HEADER - 4 + len)), correlation = htobe32(7);
    uint16_t head[2] = {htobe16((uint16_t)key), htobe16((uint16_t)version)}, nobody = 0xffff;
    if (HEADER + len > ROOM) return false;
    memcpy(frame, &size, 4);
    memcpy(frame + 4, head, 4);
    memcpy(frame + 8, &correlation, 4);
    memcpy(frame + 12, &nobody, 2);
    memcpy(frame + HEADER, body, len);
    if (SSL_write(tls, frame, (int)(HEADER + len)) <= 0 || !read_all(tls, answer, 4)) return false;
    memcpy(&size, answer, 4);
    size = be32toh(size);
    return size >= 6 && size <= ROOM && read_all(tls, answer, size) && answer[4] == 0 &&
           answer[5] == 0;
}

static bool log_in(SSL *tls, const char *user, const char *password) {
    static const uint8_t mechanism[] = "\0\5PLAIN";
    uint8_t token[ROOM];
    int len = snprintf((char *)token + 4, sizeof token - 4, "%c%s%c%s", 0, user, 0, password);
    uint32_t size = htobe32((uint32_t)len);
    memcpy(token, &size, 4);
    return ask(tls, SASL_HANDSHAKE, 1, mechanism, sizeof mechanism - 1) &&
           ask(tls, SASL_AUTHENTICATE, 0, token, 4 + (size_t)len);
}

struct ssl_st *door_open(int fd, const char *user, const char *password) {
    SSL *tls = SSL_new(context());
    ERR_clear_error();
    if (SSL_set_fd(tls, fd) != 1 || SSL_connect(tls) != 1 || !log_in(tls, user, password) ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        SSL_free(tls);
        return NULL;
    }
    return tls;
}

void door_close(struct ssl_st *tls) {
    SSL_free(tls);
}

static ssize_t result(SSL *tls, int n) {
    int error = n > 0 ? SSL_ERROR_NONE : SSL_get_error(tls, n);
    if (n > 0) return n;
    if (error == SSL_ERROR_ZERO_RETURN) return 0;
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
    return -1;
}

ssize_t door_send(struct ssl_st *tls, const void *data, size_t len) {
    ERR_clear_error();
    return result(tls, SSL_write(tls, data, len > INT_MAX ? INT_MAX : (int)len));
}

ssize_t door_receive(struct ssl_st *tls, void *data, size_t len) {
    ERR_clear_error();
    return result(tls, SSL_read(tls, data, len > INT_MAX ? INT_MAX : (int)len));
}
