/*
 * Produce: each partition's batch goes to its leader replica here; the answer leaves when all have committed, or failed, or the client's
 * time is over. KIP-98, KIP-467 (messages of errors).
 *
 * acks 1 and -1 both mean a majority's disks. With acks 0 there is no answer, and an error closes the connection, as Kafka does, so that the
 * client looks for the leader again. A client that adds to what a partition cannot get rid of is not read until its request is over.
 * Invariant: an answer with an error carries no offset.
 */
#include "protocol/produce.h"
#include "base/check.h"
#include "broker/api/handlers.h"
#include "broker/api/local_partition.h"
#include "broker/disk_watch.h"
#include "protocol/kafka_error.h"

struct produce_part {
    struct partition_produce produce; /* first */
    struct produce_state *owner;
    struct kp_produce_response_partition *out;
    bool pending;
};

struct produce_state {
    const struct broker_services *services;
    struct request *request;
    struct kp_produce_response response;
    struct produce_part *parts;
    size_t count, pending;
    struct deadline deadline;
    bool failed; /* some partition has an error */
    bool busy;   /* in a loop over its partitions: not over before that ends */
};

static void finish_if_over(struct produce_state *state) {
    if (state->busy || state->pending > 0) return;
    const struct kp_produce_request *in = state->request->message;
    deadline_clear(state->services->deadlines, &state->deadline);
    if (in->acks != 0)
        request_respond(state->request, &state->response);
    else if (state->failed)
        request_close_connection(state->request);
    else
        request_respond_nothing(state->request);
}

static void set_error(struct produce_part *part, int16_t code, const char *sentence) {
    struct request *request = part->owner->request;
    part->owner->failed = true;
    part->out->error_code = code;
    part->out->base_offset = -1;
    part->out->log_append_time_ms = -1;
    part->out->log_start_offset = -1;
    part->out->error_message = KP_NULL_STRING;
    if (sentence[0] != '\0' && request->api_version >= 8)
        part->out->error_message = kp_arena_printf(&request->arena, "%s", sentence);
}

static void take_result(struct produce_part *part, const char *sentence) {
    const struct partition_produce *produce = &part->produce;
    struct kp_produce_response_partition *out = part->out;
    if (produce->error != KAFKA_NONE) {
        set_error(part, produce->error, sentence);
        /* Java tells by it whether the producer's records were deleted, and repeats for ever when it is not known. */
        if (produce->error == KAFKA_UNKNOWN_PRODUCER_ID)
            out->log_start_offset = partition_start_offset(produce->partition);
        return;
    }
    out->error_code = KAFKA_NONE;
    out->base_offset = produce->base_offset;
    out->log_append_time_ms = produce->log_append_time_ms;
    out->log_start_offset = partition_start_offset(produce->partition);
}

static void produced(struct partition_produce *produce) {
    struct produce_part *part = (struct produce_part *)produce;
    take_result(part, "");
    part->pending = false;
    part->owner->pending--;
    finish_if_over(part->owner);
}

static void time_over(struct deadline *deadline) {
    struct produce_state *state = (struct produce_state *)((char *)deadline - offsetof(struct produce_state, deadline));
    state->busy = true;
    for (size_t i = 0; i < state->count; i++) {
        if (state->parts[i].pending) partition_produce_time_out(&state->parts[i].produce);
    }
    state->busy = false;
    CHECK(state->pending == 0);
    finish_if_over(state);
}

static void client_gone(struct request *request) {
    struct produce_state *state = request->state;
    for (size_t i = 0; i < state->count; i++) {
        if (state->parts[i].pending) partition_produce_cancel(&state->parts[i].produce);
    }
    deadline_clear(state->services->deadlines, &state->deadline);
    request_respond_nothing(request);
}

