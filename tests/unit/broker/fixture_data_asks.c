/* Batches are made of records of zeros, with times from 1000 on. */
#include "tests/unit/broker/fixture_data_asks.h"

#include <string.h>

#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/unit.h"

void produce_begin(struct produce_ask *ask, const char *topic, int16_t acks) {
    memset(ask, 0, sizeof *ask);
    kp_set_fallbacks(&kp_produce_request_schema, &ask->request);
    ask->request.transactional_id = KP_NULL_STRING;
    ask->request.acks = acks;
    ask->request.timeout_ms = 5000;
    ask->topic.name = kp_string_of(topic);
    ask->topic.partition_data.items = ask->partitions;
    ask->request.topic_data.items = &ask->topic;
    ask->request.topic_data.count = 1;
}

void produce_add(struct produce_ask *ask, int32_t partition, int records, size_t value_len) {
    produce_add_in(ask, RECORD_CODEC_NONE, partition, records, value_len);
}

void produce_add_in(struct produce_ask *ask, enum record_codec codec, int32_t partition,
                    int records, size_t value_len) {
    struct record_batch_options options = record_batch_plain();
    options.codec = codec;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    uint8_t *value = mem_zalloc(value_len);
    for (int i = 0; i < records; i++)
        record_batch_builder_append(builder, 1000 + i, NULL, -1, value, (int32_t)value_len, NULL,
                                    0);
    mem_free(value);
    size_t len;
    int32_t place = ask->topic.partition_data.count++;
    assert_int_equal(record_batch_builder_finish(builder, &ask->bytes[place], &len), ERR_NONE);
    ask->partitions[place] = (struct kp_produce_request_partition){
        .index = partition, .records = {.data = ask->bytes[place], .len = (int32_t)len}};
}

void produce_end(struct produce_ask *ask) {
    for (int i = 0; i < PARTITIONS_MAX; i++)
        mem_free(ask->bytes[i]);
}

struct kp_produce_response_partition produce_one(struct one_broker *one, const char *topic,
                                                 int32_t partition, int records, size_t value_len) {
    struct produce_ask ask;
    struct kp_produce_response response;
    produce_begin(&ask, topic, -1);
    produce_add(&ask, partition, records, value_len);
    assert_true(one_broker_ask(one, KP_PRODUCE, 8, &ask.request, &response));
    produce_end(&ask);
    return response.responses.items[0].partition_responses.items[0];
}

int64_t new_producer(struct one_broker *one) {
    struct kp_init_producer_id_request request;
    struct kp_init_producer_id_response response;
    kp_set_fallbacks(&kp_init_producer_id_request_schema, &request);
    request.transactional_id = KP_NULL_STRING;
    do
        assert_true(one_broker_ask(one, KP_INIT_PRODUCER_ID, 4, &request, &response));
    while (response.error_code == KAFKA_COORDINATOR_LOAD_IN_PROGRESS);
    assert_int_equal(response.error_code, KAFKA_NONE);
    return response.producer_id;
}

int16_t produce_as(struct one_broker *one, int64_t id, int16_t epoch, int32_t sequence) {
    struct produce_ask ask;
    struct kp_produce_response response;
    struct record_batch_options options = record_batch_plain();
    options.producer_id = id;
    options.producer_epoch = epoch;
    options.base_sequence = sequence;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (int i = 0; i < 3; i++)
        record_batch_builder_append(builder, 1000 + i, NULL, -1, (const uint8_t *)"x", 1, NULL, 0);
    produce_begin(&ask, "t", -1);
    size_t len;
    assert_int_equal(record_batch_builder_finish(builder, &ask.bytes[0], &len), ERR_NONE);
    ask.topic.partition_data.count = 1;
    ask.partitions[0].records = (struct kp_records){.data = ask.bytes[0], .len = (int32_t)len};
    assert_true(one_broker_ask(one, KP_PRODUCE, 8, &ask.request, &response));
    produce_end(&ask);
    return response.responses.items[0].partition_responses.items[0].error_code;
}

void fetch_begin(struct fetch_ask *ask, const char *topic, int32_t partitions, int64_t offset) {
    memset(ask, 0, sizeof *ask);
    kp_set_fallbacks(&kp_fetch_request_schema, &ask->request);
    ask->request.replica_id = -1;
    ask->request.max_wait_ms = 0;
    ask->request.min_bytes = 1;
    ask->request.max_bytes = 50 << 20;
    ask->request.session_epoch = -1;
    ask->topic.topic = kp_string_of(topic);
    ask->topic.partitions.items = ask->partitions;
    ask->topic.partitions.count = partitions;
    ask->request.topics.items = &ask->topic;
    ask->request.topics.count = 1;
    for (int32_t i = 0; i < partitions; i++) {
        kp_set_fallbacks(&kp_fetch_request_partition_schema, &ask->partitions[i]);
        ask->partitions[i].partition = i;
        ask->partitions[i].fetch_offset = offset;
        ask->partitions[i].current_leader_epoch = -1;
        ask->partitions[i].partition_max_bytes = 1 << 20;
    }
}

struct kp_list_offsets_response_partition offset_at(struct one_broker *one, int64_t timestamp,
                                                    int version, int32_t partition) {
    struct kp_list_offsets_request request;
    struct kp_list_offsets_request_topic topic = {.name = kp_string_of("t")};
    struct kp_list_offsets_request_partition asked = {
        .partition_index = partition, .current_leader_epoch = -1, .timestamp = timestamp};
    struct kp_list_offsets_response response;
    kp_set_fallbacks(&kp_list_offsets_request_schema, &request);
    request.replica_id = -1;
    request.topics.items = &topic;
    request.topics.count = 1;
    topic.partitions.items = &asked;
    topic.partitions.count = 1;
    assert_true(one_broker_ask(one, KP_LIST_OFFSETS, version, &request, &response));
    return response.topics.items[0].partitions.items[0];
}
