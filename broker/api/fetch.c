/*
 * Fetch: committed batches of many partitions, or a wait until there are some. KIP-74 (limits),
 * KIP-98, KIP-227 (sessions), KIP-320, KIP-392, KIP-516 (topic ids), KIP-595 (diverging epochs),
 * KIP-951 (leaders).
 *
 *   prepare ----> a round: what is listed is read, within max_bytes ----> answer: enough, nothing
 *                 ^                                       |               more fits, an error, or
 *                 |                                       v               time over
 *                 `--- something moved, or time over --- wait
 *
 * An answer that is more than the client's quota is an empty one.
 *
 * The first time all partitions are listed, then those at which something moves (fetch_set.h); a
 * session keeps it so for the next request. Each fetch of new partitions begins with another one,
 * and in a session those that brought something go behind the others, so that none starves. All of
 * it goes in steps, because there may be very many partitions.
 *
 * Failures: Kafka's codes, of partitions and of sessions. What takes too much memory has its
 * connection closed, or goes on without its session.
 *
 * Invariants: one fetch at a time is under way in a session; a newer one ends it. Whatever a fetch
 * waits for it leaves before it ends.
 */
#include "protocol/messages/fetch.h"
#include "base/check.h"
#include "base/container_of.h"
#include "broker/api/fetch_internal.h"
#include "broker/api/handlers.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

/* ---- Ends ---- */

static void stop_waiting(struct fetch_state *state) {
    state->waiting = false;
    parking_leave(state->request->ctx.parking, &state->parked);
    env_defer_cancel(state->services->env, &state->look);
}

static void fetch_released(struct request *request) {
    fetch_drop_batches(request->state);
}

static bool leave_next(struct request *request) {
    struct fetch_state *state = request->state;
    if (state->at == state->own.places) {
        state->end(request);
        return false;
    }
    partition_wait_cancel(&state->own.entries[state->at++]->waiter);
    return true;
}

/* Whatever it is at, it stops, and `end` ends the request: in steps, because a client may leave a
 * hundred requests of thousands of partitions. */
static void leave(struct fetch_state *state, void (*end)(struct request *request)) {
    request_steps_stop(state->request);
    stop_waiting(state);
    fetch_round_stop(state);
    deadline_clear(state->services->deadlines, &state->deadline);
    state->own.moved = NULL;
    if (state->session != NULL) fetch_session_leave(state->session);
    state->session = NULL;
    state->end = end;
    state->at = 0;
    request_steps(state->request, leave_next);
}

/* A session that was not given out yet is nobody's. */
static void drop_new_session(struct fetch_state *state) {
    if (state->session != NULL && state->full) fetch_session_remove(state->session);
}

static void client_gone(struct request *request) {
    struct fetch_state *state = request->state;
    request->canceled =
        client_gone; /* told again when the connection closes, which stops the steps */
    drop_new_session(state);
    leave(state, request_respond_nothing);
}

static void give_up(struct fetch_state *state) {
    drop_new_session(state);
    leave(state, request_close_too_large);
}

static void respond_short(struct request *request) {
    struct fetch_state *state = request->state;
    request_respond(request, &state->response);
}

/* It is more than the client's quota: it hears for how long, and gets nothing now; in a session
 * what is new to it stays so, and one that was not given out yet is nobody's (KIP-219). */
static void answer_later(struct fetch_state *state) {
    state->response.session_id = state->session != NULL && !state->full ? state->session->id : 0;
    drop_new_session(state);
    fetch_drop_batches(state);
    leave(state, respond_short);
}

/* Another request of the session came before this one was answered. */
static void displace(struct fetch_state *state) {
    state->response.error_code = KAFKA_INVALID_FETCH_SESSION_EPOCH;
    state->response.session_id = state->session->id;
    state->response.responses.count = 0;
    leave(state, respond_short);
}

/* ---- Waiting ---- */

static bool is_worth_a_look(const struct fetch_state *state) {
    return state->changed ||
           (state->arrived > 0 && state->worth + state->arrived >= state->min_bytes);
}

static void fetch_moved(struct fetch_set *set, struct fetch_entry *entry, uint64_t bytes,
                        bool changed) {
    struct fetch_state *state = set->waiting;
    if (!entry->full) state->arrived += bytes;
    state->changed = state->changed || changed;
    if (state->waiting && is_worth_a_look(state)) env_defer(state->services->env, &state->look);
}

/* What was read is given back: less than the client wants is not worth the memory until there is
 * more. */
static void fetch_wait(struct fetch_state *state) {
    fetch_drop_batches(state);
    request_timed(state->request);
    state->waiting = true;
    if (is_worth_a_look(state))
        env_defer(state->services->env, &state->look);
    else
        parking_park(state->request->ctx.parking, &state->parked);
}

