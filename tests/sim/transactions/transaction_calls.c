/* Requests and answers; transaction_calls.h says which. */
#include "tests/sim/transactions/transaction_calls.h"

#include "protocol/kafka_error.h"
#include "protocol/messages/add_offsets_to_txn.h"
#include "protocol/messages/add_partitions_to_txn.h"
#include "protocol/messages/end_txn.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/offset_fetch.h"
#include "protocol/messages/produce.h"
#include "protocol/messages/txn_offset_commit.h"

enum {
    OF_GROUP,
    OF_TRANSACTION, /* key types of FindCoordinator */
    ADD_PARTITIONS_TO = 3,
    ADD_OFFSETS_TO = 4,
    /* The first ones with transaction.version 2. */
    PRODUCE_RAISES = 12,
    COMMIT_RAISES = 5,
    END_RAISES = 5,
};

static void call(const struct calling *calling, enum kp_api_key key, int least, int most,
                 const void *request) {
    struct world *world = kafka_client_run(calling->client)->world;
    kafka_link_call(calling->link, calling->call, key,
                    (int)world_between(world, (uint64_t)least, (uint64_t)most), request,
                    calling->patience_us);
}

void find_call(const struct calling *calling, const char *key, bool of_group) {
    struct kp_find_coordinator_request request;
    struct kp_string name = kp_string_of(key);
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = name;
    request.key_type = of_group ? OF_GROUP : OF_TRANSACTION;
    request.coordinator_keys.items = &name;
    request.coordinator_keys.count = 1;
    call(calling, KP_FIND_COORDINATOR, 1, 6, &request);
}

void init_call(const struct calling *calling, const struct transactional_name *name,
               int32_t timeout_ms, bool given) {
    struct kp_init_producer_id_request request;
    kp_set_fallbacks(&kp_init_producer_id_request_schema, &request);
    request.transactional_id = kp_string_of(name->id);
    request.transaction_timeout_ms = timeout_ms;
    if (given) {
        request.producer_id = name->producer_id;
        request.producer_epoch = name->epoch;
    }
    call(calling, KP_INIT_PRODUCER_ID, given ? 3 : 0, 5, &request);
}

void add_partitions_call(const struct calling *calling, const struct transactional_name *name,
                         int32_t *partitions, int32_t count) {
    struct kp_add_partitions_to_txn_request request;
    struct kp_add_partitions_to_txn_request_topic topic;
    kp_set_fallbacks(&kp_add_partitions_to_txn_request_schema, &request);
    kp_set_fallbacks(&kp_add_partitions_to_txn_request_topic_schema, &topic);
    topic.name = kp_string_of(kafka_client_topic(calling->client));
    topic.partitions.items = partitions;
    topic.partitions.count = count;
    request.transactional_id = kp_string_of(name->id);
    request.producer_id = name->producer_id;
    request.producer_epoch = name->epoch;
    request.topics.items = &topic;
    request.topics.count = 1;
    call(calling, KP_ADD_PARTITIONS_TO_TXN, 0, ADD_PARTITIONS_TO, &request);
}

int16_t add_partitions_answer(const void *answer) {
    const struct kp_add_partitions_to_txn_response *response = answer;
    const struct kp_add_partitions_to_txn_response_topic *topic = &response->topics.items[0];
    int16_t code = KAFKA_NONE;
    for (int32_t i = 0; i < topic->partitions.count; i++) {
        int16_t one = topic->partitions.items[i].error_code;
        if (one != KAFKA_NONE && one != KAFKA_OPERATION_NOT_ATTEMPTED) code = one;
    }
    return code;
}

