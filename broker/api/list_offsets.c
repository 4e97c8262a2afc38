/*
 * ListOffsets: all partitions are asked in steps, none waits for another, and the answer leaves
 * when the last one has answered. KIP-79, KIP-207, KIP-734. Nothing is in tiered storage: what is
 * local begins where the log does, and of what is there or on its way there nothing is found
 * (KIP-405, KIP-1005, KIP-1023). A partition that is in the request more than once is answered
 * once, with INVALID_REQUEST, as in Kafka.
 *
 * A leader that was just elected answers OFFSET_NOT_AVAILABLE (LEADER_NOT_AVAILABLE below version
 * 5): clients ask again soon.
 */
#include "protocol/messages/list_offsets.h"

#include <limits.h>

#include "broker/api/handlers.h"
#include "broker/api/key_set.h"
#include "broker/api/local_partition.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

struct list_offsets_part {
    struct partition_lookup lookup; /* first */
    struct list_offsets *owner;
    struct kp_string topic;
    const struct kp_list_offsets_request_partition *in;
    struct kp_list_offsets_response_partition *out;
    bool twice; /* in the request */
};

struct list_offsets {
    const struct broker_services *services;
    struct request *request;
    struct kp_list_offsets_response response;
    struct list_offsets_part *parts;
    size_t count, at;  /* partitions, and the one whose turn it is */
    size_t used;       /* those that are told apart */
    int32_t topic, of; /* of the request: where to go on, and with which of its partitions */
    struct key_set seen;
    size_t pending; /* partitions that were asked and have not answered, and the asking itself */
};

static void one_is_over(struct list_offsets *state) {
    if (--state->pending == 0) request_respond_kept(state->request, &state->response);
}

static bool is_of_tiers(int64_t timestamp) {
    return timestamp == LIST_OFFSETS_LATEST_TIERED ||
           timestamp == LIST_OFFSETS_EARLIEST_PENDING_UPLOAD;
}

static void take_answer(struct list_offsets_part *part) {
    const struct partition_lookup *lookup = &part->lookup;
    part->out->error_code = lookup->error;
    if (lookup->error == KAFKA_NOT_LEADER_OR_FOLLOWER && lookup->electing)
        part->out->error_code = part->owner->request->api_version >= 5 ? KAFKA_OFFSET_NOT_AVAILABLE
                                                                       : KAFKA_LEADER_NOT_AVAILABLE;
    if (is_of_tiers(part->in->timestamp)) return; /* who leads was looked at, and that is all */
    part->out->offset = lookup->offset;
    part->out->timestamp = lookup->timestamp;
    part->out->leader_epoch = lookup->leader_epoch;
}

