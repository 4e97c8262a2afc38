/*
 * One blocking connection of the administrative client to a broker: resolve, connect, negotiate,
 * one request and its answer at a time.
 *
 * Happy path: open, which ends knowing what the broker serves; exchange, any number; close.
 * Failures: each with a sentence that names the address: ERR_NAME, ERR_REFUSED and what else
 * connecting gives, ERR_CONNECTION (it broke), ERR_TIMEOUT (nothing in time), ERR_MALFORMED (no
 * broker of Kafka's protocol). After any of them the connection is only to be closed; one that did
 * not open leaves nothing to close.
 * Invariants: nothing waits beyond the deadline of struct admin_wait; a resolver that is dead holds
 * nobody.
 */
#ifndef CLIENT_KAFKA_ADMIN_CONNECTION_H
#define CLIENT_KAFKA_ADMIN_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "client/socket/socket_wait.h"
#include "protocol/messages/api_table.h"
#include "protocol/schema.h"

struct admin_connection {
    char address[300]; /* host:port */
    int fd;
    struct ssl_st *tls; /* NULL: plain text */
    int32_t correlation;
    struct {
        int16_t key, from, to;
    } *ranges; /* what the broker serves */
    int range_count;
};

int admin_connection_open(struct admin_connection *connection, struct admin_wait *wait,
                          const char *host, const char *port, struct error_text *why);
void admin_connection_close(struct admin_connection *connection);
/* The highest version of the API that both have, at least `version_min`. -1: none. */
int admin_connection_version(const struct admin_connection *with, const struct kp_api *api,
                             int version_min);
/* Sends the request, waits for its answer and decodes it into `response` and `arena`. */
int admin_connection_exchange(struct admin_connection *with, struct admin_wait *wait,
                              const struct kp_api *api, int version, const void *request,
                              struct kp_arena *arena, void *response, struct error_text *why);

#endif
