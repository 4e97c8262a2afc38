/*
 * CreatePartitions (key 37): more partitions for topics, never fewer; answered by any broker.
 *
 * Happy path: as CreateTopics. The number asked for is that of all partitions afterwards;
 * assignments, if given, are those of the new ones.
 * Failures are per topic: UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS,
 * INVALID_REPLICA_ASSIGNMENT.
 */
#include "protocol/messages/create_partitions.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/api/handlers.h"
#include "broker/api/topic_changes.h"
#include "protocol/kafka_error.h"

static bool take_assignments(struct topic_change *item,
                             const struct kp_create_partitions_request_topic *asked, int32_t added,
                             struct command_create_partitions *command, struct kp_arena *arena) {
    if (asked->assignments.count < 0) return true;
    if (asked->assignments.count != added) {
        topic_change_refuse(item, KAFKA_INVALID_REPLICA_ASSIGNMENT,
                            "%" PRId32 " partitions are added, but %" PRId32
                            " are assigned to brokers",
                            added, asked->assignments.count);
        return false;
    }
    struct command_partition *rows = kp_new_items(arena, &command_partition_schema,
                                                  &command->partitions, added);
    for (int32_t i = 0; rows != NULL && i < added; i++) {
        rows[i].nodes.items = asked->assignments.items[i].broker_ids.items;
        rows[i].nodes.count = asked->assignments.items[i].broker_ids.count;
    }
    if (rows == NULL)
        topic_change_refuse(item, KAFKA_INVALID_REQUEST,
                            "the request has more assignments than fit");
    return rows != NULL;
}

static void partitions_grow(struct topic_changes *changes, size_t place) {
    const struct kp_create_partitions_request *request = changes->asked;
    struct topic_change *item = changes->items[place];
    const struct broker_services *services = item->changes->services;
    const struct kp_create_partitions_request_topic *asked = &request->topics.items[place];
    const struct metadata_topic *topic = metadata_topic_named(services->metadata, asked->name.data,
                                                              (size_t)asked->name.len);
    if (item->twice) {
        topic_change_refuse(
            item, KAFKA_INVALID_REQUEST,
            "Duplicate topic name: it is in the request more than once, and was not changed.");
        return;
    }
    if (!authorize(&item->changes->request->ctx, AUTHORIZE_ALTER, AUTHORIZE_TOPIC, asked->name.data,
                   (size_t)asked->name.len)) {
        topic_change_refuse(item, KAFKA_TOPIC_AUTHORIZATION_FAILED,
                            "topic %.*s may not be changed by this user",
                            asked->name.len > 100 ? 100 : (int)asked->name.len, asked->name.data);
        return;
    }
    if (topic == NULL) {
        topic_change_refuse(item, KAFKA_UNKNOWN_TOPIC_OR_PARTITION, "Topic '%.*s' does not exist.",
                            asked->name.len > 100 ? 100 : (int)asked->name.len, asked->name.data);
        return;
    }
    if (topic_name_is_internal(topic->name, strlen(topic->name))) {
        topic_change_refuse(item, KAFKA_INVALID_PARTITIONS,
                            "the number of partitions of topic %s never changes: what is in it "
                            "would be looked for in another one",
                            topic->name);
        return;
    }
    if (!topic_change_fits_request(item)) return;
    if (asked->count > METADATA_PARTITIONS_MAX) {
        topic_change_refuse(item, KAFKA_INVALID_PARTITIONS,
                            "a topic has 1 to %d partitions, not %" PRId32, METADATA_PARTITIONS_MAX,
                            asked->count);
        return;
    }
    if (asked->count <= topic->partition_count) {
        topic_change_refuse(item, KAFKA_INVALID_PARTITIONS,
                            "The topic %s currently has %" PRId32 " partition(s); %" PRId32
                            " would not be an increase. More are possible, up to %d.",
                            topic->name, topic->partition_count, asked->count,
                            METADATA_PARTITIONS_MAX);
        return;
    }
    struct metadata_change change = {.place_partitions = asked->count - topic->partition_count,
                                     .validate_only = request->validate_only};
    struct kp_arena arena;
    kp_arena_init(&arena, METADATA_COMMAND_ARENA);
    metadata_command_init(&change.command, COMMAND_CREATE_PARTITIONS);
    struct command_create_partitions *command = &change.command.create_partitions;
    memcpy(item->id.bytes, topic->id, sizeof topic->id);
    command->id = item->id;
    command->present = topic->partition_count;
    env_random(services->env, command->request.bytes, sizeof command->request.bytes);
    if (take_assignments(item, asked, change.place_partitions, command, &arena) &&
        (request->validate_only || topic_change_fits_quota(item, change.place_partitions)))
        topic_change_submit(item, &change, !request->validate_only);
    kp_arena_close(&arena);
}

static bool partitions_add(struct topic_changes *changes, size_t i) {
    const struct kp_create_partitions_request *asked = changes->asked;
    struct kp_create_partitions_response *response = changes->response;
    struct kp_create_partitions_response_topic *into =
        &response->results.items[response->results.count++];
    kp_set_fallbacks(&kp_create_partitions_response_topic_schema, into);
    into->name = asked->topics.items[i].name;
    into->error_code = changes->items[i]->error;
    into->error_message = topic_change_message(changes->items[i]);
    return true;
}

static struct key key(const struct topic_changes *changes, size_t i) {
    const struct kp_create_partitions_request *asked = changes->asked;
    return (struct key){.text = asked->topics.items[i].name};
}

/* Those of a topic that does not exist would be new, too. */
static int64_t partitions(const struct topic_changes *changes, size_t i) {
    const struct kp_create_partitions_request *asked = changes->asked;
    const struct kp_create_partitions_request_topic *one = &asked->topics.items[i];
    const struct metadata_topic *topic = metadata_topic_named(
        changes->services->metadata, one->name.data, (size_t)one->name.len);
    return topic == NULL ? one->count : (int64_t)one->count - topic->partition_count;
}

static const struct topic_changes_api api = {.key = key,
                                             .start = partitions_grow,
                                             .add = partitions_add,
                                             .partitions = partitions,
                                             .strict_from = 3,
                                             .once_in_answer = true};

void api_create_partitions(void *service, struct request *request) {
    const struct kp_create_partitions_request *asked = request->message;
    struct kp_create_partitions_response *response = kp_arena_alloc(&request->arena,
                                                                    sizeof *response);
    kp_set_fallbacks(&kp_create_partitions_response_schema, response);
    response->results.items = kp_arena_alloc(&request->arena, ((size_t)asked->topics.count + 1) *
                                                                  sizeof *response->results.items);
    topic_changes_run(service, request, asked->topics.count, asked->timeout_ms, &api, asked,
                      response->results.items == NULL ? NULL : response);
}