static void read_again(struct fetch_state *state) {
    stop_waiting(state);
    fetch_round(state);
}

static void answer(struct fetch_state *state) {
    bool given;
    stop_waiting(state);
    deadline_clear(state->services->deadlines, &state->deadline);
    state->response.throttle_time_ms = (int32_t)request_try_quota(state->request, QUOTA_FETCHED,
                                                                  state->bytes, &given);
    if (given)
        fetch_answer(state);
    else
        answer_later(state);
}

/* The round is over: answers or waits. */
static void decide(struct fetch_state *state) {
    bool nothing_fits = state->limit_reached || state->closed >= state->set->count;
    if (state->must_answer || state->time_is_over || state->worth >= state->min_bytes ||
        nothing_fits)
        answer(state);
    else
        fetch_wait(state);
}

/* One produce may wake hundreds, of thousands of partitions each. */
static void fetch_look(struct env_task *task) {
    struct fetch_state *state = CONTAINER_OF(task, struct fetch_state, look);
    if (state->looks_late || !env_turn_is_long(state->services->env)) {
        state->looks_late = false;
        read_again(state);
        return;
    }
    state->looks_late = true;
    env_yield(state->services->env, &state->look);
}

static void timed_out(struct deadline *deadline) {
    struct fetch_state *state = CONTAINER_OF(deadline, struct fetch_state, deadline);
    state->time_is_over = true;
    if (!state->reading) read_again(state);
}

/* Others need the memory. What there is goes out, which is mostly nothing: then that is known
 * without another look. */
static void give_way(struct parked *parked) {
    struct fetch_state *state = CONTAINER_OF(parked, struct fetch_state, parked);
    state->time_is_over = true;
    if (state->worth > 0 || state->arrived > 0)
        read_again(state);
    else
        answer(state);
}

/* ---- Beginning ---- */

static void prepare_limits(struct fetch_state *state, const struct kp_fetch_request *in) {
    uint64_t largest = state->services->settings->fetch_max_bytes;
    state->max_bytes = in->max_bytes > 0 ? (uint64_t)in->max_bytes : 0;
    if (state->max_bytes > largest) state->max_bytes = largest;
    uint64_t quota = request_quota_most(state->request, QUOTA_FETCHED);
    if (state->max_bytes > quota) state->max_bytes = quota;
    state->min_bytes = in->min_bytes > 0 ? (uint64_t)in->min_bytes : 0;
    if (state->min_bytes > state->max_bytes) state->min_bytes = state->max_bytes;
    if (in->max_wait_ms <= 0 || state->set->count == 0) state->time_is_over = true;
}

static void begin(struct fetch_state *state) {
    const struct kp_fetch_request *in = state->request->message;
    struct fetch_set *set = state->set;
    prepare_limits(state, in);
    if (state->session != NULL) state->session->preparing = state->full;
    fetch_set_read_committed(set, in->isolation_level == FETCH_READ_COMMITTED);
    if (state->full && set->count > 0)
        fetch_set_begin_with(set, state->services->fetches++ % set->count);
    set->moved = fetch_moved;
    set->waiting = state;
    if (!state->time_is_over)
        deadline_set(state->services->deadlines, &state->deadline, (uint32_t)in->max_wait_ms);
    read_again(state);
}

static size_t count_partitions(const struct kp_fetch_request *in) {
    size_t count = 0;
    for (int32_t t = 0; t < in->topics.count; t++)
        count += (size_t)in->topics.items[t].partitions.count;
    return count;
}

/* Without a session the partitions are the request's own. False: there is no memory for them. */
static bool use_own_set(struct fetch_state *state) {
    const struct kp_fetch_request *in = state->request->message;
    size_t count = count_partitions(in);
    state->session = NULL;
    state->set = &state->own;
    state->full = true;
    state->topic = state->of = 0;
    bool fits = fetch_set_init(&state->own, &state->request->arena, (size_t)in->topics.count, count,
                               SIZE_MAX, env_random_u64(state->services->env));
    state->own.by_id = state->request->api_version >= 13;
    return fits;
}

/* Goes on with preparing, without the session. Returns whether there is a further step. */
static bool lose_session(struct fetch_state *state) {
    fetch_session_remove(state->session);
    fetch_session_leave(state->session);
    if (use_own_set(state)) return true;
    give_up(state);
    return false;
}

/* A new session does not fit: the client goes on without. One that has grown too large is gone, and
 * its client begins anew. */
static bool no_room(struct fetch_state *state) {
    if (state->session != NULL && state->full) return lose_session(state);
    if (state->session == NULL) {
        give_up(state);
        return false;
    }
    fetch_session_remove(state->session);
    state->response.error_code = KAFKA_FETCH_SESSION_ID_NOT_FOUND;
    leave(state, respond_short);
    return false;
}

