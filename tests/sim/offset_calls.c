/* Requests about offsets of groups, in versions at random; offset_calls.h says which. */
#include "tests/sim/offset_calls.h"

#include "protocol/kafka_error.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/offset_fetch.h"

enum { LIST_VERSION = 4, GROUPS_VERSION = 8, MEMBER_VERSION = 9, NAMES_TO = 9 };

static int version_of(struct kafka_client *client, const struct offset_asker *asker, int least) {
    bool by_id = !kp_uuid_is_zero(kafka_client_topic_id(client));
    if (asker->is_kip_848) least = MEMBER_VERSION;
    return (int)world_between(kafka_client_run(client)->world, (uint64_t)least,
                              by_id ? NAMES_TO + 1 : NAMES_TO);
}

/* ---- FindCoordinator ---- */

void coordinator_call(struct kafka_client *client, struct kafka_call *call, const char *group) {
    struct kp_find_coordinator_request request;
    struct kp_string key = kp_string_of(group);

    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = key;
    request.coordinator_keys.items = &key;
    request.coordinator_keys.count = 1;
    kafka_link_call(kafka_client_link(client, -1), call, KP_FIND_COORDINATOR,
                    (int)world_below(kafka_client_run(client)->world, 7), &request, OFFSET_CALL_US);
}

int16_t coordinator_answer(const struct kafka_call *call, const void *answer, int32_t *node) {
    const struct kp_find_coordinator_response *response = answer;

    if (call->version < LIST_VERSION) {
        *node = response->node_id;
        return response->error_code;
    }
    *node = response->coordinators.items[0].node_id;
    return response->coordinators.items[0].error_code;
}

/* ---- OffsetCommit ---- */

void offset_commit_call(struct kafka_client *client, struct kafka_link *link,
                        struct kafka_call *call, const struct offset_asker *asker,
                        int32_t partition, int64_t offset, const char *note) {
    struct kp_offset_commit_request request;
    struct kp_offset_commit_request_topic topic;
    struct kp_offset_commit_request_partition one;

    kp_set_fallbacks(&kp_offset_commit_request_schema, &request);
    kp_set_fallbacks(&kp_offset_commit_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_offset_commit_request_partition_schema, &one);
    one.partition_index = partition;
    one.committed_offset = offset;
    one.committed_metadata = kp_string_of(note);
    topic.name = kp_string_of(kafka_client_topic(client));
    topic.topic_id = kafka_client_topic_id(client);
    topic.partitions.items = &one;
    topic.partitions.count = 1;
    request.group_id = kp_string_of(asker->group);
    request.generation_id_or_member_epoch = asker->epoch;
    request.member_id = asker->member_id;
    request.group_instance_id = asker->instance_id;
    request.topics.items = &topic;
    request.topics.count = 1;
    kafka_link_call(link, call, KP_OFFSET_COMMIT, version_of(client, asker, 2), &request,
                    OFFSET_CALL_US);
}

int16_t offset_commit_answer(const void *answer) {
    const struct kp_offset_commit_response *response = answer;
    return response->topics.items[0].partitions.items[0].error_code;
}

/* ---- OffsetFetch ---- */

void offset_fetch_call(struct kafka_client *client, struct kafka_link *link,
                       struct kafka_call *call, const struct offset_asker *asker,
                       int32_t partition) {
    struct kp_offset_fetch_request request;
    struct kp_offset_fetch_request_topic topic;
    struct kp_offset_fetch_request_group group;

    kp_set_fallbacks(&kp_offset_fetch_request_schema, &request);
    kp_set_fallbacks(&kp_offset_fetch_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_offset_fetch_request_group_schema, &group);
    topic.name = kp_string_of(kafka_client_topic(client));
    topic.topic_id = kafka_client_topic_id(client);
    topic.partition_indexes.items = &partition;
    topic.partition_indexes.count = 1;
    group.group_id = request.group_id = kp_string_of(asker->group);
    group.member_id = asker->is_kip_848 ? asker->member_id : KP_NULL_STRING;
    group.member_epoch = asker->is_kip_848 ? asker->epoch : -1;
    group.topics.items = request.topics.items = &topic;
    group.topics.count = request.topics.count = 1;
    request.groups.items = &group;
    request.groups.count = 1;
    kafka_link_call(link, call, KP_OFFSET_FETCH, version_of(client, asker, 1), &request,
                    OFFSET_CALL_US);
}

int16_t offset_fetch_answer(const struct kafka_call *call, const void *answer, int64_t *offset) {
    const struct kp_offset_fetch_response *response = answer;
    const struct kp_offset_fetch_response_topic *topics = response->topics.items;
    int16_t code = response->error_code;
    int32_t count = response->topics.count;

    if (call->version >= GROUPS_VERSION) {
        topics = response->groups.items[0].topics.items;
        code = response->groups.items[0].error_code;
        count = response->groups.items[0].topics.count;
    }
    if (code == KAFKA_NONE && count == 1) code = topics[0].partitions.items[0].error_code;
    if (code == KAFKA_NONE) *offset = topics[0].partitions.items[0].committed_offset;
    return code;
}
