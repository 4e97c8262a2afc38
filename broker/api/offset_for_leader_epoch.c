/*
 * OffsetForLeaderEpoch: where the records of an epoch end, for consumers that check their place after a change of leader. KIP-320.
 *
 * All partitions are asked at once; the answer leaves when the last one has answered. Nothing that a consumer has read is ever cut off
 * here, so the answer always tells it to go on; but there are clients (kafka-python 3) that stop when they cannot ask. A leader that was
 * just elected answers OFFSET_NOT_AVAILABLE: clients ask again soon.
 */
#include "protocol/offset_for_leader_epoch.h"
#include "broker/api/handlers.h"
#include "broker/api/local_partition.h"
#include "protocol/kafka_error.h"

struct epoch_part {
    struct partition_lookup lookup; /* first */
    struct epoch_ask *owner;
    struct kp_offset_for_leader_epoch_response_partition *out;
};

struct epoch_ask {
    const struct broker_services *services;
    struct request *request;
    struct kp_offset_for_leader_epoch_response response;
    struct epoch_part *parts;
    size_t count;
    size_t pending; /* partitions that were asked and have not answered, and the asking itself */
};

static void one_is_over(struct epoch_ask *ask) {
    if (--ask->pending == 0) request_respond(ask->request, &ask->response);
}

static void take_answer(struct epoch_part *part) {
    const struct partition_lookup *lookup = &part->lookup;
    bool soon = lookup->error == KAFKA_NOT_LEADER_OR_FOLLOWER && lookup->electing;
    part->out->error_code = soon ? KAFKA_OFFSET_NOT_AVAILABLE : lookup->error;
    part->out->leader_epoch = lookup->leader_epoch;
    part->out->end_offset = lookup->offset;
}

static void answered(struct partition_lookup *lookup) {
    struct epoch_part *part = (struct epoch_part *)lookup;
    take_answer(part);
    one_is_over(part->owner);
}

static void client_gone(struct request *request) {
    struct epoch_ask *ask = request->state;
    for (size_t i = 0; i < ask->count; i++)
        partition_lookup_cancel(&ask->parts[i].lookup);
    request_respond_nothing(request);
}

static void ask_partition(struct epoch_ask *ask, struct epoch_part *part, struct kp_string topic,
                          const struct kp_offset_for_leader_epoch_request_partition *in) {
    int16_t code;
    part->owner = ask;
    part->lookup.done = answered;
    part->out->partition = in->partition;
    struct partition *partition = local_partition(ask->services, ask->request, AUTHORIZE_DESCRIBE, topic, in->partition,
                                                  &code);
    part->out->error_code = code;
    if (partition == NULL) return;
    if (partition_lookup_epoch(partition, in->leader_epoch, in->current_leader_epoch, &part->lookup))
        take_answer(part);
    else
        ask->pending++;
}

/* False: the arena's limit is passed. */
static bool prepare(struct epoch_ask *ask, const struct broker_services *services, struct request *request) {
    const struct kp_offset_for_leader_epoch_request *in = request->message;
    struct kp_arena *arena = &request->arena;
    ask->services = services;
    ask->request = request;
    kp_set_fallbacks(&kp_offset_for_leader_epoch_response_schema, &ask->response);
    for (int32_t t = 0; t < in->topics.count; t++)
        ask->count += (size_t)in->topics.items[t].partitions.count;
    ask->parts = kp_arena_alloc(arena, ask->count * sizeof *ask->parts);
    struct kp_offset_for_leader_epoch_response_topic *topics = kp_new_items(
        arena, &kp_offset_for_leader_epoch_response_topic_schema, &ask->response.topics, in->topics.count);
    if (ask->parts == NULL || topics == NULL) return false;
    struct epoch_part *part = ask->parts;
    for (int32_t t = 0; t < in->topics.count; t++) {
        int32_t count = in->topics.items[t].partitions.count;
        topics[t].topic = in->topics.items[t].topic;
        if (kp_new_items(arena, &kp_offset_for_leader_epoch_response_partition_schema, &topics[t].partitions, count) ==
            NULL)
            return false;
        for (int32_t p = 0; p < count; p++, part++)
            part->out = &topics[t].partitions.items[p];
    }
    return true;
}

void api_offset_for_leader_epoch(void *service, struct request *request) {
    const struct kp_offset_for_leader_epoch_request *in = request->message;
    struct epoch_ask *ask = kp_arena_alloc(&request->arena, sizeof *ask);
    if (ask == NULL || !prepare(ask, service, request)) {
        request_close_connection(request);
        return;
    }
    request->state = ask;
    request->canceled = client_gone;
    ask->pending = 1;
    struct epoch_part *part = ask->parts;
    for (int32_t t = 0; t < in->topics.count; t++) {
        const struct kp_offset_for_leader_epoch_request_topic *topic = &in->topics.items[t];
        for (int32_t p = 0; p < topic->partitions.count; p++, part++)
            ask_partition(ask, part, topic->topic, &topic->partitions.items[p]);
    }
    one_is_over(ask);
}
