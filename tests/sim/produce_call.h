/* What every simulated producer needs of the protocol: an identity, a batch of one record, and a
 * Produce request. */
#ifndef SIM_PRODUCE_CALL_H
#define SIM_PRODUCE_CALL_H

#include "protocol/messages/produce.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/sim/history.h"
#include "tests/sim/kafka_client.h"

/* The producer id of an idempotent producer, as some broker gives it out. */
struct identity {
    struct kafka_call call; /* first */
    struct run *run;
    int64_t id; /* -1: not yet */
    int16_t epoch;
    bool asking;
    void (*answered)(void *arg); /* with an id or without */
    void *arg;
};

/* Asks any broker. An error that a client cannot try again after fails the run. */
void identity_ask(struct identity *identity, struct kafka_client *client);

/* Adds that record of that producer of the history, of which nobody but the history knows what it
 * says. `len` bytes of value, or those as a header of a tombstone. */
void produce_append(struct kafka_client *client, struct record_batch_builder *builder,
                    unsigned producer, uint64_t number, size_t len);

/* A batch with that record of that producer of the history, under the next sequence: its number. Of
 * the caller. */
void produce_one_record(struct kafka_client *client, int64_t producer_id, int16_t epoch,
                        unsigned producer, uint64_t number, int32_t sequence, uint8_t **bytes,
                        size_t *len);

/* A Produce request with one batch for one partition. */
void produce_call(struct kafka_client *client, struct kafka_link *link, struct kafka_call *call,
                  int32_t partition, int16_t acks, const uint8_t *bytes, size_t len,
                  uint64_t timeout_us);

/* What such a request was answered. Anything but that one partition fails the run, and so does an
 * error with an offset. */
const struct kp_produce_response_partition *produce_answer(
    struct run *run, const struct kp_produce_response *response, int32_t partition);

#endif
