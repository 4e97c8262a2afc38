/*
 * ListOffsets: all partitions are asked at once, the answer leaves when the last one has answered. KIP-79, KIP-207, KIP-734.
 *
 * A leader that was just elected answers OFFSET_NOT_AVAILABLE (LEADER_NOT_AVAILABLE below version 5): clients ask again soon.
 */
#include "protocol/list_offsets.h"
#include "broker/api/handlers.h"
#include "broker/api/local_partition.h"
#include "protocol/kafka_error.h"

struct list_offsets_part {
    struct partition_lookup lookup; /* first */
    struct list_offsets *owner;
    struct kp_list_offsets_response_partition *out;
};

struct list_offsets {
    const struct broker_services *services;
    struct request *request;
    struct kp_list_offsets_response response;
    struct list_offsets_part *parts;
    size_t count;
    size_t pending; /* partitions that were asked and have not answered, and the asking itself */
};

static void one_is_over(struct list_offsets *state) {
    if (--state->pending == 0) request_respond(state->request, &state->response);
}

static void take_answer(struct list_offsets_part *part) {
    const struct partition_lookup *lookup = &part->lookup;
    part->out->error_code = lookup->error;
    if (lookup->error == KAFKA_NOT_LEADER_OR_FOLLOWER && lookup->electing)
        part->out->error_code = part->owner->request->api_version >= 5 ? KAFKA_OFFSET_NOT_AVAILABLE
                                                                       : KAFKA_LEADER_NOT_AVAILABLE;
    part->out->offset = lookup->offset;
    part->out->timestamp = lookup->timestamp;
    part->out->leader_epoch = lookup->leader_epoch;
}

static void answered(struct partition_lookup *lookup) {
    struct list_offsets_part *part = (struct list_offsets_part *)lookup;
    take_answer(part);
    one_is_over(part->owner);
}

static void client_gone(struct request *request) {
    struct list_offsets *state = request->state;
    for (size_t i = 0; i < state->count; i++)
        partition_lookup_cancel(&state->parts[i].lookup);
    request_respond_nothing(request);
}

static bool is_known_timestamp(int64_t timestamp, int version) {
    return timestamp >= PARTITION_EARLIEST || (timestamp == PARTITION_MAX_TIMESTAMP && version >= 7);
}

static void ask(struct list_offsets *state, struct list_offsets_part *part, struct kp_string topic,
                const struct kp_list_offsets_request_partition *in) {
    struct kp_list_offsets_response_partition *out = part->out;
    out->partition_index = in->partition_index;
    out->offset = -1;
    out->timestamp = -1;
    out->leader_epoch = -1;
    part->owner = state;
    part->lookup.done = answered;
    if (!is_known_timestamp(in->timestamp, state->request->api_version)) {
        out->error_code = KAFKA_UNSUPPORTED_VERSION;
        return;
    }
    int16_t code;
    struct partition *partition = local_partition(state->services, state->request, AUTHORIZE_DESCRIBE, topic,
                                                  in->partition_index, &code);
    out->error_code = code;
    if (partition == NULL) return;
    if (partition_lookup(partition, in->timestamp, in->current_leader_epoch, &part->lookup))
        take_answer(part);
    else
        state->pending++;
}

/* False: the arena's limit is passed. */
static bool prepare(struct list_offsets *state, const struct broker_services *services, struct request *request) {
    const struct kp_list_offsets_request *in = request->message;
    struct kp_arena *arena = &request->arena;
    state->services = services;
    state->request = request;
    kp_set_fallbacks(&kp_list_offsets_response_schema, &state->response);
    for (int32_t t = 0; t < in->topics.count; t++)
        state->count += (size_t)in->topics.items[t].partitions.count;
    state->parts = kp_arena_alloc(arena, state->count * sizeof *state->parts);
    if (state->parts == NULL) return false;
    if (kp_new_items(arena, &kp_list_offsets_response_topic_schema, &state->response.topics, in->topics.count) == NULL)
        return false;
    for (int32_t t = 0; t < in->topics.count; t++) {
        struct kp_list_offsets_response_topic *out = &state->response.topics.items[t];
        out->name = in->topics.items[t].name;
        if (kp_new_items(arena, &kp_list_offsets_response_partition_schema, &out->partitions,
                         in->topics.items[t].partitions.count) == NULL)
            return false;
    }
    return true;
}

void api_list_offsets(void *service, struct request *request) {
    const struct kp_list_offsets_request *in = request->message;
    struct list_offsets *state = kp_arena_alloc(&request->arena, sizeof *state);
    if (state == NULL || !prepare(state, service, request)) {
        request_close_connection(request);
        return;
    }
    request->state = state;
    request->canceled = client_gone;
    state->pending = 1;
    struct list_offsets_part *part = state->parts;
    for (int32_t t = 0; t < in->topics.count; t++) {
        const struct kp_list_offsets_request_topic *topic = &in->topics.items[t];
        for (int32_t p = 0; p < topic->partitions.count; p++, part++) {
            part->out = &state->response.topics.items[t].partitions.items[p];
            ask(state, part, topic->name, &topic->partitions.items[p]);
        }
    }
    one_is_over(state);
}
