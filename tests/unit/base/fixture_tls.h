/*
 * A stream that speaks TLS, and a client of OpenSSL's own on the other end of a pair: what it says
 * and hears goes over memory, so that a test may cut, change or keep back any byte.
 *
 * tls_open begins a test, tls_close ends it and asserts that the loop closed clean.
 */
#ifndef TESTS_UNIT_BASE_FIXTURE_TLS_H
#define TESTS_UNIT_BASE_FIXTURE_TLS_H

#include <openssl/ssl.h>

#include "base/secure/secure_stream.h"
#include "tests/unit/base/fixture_pair.h"

enum { TLS_ROOM = 3000 };

/* One connection. */
struct tls_pair {
    struct env_stream *client; /* NULL: closed */
    struct secure_stream *server;
    SSL *ssl; /* of the client */
    BIO *to_client, *from_client;
    uint8_t arriving[4096];
    uint8_t room[TLS_ROOM];
    uint64_t received; /* by the server; checked against tls_byte */
    uint64_t wrong;
    uint64_t heard; /* by the client, as well */
    int ended;      /* of the server: the error, or -1 */
    bool client_ended;
    bool pauses;       /* the server pauses in each `received`, and reads on later */
    size_t room_most;  /* the server's room; 0: TLS_ROOM */
    uint64_t close_at; /* the server closes inside of `received` behind so many bytes; 0: never */
    uint64_t flip_at;  /* the client's byte of this number is changed on its way; 0: none */
    uint64_t sent_raw; /* bytes that the client put on its way */
    bool silent;       /* what the client says stays with it */
    uint64_t stop_received, stop_heard; /* the loop ends then; 0: not by that */
    struct env_task again;
    struct env_stream_events events;
};

struct tls_world {
    struct loop loop;
    struct secure_host *host;
    struct budget sent; /* what is encrypted ahead of the sockets */
    struct tls_context *context;
    SSL_CTX *client;
    struct tls_pair pairs[4];
    size_t count;
};
extern struct tls_world tls; /* one test at a time */

/* Writes a key (P-256) and a certificate for "localhost" and 127.0.0.1 that signs itself into
 * "<folder>/NAME", and returns that path; `days` may be below zero. */
const char *tls_make_files(struct loop *loop, const char *name, int days);
struct tls_options tls_server_options(const char *path);

void tls_open(uint32_t handshakes_max, uint32_t timeout_ms);
void tls_close(void);
/* Connected; the server has attached and reads. The client says nothing before tls_client_go. */
struct tls_pair *tls_connect(void);
/* Moves what OpenSSL has for the wire to it. */
void tls_client_go(struct tls_pair *pair);
void tls_client_write(struct tls_pair *pair, uint64_t from, size_t len);
void tls_client_close(struct tls_pair *pair);
void tls_server_close(struct tls_pair *pair);
/* Byte number i of the endless sequence that both send. */
uint8_t tls_byte(uint64_t i);
void tls_run_ms(uint32_t ms);

#endif