static struct topic_ref ref_of(const struct fetch_state *state, struct kp_string name,
                               struct kp_uuid id) {
    return (struct topic_ref){.name = name, .id = id, .by_id = state->set->by_id};
}

/* A partition that is named again is fetched once, as it is named last: as Kafka does. */
static bool put_next(struct fetch_state *state, const struct kp_fetch_request_topic *topic) {
    if (state->of == topic->partitions.count) {
        state->topic++;
        state->of = 0;
        return true;
    }
    if (state->of == 0) {
        struct topic_ref ref = ref_of(state, topic->topic, topic->topic_id);
        state->into = fetch_set_topic(state->set, &ref);
    }
    if (state->into == NULL ||
        fetch_set_put(state->set, state->into, &topic->partitions.items[state->of++]) == NULL ||
        (state->session != NULL && !fetch_session_charge(state->session)))
        return no_room(state);
    return true;
}

static bool forget_next(struct fetch_state *state,
                        const struct kp_fetch_request_forgotten_topic *topic) {
    if (state->of == topic->partitions.count) {
        state->topic++;
        state->of = 0;
        return true;
    }
    struct topic_ref ref = ref_of(state, topic->topic, topic->topic_id);
    fetch_set_forget(state->set, &ref, topic->partitions.items[state->of++]);
    return true;
}

static bool prepare_next(struct request *request) {
    const struct kp_fetch_request *in = request->message;
    struct fetch_state *state = request->state;
    if (!state->forgetting && state->topic < in->topics.count)
        return put_next(state, &in->topics.items[state->topic]);
    if (!state->full) {
        if (!state->forgetting) state->topic = state->of = 0;
        state->forgetting = true;
        if (state->topic < in->forgotten_topics_data.count)
            return forget_next(state, &in->forgotten_topics_data.items[state->topic]);
        state->forgetting = false;
        /* nothing is left of it: as Kafka, which then serves what the request names */
        if (state->set->count == 0) return lose_session(state);
    }
    begin(state);
    return false;
}

static struct fetch_asker asker_of(const struct fetch_state *state) {
    return (struct fetch_asker){.principal = state->request->ctx.principal,
                                .peer = state->request->ctx.peer,
                                .now_ms = env_now_ms(state->services->env)};
}

static void use_session(struct fetch_state *state, struct fetch_session *session) {
    if (session->fetch != NULL) displace(session->fetch);
    session->fetch = state;
    session->preparing = true;
    state->session = session;
    state->set = &session->set;
}

/* The request goes on with a session. False: it has its error. */
static bool take_session(struct fetch_state *state) {
    const struct kp_fetch_request *in = state->request->message;
    struct fetch_asker asker = asker_of(state);
    struct fetch_session *session;
    state->response.error_code = fetch_sessions_take(state->services->fetch_sessions, &asker,
                                                     in->session_id, in->session_epoch,
                                                     state->request->api_version >= 13, &session);
    if (state->response.error_code != KAFKA_NONE) return false;
    use_session(state, session);
    return true;
}

/* The request names all that it wants. False: there is no memory for it. */
static bool begin_anew(struct fetch_state *state) {
    const struct kp_fetch_request *in = state->request->message;
    struct fetch_sessions *sessions = state->services->fetch_sessions;
    struct fetch_asker asker = asker_of(state);
    struct fetch_session *session = NULL;
    if (in->session_id != 0) fetch_sessions_end(sessions, &asker, in->session_id);
    if (in->session_epoch == 0)
        session = fetch_sessions_make(sessions, &asker, state->request->api_version >= 13,
                                      (size_t)in->topics.count, count_partitions(in));
    if (session == NULL) return use_own_set(state);
    use_session(state, session);
    state->full = true;
    return true;
}

void api_fetch(void *service, struct request *request) {
    const struct kp_fetch_request *in = request->message;
    struct fetch_state *state = kp_arena_alloc(&request->arena, sizeof *state);
    *state = (struct fetch_state){.services = service, .request = request};
    state->deadline.passed = timed_out;
    state->look.run = fetch_look;
    state->parked.give_way = give_way;
    state->round_over = decide;
    state->no_memory = give_up;
    kp_set_fallbacks(&kp_fetch_response_schema, &state->response);
    request->state = state;
    bool anew = in->session_epoch == 0 || in->session_epoch == -1;
    if (!anew && !take_session(state)) {
        request_respond(request, &state->response);
        return;
    }
    if (anew && !begin_anew(state)) {
        request_close_too_large(request);
        return;
    }
    request->canceled = client_gone;
    request->released = fetch_released;
    request_steps(request, prepare_next);
}
