/*
 * Produce: each partition's batch goes to its leader replica here; the answer leaves when all have
 * committed, or failed, or the client's time is over. KIP-98, KIP-467 (messages of errors),
 * KIP-516 (topic ids), KIP-951 (leaders).
 *
 * acks 1 and -1 both mean a majority's disks. With acks 0 there is no answer, and an error closes
 * the connection, as Kafka does, so that the client looks for the leader again; what it has sent
 * before it went is stored. A client that adds to what a partition cannot get rid of is not read
 * until its request is over, and one whose batches wait to be checked only a request ahead.
 * Invariants: an answer with an error carries no offset; requests of one client never overtake each
 * other: one of more than AT_ONCE partitions, which are started over several turns of the loop,
 * keeps its client from being read, and any other is started in one turn. One of more than
 * PARTITIONS_MAX has its connection closed.
 */
#include "protocol/messages/produce.h"
#include "base/container_of.h"

#include <uthash.h>

#include "base/check.h"
#include "broker/api/handlers.h"
#include "broker/api/leader_hint.h"
#include "broker/api/local_partition.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum {
    PARTITIONS_MAX = 10000,
    AT_ONCE = 256,
    PARTITIONS_OF_A_STEP = 32,
    LEAST_TIMEOUT_MS = 10 * 1000, /* with acks 0 and 1 */
};

struct produce_part {
    struct partition_produce produce; /* first */
    struct produce_state *owner;
    const struct kp_produce_request_topic *topic;
    const struct kp_produce_request_partition *in;
    struct kp_produce_response_partition *out;
    struct partition *partition;
    bool pending;
    bool checking; /* its check waits or is under way */
    bool twice;    /* the request names its partition more than once */
    UT_hash_handle hh;
};

struct produce_state {
    const struct broker_services *services;
    struct request *request;
    struct kp_produce_response response;
    struct leader_hints hints;
    struct produce_part *parts;
    size_t count, pending, checking;
    int16_t code;              /* what is wrong with the whole request */
    struct produce_part *seen; /* hash by partition, while these are looked up */
    size_t at;                 /* the part whose turn it is */
    struct deadline deadline;
    struct traffic_reader_id writer; /* who sends it */
    bool found;                      /* all are looked up */
    bool starting;                   /* some are not started */
    bool failed;                     /* some partition has an error */
    bool busy;                       /* in a loop over its partitions: not over before that ends */
    bool gone;                       /* the client has, within that loop */
};

static void produce_answer(struct produce_state *state) {
    state->response.node_endpoints.items = state->hints.items;
    state->response.node_endpoints.count = state->hints.count;
    request_respond_kept(state->request, &state->response);
}

static void finish_if_over(struct produce_state *state) {
    if (state->busy || state->starting || state->pending > 0) return;
    const struct kp_produce_request *in = state->request->message;
    deadline_clear(state->services->deadlines, &state->deadline);
    state->response.throttle_time_ms = (int32_t)request_charge_quota(state->request, QUOTA_PRODUCED,
                                                                     state->request->frame.len);
    if (state->gone)
        request_respond_nothing(state->request);
    else if (in->acks != 0)
        produce_answer(state);
    else if (state->failed)
        request_close_connection(state->request);
    else
        request_respond_nothing(state->request);
}

static struct topic_ref ref_of(const struct produce_part *part) {
    return (struct topic_ref){.name = part->topic->name,
                              .id = part->topic->topic_id,
                              .by_id = part->owner->request->api_version >= 13};
}

