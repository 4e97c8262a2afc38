/*
 * The way to a broker that speaks TLS and wants logins: what is sent behind it is as hostile, but
 * comes from somebody who has logged in.
 *
 * Happy path: door_open on a connected socket that blocks, then door_send and door_receive as send
 * and recv of one that does not. Failure: NULL, the broker has not let it in. Checks no
 * certificate: the broker is the one under test.
 */
#ifndef TESTS_GARBAGE_DOOR_H
#define TESTS_GARBAGE_DOOR_H

#include <sys/types.h>

struct ssl_st;

/* By PLAIN. The socket does not block afterwards, and stays the caller's. */
struct ssl_st *door_open(int fd, const char *user, const char *password);
void door_close(struct ssl_st *tls); /* NULL does nothing; says nothing to the broker */
ssize_t door_send(struct ssl_st *tls, const void *data, size_t len);
ssize_t door_receive(struct ssl_st *tls, void *data, size_t len);

#endif
