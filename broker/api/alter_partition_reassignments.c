/*
 * AlterPartitionReassignments (key 45): where the replicas of partitions are to be. KIP-455. At any
 * broker.
 *
 * Happy path: each partition is a change of its own (topic_changes.h); the answer leaves when the
 * last plan is in the metadata, and its leader takes the steps after that (broker/reassignment).
 * Null replicas put back what was there before the plan that is under way.
 * Failures are per partition: UNKNOWN_TOPIC_OR_PARTITION, NO_REASSIGNMENT_IN_PROGRESS,
 * INVALID_REPLICA_ASSIGNMENT, INVALID_REPLICATION_FACTOR (KIP-860), POLICY_VIOLATION; named twice:
 * INVALID_REQUEST.
 */
#include "protocol/messages/alter_partition_reassignments.h"

#include <inttypes.h>
#include <string.h>

#include "broker/api/handlers.h"
#include "broker/api/topic_changes.h"
#include "protocol/kafka_error.h"

/* The partitions that a request names, one after the other, in its arena. */
struct named_partition {
    const struct kp_alter_partition_reassignments_request_topic *topic;
    const struct kp_alter_partition_reassignments_request_partition *partition;
    bool first; /* of its topic */
};

struct asked {
    const struct kp_alter_partition_reassignments_request *request;
    struct named_partition *named;
    size_t count;
};

static void set_replicas(struct topic_changes *changes, size_t place) {
    const struct asked *asked = changes->asked;
    const struct named_partition *named = &asked->named[place];
    struct topic_change *item = changes->items[place];
    const struct kp_string name = named->topic->name;
    const struct metadata_topic *topic = metadata_topic_named(changes->services->metadata,
                                                              name.data, (size_t)name.len);
    if (item->twice) {
        topic_change_refuse(item, KAFKA_INVALID_REQUEST,
                            "partition %" PRId32
                            " is in the request more than once, and was not changed",
                            named->partition->partition_index);
        return;
    }
    if (topic == NULL || metadata_partition_at(topic, named->partition->partition_index) == NULL) {
        topic_change_refuse(item, KAFKA_UNKNOWN_TOPIC_OR_PARTITION,
                            topic == NULL ? "this topic does not exist"
                                          : "the topic has no such partition");
        return;
    }
    if (named->partition->replicas.count > METADATA_REPLICAS_MAX) {
        topic_change_refuse(item, KAFKA_INVALID_REPLICA_ASSIGNMENT,
                            "%" PRId32 " replicas are too many; %d at most",
                            named->partition->replicas.count, METADATA_REPLICAS_MAX);
        return;
    }
    struct metadata_change change = {.validate_only = false};
    metadata_command_init(&change.command, COMMAND_SET_REPLICAS);
    struct command_set_replicas *command = &change.command.set_replicas;
    memcpy(command->id.bytes, topic->id, sizeof topic->id);
    command->partition = named->partition->partition_index;
    command->cancel = named->partition->replicas.count < 0;
    command->same_count = !asked->request->allow_replication_factor_change;
    command->nodes.items = named->partition->replicas.items;
    command->nodes.count = command->cancel ? 0 : named->partition->replicas.count;
    env_random(changes->services->env, command->request.bytes, sizeof command->request.bytes);
    topic_change_submit(item, &change, false);
}

static bool add_answer(struct topic_changes *changes, size_t i) {
    const struct asked *asked = changes->asked;
    const struct named_partition *named = &asked->named[i];
    struct kp_alter_partition_reassignments_response *response = changes->response;
    if (named->first) {
        struct kp_alter_partition_reassignments_response_topic *topic =
            &response->responses.items[response->responses.count];
        if (kp_new_items(&changes->request->arena,
                         &kp_alter_partition_reassignments_response_partition_schema,
                         &topic->partitions, named->topic->partitions.count) == NULL)
            return false;
        topic->name = named->topic->name;
        topic->partitions.count = 0;
        response->responses.count++;
    }
    struct kp_alter_partition_reassignments_response_topic *topic =
        &response->responses.items[response->responses.count - 1];
    topic->partitions.items[topic->partitions.count++] =
        (struct kp_alter_partition_reassignments_response_partition){
            .partition_index = named->partition->partition_index,
            .error_code = changes->items[i]->error,
            .error_message = topic_change_message(changes->items[i])};
    return true;
}

static struct key key(const struct topic_changes *changes, size_t i) {
    const struct asked *asked = changes->asked;
    return (struct key){.text = asked->named[i].topic->name,
                        .number = asked->named[i].partition->partition_index};
}

static const struct topic_changes_api api = {.key = key, .start = set_replicas, .add = add_answer};

/* False: the arena's limit was passed. */
static bool name_partitions(const struct kp_alter_partition_reassignments_request *request,
                            struct kp_arena *arena, struct asked *asked) {
    *asked = (struct asked){.request = request};
    size_t count = 0;
    for (int32_t t = 0; t < request->topics.count; t++)
        count += (size_t)request->topics.items[t].partitions.count;
    asked->named = kp_arena_alloc(arena, (count + 1) * sizeof *asked->named);
    if (asked->named == NULL) return false;
    for (int32_t t = 0; t < request->topics.count; t++) {
        const struct kp_alter_partition_reassignments_request_topic *topic =
            &request->topics.items[t];
        for (int32_t p = 0; p < topic->partitions.count; p++)
            asked->named[asked->count++] = (struct named_partition){
                .topic = topic, .partition = &topic->partitions.items[p], .first = p == 0};
    }
    return true;
}

static void refuse_all(struct request *request, int16_t error) {
    struct kp_alter_partition_reassignments_response response;
    kp_set_fallbacks(&kp_alter_partition_reassignments_response_schema, &response);
    response.error_code = error;
    response.error_message = KP_NULL_STRING;
    request_respond(request, &response);
}

void api_alter_partition_reassignments(void *service, struct request *request) {
    const struct kp_alter_partition_reassignments_request *message = request->message;
    struct kp_arena *arena = &request->arena;
    if (!authorize(&request->ctx, AUTHORIZE_ALTER, AUTHORIZE_CLUSTER, NULL, 0)) {
        refuse_all(request, KAFKA_CLUSTER_AUTHORIZATION_FAILED);
        return;
    }
    struct asked *asked = kp_arena_alloc(arena, sizeof *asked);
    struct kp_alter_partition_reassignments_response *response = kp_arena_alloc(arena,
                                                                                sizeof *response);
    if (asked == NULL || response == NULL || !name_partitions(message, arena, asked)) {
        request_close_too_large(request);
        return;
    }
    kp_set_fallbacks(&kp_alter_partition_reassignments_response_schema, response);
    response->allow_replication_factor_change = message->allow_replication_factor_change;
    response->error_message = KP_NULL_STRING;
    response->responses.items = kp_arena_alloc(arena, ((size_t)message->topics.count + 1) *
                                                          sizeof *response->responses.items);
    topic_changes_run(service, request, (int32_t)asked->count, message->timeout_ms, &api, asked,
                      response->responses.items == NULL ? NULL : response);
}