/* The records to blame, as Kafka names them, so that a client can tell its user which. */
static void set_record_errors(struct produce_part *part, const struct produce_refusal *refusal) {
    struct request *request = part->owner->request;
    struct kp_produce_response_partition *out = part->out;
    struct topic_ref ref = ref_of(part);
    const struct metadata_topic *topic = topic_of_ref(part->owner->services, &ref);
    struct kp_produce_response_record_error *errors = kp_new_items(
        &request->arena, &kp_produce_response_record_error_schema, &out->record_errors,
        (int32_t)refusal->reject_count);
    for (size_t i = 0; errors != NULL && i < refusal->reject_count; i++) {
        const struct record_reject *reject = &refusal->rejects[i];
        errors[i].batch_index = reject->place;
        if (reject->keyless) {
            errors[i].batch_index_error_message = kp_arena_printf(
                &request->arena,
                "Compacted topic cannot accept message without key in topic partition %s-%d.",
                topic != NULL ? topic->name : "", (int)part->in->index);
            continue;
        }
        errors[i].batch_index_error_message = kp_arena_printf(
            &request->arena,
            "Timestamp %lld of message with offset %d is out of range. The timestamp should be within [%lld, %lld]",
            (long long)reject->timestamp_ms, reject->place, (long long)refusal->earliest_ms,
            (long long)refusal->latest_ms);
    }
}

/* KIP-951. */
static void give_hint(struct produce_part *part, int16_t code) {
    struct produce_state *state = part->owner;
    struct topic_ref ref = ref_of(part);
    if (code == KAFKA_NOT_LEADER_OR_FOLLOWER && state->request->api_version >= 10)
        leader_hint_give(state->services, state->request, &ref, part->in->index, code,
                         &part->out->current_leader, &state->hints);
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
    give_hint(part, code);
    if (request->api_version < 8) return;
    if (sentence[0] != '\0')
        part->out->error_message = kp_arena_printf(&request->arena, "%s", sentence);
    if (refusal != NULL && refusal->reject_count > 0) set_record_errors(part, refusal);
}

/* For those who ask who produces to a partition. */
static void note_writer(const struct produce_part *part) {
    const struct partition_produce *produce = &part->produce;
    const struct produce_state *state = part->owner;
    int64_t records = produce->end_offset - produce->base_offset;
    traffic_produced(partition_traffic(part->partition), (int64_t)env_now_ms(state->services->env),
                     &state->writer, records > 0 ? (uint64_t)records : 0,
                     (uint64_t)part->in->records.len);
}

static void take_result(struct produce_part *part, const struct produce_refusal *refusal) {
    const struct partition_produce *produce = &part->produce;
    struct kp_produce_response_partition *out = part->out;
    if (produce->error != KAFKA_NONE) {
        set_error(part, produce->error, refusal->why.text, refusal);
        /* Java tells by it whether the producer's records were deleted, and repeats for ever when
         * it is not known. */
        if (produce->error == KAFKA_UNKNOWN_PRODUCER_ID)
            out->log_start_offset = partition_start_offset(produce->partition);
        return;
    }
    note_writer(part);
    out->error_code = KAFKA_NONE;
    out->base_offset = produce->base_offset;
    out->log_append_time_ms = produce->log_append_time_ms;
    out->log_start_offset = partition_start_offset(produce->partition);
}

static void part_checked(struct partition_produce *produce) {
    struct produce_part *part = (struct produce_part *)produce;
    if (!part->checking) return;
    part->checking = false;
    if (--part->owner->checking == 0) request_work_goes_on(part->owner->request);
}

static void produced(struct partition_produce *produce, const struct produce_refusal *refusal) {
    struct produce_part *part = (struct produce_part *)produce;
    take_result(part, refusal);
    part_checked(produce);
    part->pending = false;
    part->owner->pending--;
    finish_if_over(part->owner);
}

static void timed_out(struct deadline *deadline) {
    struct produce_state *state = CONTAINER_OF(deadline, struct produce_state, deadline);
    state->busy = true;
    for (size_t i = 0; i < state->count; i++) {
        if (state->parts[i].pending) partition_produce_time_out(&state->parts[i].produce);
    }
    state->busy = false;
    CHECK(state->pending == 0); /* each time out ended its part, or the client went */
    finish_if_over(state);
}

/* With acks 0 it is usual to send and to close: what came is stored. */
static void let_go(struct produce_state *state) {
    const struct kp_produce_request *in = state->request->message;
    for (size_t i = 0; i < state->count; i++) {
        struct produce_part *part = &state->parts[i];
        if (!part->pending || (in->acks == 0 && partition_produce_abandon(&part->produce)))
            continue;
        if (in->acks != 0) partition_produce_cancel(&part->produce);
        part->pending = false;
        state->pending--;
    }
}

