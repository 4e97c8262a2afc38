/*
 * OffsetForLeaderEpoch: where the records of an epoch end, for consumers that check their place
 * after a change of leader. KIP-320.
 *
 * All partitions are asked in steps, none waits for another; the answer leaves when the last one
 * has answered. Nothing that a consumer has read is ever cut off here, so the answer always tells
 * it to go on; but there are clients (kafka-python 3) that stop when they cannot ask. A leader that
 * was just elected answers OFFSET_NOT_AVAILABLE: clients ask again soon.
 */
#include "protocol/messages/offset_for_leader_epoch.h"
#include "broker/api/handlers.h"
#include "broker/api/local_partition.h"
#include "broker/server/request_steps.h"
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
    size_t count, at;  /* partitions, and the one whose turn it is */
    int32_t topic, of; /* of the request: where to go on, and with which of its partitions */
    size_t pending;    /* partitions that were asked and have not answered, and the asking itself */
};

static void one_is_over(struct epoch_ask *ask) {
    if (--ask->pending == 0) request_respond_kept(ask->request, &ask->response);
}

static void take_answer(struct epoch_part *part) {
    const struct partition_lookup *lookup = &part->lookup;
    bool soon = lookup->error == KAFKA_NOT_LEADER_OR_FOLLOWER && lookup->electing;
    part->out->error_code = soon ? KAFKA_OFFSET_NOT_AVAILABLE : lookup->error;
    part->out->leader_epoch = lookup->leader_epoch;
    part->out->end_offset = lookup->offset;
}

static void epoch_answered(struct partition_lookup *lookup) {
    struct epoch_part *part = (struct epoch_part *)lookup;
    take_answer(part);
    one_is_over(part->owner);
}

static void cancel_lookups(struct epoch_ask *ask) {
    for (size_t i = 0; i < ask->count; i++)
        partition_lookup_cancel(&ask->parts[i].lookup);
}

static void client_gone(struct request *request) {
    cancel_lookups(request->state);
    request_close_connection(request);
}

static void ask_partition(struct epoch_ask *ask, struct epoch_part *part, struct kp_string topic,
                          const struct kp_offset_for_leader_epoch_request_partition *in) {
    int16_t code;
    part->owner = ask;
    part->lookup.done = epoch_answered;
    part->out->partition = in->partition;
    struct partition *partition = local_partition(ask->services, ask->request, AUTHORIZE_DESCRIBE,
                                                  topic, in->partition, &code);
    part->out->error_code = code;
    if (partition == NULL) return;
    if (partition_lookup_epoch(partition, in->leader_epoch, in->current_leader_epoch,
                               &part->lookup) == DONE)
        take_answer(part);
    else
        ask->pending++;
}

static bool begin_topic(struct epoch_ask *ask,
                        const struct kp_offset_for_leader_epoch_request_topic *topic) {
    struct kp_offset_for_leader_epoch_response_topic *out = &ask->response.topics.items[ask->topic];
    size_t count = topic->partitions.count < 0 ? 0 : (size_t)topic->partitions.count;
    kp_set_fallbacks(&kp_offset_for_leader_epoch_response_topic_schema, out);
    out->topic = topic->topic;
    out->partitions.items = kp_arena_alloc(&ask->request->arena,
                                           count * sizeof *out->partitions.items);
    out->partitions.count = (int32_t)count;
    ask->response.topics.count++;
    return out->partitions.items != NULL;
}

static bool ask_next(struct request *request) {
    const struct kp_offset_for_leader_epoch_request *in = request->message;
    struct epoch_ask *ask = request->state;
    if (ask->topic >= in->topics.count) {
        one_is_over(ask);
        return false;
    }
    const struct kp_offset_for_leader_epoch_request_topic *topic = &in->topics.items[ask->topic];
    if (ask->of == 0 && !begin_topic(ask, topic)) {
        cancel_lookups(ask);
        request_close_too_large(request);
        return false;
    }
    if (ask->of >= topic->partitions.count) {
        ask->topic++;
        ask->of = 0;
        return true;
    }
    struct epoch_part *part = &ask->parts[ask->at++];
    part->out = &ask->response.topics.items[ask->topic].partitions.items[ask->of];
    kp_set_fallbacks(&kp_offset_for_leader_epoch_response_partition_schema, part->out);
    ask_partition(ask, part, topic->topic, &topic->partitions.items[ask->of++]);
    return true;
}

void api_offset_for_leader_epoch(void *service, struct request *request) {
    const struct kp_offset_for_leader_epoch_request *in = request->message;
    struct kp_arena *arena = &request->arena;
    struct epoch_ask *ask = kp_arena_alloc(arena, sizeof *ask);
    *ask = (struct epoch_ask){.services = service, .request = request, .pending = 1};
    kp_set_fallbacks(&kp_offset_for_leader_epoch_response_schema, &ask->response);
    for (int32_t t = 0; t < in->topics.count; t++)
        ask->count += in->topics.items[t].partitions.count < 0
                          ? 0
                          : (size_t)in->topics.items[t].partitions.count;
    size_t topics = in->topics.count < 0 ? 0 : (size_t)in->topics.count;
    ask->parts = kp_arena_alloc(arena, ask->count * sizeof *ask->parts);
    ask->response.topics.items = kp_arena_alloc(arena, topics * sizeof *ask->response.topics.items);
    request->state = ask;
    if (ask->parts == NULL || ask->response.topics.items == NULL) {
        request_close_too_large(request);
        return;
    }
    request->canceled = client_gone;
    request_steps(request, ask_next);
}
