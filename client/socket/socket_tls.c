/* OpenSSL on a socket that does not block. */
#include "client/socket/socket_tls.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/secure/tls_context.h"
#include "client/line/talk.h"

static struct tls_context *used; /* of this call; NULL: plain text */

int socket_tls_use(const struct invocation *in) {
    struct error_text why;
    const struct tls_options options = {.client = true,
                                        .own = {in->cert ? in->cert : "", "PEM", ""},
                                        .key_password = "",
                                        .trusted = {in->ca ? in->ca : "", "PEM", ""},
                                        .protocols = "TLSv1.2,TLSv1.3",
                                        .cipher_suites = "",
                                        .own_name = "--cert",
                                        .trusted_name = "--ca"};
    if (!in->tls) {
        return EXIT_DONE;
    }
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    if (tls_context_new(&options, &used, &why) != ERR_NONE) {
        say("%s", why.text);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

void socket_tls_forget(void) {
    tls_context_unref(used);
    used = NULL;
}

/* ---- The handshake ---- */

static int refused(SSL *tls, const char *address, const char *host, struct error_text *why) {
    long verified = SSL_get_verify_result(tls);
    unsigned long error = ERR_peek_last_error();
    if (verified == X509_V_ERR_HOSTNAME_MISMATCH || verified == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        return error_set(
            why, ERR_DENIED,
            "%s: its certificate is not for %s; name the broker as its certificate does", address,
            host);
    }
    if (verified != X509_V_OK) {
        return error_set(
            why, ERR_DENIED,
            "%s: its certificate is refused (%s); name the CA of the brokers with --ca FILE",
            address, X509_verify_cert_error_string(verified));
    }
    if (ERR_GET_REASON(error) == SSL_R_WRONG_VERSION_NUMBER) {
        return error_set(
            why, ERR_DENIED,
            "%s does not speak TLS; leave --tls and --ca out, or name the port of a listener "
            "that does",
            address);
    }
    const char *reason = ERR_reason_error_string(error);
    if (reason && ERR_GET_REASON(error) != SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        return error_set(why, ERR_CONNECTION, "%s broke the TLS handshake (%s)", address, reason);
    }
    return error_set(
        why, ERR_CONNECTION,
        "%s ended the connection in the TLS handshake; if that port speaks plain text, leave "
        "--tls and --ca out",
        address);
}

static int shake_hands(SSL *tls, int fd, const char *address, const char *host,
                       struct admin_wait *wait, struct error_text *why) {
    for (;;) {
        ERR_clear_error();
        int result = SSL_connect(tls);
        int wanted = SSL_get_error(tls, result);
        if (result == 1) {
            return ERR_NONE;
        }
        if (wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE) {
            return refused(tls, address, host, why);
        }
        int error = socket_wait_for(wait, fd, wanted == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT,
                                    address, socket_answered, why);
        if (error) {
            return error;
        }
    }
}

int socket_tls_open(SSL **into, int fd, const char *address, const char *host,
                    struct admin_wait *wait, struct error_text *why) {
    *into = NULL;
    if (!used) {
        return ERR_NONE;
    }
    SSL *tls = *into = SSL_new(tls_context_ssl(used));
    X509_VERIFY_PARAM *checks = tls ? SSL_get0_param(tls) : NULL;
    if (!tls || SSL_set_fd(tls, fd) != 1) {
        return error_set(why, ERR_SYSTEM, "%s: OpenSSL does not start", address);
    }
    if (X509_VERIFY_PARAM_set1_ip_asc(checks, host) != 1) {
        SSL_set_tlsext_host_name(tls, host);
        X509_VERIFY_PARAM_set1_host(checks, host, 0);
    }
    return shake_hands(tls, fd, address, host, wait, why);
}

void socket_tls_close(SSL *tls) {
    SSL_free(tls);
}

/* ---- Bytes ---- */

static ssize_t result_of(SSL *tls, int result) {
    int error = SSL_get_error(tls, result);
    if (result > 0) {
        return result;
    }
    if (error == SSL_ERROR_ZERO_RETURN) {
        return 0;
    }
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
    return -1;
}

ssize_t socket_tls_send(SSL *tls, const void *data, size_t len) {
    ERR_clear_error();
    return result_of(tls, SSL_write(tls, data, len > INT_MAX ? INT_MAX : (int)len));
}

ssize_t socket_tls_receive(SSL *tls, void *data, size_t len) {
    ERR_clear_error();
    return result_of(tls, SSL_read(tls, data, len > INT_MAX ? INT_MAX : (int)len));
}