static bool go_on(struct request *request);

static void client_gone(struct request *request) {
    struct produce_state *state = request->state;
    const struct kp_produce_request *in = request->message;
    state->gone = true;
    let_go(state);
    if (in->acks == 0 && state->starting) {
        request->canceled =
            client_gone; /* told again when the connection closes, which stops the steps again */
        if (!state->busy) request_steps(request, go_on);
        return;
    }
    state->starting = false;
    finish_if_over(state);
}

/* What is wrong with the whole request. */
static int16_t check_request(const struct request *request) {
    const struct kp_produce_request *in = request->message;
    struct kp_string id = in->transactional_id;
    if (in->acks < -1 || in->acks > 1) return KAFKA_INVALID_REQUIRED_ACKS;
    if (id.len >= 0 && !authorize(&request->ctx, AUTHORIZE_WRITE, AUTHORIZE_TRANSACTIONAL_ID,
                                  id.data, (size_t)id.len))
        return KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    return KAFKA_NONE;
}

static struct partition *produce_find(const struct produce_part *part, int16_t *code) {
    const struct produce_state *state = part->owner;
    struct topic_ref ref = ref_of(part);
    return local_partition_of_ref(state->services, state->request, AUTHORIZE_WRITE, &ref,
                                  part->in->index, code);
}

static const char *sentence_on(int16_t code) {
    if (code != KAFKA_INVALID_TOPIC) return "";
    return "This topic is the broker's own, which writes it itself; clients can only read it.";
}

static void start_part(struct produce_state *state, struct produce_part *part) {
    const struct kp_produce_request_partition *in = part->in;
    struct request *request = state->request;
    const struct kp_produce_request *asked = request->message;
    if (part->twice) {
        set_error(part, KAFKA_INVALID_REQUEST,
                  "The request has more than one batch for this partition; none was stored.", NULL);
        return;
    }
    int16_t code =
        KAFKA_NONE; /* looked up again: it may have gone since, in another turn of the loop */
    part->partition = produce_find(part, &code);
    if (part->partition == NULL) {
        set_error(part, code, sentence_on(code), NULL);
        return;
    }
    struct produced_records records = {.frame = request->frame,
                                       .data = in->records.data,
                                       .len = in->records.len,
                                       .zstd_allowed = request->api_version >= 7,
                                       .transactional_id = asked->transactional_id,
                                       .knows_abortable = request->api_version >= 11,
                                       .adds_partition = request->api_version >= 12,
                                       .sender = request->connection};
    struct produce_refusal refusal;
    if (partition_produce(part->partition, &records, &part->produce, &refusal) == DONE) {
        take_result(part, &refusal);
        return;
    }
    part->pending = true;
    state->pending++;
    if (partition_produce_is_checking(&part->produce)) {
        part->checking = true;
        state->checking++;
        request_work_waits(request);
    }
    if (partition_is_congested(part->partition) || partition_produce_is_congested(&part->produce))
        request_hold_connection(request);
}

/* Its partition: NULL if it has its error now. */
static void find_part(struct produce_state *state, struct produce_part *part) {
    int16_t code = state->code;
    struct produce_part *first;
    if (code == KAFKA_NONE) part->partition = produce_find(part, &code);
    if (part->partition == NULL) {
        set_error(part, code, sentence_on(code), NULL);
        return;
    }
    HASH_FIND_PTR(state->seen, &part->partition, first);
    if (first != NULL)
        first->twice = part->twice = true;
    else
        HASH_ADD_PTR(state->seen, partition, part);
}

