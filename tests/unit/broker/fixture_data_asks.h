/* Requests for records, filled with what most tests want. */
#ifndef TESTS_UNIT_BROKER_FIXTURE_DATA_ASKS_H
#define TESTS_UNIT_BROKER_FIXTURE_DATA_ASKS_H

#include "protocol/messages/fetch.h"
#include "protocol/messages/list_offsets.h"
#include "protocol/messages/produce.h"
#include "protocol/record/record_batch.h"
#include "tests/unit/broker/fixture_broker.h"

enum { PARTITIONS_MAX = 8 };

struct produce_ask {
    struct kp_produce_request request;
    struct kp_produce_request_topic topic;
    struct kp_produce_request_partition partitions[PARTITIONS_MAX];
    uint8_t *bytes[PARTITIONS_MAX];
};

void produce_begin(struct produce_ask *ask, const char *topic, int16_t acks);
/* One batch of so many records of `value_len` zeros. */
void produce_add(struct produce_ask *ask, int32_t partition, int records, size_t value_len);
/* The same, compressed. */
void produce_add_in(struct produce_ask *ask, enum record_codec codec, int32_t partition,
                    int records, size_t value_len);
void produce_end(struct produce_ask *ask);

/* One batch; the answer for it. */
struct kp_produce_response_partition produce_one(struct one_broker *one, const char *topic,
                                                 int32_t partition, int records, size_t value_len);

/* A new id of an idempotent producer. */
int64_t new_producer(struct one_broker *one);
/* Three records of that producer to partition 0 of "t", of times 1000 to 1002; Kafka's code. */
int16_t produce_as(struct one_broker *one, int64_t id, int16_t epoch, int32_t sequence);

struct fetch_ask {
    struct kp_fetch_request request;
    struct kp_fetch_request_topic topic;
    struct kp_fetch_request_partition partitions[PARTITIONS_MAX];
};

/* Partitions 0, 1, ... of a topic, all from that offset, without a session and without a wait. */
void fetch_begin(struct fetch_ask *ask, const char *topic, int32_t partitions, int64_t offset);

/* Of the topic "t". */
struct kp_list_offsets_response_partition offset_at(struct one_broker *one, int64_t timestamp,
                                                    int version, int32_t partition);

#endif
