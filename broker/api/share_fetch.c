/*
 * ShareFetch (key 78): records for a member of a share group, which it holds from then on, and what
 * it says of those that it had.
 *
 *   acknowledge --> commit --> a round over the partitions of the session: what is available, where
 *                              ^ the group has begun, is read and acquired
 *                              |                    |
 *                   something became available      +--> records, an error, or time over: answer
 *                              |                    v
 *                              `------------------ wait
 *
 * Where there is less than MinBytes it is given back, so that others may have it, and looked for
 * again when that much came, or the time is over. Each round begins with another partition, so that
 * none starves. Failures: those of
 * broker/api/share_request.h; of a partition those of partition_read. An error of a partition is
 * answered at once when it is new, or all of them have one. What is more than the client's quota is
 * given back, and it gets no records.
 * Invariants: whatever a request acquires is held by its session; what it waits for it leaves
 * before it ends.
 */
#include "protocol/messages/share_fetch.h"

#include "base/container_of.h"
#include "broker/api/handlers.h"
#include "broker/api/share_fetch_internal.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum {
    WHOLE = 0, /* share acquire modes: batch-optimized, */
    EXACT = 1, /* record-limit */
};

/* ---- Ends ---- */

/* It keeps its place among those that want records. */
static void stop_waiting(struct fetching *state) {
    state->waiting = false;
    parking_leave(state->share.request->ctx.parking, &state->parked);
    for (size_t i = 0; i < state->share.count; i++)
        partition_wait_cancel(&state->share.parts[i].moved);
    env_defer_cancel(state->share.services->env, &state->look);
}

static void leave(struct fetching *state) {
    request_steps_stop(state->share.request);
    if (state->reading != NULL) partition_read_cancel(&state->reading->read);
    state->reading = NULL;
    stop_waiting(state);
    deadline_clear(state->share.services->deadlines, &state->deadline);
    share_request_leave(&state->share);
}

/* Nobody sees what it acquired. Those who wait for fewer bytes than `least` may have it. */
static void give_back(struct fetching *state, uint64_t least) {
    for (size_t i = 0; i < state->share.count; i++) {
        struct partition *partition;
        struct share_part *part = &state->share.parts[i];
        struct share *of = part->given.count == 0 ? NULL
                                                  : share_fetch_share(state, part, &partition);
        if (of != NULL) share_give_back(of, &part->given, state->share.session, least);
        offset_ranges_free(&part->given);
    }
}

static void client_gone(struct request *request) {
    struct fetching *state = request->state;
    leave(state);
    give_back(state, UINT64_MAX);
    request_respond_nothing(request);
}

static void released(struct request *request) {
    struct fetching *state = request->state;
    for (size_t i = 0; i < state->share.count; i++) {
        partition_read_release(&state->share.parts[i].read);
        offset_ranges_free(&state->share.parts[i].given);
    }
}

static void refuse(struct fetching *state, int16_t code) {
    state->response.error_code = code;
    leave(state);
    request_respond(state->share.request, &state->response);
}

/* ---- The answer ---- */

static bool fill_given(struct fetching *state, const struct share_part *part,
                       struct kp_share_fetch_response_partition *out) {
    struct kp_share_fetch_response_acquired *acquired = kp_new_items(
        &state->share.request->arena, &kp_share_fetch_response_acquired_schema,
        &out->acquired_records, (int32_t)part->given.count);
    if (acquired == NULL) return false;
    for (size_t i = 0; i < part->given.count; i++) {
        const struct share_range *range = offset_ranges_at(&part->given, i);
        acquired[i] = (struct kp_share_fetch_response_acquired){range->at.first, range->at.last,
                                                                (int16_t)range->count};
    }
    out->records = (struct kp_records){.slices = part->read.fetch.slices,
                                       .slice_count = (uint32_t)part->read.fetch.count};
    return true;
}

static bool fill_part(struct fetching *state, const struct share_part *part) {
    struct kp_share_fetch_response *response = &state->response;
    struct kp_arena *arena = &state->share.request->arena;
    struct kp_share_fetch_response_topic *topic =
        &response->responses.items[response->responses.count++];
    kp_set_fallbacks(&kp_share_fetch_response_topic_schema, topic);
    topic->topic_id = part->topic;
    struct kp_share_fetch_response_partition *out = kp_new_items(
        arena, &kp_share_fetch_response_partition_schema, &topic->partitions, 1);
    if (out == NULL) return false;
    out->partition_index = part->index;
    out->error_code = part->code;
    out->acknowledge_error_code = part->ack_code;
    out->records = (struct kp_records){.len = 0};
    share_request_hint(&state->share, part, part->code != KAFKA_NONE ? part->code : part->ack_code,
                       &out->current_leader);
    return part->given.count == 0 || fill_given(state, part, out);
}

static bool is_told(const struct share_part *part) {
    return part->acknowledges || part->code != KAFKA_NONE || part->given.count > 0;
}

/* What is more than the client's quota is nobody's again; it hears for how long, and what became of
 * what it said. */
