/*
 * DescribeQuorum (key 55): the metadata of the cluster, as the partition 0 of __cluster_metadata:
 * who leads it, who votes, how far each broker is. At any broker: whoever leads is asked.
 *
 * Offsets are places in the log of group 0. Failures: UNKNOWN_TOPIC_OR_PARTITION for each partition
 * of a request that asks for anything else, as in Kafka; in steps, for it may name many.
 * LEADER_NOT_AVAILABLE while nobody leads, or when whoever does gives no answer: clients ask again.
 */
#include "protocol/messages/describe_quorum.h"

#include <string.h>

#include "base/container_of.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/metadata/metadata_quorum.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

/* One request on its way; in its arena. */
struct describing_quorum {
    struct request *request;
    const struct broker_services *services;
    struct kp_describe_quorum_response response;
    struct quorum_ask ask;
    int32_t of; /* what is refused: partitions of the last topic of the answer */
};

static void quorum_too_large(struct describing_quorum *describing) {
    request_close_too_large(describing->request);
}

/* ---- The metadata ---- */

static void fill_member(const struct broker_services *services, const struct quorum_member *member,
                        struct kp_describe_quorum_response_replica *into) {
    const struct metadata_broker *broker = metadata_broker_of(services->metadata, member->node);
    kp_set_fallbacks(&kp_describe_quorum_response_replica_schema, into);
    into->replica_id = member->node;
    if (broker != NULL)
        memcpy(into->replica_directory_id.bytes, broker->directory, METADATA_UUID_SIZE);
    into->log_end_offset = member->end;
    into->last_fetch_timestamp = member->heard_ms;
    into->last_caught_up_timestamp = member->caught_up_ms;
}

/* False, here and below: the arena's limit is passed. */
static bool fill_quorum(struct describing_quorum *describing, const struct quorum *quorum,
                        struct kp_describe_quorum_response_partition *into) {
    struct kp_arena *arena = &describing->request->arena;
    size_t size = quorum->member_count * sizeof *into->current_voters.items;
    into->leader_id = quorum->leader;
    into->leader_epoch = (int32_t)quorum->term;
    into->high_watermark = quorum->high_watermark;
    into->current_voters.items = kp_arena_alloc(arena, size);
    into->observers.items = kp_arena_alloc(arena, size);
    if (into->current_voters.items == NULL || into->observers.items == NULL) return false;
    for (size_t i = 0; i < quorum->member_count; i++) {
        const struct quorum_member *member = &quorum->members[i];
        fill_member(describing->services, member,
                    member->voter ? &into->current_voters.items[into->current_voters.count++]
                                  : &into->observers.items[into->observers.count++]);
    }
    return true;
}

static bool fill_node(struct kp_arena *arena, const struct metadata_broker *broker,
                      struct kp_describe_quorum_response_node *into) {
    into->node_id = broker->node;
    struct kp_describe_quorum_response_listener *listeners = kp_new_items(
        arena, &kp_describe_quorum_response_listener_schema, &into->listeners,
        (int32_t)broker->endpoint_count);
    for (size_t i = 0; listeners != NULL && i < broker->endpoint_count; i++) {
        listeners[i].name = kp_string_of(broker->endpoints[i].listener);
        listeners[i].host = kp_string_of(broker->endpoints[i].host);
        listeners[i].port = (uint16_t)broker->endpoints[i].port;
    }
    return listeners != NULL || broker->endpoint_count == 0;
}

static bool fill_nodes(struct describing_quorum *describing, const struct quorum *quorum) {
    struct kp_describe_quorum_response_node *nodes = kp_new_items(
        &describing->request->arena, &kp_describe_quorum_response_node_schema,
        &describing->response.nodes, (int32_t)quorum->member_count);
    int32_t count = 0;
    bool fits = nodes != NULL || quorum->member_count == 0;
    for (size_t i = 0; fits && i < quorum->member_count; i++) {
        const struct metadata_broker *broker = metadata_broker_of(describing->services->metadata,
                                                                  quorum->members[i].node);
        if (broker != NULL) fits = fill_node(&describing->request->arena, broker, &nodes[count++]);
    }
    describing->response.nodes.count = count;
    return fits;
}

