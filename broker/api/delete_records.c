/*
 * DeleteRecords (key 21): nothing below an offset is served any more, of partitions that this
 * broker leads. KIP-107.
 *
 * Happy path: all partitions are asked in steps, none waits for another (partition_trim), and the
 * answer leaves when the last has ended: the new start is committed then, so no change of leaders
 * takes it back. A partition that is named twice is answered once, by its last offset, as in Kafka.
 * Failures are per partition: UNKNOWN_TOPIC_OR_PARTITION, TOPIC_AUTHORIZATION_FAILED, INVALID_TOPIC
 * (one of the broker's own topics), POLICY_VIOLATION (one that is only compacted),
 * NOT_LEADER_OR_FOLLOWER, OFFSET_OUT_OF_RANGE; REQUEST_TIMED_OUT, with the outcome unknown. An
 * answer that grows too large closes the connection.
 */
#include "protocol/messages/delete_records.h"

#include "base/container_of.h"
#include "broker/api/handlers.h"
#include "broker/api/key_set.h"
#include "broker/api/local_partition.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum { TIMEOUT_LEAST_MS = 100 };

struct delete_part {
    struct partition_trim trim;
    struct deleting *owner;
    struct kp_string topic;
    int64_t offset;
    struct kp_delete_records_response_partition *out;
    bool waits;
};

/* One request on its way; in its arena. */
struct deleting {
    const struct broker_services *services;
    struct request *request;
    struct kp_delete_records_response response;
    struct delete_part *parts;
    size_t count, used, at; /* that are named, that are told apart, and the one whose turn it is */
    int32_t topic, of;      /* of the request: where to go on */
    struct key_set seen;
    struct deadline deadline;
    size_t pending; /* that were asked and have not ended, and the asking itself */
};

/* ---- The answer ---- */

static void one_is_over(struct deleting *state) {
    if (--state->pending > 0) return;
    request_respond_kept(state->request, &state->response);
}

static void take_answer(struct delete_part *part) {
    part->out->error_code = part->trim.error;
    part->out->low_watermark = part->trim.low_watermark;
}

static void trim_done(struct partition_trim *trim) {
    struct delete_part *part = CONTAINER_OF(trim, struct delete_part, trim);
    part->waits = false;
    take_answer(part);
    one_is_over(part->owner);
}

static void timed_out(struct deadline *deadline) {
    struct deleting *state = CONTAINER_OF(deadline, struct deleting, deadline);
    size_t ended = 0;
    for (size_t i = 0; i < state->used; i++) {
        struct delete_part *part = &state->parts[i];
        if (!part->waits) continue;
        part->waits = false;
        partition_trim_cancel(&part->trim);
        part->out->error_code = KAFKA_REQUEST_TIMED_OUT;
        ended++;
    }
    for (; ended > 0; ended--)
        one_is_over(state);
}

/* Nothing comes of it any more: neither its deadline nor a partition ends it. */
static void released(struct request *request) {
    struct deleting *state = request->state;
    deadline_clear(state->services->deadlines, &state->deadline);
    for (size_t i = 0; i < state->used; i++) {
        if (state->parts[i].waits) partition_trim_cancel(&state->parts[i].trim);
        state->parts[i].waits = false;
    }
}

static void client_gone(struct request *request) {
    released(request);
    request_respond_nothing(request);
}

/* ---- Steps ---- */

static void ask(struct deleting *state, struct delete_part *part) {
    int16_t code;
    part->trim.done = trim_done;
    struct partition *partition = local_partition(state->services, state->request, AUTHORIZE_DELETE,
                                                  part->topic, part->out->partition_index, &code);
    part->out->error_code = code;
    if (partition == NULL) return;
    if (partition_trim(partition, part->offset, &part->trim) == DONE) {
        take_answer(part);
    } else {
        part->waits = true;
        state->pending++;
    }
}

static bool ask_next(struct request *request) {
    struct deleting *state = request->state;
    if (state->at < state->used) {
        ask(state, &state->parts[state->at++]);
        return true;
    }
    one_is_over(state);
    return false;
}