static void hold_to_quota(struct fetching *state) {
    bool given;
    state->response.throttle_time_ms = (int32_t)request_try_quota(
        state->share.request, QUOTA_FETCHED, state->bytes, &given);
    if (!given) give_back(state, UINT64_MAX);
}

/* Which errors the client has heard of then. */
static void tell_errors(const struct fetching *state) {
    struct share_session *session = share_fetch_session(state);
    for (size_t i = 0; session != NULL && i < state->share.count; i++) {
        const struct share_part *part = &state->share.parts[i];
        if (part->code != KAFKA_NONE)
            share_session_tell(session, part->topic, part->index, part->code);
    }
}

static void answer(struct fetching *state) {
    struct request *request = state->share.request;
    struct kp_share_fetch_response *response = &state->response;
    bool fits = kp_new_items(&request->arena, &kp_share_fetch_response_topic_schema,
                             &response->responses, (int32_t)state->share.count + 1) != NULL;
    leave(state);
    hold_to_quota(state);
    tell_errors(state);
    response->responses.count = 0;
    for (size_t i = 0; fits && i < state->share.count; i++)
        if (is_told(&state->share.parts[i])) fits = fill_part(state, &state->share.parts[i]);
    response->acquisition_lock_timeout_ms = (int32_t)state->share.limits.lock_ms;
    response->node_endpoints.items = state->share.hints.items;
    response->node_endpoints.count = state->share.hints.count;
    if (fits)
        request_respond_kept(request, response);
    else
        request_close_too_large(request);
}

/* ---- Waiting ---- */

static void begin_round(struct fetching *state, bool takes_all) {
    stop_waiting(state);
    state->takes_all = takes_all;
    state->may_take_all = false;
    state->at = 0;
    state->failed = 0;
    state->has_news = false;
    state->others = share_sessions_others(state->share.services->share_sessions,
                                          state->share.session);
    request_steps(state->share.request, state->next);
}

static void look(struct env_task *task) {
    begin_round(CONTAINER_OF(task, struct fetching, look), false);
}

static void look_soon(struct fetching *state) {
    if (state->waiting) env_defer(state->share.services->env, &state->look);
}

static void on_moved(struct partition_waiter *waiter, uint64_t bytes, bool changed) {
    struct fetching *state = share_fetching_of(CONTAINER_OF(waiter, struct share_part, moved));
    state->lacks = changed || bytes >= state->lacks ? 0 : state->lacks - bytes;
    if (state->lacks == 0) look_soon(state);
}

static void on_available(struct share_waiter *waiter) {
    look_soon(share_fetching_of(CONTAINER_OF(waiter, struct share_part, available)));
}

static void timed_out(struct deadline *deadline) {
    struct fetching *state = CONTAINER_OF(deadline, struct fetching, deadline);
    state->time_is_over = true;
    if (state->refusal != KAFKA_NONE)
        refuse(state, state->refusal);
    else if (state->waiting && state->gave_back)
        look_soon(state);
    else if (state->waiting)
        answer(state);
}

/* Others need the memory. */
static void give_way(struct parked *parked) {
    timed_out(&CONTAINER_OF(parked, struct fetching, parked)->deadline);
}

static void wait(struct fetching *state) {
    request_timed(state->share.request);
    state->waiting = true;
    parking_park(state->share.request->ctx.parking, &state->parked);
    for (size_t i = 0; i < state->share.count; i++) {
        struct share_part *part = &state->share.parts[i];
        struct partition *partition;
        struct share *of = share_fetch_share(state, part, &partition);
        if (partition == NULL) continue;
        part->moved.stable = state->share.limits.committed;
        part->moved.moved = on_moved;
        part->available.available = on_available;
        partition_wait(partition, &part->moved);
        if (of != NULL) share_wait(of, &part->available);
    }
}

/* As many bytes as it wants, or as many records. */
static bool is_enough(const struct fetching *state) {
    return state->records > 0 &&
           (state->bytes >= state->least_bytes || state->records >= state->most_records);
}

/* Others may have it meanwhile, if they want less. */
static void give_all_back(struct fetching *state) {
    state->gave_back = state->records > 0;
    state->lacks = state->gave_back ? state->least_bytes - state->bytes : 0;
    give_back(state, state->least_bytes);
    for (size_t i = 0; i < state->share.count; i++)
        partition_read_release(&state->share.parts[i].read);
    state->bytes = state->records = 0;
}

static void round_over(struct fetching *state) {
    bool all_failed = state->failed > 0 && state->failed == state->share.count;
    if (share_fetch_session(state) == NULL) {
        refuse(state, KAFKA_SHARE_SESSION_NOT_FOUND);
        return;
    }
    if (is_enough(state) || state->has_news || all_failed || state->time_is_over) {
        answer(state);
        return;
    }
    bool takes_all = state->may_take_all && !state->takes_all && state->records > 0;
    give_all_back(state);
    if (takes_all)
        begin_round(state, true);
    else
        wait(state);
}

/* ---- Rounds ---- */

static bool round_next(struct request *request) {
    struct fetching *state = request->state;
    if (state->at >= state->share.count || state->bytes >= state->most_bytes ||
        state->records >= state->most_records) {
        round_over(state);
        return false;
    }
    size_t place = (state->first + state->at++) % state->share.count;
    return share_fetch_part(state, &state->share.parts[place]);
}

