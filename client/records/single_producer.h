/*
 * One record at a time, written to the wire by drave itself: for what librdkafka cannot send, which
 * is the timestamp 0 (it takes 0 for "now").
 *
 * Happy path: an idempotent producer id of its own, one batch of one record to the partition's
 * leader, its acknowledgement. Failures: a leader that moves or breaks the connection is tried
 * again with the same sequence, so that nothing is stored twice; what is not acknowledged within
 * the timeout, and what the broker refuses, is told in `why`.
 */
#ifndef CLIENT_RECORDS_SINGLE_PRODUCER_H
#define CLIENT_RECORDS_SINGLE_PRODUCER_H

#include "client/records/record_json.h"

struct single_producer;

/* Never NULL. `topic` is the caller's; it has `partitions`. */
struct single_producer *single_producer_new(const char *bootstrap, uint64_t timeout_ms,
                                            const char *topic, int32_t partitions);
void single_producer_free(struct single_producer *producer); /* NULL does nothing */

/* Stores one record in a partition and waits for its acknowledgement. ERR_NONE: *offset is where;
 * else `why` has the sentence. */
int single_producer_send(struct single_producer *producer, int32_t partition,
                         const struct client_record *record, int64_t *offset,
                         struct error_text *why);

#endif
