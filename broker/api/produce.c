/*
 * Produce: each partition's batch goes to its leader replica here; the answer leaves when all have committed, or failed, or the client's
 * time is over. KIP-98, KIP-467 (messages of errors).
 *
 * acks 1 and -1 both mean a majority's disks. With acks 0 there is no answer, and an error closes the connection, as Kafka does, so that the
 * client looks for the leader again; what it has sent before it went is stored. A client that adds to what a partition cannot get rid of is
 * not read until its request is over.
 * Invariants: an answer with an error carries no offset; a request with more than PARTITIONS_MAX partitions has its connection closed, because
 * all of them are started in one turn of the loop, so that requests of one client never overtake each other.
 */
#include "protocol/produce.h"

#include <uthash.h>

#include "base/check.h"
#include "broker/api/handlers.h"
#include "broker/api/local_partition.h"
#include "broker/disk_watch.h"
#include "protocol/kafka_error.h"

enum {
    PARTITIONS_MAX = 10000,
    LEAST_TIMEOUT_MS = 10 * 1000, /* with acks 0 and 1 */
};

struct produce_part {
    struct partition_produce produce; /* first */
    struct produce_state *owner;
    struct kp_produce_response_partition *out;
    struct partition *partition;
    bool pending;
    bool twice; /* the request names its partition more than once */
    UT_hash_handle hh;
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
    bool gone;   /* the client has, within that loop */
};

static void finish_if_over(struct produce_state *state) {
    if (state->busy || state->pending > 0) return;
    const struct kp_produce_request *in = state->request->message;
    deadline_clear(state->services->deadlines, &state->deadline);
    if (state->gone)
        request_respond_nothing(state->request);
    else if (in->acks != 0)
        request_respond(state->request, &state->response);
    else if (state->failed)
        request_close_connection(state->request);
    else
        request_respond_nothing(state->request);
}

/* The records to blame, as Kafka names them, so that a client can tell its user which. */
static void set_record_errors(struct request *request, const struct produce_refusal *refusal,
                              struct kp_produce_response_partition *out) {
    struct kp_produce_response_record_error *errors = kp_new_items(
        &request->arena, &kp_produce_response_record_error_schema, &out->record_errors, (int32_t)refusal->reject_count);
    for (size_t i = 0; errors != NULL && i < refusal->reject_count; i++) {
        const struct record_reject *reject = &refusal->rejects[i];
        errors[i].batch_index = reject->place;
        errors[i].batch_index_error_message = kp_arena_printf(
            &request->arena,
            "Timestamp %lld of message with offset %d is out of range. The timestamp should be within [%lld, %lld]",
            (long long)reject->timestamp_ms, reject->place, (long long)refusal->earliest_ms,
            (long long)refusal->latest_ms);
    }
}

static void set_error(struct produce_part *part, int16_t code, const char *sentence,
                      const struct produce_refusal *refusal) {
    struct request *request = part->owner->request;
    part->owner->failed = true;
    part->out->error_code = code;
    part->out->base_offset = -1;
    part->out->log_append_time_ms = -1;
    part->out->log_start_offset = -1;
    part->out->error_message = KP_NULL_STRING;
    if (request->api_version < 8) return;
    if (sentence[0] != '\0') part->out->error_message = kp_arena_printf(&request->arena, "%s", sentence);
    if (refusal != NULL && refusal->reject_count > 0) set_record_errors(request, refusal, part->out);
}

