/*
 * The client of librdkafka that drave produce sends with: idempotent, with --transactional-id
 * transactional.
 */
#ifndef CLIENT_STREAM_PRODUCE_CLIENT_H
#define CLIENT_STREAM_PRODUCE_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>

#include "client/line/command.h"

/* Once for each record, from rd_kafka_poll; `opaque` is the caller's `arg`. */
typedef void produce_delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque);

/* Never NULL; rd_kafka_destroy it. `line_max`: bytes of the largest record; `terminal`: each record
 * is sent at once. */
rd_kafka_t *produce_client_new(const struct invocation *in, size_t line_max, bool terminal,
                               produce_delivered *delivered, void *arg);

#endif