static void offsets_answered(struct partition_lookup *lookup) {
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

/* The first version that knows this timestamp; none: INT_MAX. */
static int first_version_of(int64_t timestamp) {
    switch (timestamp) {
    case LIST_OFFSETS_MAX_TIMESTAMP: return 7;
    case LIST_OFFSETS_EARLIEST_LOCAL: return 8;
    case LIST_OFFSETS_LATEST_TIERED: return 9;
    case LIST_OFFSETS_EARLIEST_PENDING_UPLOAD: return 11;
    default: return timestamp >= LIST_OFFSETS_EARLIEST ? 0 : INT_MAX;
    }
}

static void list_offsets_ask(struct list_offsets *state, struct list_offsets_part *part) {
    const struct kp_list_offsets_request_partition *in = part->in;
    struct kp_list_offsets_response_partition *out = part->out;
    out->partition_index = in->partition_index;
    out->offset = -1;
    out->timestamp = -1;
    out->leader_epoch = -1;
    part->lookup.done = offsets_answered;
    if (part->twice) {
        out->error_code = KAFKA_INVALID_REQUEST;
        return;
    }
    if (state->request->api_version < first_version_of(in->timestamp)) {
        out->error_code = KAFKA_UNSUPPORTED_VERSION;
        return;
    }
    int16_t code;
    struct partition *partition = local_partition(state->services, state->request,
                                                  AUTHORIZE_DESCRIBE, part->topic,
                                                  in->partition_index, &code);
    out->error_code = code;
    if (partition == NULL) return;
    const struct kp_list_offsets_request *asked = state->request->message;
    part->lookup.committed = asked->isolation_level == LIST_OFFSETS_READ_COMMITTED;
    int64_t timestamp = in->timestamp == LIST_OFFSETS_EARLIEST_LOCAL || is_of_tiers(in->timestamp)
                            ? PARTITION_EARLIEST
                            : in->timestamp;
    if (partition_lookup(partition, timestamp, in->current_leader_epoch, &part->lookup) == DONE)
        take_answer(part);
    else
        state->pending++;
}

/* ---- Steps ---- */

static bool ask_next(struct request *request) {
    struct list_offsets *state = request->state;
    if (state->at < state->used) {
        list_offsets_ask(state, &state->parts[state->at++]);
        return true;
    }
    one_is_over(state);
    return false;
}

static struct key key_of(const void *owner, size_t place) {
    const struct list_offsets *state = owner;
    return (struct key){.text = state->parts[place].topic,
                        .number = state->parts[place].in->partition_index};
}

static bool begin_topic(struct list_offsets *state,
                        const struct kp_list_offsets_request_topic *topic) {
    struct kp_list_offsets_response_topic *out =
        &state->response.topics.items[state->response.topics.count++];
    kp_set_fallbacks(&kp_list_offsets_response_topic_schema, out);
    out->name = topic->name;
    size_t count = topic->partitions.count < 0 ? 0 : (size_t)topic->partitions.count;
    out->partitions.items = kp_arena_alloc(&state->request->arena,
                                           count * sizeof *out->partitions.items);
    out->partitions.count = 0;
    return out->partitions.items != NULL;
}

static void end_topic(struct list_offsets *state,
                      const struct kp_list_offsets_request_topic *topic) {
    const struct kp_list_offsets_response_topic *out =
        &state->response.topics.items[state->response.topics.count - 1];
    if (out->partitions.count == 0 && topic->partitions.count > 0)
        state->response.topics.count--; /* all were there */
    state->topic++;
    state->of = 0;
}

/* One that was there already is answered once, at its first place. */
static void add_part(struct list_offsets *state,
                     const struct kp_list_offsets_request_topic *topic) {
    struct kp_list_offsets_response_topic *out =
        &state->response.topics.items[state->response.topics.count - 1];
    struct list_offsets_part *part = &state->parts[state->used];
    *part = (struct list_offsets_part){
        .owner = state, .topic = topic->name, .in = &topic->partitions.items[state->of++]};
    size_t first = key_set_put(&state->seen, state->used);
    if (first != state->used) {
        state->parts[first].twice = true;
        return;
    }
    state->used++;
    part->out = &out->partitions.items[out->partitions.count++];
    kp_set_fallbacks(&kp_list_offsets_response_partition_schema, part->out);
}

static bool prepare_next(struct request *request) {
    const struct kp_list_offsets_request *in = request->message;
    struct list_offsets *state = request->state;
    if (state->topic >= in->topics.count) {
        state->at = 0;
        request_steps(request, ask_next);
        return false;
    }
    const struct kp_list_offsets_request_topic *topic = &in->topics.items[state->topic];
    if (state->of == 0 && !begin_topic(state, topic)) {
        request_close_too_large(request);
        return false;
    }
    if (state->of < topic->partitions.count)
        add_part(state, topic);
    else
        end_topic(state, topic);
    return true;
}

void api_list_offsets(void *service, struct request *request) {
    const struct kp_list_offsets_request *in = request->message;
    const struct broker_services *services = service;
    struct kp_arena *arena = &request->arena;
    struct list_offsets *state = kp_arena_alloc(arena, sizeof *state);
    *state = (struct list_offsets){.services = services, .request = request, .pending = 1};
    kp_set_fallbacks(&kp_list_offsets_response_schema, &state->response);
    for (int32_t t = 0; t < in->topics.count; t++)
        state->count += in->topics.items[t].partitions.count < 0
                            ? 0
                            : (size_t)in->topics.items[t].partitions.count;
    size_t topics = in->topics.count < 0 ? 0 : (size_t)in->topics.count;
    state->parts = kp_arena_alloc(arena, state->count * sizeof *state->parts);
    state->response.topics.items = kp_arena_alloc(arena,
                                                  topics * sizeof *state->response.topics.items);
    request->state = state;
    if (state->parts == NULL || state->response.topics.items == NULL ||
        !key_set_init(&state->seen, arena, state->count, env_random_u64(services->env), key_of,
                      state)) {
        request_close_too_large(request);
        return;
    }
    request->canceled = client_gone;
    request_steps(request, prepare_next);
}