void transactional_produce_call(const struct calling *calling,
                                const struct transactional_name *name, int32_t partition_index,
                                const uint8_t *bytes, size_t len) {
    struct kp_produce_request request;
    struct kp_produce_request_topic topic;
    struct kp_produce_request_partition partition;
    struct world *world = kafka_client_run(calling->client)->world;
    kp_set_fallbacks(&kp_produce_request_schema, &request);
    kp_set_fallbacks(&kp_produce_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_produce_request_partition_schema, &partition);
    partition.index = partition_index;
    partition.records = (struct kp_records){.data = bytes, .len = (int32_t)len};
    topic.name = kp_string_of(kafka_client_topic(calling->client));
    topic.partition_data.items = &partition;
    topic.partition_data.count = 1;
    request.transactional_id = kp_string_of(name->id);
    request.acks = -1;
    request.timeout_ms = 200 + (int32_t)world_below(world, 1500);
    request.topic_data.items = &topic;
    request.topic_data.count = 1;
    if (name->raises) { /* topic ids from 13 on */
        topic.topic_id = kafka_client_topic_id(calling->client);
        call(calling, KP_PRODUCE, PRODUCE_RAISES, PRODUCE_RAISES + !kp_uuid_is_zero(topic.topic_id),
             &request);
        return;
    }
    call(calling, KP_PRODUCE, 3, PRODUCE_RAISES - 1, &request);
}

void add_offsets_call(const struct calling *calling, const struct transactional_name *name,
                      const char *group) {
    struct kp_add_offsets_to_txn_request request;
    kp_set_fallbacks(&kp_add_offsets_to_txn_request_schema, &request);
    request.transactional_id = kp_string_of(name->id);
    request.producer_id = name->producer_id;
    request.producer_epoch = name->epoch;
    request.group_id = kp_string_of(group);
    call(calling, KP_ADD_OFFSETS_TO_TXN, 0, ADD_OFFSETS_TO, &request);
}

void commit_in_transaction_call(const struct calling *calling,
                                const struct transactional_name *name, const char *group,
                                int64_t offset) {
    struct kp_txn_offset_commit_request request;
    struct kp_txn_offset_commit_request_topic topic;
    struct kp_txn_offset_commit_request_partition partition;
    kp_set_fallbacks(&kp_txn_offset_commit_request_schema, &request);
    kp_set_fallbacks(&kp_txn_offset_commit_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_txn_offset_commit_request_partition_schema, &partition);
    partition.committed_offset = offset;
    topic.name = kp_string_of(kafka_client_topic(calling->client));
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.transactional_id = kp_string_of(name->id);
    request.group_id = kp_string_of(group);
    request.producer_id = name->producer_id;
    request.producer_epoch = name->epoch;
    request.topics.items = &topic;
    request.topics.count = 1;
    call(calling, KP_TXN_OFFSET_COMMIT, name->raises ? COMMIT_RAISES : 0,
         name->raises ? COMMIT_RAISES : COMMIT_RAISES - 1, &request);
}

int16_t commit_in_transaction_answer(const void *answer) {
    const struct kp_txn_offset_commit_response *response = answer;
    return response->topics.items[0].partitions.items[0].error_code;
}

void stable_offset_call(const struct calling *calling, const char *name) {
    struct kp_offset_fetch_request request;
    struct kp_offset_fetch_request_topic topic;
    struct kp_offset_fetch_request_group group;
    int32_t partition = 0;
    kp_set_fallbacks(&kp_offset_fetch_request_schema, &request);
    kp_set_fallbacks(&kp_offset_fetch_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_offset_fetch_request_group_schema, &group);
    topic.name = kp_string_of(kafka_client_topic(calling->client));
    topic.partition_indexes.items = &partition;
    topic.partition_indexes.count = 1;
    group.group_id = request.group_id = kp_string_of(name);
    group.member_id = KP_NULL_STRING;
    group.member_epoch = -1;
    group.topics.items = request.topics.items = &topic;
    group.topics.count = request.topics.count = 1;
    request.groups.items = &group;
    request.groups.count = 1;
    request.require_stable = true;
    call(calling, KP_OFFSET_FETCH, 7, 9, &request);
}

void end_call(const struct calling *calling, const struct transactional_name *name, bool commit) {
    struct kp_end_txn_request request;
    kp_set_fallbacks(&kp_end_txn_request_schema, &request);
    request.transactional_id = kp_string_of(name->id);
    request.producer_id = name->producer_id;
    request.producer_epoch = name->epoch;
    request.committed = commit;
    call(calling, KP_END_TXN, name->raises ? END_RAISES : 0,
         name->raises ? END_RAISES : END_RAISES - 1, &request);
}
