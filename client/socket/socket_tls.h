/*
 * TLS of the administrative client: what the call's options ask for holds for all its connections.
 *
 * Happy path: socket_tls_use once, before anything is asked; each connection then shakes hands
 * before its first request. Failures: files that cannot be used; a broker whose certificate is not
 * good for the name that was asked for (ERR_DENIED: trying again does not help), one that speaks no
 * TLS.
 */
#ifndef CLIENT_SOCKET_SOCKET_TLS_H
#define CLIENT_SOCKET_SOCKET_TLS_H

#include <sys/types.h>

#include "client/line/command.h"
#include "client/socket/socket_wait.h"

struct ssl_st;

/* EXIT_DONE, or EXIT_USAGE (said). */
int socket_tls_use(const struct invocation *invocation);
void socket_tls_forget(void);

/* *tls NULL: plain text is spoken. Else it is to be closed, also after an error. */
int socket_tls_open(struct ssl_st **tls, int fd, const char *address, const char *host,
                    struct admin_wait *wait, struct error_text *why);
void socket_tls_close(struct ssl_st *tls); /* NULL does nothing */
/* As send and recv of a socket that does not block; errno EAGAIN: the socket is to become ready. */
ssize_t socket_tls_send(struct ssl_st *tls, const void *data, size_t len);
ssize_t socket_tls_receive(struct ssl_st *tls, void *data, size_t len);

#endif
