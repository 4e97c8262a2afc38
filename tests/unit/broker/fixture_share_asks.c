/* Asking as members of share groups. */
#include "tests/unit/broker/fixture_share_asks.h"

#include <stdio.h>
#include <string.h>

#include "broker/config/config_resource.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_share_group_offsets.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/messages/share_group_heartbeat.h"
#include "tests/unit/unit.h"

void share_set(struct one_broker *one, const char *group, const char *name, const char *value) {
    struct kp_incremental_alter_configs_request_config config = {.name = kp_string_of(name),
                                                                 .value = kp_string_of(value)};
    struct kp_incremental_alter_configs_request_resource resource = {
        .resource_type = CONFIG_RESOURCE_GROUP, .resource_name = kp_string_of(group)};
    struct kp_incremental_alter_configs_request request;
    struct kp_incremental_alter_configs_response response;
    kp_set_fallbacks(&kp_incremental_alter_configs_request_schema, &request);
    resource.configs.items = &config;
    resource.configs.count = 1;
    request.resources.items = &resource;
    request.resources.count = 1;
    assert_true(one_broker_ask(one, KP_INCREMENTAL_ALTER_CONFIGS, 1, &request, &response));
    assert_int_equal(response.responses.items[0].error_code, KAFKA_NONE);
}

static void find_coordinator(struct one_broker *one, const char *group) {
    struct kp_find_coordinator_request request;
    struct kp_find_coordinator_response response;
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = kp_string_of(group);
    do
        assert_true(one_broker_ask(one, KP_FIND_COORDINATOR, 3, &request, &response));
    while (response.error_code == KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(response.error_code, KAFKA_NONE);
}

static bool has_begun(struct one_broker *one, const char *group) {
    struct kp_describe_share_group_offsets_request request;
    struct kp_describe_share_group_offsets_request_group asked;
    struct kp_describe_share_group_offsets_response response;
    kp_set_fallbacks(&kp_describe_share_group_offsets_request_schema, &request);
    kp_set_fallbacks(&kp_describe_share_group_offsets_request_group_schema, &asked);
    asked.group_id = kp_string_of(group);
    asked.topics.count = -1;
    request.groups.items = &asked;
    request.groups.count = 1;
    assert_true(one_broker_ask(one, KP_DESCRIBE_SHARE_GROUP_OFFSETS, 1, &request, &response));
    assert_int_equal(response.groups.items[0].error_code, KAFKA_NONE);
    return response.groups.items[0].topics.count > 0;
}

void share_join(struct one_broker *one, const char *group, const char *name) {
    struct kp_share_group_heartbeat_request request;
    struct kp_share_group_heartbeat_response response;
    struct kp_string topic = kp_string_of("t");
    kp_set_fallbacks(&kp_share_group_heartbeat_request_schema, &request);
    request.group_id = kp_string_of(group);
    request.member_id = kp_string_of(name);
    request.rack_id = KP_NULL_STRING;
    request.subscribed_topic_names.items = &topic;
    request.subscribed_topic_names.count = 1;
    find_coordinator(one, group);
    assert_true(one_broker_ask(one, KP_SHARE_GROUP_HEARTBEAT, 1, &request, &response));
    assert_int_equal(response.error_code, KAFKA_NONE);
    while (!has_begun(one, group)) {}
}

struct share_member share_member_of(struct one_broker *one, const char *group, const char *name,
                                    struct kp_uuid topic) {
    share_set(one, group, "share.auto.offset.reset", "earliest");
    share_join(one, group, name);
    return (struct share_member){.group = group, .name = name, .topic = topic, .max_records = 500};
}

void share_served(struct one_broker *one) {
    struct kp_share_acknowledge_request request;
    struct kp_share_acknowledge_response response;
    kp_set_fallbacks(&kp_share_acknowledge_request_schema, &request);
    request.group_id = request.member_id = kp_string_of("nobody");
    do
        assert_true(one_broker_ask(one, KP_SHARE_ACKNOWLEDGE, 2, &request, &response));
    while (response.error_code == KAFKA_UNSUPPORTED_VERSION);
}

/* ---- Acknowledgements ---- */

void share_ack_each(struct share_member *member, int64_t first, const char *types) {
    static const char letters[] = "garxw";
    int32_t place = member->ack_count++;
    assert_true(place < SHARE_ACKS_MAX && strlen(types) <= SHARE_TYPES_MAX);
    for (size_t i = 0; types[i] != '\0'; i++) {
        member->types[place][i] = (int8_t)(strchr(letters, types[i]) - letters);
        member->renews = member->renews || types[i] == 'w';
    }
    member->acks[place] = (struct kp_share_fetch_request_batch){
        .first_offset = first, .last_offset = first + (int64_t)strlen(types) - 1};
    member->acks[place].acknowledge_types.count = (int32_t)strlen(types);
}

void share_ack(struct share_member *member, int64_t first, int64_t last, int8_t type) {
    int32_t place = member->ack_count++;
    assert_true(place < SHARE_ACKS_MAX);
    member->types[place][0] = type;
    member->acks[place] = (struct kp_share_fetch_request_batch){.first_offset = first,
                                                                .last_offset = last};
    member->acks[place].acknowledge_types.count = 1;
}

static void point_at_types(struct share_member *member) {
    for (int32_t i = 0; i < member->ack_count; i++)
        member->acks[i].acknowledge_types.items = member->types[i];
}

/* The session has moved on, or there is none. */
static void answered(struct share_member *member, int16_t code) {
    if (code == KAFKA_NONE && member->epoch >= 0) member->epoch++;
}

/* ---- ShareFetch ---- */

int32_t share_fetch_send(struct one_broker *one, struct share_member *member) {
    struct kp_share_fetch_request request;
    struct kp_share_fetch_request_topic topic = {.topic_id = member->topic};
    struct kp_share_fetch_request_partition partition = {.partition_index = member->partition};
    kp_set_fallbacks(&kp_share_fetch_request_schema, &request);
    point_at_types(member);
    partition.acknowledgement_batches.items = member->acks;
    partition.acknowledgement_batches.count = member->ack_count;
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.group_id = kp_string_of(member->group);
    request.member_id = kp_string_of(member->name);
    request.share_session_epoch = member->epoch;
    request.topics.items = &topic;
    request.topics.count = 1;
    request.is_renew_ack = member->renews;
    request.max_wait_ms = member->renews ? 0 : member->max_wait_ms;
    request.min_bytes = member->renews ? 0 : member->min_bytes > 0 ? member->min_bytes : 1;
    request.max_bytes = member->renews ? 0 : 1 << 20;
    request.max_records = member->renews ? 0 : member->max_records;
    request.batch_size = 500;
    request.share_acquire_mode = member->exact;
    member->ack_count = 0;
    member->renews = false;
    return one_broker_send(one, KP_SHARE_FETCH, 2, &request);
}

struct kp_share_fetch_response share_fetch_receive(struct one_broker *one,
                                                   struct share_member *member, int32_t id) {
    struct kp_share_fetch_response response;
    assert_true(one_broker_receive(one, KP_SHARE_FETCH, 2, id, &response));
    answered(member, response.error_code);
    return response;
}

struct kp_share_fetch_response share_fetch(struct one_broker *one, struct share_member *member) {
    return share_fetch_receive(one, member, share_fetch_send(one, member));
}

const struct kp_share_fetch_response_partition *share_fetched(
    const struct kp_share_fetch_response *response) {
    assert_int_equal(response->error_code, KAFKA_NONE);
    assert_int_equal(response->responses.count, 1);
    assert_int_equal(response->responses.items[0].partitions.count, 1);
    return &response->responses.items[0].partitions.items[0];
}

const char *share_acquired(const struct kp_share_fetch_response *response) {
    static char text[256];
    size_t len = 0;
    text[0] = '\0';
    assert_int_equal(response->error_code, KAFKA_NONE);
    if (response->responses.count == 0) return text;
    const struct kp_share_fetch_response_partition *partition = share_fetched(response);
    assert_int_equal(partition->error_code, KAFKA_NONE);
    for (int32_t i = 0; i < partition->acquired_records.count; i++) {
        const struct kp_share_fetch_response_acquired *run = &partition->acquired_records.items[i];
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%d-%d:%d", i > 0 ? " " : "",
                                (int)run->first_offset, (int)run->last_offset, run->delivery_count);
        assert_true(len < sizeof text);
    }
    return text;
}