/* ---- The request ---- */

/* It only says what became of records. */
static bool wants_none(const struct kp_share_fetch_request *in) {
    return in->max_records <= 0 || in->max_bytes <= 0;
}

static void committed(struct share_request *share) {
    struct fetching *state = (struct fetching *)share;
    const struct kp_share_fetch_request *in = share->request->message;
    state->time_is_over = in->max_wait_ms <= 0;
    if (in->is_renew_ack || share->epoch == SHARE_EPOCH_CLOSE || wants_none(in)) {
        answer(state);
        return;
    }
    for (size_t i = 0; i < share->count; i++)
        if (share->parts[i].acknowledges && share->parts[i].ack_code != KAFKA_NONE)
            state->time_is_over = true;
    if (!state->time_is_over)
        deadline_set(share->services->deadlines, &state->deadline, (uint32_t)in->max_wait_ms);
    begin_round(state, false);
}

static size_t count_partitions(const struct kp_share_fetch_request *in) {
    size_t count = 0;
    for (int32_t t = 0; t < in->topics.count; t++)
        count += (size_t)in->topics.items[t].partitions.count;
    return count;
}

static bool has_acknowledgements(const struct kp_share_fetch_request *in) {
    for (int32_t t = 0; t < in->topics.count; t++)
        for (int32_t p = 0; p < in->topics.items[t].partitions.count; p++)
            if (in->topics.items[t].partitions.items[p].acknowledgement_batches.count > 0)
                return true;
    return false;
}

static int16_t check(const struct kp_share_fetch_request *in) {
    if (in->share_session_epoch == SHARE_EPOCH_OPEN && has_acknowledgements(in))
        return KAFKA_INVALID_REQUEST;
    if (in->share_acquire_mode != WHOLE && in->share_acquire_mode != EXACT)
        return KAFKA_INVALID_REQUEST;
    if (in->is_renew_ack &&
        (in->max_bytes != 0 || in->min_bytes != 0 || in->max_records != 0 || in->max_wait_ms != 0))
        return KAFKA_INVALID_REQUEST;
    return KAFKA_NONE;
}

/* Clients ask again at once. */
static void refuse_later(struct fetching *state, int16_t code, uint32_t wait_ms) {
    state->refusal = code;
    state->share.request->canceled = client_gone;
    request_timed(state->share.request);
    parking_park(state->share.request->ctx.parking, &state->parked);
    deadline_set(state->share.services->deadlines, &state->deadline, wait_ms);
}

static bool name_next(struct request *request) {
    struct fetching *state = request->state;
    int16_t code;
    switch (share_fetch_name_some(state, &code)) {
    case SHARE_NAMING_MORE: return true;
    case SHARE_NAMING_DONE: share_request_commit(&state->share); break;
    case SHARE_NAMING_REFUSED: refuse(state, code); break;
    case SHARE_NAMING_TOO_LARGE:
        leave(state);
        request_close_too_large(request);
        break;
    }
    return false;
}

void api_share_fetch(void *service, struct request *request) {
    const struct kp_share_fetch_request *in = request->message;
    struct fetching *state = kp_arena_alloc(&request->arena, sizeof *state);
    struct share_session *session;
    if (state == NULL) {
        request_close_too_large(request);
        return;
    }
    *state = (struct fetching){
        .share = {.services = service,
                  .request = request,
                  .committed = committed,
                  .renews = in->is_renew_ack},
        .deadline.passed = timed_out,
        .parked.give_way = give_way,
        .look.run = look,
        .next = round_next,
        .most_bytes = in->max_bytes > 0 ? (uint64_t)in->max_bytes : 0,
        .most_records = in->max_records > 0 ? (uint64_t)in->max_records : 0,
        .exact = in->share_acquire_mode == EXACT,
    };
    if (state->most_bytes > state->share.services->settings->fetch_max_bytes)
        state->most_bytes = state->share.services->settings->fetch_max_bytes;
    uint64_t quota = request_quota_most(request, QUOTA_FETCHED);
    if (state->most_bytes > quota) state->most_bytes = quota;
    state->least_bytes = in->min_bytes > 0 ? (uint64_t)in->min_bytes : 0;
    if (state->least_bytes > state->most_bytes) state->least_bytes = state->most_bytes;
    kp_set_fallbacks(&kp_share_fetch_response_schema, &state->response);
    int16_t code = share_request_may(&state->share, in->group_id);
    if (code == KAFKA_NONE) code = check(in);
    if (code == KAFKA_NONE)
        code = share_request_begin(&state->share, in->group_id, in->member_id,
                                   in->share_session_epoch, count_partitions(in), &session);
    request->state = state;
    if (code == KAFKA_SHARE_SESSION_LIMIT_REACHED && in->max_wait_ms > 0) {
        refuse_later(state, code, (uint32_t)in->max_wait_ms);
        return;
    }
    if (code != KAFKA_NONE) {
        refuse(state, code);
        return;
    }
    request->canceled = client_gone;
    request->released = released;
    request_steps(request, name_next);
}
