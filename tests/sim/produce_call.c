/* Identities, batches of one record, Produce requests; produce_call.h says for whom. */
#include "tests/sim/produce_call.h"

#include <inttypes.h>

#include "base/check.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/init_producer_id.h"

enum { IDENTITY_US = 4000000, VALUE_LEN = HISTORY_VALUE_MIN + 20, VALUE_MOST = 2048 };

/* ---- Identity ---- */

static void identified(struct kafka_call *call, int error, const void *response) {
    struct identity *identity = (struct identity *)call;
    const struct kp_init_producer_id_response *answer = response;

    identity->asking = false;
    if (error == ERR_NONE && answer->error_code == KAFKA_NONE) {
        identity->id = answer->producer_id;
        identity->epoch = answer->producer_epoch;
    } else if (error == ERR_NONE && !kafka_error_retriable(answer->error_code)) {
        run_fail(identity->run, "InitProducerId gets %s", kafka_error_name(answer->error_code));
    }
    identity->answered(identity->arg);
}

void identity_ask(struct identity *identity, struct kafka_client *client) {
    struct kp_init_producer_id_request request;

    kp_set_fallbacks(&kp_init_producer_id_request_schema, &request);
    request.transactional_id = KP_NULL_STRING;
    request.transaction_timeout_ms = 1000;
    identity->run = kafka_client_run(client);
    identity->asking = true;
    identity->call.done = identified;
    kafka_link_call(kafka_client_link(client, -1), &identity->call, KP_INIT_PRODUCER_ID,
                    kafka_client_version(client, KP_INIT_PRODUCER_ID, 0), &request, IDENTITY_US);
}

/* ---- Batches ---- */

void produce_append(struct kafka_client *client, struct record_batch_builder *builder,
                    unsigned producer, uint64_t number, size_t len) {
    uint8_t value[VALUE_MOST], key[HISTORY_KEY_LEN];
    int32_t key_len = kafka_client_key_len(client);
    bool tombstone = kafka_client_compacts(client) && history_is_tombstone(producer, number);

    CHECK(len <= sizeof value);
    history_value(producer, number, value, len);
    history_key(producer, number, key);
    struct record_header says = {.key = "of", .key_len = 2, .value = value};
    says.value_len = (int32_t)len;
    record_batch_builder_append(builder, env_wall_ms(kafka_client_env(client)), key, key_len,
                                tombstone ? NULL : value, tombstone ? -1 : (int32_t)len,
                                tombstone ? &says : NULL, tombstone);
}

void produce_one_record(struct kafka_client *client, int64_t producer_id, int16_t epoch,
                        unsigned producer, uint64_t number, int32_t sequence, uint8_t **bytes,
                        size_t *len) {
    struct record_batch_options options = record_batch_plain();

    options.producer_id = producer_id;
    options.producer_epoch = epoch;
    options.base_sequence = sequence;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    produce_append(client, builder, producer, number, VALUE_LEN);
    int error = record_batch_builder_finish(builder, bytes, len);
    CHECK(error == ERR_NONE);
}

/* ---- Requests ---- */

void produce_call(struct kafka_client *client, struct kafka_link *link, struct kafka_call *call,
                  int32_t partition_index, int16_t acks, const uint8_t *bytes, size_t len,
                  uint64_t timeout_us) {
    struct kp_produce_request request;
    struct kp_produce_request_topic topic;
    struct kp_produce_request_partition partition;

    kp_set_fallbacks(&kp_produce_request_schema, &request);
    kp_set_fallbacks(&kp_produce_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_produce_request_partition_schema, &partition);
    partition.index = partition_index;
    partition.records = (struct kp_records){.data = bytes, .len = (int32_t)len};
    topic.name = kp_string_of(kafka_client_topic(client));
    topic.topic_id = kafka_client_topic_id(client);
    topic.partition_data.items = &partition;
    topic.partition_data.count = 1;
    request.transactional_id = KP_NULL_STRING;
    request.acks = acks;
    request.timeout_ms = 1000 + (int32_t)world_below(kafka_client_run(client)->world, 1000);
    request.topic_data.items = &topic;
    request.topic_data.count = 1;
    /* zstd needs version 7 */
    kafka_link_call(link, call, KP_PRODUCE, kafka_client_version(client, KP_PRODUCE, 7), &request,
                    timeout_us);
}

const struct kp_produce_response_partition *produce_answer(
    struct run *run, const struct kp_produce_response *response, int32_t partition) {
    if (response->responses.count != 1 ||
        response->responses.items[0].partition_responses.count != 1)
        run_fail(run, "one partition was produced to, and the answer is about others");
    const struct kp_produce_response_partition *answer =
        &response->responses.items[0].partition_responses.items[0];
    if (answer->index != partition)
        run_fail(run, "the answer is about partition %d", answer->index);
    if (answer->error_code != KAFKA_NONE && answer->base_offset != -1)
        run_fail(run, "%s comes with offset %" PRId64, kafka_error_name(answer->error_code),
                 answer->base_offset);
    if (answer->error_code == KAFKA_NONE && answer->base_offset < 0)
        run_fail(run, "partition %d acknowledges a batch at offset %" PRId64, partition,
                 answer->base_offset);
    return answer;
}