/* `quorum` NULL: not known at present. */
static void answer_quorum(struct describing_quorum *describing, const struct quorum *quorum) {
    const struct kp_describe_quorum_request *asked = describing->request->message;
    struct kp_arena *arena = &describing->request->arena;
    struct kp_describe_quorum_response_topic *topic = kp_new_items(
        arena, &kp_describe_quorum_response_topic_schema, &describing->response.topics, 1);
    struct kp_describe_quorum_response_partition *row =
        topic == NULL ? NULL
                      : kp_new_items(arena, &kp_describe_quorum_response_partition_schema,
                                     &topic->partitions, 1);
    if (row == NULL) {
        quorum_too_large(describing);
        return;
    }
    topic->topic_name = asked->topics.items[0].topic_name;
    if (quorum == NULL || quorum->leader < 0) {
        row->error_code = KAFKA_LEADER_NOT_AVAILABLE;
        row->error_message = kp_string_of("nobody leads the metadata at present; ask again");
        row->leader_id = -1;
    } else if (!fill_quorum(describing, quorum, row) || !fill_nodes(describing, quorum)) {
        quorum_too_large(describing);
        return;
    }
    request_respond(describing->request, &describing->response);
}

static void on_quorum(struct quorum_ask *ask, const struct quorum *quorum) {
    answer_quorum(CONTAINER_OF(ask, struct describing_quorum, ask), quorum);
}

static void quorum_client_gone(struct request *request) {
    struct describing_quorum *describing = request->state;
    metadata_quorum_ask_cancel(&describing->ask);
    request_respond_nothing(request);
}

static void ask_for_quorum(struct describing_quorum *describing) {
    struct quorum quorum;
    describing->ask.done = on_quorum;
    describing->request->canceled = quorum_client_gone;
    if (metadata_quorum_ask(describing->services->metadata_group, &describing->ask, &quorum))
        answer_quorum(describing, &quorum);
}

/* ---- Anything else ---- */

static bool refuse_topic(struct describing_quorum *describing,
                         const struct kp_describe_quorum_request_topic *topic) {
    struct kp_describe_quorum_response_topic *into =
        &describing->response.topics.items[describing->response.topics.count++];
    size_t count = topic->partitions.count < 0 ? 0 : (size_t)topic->partitions.count;
    into->topic_name = topic->topic_name;
    into->partitions.count = 0;
    into->partitions.items = kp_arena_alloc(&describing->request->arena,
                                            (count + 1) * sizeof *into->partitions.items);
    describing->of = (int32_t)count;
    return into->partitions.items != NULL;
}

static bool refuse_next(struct request *request) {
    const struct kp_describe_quorum_request *asked = request->message;
    struct describing_quorum *describing = request->state;
    int32_t topics = describing->response.topics.count;
    struct kp_describe_quorum_response_topic *into =
        topics == 0 ? NULL : &describing->response.topics.items[topics - 1];
    if (into != NULL && into->partitions.count < describing->of) {
        int32_t at = into->partitions.count++;
        struct kp_describe_quorum_response_partition *row = &into->partitions.items[at];
        kp_set_fallbacks(&kp_describe_quorum_response_partition_schema, row);
        row->partition_index = asked->topics.items[topics - 1].partitions.items[at].partition_index;
        row->error_code = KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
        row->error_message = kp_string_of(
            "there is a quorum of partition 0 of __cluster_metadata alone; ask for that one by itself");
        return true;
    }
    if (topics == asked->topics.count) {
        request_respond_kept(request, &describing->response);
        return false;
    }
    if (refuse_topic(describing, &asked->topics.items[topics])) return true;
    quorum_too_large(describing);
    return false;
}

static bool asks_for_metadata(const struct kp_describe_quorum_request *asked) {
    return asked->topics.count == 1 &&
           kp_string_is(asked->topics.items[0].topic_name, "__cluster_metadata") &&
           asked->topics.items[0].partitions.count == 1 &&
           asked->topics.items[0].partitions.items[0].partition_index == 0;
}

void api_describe_quorum(void *service, struct request *request) {
    const struct kp_describe_quorum_request *asked = request->message;
    struct describing_quorum *describing = kp_arena_alloc(&request->arena, sizeof *describing);
    *describing = (struct describing_quorum){.request = request, .services = service};
    kp_set_fallbacks(&kp_describe_quorum_response_schema, &describing->response);
    request->state = describing;
    if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_CLUSTER, NULL, 0)) {
        describing->response.error_code = KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        request_respond(request, &describing->response);
        return;
    }
    if (asks_for_metadata(asked)) {
        ask_for_quorum(describing);
        return;
    }
    size_t count = asked->topics.count < 0 ? 0 : (size_t)asked->topics.count;
    describing->response.topics.items = kp_arena_alloc(
        &request->arena, (count + 1) * sizeof *describing->response.topics.items);
    if (describing->response.topics.items != NULL)
        request_steps(request, refuse_next);
    else
        quorum_too_large(describing);
}
