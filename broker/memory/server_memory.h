/*
 * The memory that clients make a server hold: its budgets, who waits for them, and who gives way to
 * those that do.
 *
 * Happy path: zeroed, open; connections and requests charge the budgets and give back; close when
 * the last of them has gone. Failures: none. Invariant: queued.max.request.bytes is shared between
 * the first four, so that no kind of request keeps another waiting for ever.
 */
#ifndef BROKER_MEMORY_SERVER_MEMORY_H
#define BROKER_MEMORY_SERVER_MEMORY_H

#include "base/budget.h"
#include "base/log.h"
#include "broker/memory/parking.h"

struct server_memory {
    /* Short requests, large ones, those that are half here, and what is decoded of those that are
     * much to decode. */
    struct budget requests, larges, halves, decoded;
    struct budget answers, parked;
    struct parking parking, crowd; /* who waits because he likes to, and for memory */
    struct log *log;
    struct log_limiter complaints;
};

/* The limits of all requests, of answers that clients have not taken, and of those that are
 * parked. */
struct server_memory_limits {
    uint64_t request_bytes, answer_bytes, parked_bytes;
};

/* It must not move as long as it is open. */
void server_memory_open(struct server_memory *memory, struct env *env, struct log *log,
                        const struct server_memory_limits *limits);
void server_memory_set_limits(struct server_memory *memory,
                              const struct server_memory_limits *limits);
/* All clients have gone. What is still charged then is a bug, and is said. */
void server_memory_close(struct server_memory *memory);

/* Of the memory for requests, something is spent. */
bool server_memory_is_spent(const struct server_memory *memory);
/* What is charged to the four of requests. */
size_t server_memory_request_bytes(const struct server_memory *memory);
/* Clients that are not read, and requests that do not go on, because there is no room now; and how
 * often one began to wait so for those of requests. */
size_t server_memory_waiting(const struct server_memory *memory);
uint64_t server_memory_request_waits(const struct server_memory *memory);

#endif