/* What is wrong with the whole request. */
static int16_t check_request(const struct disk_watch *disk, const struct kp_produce_request *in,
                             const char **sentence) {
    *sentence = "";
    if (in->acks < -1 || in->acks > 1) return KAFKA_INVALID_REQUIRED_ACKS;
    if (in->transactional_id.len >= 0) {
        *sentence = "This broker has no transactions yet: produce without a transactional.id.";
        return KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    }
    if (disk_watch_full(disk)) {
        *sentence = disk_watch_sentence(disk);
        return KAFKA_STORAGE_ERROR;
    }
    return KAFKA_NONE;
}

static void start_part(struct produce_state *state, struct produce_part *part, struct kp_string topic,
                       const struct kp_produce_request_partition *in) {
    int16_t code;
    struct request *request = state->request;
    struct partition *partition = local_partition(state->services, request, AUTHORIZE_WRITE, topic, in->index, &code);
    if (partition == NULL) {
        set_error(part, code, "");
        return;
    }
    struct produced_records records = {.frame = request->frame,
                                       .data = in->records.data,
                                       .len = in->records.len,
                                       .zstd_allowed = request->api_version >= 7};
    struct error_text why;
    if (partition_produce(partition, &records, &part->produce, &why)) {
        take_result(part, why.text);
        return;
    }
    part->pending = true;
    state->pending++;
    if (partition_is_congested(partition)) request_hold_connection(request);
}

/* False: the arena's limit is passed. */
static bool prepare(struct produce_state *state, const struct broker_services *services, struct request *request) {
    const struct kp_produce_request *in = request->message;
    struct kp_arena *arena = &request->arena;
    state->services = services;
    state->request = request;
    state->deadline.passed = time_over;
    kp_set_fallbacks(&kp_produce_response_schema, &state->response);
    for (int32_t t = 0; t < in->topic_data.count; t++)
        state->count += (size_t)in->topic_data.items[t].partition_data.count;
    state->parts = kp_arena_alloc(arena, state->count * sizeof *state->parts);
    struct kp_produce_response_topic *topics = kp_new_items(arena, &kp_produce_response_topic_schema,
                                                            &state->response.responses, in->topic_data.count);
    if (state->parts == NULL || topics == NULL) return false;
    struct produce_part *part = state->parts;
    for (int32_t t = 0; t < in->topic_data.count; t++) {
        int32_t count = in->topic_data.items[t].partition_data.count;
        topics[t].name = in->topic_data.items[t].name;
        if (kp_new_items(arena, &kp_produce_response_partition_schema, &topics[t].partition_responses, count) == NULL)
            return false;
        for (int32_t p = 0; p < count; p++, part++) {
            part->owner = state;
            part->produce.done = produced;
            part->out = &topics[t].partition_responses.items[p];
            part->out->index = in->topic_data.items[t].partition_data.items[p].index;
        }
    }
    return true;
}

void api_produce(void *service, struct request *request) {
    const struct kp_produce_request *in = request->message;
    struct produce_state *state = kp_arena_alloc(&request->arena, sizeof *state);
    if (state == NULL || !prepare(state, service, request)) {
        request_close_connection(request);
        return;
    }
    const char *sentence;
    int16_t code = check_request(state->services->disk, in, &sentence);
    request->state = state;
    request->canceled = client_gone;
    state->busy = true;
    struct produce_part *part = state->parts;
    for (int32_t t = 0; t < in->topic_data.count; t++) {
        const struct kp_produce_request_topic *topic = &in->topic_data.items[t];
        for (int32_t p = 0; p < topic->partition_data.count; p++, part++) {
            if (code != KAFKA_NONE)
                set_error(part, code, sentence);
            else
                start_part(state, part, topic->name, &topic->partition_data.items[p]);
        }
    }
    state->busy = false;
    if (state->pending > 0)
        deadline_set(state->services->deadlines, &state->deadline, in->timeout_ms > 0 ? (uint32_t)in->timeout_ms : 0);
    finish_if_over(state);
}
