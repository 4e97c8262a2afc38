/*
 * Why records of a topic are not acknowledged at present. librdkafka tries again for minutes
 * without a word; the brokers know.
 *
 * Happy path: Metadata tells replicas that are down, partitions without a leader, too few in sync
 * for min.insync.replicas; each leader is then asked with a Produce without records, which stores
 * nothing, and whose refusal has the leader's own sentence (a full disk).
 */
#ifndef CLIENT_KAFKA_PRODUCE_REASON_H
#define CLIENT_KAFKA_PRODUCE_REASON_H

#include <stdbool.h>
#include <stddef.h>

#include "client/line/command.h"

/* A look of a second or two. False: nothing is known to be wrong, `text` is empty. */
bool produce_reason(const struct invocation *invocation, const char *topic, char *text,
                    size_t room);

/* The longest line that can become a record of the topic: its max.message.bytes, or what librdkafka
 * takes where records are compressed. */
size_t produce_line_max(const struct invocation *invocation, const char *topic);

#endif