static void take_result(struct produce_part *part, const struct produce_refusal *refusal) {
    const struct partition_produce *produce = &part->produce;
    struct kp_produce_response_partition *out = part->out;
    if (produce->error != KAFKA_NONE) {
        set_error(part, produce->error, refusal->why.text, refusal);
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

static void produced(struct partition_produce *produce, const struct produce_refusal *refusal) {
    struct produce_part *part = (struct produce_part *)produce;
    take_result(part, refusal);
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
    CHECK(state->pending == 0); /* each time out ended its part, or the client went */
    finish_if_over(state);
}

/* With acks 0 it is usual to send and to close: what came is stored. */
static void client_gone(struct request *request) {
    struct produce_state *state = request->state;
    const struct kp_produce_request *in = request->message;
    for (size_t i = 0; i < state->count; i++) {
        struct produce_part *part = &state->parts[i];
        if (!part->pending || (in->acks == 0 && partition_produce_abandon(&part->produce))) continue;
        if (in->acks != 0) partition_produce_cancel(&part->produce);
        part->pending = false;
        state->pending--;
    }
    state->gone = true;
    finish_if_over(state);
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

static void start_part(struct produce_state *state, struct produce_part *part,
                       const struct kp_produce_request_partition *in) {
    struct request *request = state->request;
    if (part->twice) {
        set_error(part, KAFKA_INVALID_REQUEST,
                  "The request has more than one batch for this partition; none was stored.", NULL);
        return;
    }
    struct produced_records records = {.frame = request->frame,
                                       .data = in->records.data,
                                       .len = in->records.len,
                                       .zstd_allowed = request->api_version >= 7,
                                       .sender = request->connection};
    struct produce_refusal refusal;
    if (partition_produce(part->partition, &records, &part->produce, &refusal)) {
        take_result(part, &refusal);
        return;
    }
    part->pending = true;
    state->pending++;
    if (partition_is_congested(part->partition) || partition_produce_is_congested(&part->produce))
        request_hold_connection(request);
}

/* The partitions of all parts: NULL for those that have their error now. */
static void find_partitions(struct produce_state *state, int16_t code, const char *sentence) {
    const struct kp_produce_request *in = state->request->message;
    struct produce_part *part = state->parts, *seen = NULL, *first;
    for (int32_t t = 0; t < in->topic_data.count; t++) {
        const struct kp_produce_request_topic *topic = &in->topic_data.items[t];
        for (int32_t p = 0; p < topic->partition_data.count; p++, part++) {
            int16_t of_partition = code;
            if (code == KAFKA_NONE)
                part->partition = local_partition(state->services, state->request, AUTHORIZE_WRITE, topic->name,
                                                  topic->partition_data.items[p].index, &of_partition);
            if (part->partition == NULL) {
                set_error(part, of_partition, code != KAFKA_NONE ? sentence : "", NULL);
                continue;
            }
            HASH_FIND_PTR(seen, &part->partition, first);
            if (first != NULL)
                first->twice = part->twice = true;
            else
                HASH_ADD_PTR(seen, partition, part);
        }
    }
    HASH_CLEAR(hh, seen);
}

/* False: there is too much of it. */
static bool prepare(struct produce_state *state, const struct broker_services *services, struct request *request) {
    const struct kp_produce_request *in = request->message;
    struct kp_arena *arena = &request->arena;
    state->services = services;
    state->request = request;
    state->deadline.passed = time_over;
    kp_set_fallbacks(&kp_produce_response_schema, &state->response);
    for (int32_t t = 0; t < in->topic_data.count; t++)
        state->count += (size_t)in->topic_data.items[t].partition_data.count;
    if (in->topic_data.count > PARTITIONS_MAX || state->count > PARTITIONS_MAX) return false;
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

/* Kafka's timeout_ms is for the other replicas, with acks -1 alone: who asks for less may say any, also 0. */
static uint32_t timeout_of(const struct kp_produce_request *in) {
    uint32_t timeout_ms = in->timeout_ms > 0 ? (uint32_t)in->timeout_ms : 0;
    return in->acks == -1 || timeout_ms > LEAST_TIMEOUT_MS ? timeout_ms : LEAST_TIMEOUT_MS;
}

void api_produce(void *service, struct request *request) {
    const struct kp_produce_request *in = request->message;
    struct produce_state *state = kp_arena_alloc(&request->arena, sizeof *state);
    if (state == NULL || !prepare(state, service, request)) {
        const struct broker_services *services = service;
        log_warn(services->log, "the connection of client %s is closed: it produces to more than %d partitions at once",
                 request->ctx.peer, PARTITIONS_MAX);
        request_close_connection(request);
        return;
    }
    const char *sentence;
    int16_t code = check_request(state->services->disk, in, &sentence);
    request->state = state;
    request->canceled = client_gone;
    state->busy = true;
    find_partitions(state, code, sentence);
    struct produce_part *part = state->parts;
    for (int32_t t = 0; t < in->topic_data.count; t++) {
        const struct kp_produce_request_topic *topic = &in->topic_data.items[t];
        for (int32_t p = 0; p < topic->partition_data.count; p++, part++) {
            if (part->partition != NULL && !state->gone) start_part(state, part, &topic->partition_data.items[p]);
        }
    }
    state->busy = false;
    if (state->pending > 0) deadline_set(state->services->deadlines, &state->deadline, timeout_of(in));
    finish_if_over(state);
}