/* False: there is too much of it. */
static bool produce_prepare(struct produce_state *state, const struct broker_services *services,
                            struct request *request) {
    const struct kp_produce_request *in = request->message;
    struct kp_arena *arena = &request->arena;
    state->services = services;
    state->request = request;
    state->deadline.passed = timed_out;
    state->writer = (struct traffic_reader_id){
        .key = traffic_reader_key(request->ctx.client_id, request->ctx.peer),
        .client_id = request->ctx.client_id,
        .peer = request->ctx.peer};
    kp_set_fallbacks(&kp_produce_response_schema, &state->response);
    for (int32_t t = 0; t < in->topic_data.count; t++)
        state->count += (size_t)in->topic_data.items[t].partition_data.count;
    if (in->topic_data.count > PARTITIONS_MAX || state->count > PARTITIONS_MAX) return false;
    state->parts = kp_arena_alloc(arena, state->count * sizeof *state->parts);
    struct kp_produce_response_topic *topics = kp_new_items(
        arena, &kp_produce_response_topic_schema, &state->response.responses, in->topic_data.count);
    if (state->parts == NULL || topics == NULL) return false;
    struct produce_part *part = state->parts;
    for (int32_t t = 0; t < in->topic_data.count; t++) {
        int32_t count = in->topic_data.items[t].partition_data.count;
        topics[t].name = in->topic_data.items[t].name;
        topics[t].topic_id = in->topic_data.items[t].topic_id;
        if (kp_new_items(arena, &kp_produce_response_partition_schema,
                         &topics[t].partition_responses, count) == NULL)
            return false;
        for (int32_t p = 0; p < count; p++, part++) {
            part->owner = state;
            part->produce.done = produced;
            part->produce.checked = part_checked;
            part->topic = &in->topic_data.items[t];
            part->in = &in->topic_data.items[t].partition_data.items[p];
            part->out = &topics[t].partition_responses.items[p];
            part->out->index = part->in->index;
        }
    }
    return true;
}

/* Kafka's timeout_ms is for the other replicas, with acks -1 alone: who asks for less may say any,
 * also 0. */
static uint32_t timeout_of(const struct kp_produce_request *in) {
    uint32_t timeout_ms = in->timeout_ms > 0 ? (uint32_t)in->timeout_ms : 0;
    return in->acks == -1 || timeout_ms > LEAST_TIMEOUT_MS ? timeout_ms : LEAST_TIMEOUT_MS;
}

static void all_are_started(struct produce_state *state) {
    const struct kp_produce_request *in = state->request->message;
    state->starting = false;
    if (state->gone)
        let_go(state);
    else if (state->pending > 0)
        deadline_set(state->services->deadlines, &state->deadline, timeout_of(in));
    finish_if_over(state);
}

/* All are looked up before the first is started: a partition that is named twice gets nothing. */
static bool go_on(struct request *request) {
    struct produce_state *state = request->state;
    const struct kp_produce_request *in = request->message;
    size_t until = state->at + PARTITIONS_OF_A_STEP < state->count
                       ? state->at + PARTITIONS_OF_A_STEP
                       : state->count;
    state->busy = true;
    for (; state->at < until && !(state->gone && in->acks != 0); state->at++) {
        struct produce_part *part = &state->parts[state->at];
        if (!state->found)
            find_part(state, part);
        else if (part->partition != NULL)
            start_part(state, part);
    }
    state->busy = false;
    bool wanted = !(state->gone && in->acks != 0);
    if (wanted && state->at == state->count && !state->found) {
        state->found = true;
        state->at = 0;
        return true;
    }
    if (wanted && state->at < state->count) return true;
    all_are_started(state);
    return false;
}

static void produce_released(struct request *request) {
    struct produce_state *state = request->state;
    HASH_CLEAR(hh, state->seen);
}

void api_produce(void *service, struct request *request) {
    struct produce_state *state = kp_arena_alloc(&request->arena, sizeof *state);
    if (state == NULL || !produce_prepare(state, service, request)) {
        request_close_because(
            request, "it produces to more than %d partitions at once; send fewer in one request",
            PARTITIONS_MAX);
        return;
    }
    state->code = check_request(request);
    request->state = state;
    request->canceled = client_gone;
    request->released = produce_released;
    state->starting = true;
    if (state->count > AT_ONCE) {
        request_hold_connection(request);
        request_steps(request, go_on);
    } else {
        while (go_on(request)) {}
    }
}
