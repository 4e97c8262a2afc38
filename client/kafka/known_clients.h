/*
 * Well-known clients and the requests that they send for what people do with them: whether brokers
 * have what a client needs can be told from their ApiVersions alone.
 *
 * A client fits when each request has a version that both sides have.
 * The versions were read off the clients' sources; tests/compat runs the clients themselves.
 */
#ifndef CLIENT_KAFKA_KNOWN_CLIENTS_H
#define CLIENT_KAFKA_KNOWN_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { KNOWN_CLIENT_NEEDS_MAX = 12 };

struct known_client {
    const char *name; /* with the versions that it stands for */
    const char *use;  /* what it does with these requests */
    struct {
        int key, from, to; /* versions of the client; all 0: no more */
    } needs[KNOWN_CLIENT_NEEDS_MAX];
};

extern const struct known_client known_clients[];
extern const size_t known_client_count;

/* What the brokers serve of an API; false: they do not serve it. */
typedef bool (*known_client_served)(const void *arg, int key, int *from, int *to);

/* `why` has the evidence either way: the request that is missing, or how many were compared. */
bool known_client_fits(const struct known_client *client, known_client_served served,
                       const void *arg, struct error_text *why);

#endif
