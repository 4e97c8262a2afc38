/*
 * The answer of a request becomes bytes: at once, or, when it is much, in the pool as soon as
 * memory has room.
 *
 * Happy path of the latter: measure, charge to the answers (or wait for room, as steps of requests
 * do), encode. Failures: a value that the format does not have, and bytes beyond the most that an
 * answer may take: ERR_INVALID, ERR_TOO_LARGE. Invariant: an answer that is encoded in the pool is
 * charged before memory is taken for it.
 */
#ifndef BROKER_SERVER_REQUEST_ENCODE_H
#define BROKER_SERVER_REQUEST_ENCODE_H

#include "broker/server/request.h"

/* At once, into a new writer, whose `told` may be set. `throttle_ms`: how long its client has to
 * wait because of quotas, which is told where answers of that API have a place for it. */
int request_encode(const struct request *request, const void *response, uint32_t throttle_ms,
                   struct kp_writer *writer);
/* `encoded` is called once, in a later turn, with a writer that is then its own (empty if the
 * client has gone), its `told` valid within the call. Nobody touches `response` and what it points
 * to before. */
void request_encode_later(struct request *request, const void *response, uint32_t throttle_ms,
                          void (*encoded)(struct request *request, struct kp_writer *writer,
                                          int error));

#endif
