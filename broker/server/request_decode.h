/*
 * The frame of a request becomes its message, in its arena: at once, or, when it is much, in the
 * pool as soon as memory has room.
 *
 * Happy path: header, message. Failures: what is no request, an API or version that is not served,
 * more memory than a message may take: `why` is the complaint about the client. One that waits for
 * room is refused when other requests need the memory that its frame holds.
 * Invariants: decoding touches nothing but the request, so that it may run off the loop; the most
 * that a message may take is charged before it is decoded, so that few are decoded at a time,
 * however many wait.
 */
#ifndef BROKER_SERVER_REQUEST_DECODE_H
#define BROKER_SERVER_REQUEST_DECODE_H

#include "base/error.h"
#include "broker/server/request.h"

/* At once. ERR_AGAIN: it has so many elements that it is for request_decode_later; nothing is
 * decoded. Without an error `message` is NULL for an ApiVersions of a version from the future. */
int request_decode(struct request *request, struct error_text *why);

/* How that ends: one of these is called once, in a later turn. */
struct request_decode_events {
    /* As from request_decode. */
    void (*decoded)(struct request *request, int error, const struct error_text *why);
    /* It waited; what it holds is wanted by those for whom `crowd` is, or its client has gone. */
    void (*refused)(struct request *request);
};
/* Charges the message to `memory`, from now on the request's, and the request's frame to `frames`.
 * It waits in `crowd`. */
void request_decode_later(struct request *request, struct budget *memory, struct budget *frames,
                          struct parking *crowd, const struct request_decode_events *events);

#endif
