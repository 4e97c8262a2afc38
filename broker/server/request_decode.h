/*
 * A request out of its frame: header, then the message of its API and version, in the request's arena, whose limit is set by the size of
 * the frame.
 *
 * Failures: ERR_AGAIN, the message has more than `items` elements and is for the pool; ERR_MALFORMED, ERR_VERSION and the like with what to
 * say about it. ApiVersions of an unknown version is no failure (KIP-511): it has no message then. Touches nothing but the request: may
 * run off the loop.
 */
#ifndef BROKER_SERVER_REQUEST_DECODE_H
#define BROKER_SERVER_REQUEST_DECODE_H

#include "base/error.h"
#include "broker/server/request.h"

int request_decode(struct request *request, uint32_t items, struct error_text *why);

#endif