static struct key key_of(const void *owner, size_t place) {
    const struct deleting *state = owner;
    const struct delete_part *part = &state->parts[place];
    return (struct key){.text = part->topic, .number = part->out->partition_index};
}

static bool begin_topic(struct deleting *state,
                        const struct kp_delete_records_request_topic *topic) {
    struct kp_delete_records_response_topic *out =
        &state->response.topics.items[state->response.topics.count++];
    kp_set_fallbacks(&kp_delete_records_response_topic_schema, out);
    out->name = topic->name;
    size_t count = topic->partitions.count < 0 ? 0 : (size_t)topic->partitions.count;
    out->partitions.items = kp_arena_alloc(&state->request->arena,
                                           (count + 1) * sizeof *out->partitions.items);
    out->partitions.count = 0;
    return out->partitions.items != NULL;
}

static void end_topic(struct deleting *state, const struct kp_delete_records_request_topic *topic) {
    const struct kp_delete_records_response_topic *out =
        &state->response.topics.items[state->response.topics.count - 1];
    if (out->partitions.count == 0 && topic->partitions.count > 0)
        state->response.topics.count--; /* all were there */
    state->topic++;
    state->of = 0;
}

static void add_part(struct deleting *state, const struct kp_delete_records_request_topic *topic) {
    const struct kp_delete_records_request_partition *in = &topic->partitions.items[state->of++];
    struct kp_delete_records_response_topic *out =
        &state->response.topics.items[state->response.topics.count - 1];
    struct delete_part *part = &state->parts[state->used];
    *part = (struct delete_part){.owner = state,
                                 .topic = topic->name,
                                 .offset = in->offset,
                                 .out = &out->partitions.items[out->partitions.count]};
    kp_set_fallbacks(&kp_delete_records_response_partition_schema, part->out);
    part->out->partition_index = in->partition_index;
    part->out->low_watermark = -1;
    size_t first = key_set_put(&state->seen, state->used);
    if (first != state->used) {
        state->parts[first].offset = in->offset;
        return;
    }
    state->used++;
    out->partitions.count++;
}

static bool prepare_next(struct request *request) {
    const struct kp_delete_records_request *in = request->message;
    struct deleting *state = request->state;
    if (state->topic >= in->topics.count) {
        request_steps(request, ask_next);
        return false;
    }
    const struct kp_delete_records_request_topic *topic = &in->topics.items[state->topic];
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

static bool prepare(struct deleting *state) {
    const struct kp_delete_records_request *in = state->request->message;
    struct kp_arena *arena = &state->request->arena;
    size_t topics = in->topics.count < 0 ? 0 : (size_t)in->topics.count;
    for (size_t t = 0; t < topics; t++)
        state->count += in->topics.items[t].partitions.count < 0
                            ? 0
                            : (size_t)in->topics.items[t].partitions.count;
    kp_set_fallbacks(&kp_delete_records_response_schema, &state->response);
    state->parts = kp_arena_alloc(arena, (state->count + 1) * sizeof *state->parts);
    state->response.topics.items = kp_arena_alloc(arena, (topics + 1) *
                                                             sizeof *state->response.topics.items);
    return state->parts != NULL && state->response.topics.items != NULL &&
           key_set_init(&state->seen, arena, state->count, env_random_u64(state->services->env),
                        key_of, state);
}

void api_delete_records(void *service, struct request *request) {
    const struct kp_delete_records_request *in = request->message;
    struct deleting *state = kp_arena_alloc(&request->arena, sizeof *state);
    if (state == NULL) {
        request_close_too_large(request);
        return;
    }
    *state = (struct deleting){.services = service, .request = request, .pending = 1};
    request->state = state;
    if (!prepare(state)) {
        request_close_too_large(request);
        return;
    }
    state->deadline.passed = timed_out;
    deadline_set(state->services->deadlines, &state->deadline,
                 in->timeout_ms < TIMEOUT_LEAST_MS ? TIMEOUT_LEAST_MS : (uint32_t)in->timeout_ms);
    request->canceled = client_gone;
    request->released = released;
    request_steps(request, prepare_next);
}