/* ---- ShareAcknowledge ---- */

int16_t share_acknowledge(struct one_broker *one, struct share_member *member) {
    struct kp_share_acknowledge_request request;
    struct kp_share_acknowledge_request_topic topic = {.topic_id = member->topic};
    struct kp_share_acknowledge_request_partition partition = {
        .partition_index = member->partition};
    struct kp_share_acknowledge_request_batch batches[SHARE_ACKS_MAX];
    struct kp_share_acknowledge_response response;
    kp_set_fallbacks(&kp_share_acknowledge_request_schema, &request);
    point_at_types(member);
    for (int32_t i = 0; i < member->ack_count; i++) {
        batches[i].first_offset = member->acks[i].first_offset;
        batches[i].last_offset = member->acks[i].last_offset;
        batches[i].acknowledge_types.items = member->acks[i].acknowledge_types.items;
        batches[i].acknowledge_types.count = member->acks[i].acknowledge_types.count;
    }
    partition.acknowledgement_batches.items = batches;
    partition.acknowledgement_batches.count = member->ack_count;
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.group_id = kp_string_of(member->group);
    request.member_id = kp_string_of(member->name);
    request.share_session_epoch = member->epoch;
    request.is_renew_ack = member->renews;
    request.topics.items = &topic;
    request.topics.count = 1;
    member->ack_count = 0;
    member->renews = false;
    assert_true(one_broker_ask(one, KP_SHARE_ACKNOWLEDGE, 2, &request, &response));
    answered(member, response.error_code);
    if (response.error_code != KAFKA_NONE) return response.error_code;
    assert_int_equal(response.responses.count, 1);
    assert_int_equal(response.responses.items[0].partitions.count, 1);
    return response.responses.items[0].partitions.items[0].error_code;
}
