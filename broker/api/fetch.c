/*
 * Fetch: committed batches of many partitions, or a wait until there are some. KIP-74 (limits),
 * KIP-98, KIP-227 (sessions: none are given), KIP-320, KIP-392, KIP-516, KIP-951.
 *
 *   read every partition, one after the other, within max_bytes
 *         ^      |--> enough, nothing more fits, an error, or time over: answer
 *         |      `--> wait for the watermarks
 *         `--------------- enough bytes became visible, or a leadership changed
 *
 * What lies in the log and does not fit counts, up to the partition's limit: waiting would not make
 * the answer larger. The first batch is returned even if it is larger than the limits, so that
 * every consumer gets on; each request begins with another partition, so that none starves.
 * Preparing, reading and waiting go in steps, because there may be very many partitions. A
 * partition that this replica is about to lead counts as one without data until the time is over.
 * Batches are sent from the buffers in which they are kept, without a copy.
 */
#include "protocol/messages/fetch.h"
#include "base/check.h"
#include "base/container_of.h"
#include "broker/api/handlers.h"
#include "broker/api/key_set.h"
#include "broker/api/leader_hint.h"
#include "broker/server/parking.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

struct fetch_part {
    struct partition_read read; /* first */
    struct partition_waiter waiter;
    struct fetch_state *owner;
    const struct kp_fetch_request_topic *topic;
    const struct kp_fetch_request_partition *in;
    struct kp_fetch_response_partition *out;
    bool full; /* more lies in the log than this partition's limit lets in */
};

struct fetch_state {
    struct broker_services *services;
    struct request *request;
    struct kp_fetch_response response;
    struct leader_hints hints;
    struct fetch_part *parts;
    size_t count;
    struct key_set seen;
    int32_t topic,
        of; /* while preparing: where to go on in the request, and with which of its partitions */
    size_t first; /* place of the partition that is read first */
    size_t done;  /* partitions read in this round, or waited for */
    size_t held; /* partitions from that on that may hold batches: of the others nothing is touched,
                    their memory may not be there yet */
    uint64_t min_bytes; /* worth an answer */
    uint64_t max_bytes;
    uint64_t bytes;   /* read in this round */
    uint64_t worth;   /* the same, and what would be read if no limit of the partitions were in the
                         way, up to these limits */
    size_t open;      /* partitions that can bring more, when more is produced */
    bool full;        /* the limit of all is reached */
    uint64_t charged; /* for what is held of it */
    uint64_t arrived; /* became visible since */
    bool reading;     /* a round is under way */
    bool as_read;     /* while it begins to wait: nothing has moved since */
    bool waiting;     /* for watermarks */
    bool gone;        /* the client has */
    bool must_answer; /* a partition has an error */
    bool time_is_over;
    bool looks_late; /* in a later turn */
    struct deadline deadline;
    struct parked parked; /* while it waits */
    struct env_task look; /* reads again, at the end of the turn in which something moved */
};

/* KIP-516. */
static bool is_by_id(const struct fetch_state *state) {
    return state->request->api_version >= 13;
}

/* ---- Ends ---- */

static void stop_waiting(struct fetch_state *state) {
    for (size_t i = 0; state->waiting && i < state->count; i++)
        partition_wait_cancel(&state->parts[i].waiter);
    state->waiting = false;
    parking_leave(state->request->ctx.parking, &state->parked);
    env_defer_cancel(state->services->env, &state->look);
}

static void drop_batches(struct fetch_state *state) {
    for (size_t i = 0; i < state->held; i++)
        partition_read_release(&state->parts[(state->first + i) % state->count].read);
    state->held = 0;
    budget_release(state->request->ctx.answers, state->charged);
    state->charged = 0;
}

static void fetch_released(struct request *request) {
    struct fetch_state *state = request->state;
    drop_batches(state);
}

static bool leave_next(struct request *request) {
    struct fetch_state *state = request->state;
    if (state->done == state->count) {
        request_respond_nothing(request);
        return false;
    }
    partition_wait_cancel(&state->parts[state->done++].waiter);
    return true;
}

/* In steps, because a client may leave a hundred requests of thousands of partitions. */
static void client_gone(struct request *request) {
    struct fetch_state *state = request->state;
    request->canceled =
        client_gone; /* told again when the connection closes, which stops the steps */
    /* partitions are read one after the other */
    if (state->reading && state->done > 0)
        partition_read_cancel(&state->parts[(state->first + state->done - 1) % state->count].read);
    state->reading = false;
    state->gone = true;
    parking_leave(request->ctx.parking, &state->parked);
    env_defer_cancel(state->services->env, &state->look);
    deadline_clear(state->services->deadlines, &state->deadline);
    state->done = state->waiting ? 0 : state->count;
    request_steps(request, leave_next);
}

static void fetch_answer(struct fetch_state *state) {
    for (size_t i = 0; i < state->count; i++) {
        const struct partition_log_fetch *fetch = &state->parts[i].read.fetch;
        state->parts[i].out->records = (struct kp_records){.slices = fetch->slices,
                                                           .slice_count = (uint32_t)fetch->count};
    }
    state->response.node_endpoints.items = state->hints.items;
    state->response.node_endpoints.count = state->hints.count;
    deadline_clear(state->services->deadlines, &state->deadline);
    request_respond_kept(state->request, &state->response);
}

/* ---- Waiting ---- */

static void fetch_moved(struct partition_waiter *waiter, uint64_t bytes, bool changed) {
    struct fetch_part *part = CONTAINER_OF(waiter, struct fetch_part, waiter);
    struct fetch_state *state = part->owner;
    if (state->gone) return;
    if (!part->full) state->arrived += bytes;
    if (changed || state->worth + state->arrived >= state->min_bytes)
        env_defer(state->services->env, &state->look);
}

static struct topic_ref ref_of(const struct fetch_part *part) {
    return (struct topic_ref){
        .name = part->topic->topic, .id = part->topic->topic_id, .by_id = is_by_id(part->owner)};
}

static struct partition *fetch_find(const struct fetch_part *part, int16_t *code) {
    const struct fetch_state *state = part->owner;
    struct topic_ref ref = ref_of(part);
    return local_partition_of_ref(state->services, state->request, AUTHORIZE_READ, &ref,
                                  part->in->partition, code);
}

/* Begins to wait for one partition. False: it is not any more as it was read, which may be a while
 * ago. */
static bool wait_for(struct fetch_part *part) {
    int16_t code;
    struct partition *partition = fetch_find(part, &code);
    if (partition == NULL) return false;
    partition_wait(partition, &part->waiter);
    if (part->read.electing) return !partition_is_leading(partition);
    return partition_is_leading(partition) &&
           partition_high_watermark(partition) == part->read.high_watermark;
}

static bool wait_next(struct request *request) {
    struct fetch_state *state = request->state;
    if (state->done == state->count) {
        if (state->as_read)
            parking_park(state->request->ctx.parking, &state->parked);
        else
            env_defer(state->services->env, &state->look);
        return false;
    }
    state->as_read = wait_for(&state->parts[state->done++]) && state->as_read;
    return true;
}

/* What was read is given back: less than the client wants is not worth the memory until there is
 * more. */
static void fetch_wait(struct fetch_state *state) {
    drop_batches(state);
    state->waiting = state->as_read = true;
    state->arrived = 0;
    state->done = 0;
    request_steps(state->request, wait_next);
}

/* ---- Reading ---- */

static void give_hint(struct fetch_part *part, int16_t code) {
    struct fetch_state *state = part->owner;
    struct topic_ref ref = ref_of(part);
    if (state->request->api_version >= 16)
        leader_hint_give(state->services, state->request, &ref, part->in->partition, code,
                         &part->out->current_leader, &state->hints);
}

static void set_error(struct fetch_part *part, int16_t code) {
    give_hint(part, code);
    part->owner->must_answer = true;
    part->out->error_code = code;
    part->out->high_watermark = -1;
    part->out->last_stable_offset = -1;
    part->out->log_start_offset = -1;
}

static uint64_t own_limit(const struct fetch_part *part) {
    return part->in->partition_max_bytes > 0 ? (uint64_t)part->in->partition_max_bytes : 0;
}

/* What the limit of all leaves, which is nothing while the memory for answers is spent. */
static uint64_t left_for_all(const struct fetch_state *state) {
    if (budget_spent(state->request->ctx.answers)) return 0;
    return state->max_bytes > state->bytes ? state->max_bytes - state->bytes : 0;
}

static uint64_t limit_of(const struct fetch_state *state, const struct fetch_part *part) {
    uint64_t left = left_for_all(state), own = own_limit(part);
    uint64_t limit = own < left ? own : left;
    return state->bytes == 0 && limit == 0
               ? 1
               : limit; /* the first batch always comes, so that everybody gets on */
}

/* Only the first batch of an answer may be larger than the limits (KIP-74). */
static void take_batches(struct fetch_state *state, struct fetch_part *part) {
    uint64_t left = left_for_all(state), own = own_limit(part), worth = part->read.fetch.bytes;
    bool more = part->read.more;
    if (state->bytes > 0 && part->read.fetch.bytes > limit_of(state, part)) {
        partition_read_release(&part->read);
        more = true;
    } else {
        state->bytes += part->read.fetch.bytes;
        state->charged += part->read.fetch.bytes;
        budget_charge(state->request->ctx.answers, part->read.fetch.bytes);
    }
    part->full = more && own <= left;
    state->full = state->full || (more && own > left);
    if (part->full && worth < own) worth = own;
    state->worth += worth;
    if (!more) state->open++;
}

static void take_read(struct fetch_part *part) {
    struct fetch_state *state = part->owner;
    const struct partition_read *read = &part->read;
    const struct kp_fetch_request *in = state->request->message;
    struct kp_fetch_response_partition *out = part->out;
    if (read->error == KAFKA_NONE && (in->max_bytes < 0 || part->in->partition_max_bytes < 0)) {
        partition_read_release(&part->read);
        set_error(part, KAFKA_UNKNOWN_SERVER_ERROR); /* as Kafka says to a limit below 0 */
        return;
    }
    out->error_code = read->error;
    out->high_watermark = read->high_watermark;
    out->last_stable_offset =
        read->high_watermark; /* of their own: transactions will hold it back */
    out->log_start_offset = read->start_offset;
    if (read->error == KAFKA_NONE)
        take_batches(state, part);
    else if (read->electing)
        state->open++;
    else {
        give_hint(part, read->error);
        state->must_answer = true;
    }
}

/* Returns true when the partition is done. */
static bool read_part(struct fetch_state *state, struct fetch_part *part) {
    int16_t code;
    struct partition *partition = fetch_find(part, &code);
    part->full = false;
    part->out->current_leader = (struct kp_leader_id_and_epoch){.leader_id = -1,
                                                                .leader_epoch = -1};
    if (partition == NULL) {
        set_error(part, code);
        return true;
    }
    if (partition_read(partition, part->in->fetch_offset, part->in->current_leader_epoch,
                       limit_of(state, part), &part->read) == PENDING)
        return false;
    take_read(part);
    return true;
}

/* The round is over: answers or waits. */
static void fetch_decide(struct fetch_state *state) {
    bool nothing_fits = state->full || state->open == 0;
    state->reading = false;
    if (state->must_answer || state->time_is_over || state->worth >= state->min_bytes ||
        nothing_fits)
        fetch_answer(state);
    else
        fetch_wait(state);
}

static bool read_next(struct request *request) {
    struct fetch_state *state = request->state;
    if (state->done == state->count) {
        fetch_decide(state);
        return false;
    }
    struct fetch_part *part = &state->parts[(state->first + state->done) % state->count];
    state->held = ++state->done;
    return read_part(state, part);
}

static void read_done(struct partition_read *read) {
    struct fetch_part *part = (struct fetch_part *)read;
    take_read(part);
    request_steps(part->owner->request, read_next);
}

static void read_again(struct fetch_state *state) {
    stop_waiting(state);
    request_steps_stop(state->request);
    state->reading = true;
    state->done = 0;
    state->bytes = state->worth = 0;
    state->open = 0;
    state->full = false;
    request_steps(state->request, read_next);
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
    if (state->worth > 0 || state->arrived > 0) {
        read_again(state);
        return;
    }
    stop_waiting(state);
    fetch_answer(state);
}

/* ---- Beginning ---- */

static struct key key_of(const void *owner, size_t place) {
    const struct fetch_part *part = &((const struct fetch_state *)owner)->parts[place];
    const struct kp_uuid *id = &part->topic->topic_id;
    struct kp_string text = is_by_id(part->owner)
                                ? (struct kp_string){(const char *)id->bytes, sizeof id->bytes}
                                : part->topic->topic;
    return (struct key){.text = text, .number = part->in->partition};
}

static void prepare_part(struct fetch_state *state, struct fetch_part *part,
                         struct kp_fetch_response_partition *out) {
    part->out = out;
    part->read.done = read_done;
    part->waiter.moved = fetch_moved;
    kp_set_fallbacks(&kp_fetch_response_partition_schema, out);
    out->partition_index = part->in->partition;
    out->preferred_read_replica = -1;
    const struct kp_fetch_request *request = state->request->message;
    out->aborted_transactions.count = request->isolation_level == 1 ? 0 : -1;
}

/* False: the arena's limit is passed. */
static bool prepare_topic(struct fetch_state *state, const struct kp_fetch_request_topic *topic) {
    struct kp_fetch_response_topic *out =
        &state->response.responses.items[state->response.responses.count++];
    size_t count = topic->partitions.count < 0 ? 0 : (size_t)topic->partitions.count;
    kp_set_fallbacks(&kp_fetch_response_topic_schema, out);
    out->topic = topic->topic;
    out->topic_id = topic->topic_id;
    out->partitions.items = kp_arena_alloc(&state->request->arena,
                                           count * sizeof *out->partitions.items);
    return out->partitions.items != NULL;
}

/* A partition that is named again is fetched once, as it is named last: as Kafka does. */
static void prepare_partition(struct fetch_state *state, const struct kp_fetch_request_topic *topic,
                              const struct kp_fetch_request_partition *in) {
    struct kp_fetch_response_topic *out =
        &state->response.responses.items[state->response.responses.count - 1];
    struct fetch_part *part = &state->parts[state->done];
    part->owner = state;
    part->topic = topic;
    part->in = in;
    size_t place = key_set_put(&state->seen, state->done);
    if (place != state->done) {
        state->parts[place].in = in;
        return;
    }
    state->done++;
    prepare_part(state, part, &out->partitions.items[out->partitions.count++]);
}

static void begin(struct fetch_state *state);

static bool prepare_next(struct request *request) {
    const struct kp_fetch_request *in = request->message;
    struct fetch_state *state = request->state;
    if (state->topic >= in->topics.count) {
        begin(state);
        return false;
    }
    const struct kp_fetch_request_topic *topic = &in->topics.items[state->topic];
    if (state->of == 0 && !prepare_topic(state, topic)) {
        request_close_too_large(request);
        return false;
    }
    if (state->of < topic->partitions.count) {
        prepare_partition(state, topic, &topic->partitions.items[state->of++]);
        return true;
    }
    int32_t *answered = &state->response.responses.count;
    if (state->response.responses.items[*answered - 1].partitions.count == 0)
        (*answered)--; /* all were named before */
    state->topic++;
    state->of = 0;
    return true;
}

static void prepare_limits(struct fetch_state *state, const struct kp_fetch_request *in) {
    uint64_t largest = state->services->settings->fetch_max_bytes;
    state->max_bytes = in->max_bytes > 0 ? (uint64_t)in->max_bytes : 0;
    if (state->max_bytes > largest) state->max_bytes = largest;
    state->min_bytes = in->min_bytes > 0 ? (uint64_t)in->min_bytes : 0;
    if (state->min_bytes > state->max_bytes) state->min_bytes = state->max_bytes;
    if (in->max_wait_ms <= 0 || state->count == 0) state->time_is_over = true;
    state->first = state->count > 0 ? state->services->fetches++ % state->count : 0;
}

static void begin(struct fetch_state *state) {
    const struct kp_fetch_request *in = state->request->message;
    state->count = state->done; /* different ones */
    prepare_limits(state, in);
    if (!state->time_is_over)
        deadline_set(state->services->deadlines, &state->deadline, (uint32_t)in->max_wait_ms);
    read_again(state);
}

void api_fetch(void *service, struct request *request) {
    const struct kp_fetch_request *in = request->message;
    struct kp_arena *arena = &request->arena;
    struct fetch_state *state = kp_arena_alloc(arena, sizeof *state);
    *state = (struct fetch_state){.services = service, .request = request};
    state->deadline.passed = timed_out;
    state->look.run = fetch_look;
    state->parked.give_way = give_way;
    kp_set_fallbacks(&kp_fetch_response_schema, &state->response);
    if (in->session_epoch != 0 &&
        in->session_epoch != -1) { /* KIP-227: no session was ever given */
        state->response.error_code = KAFKA_FETCH_SESSION_ID_NOT_FOUND;
        request_respond(request, &state->response);
        return;
    }
    for (int32_t t = 0; t < in->topics.count; t++)
        state->count += in->topics.items[t].partitions.count < 0
                            ? 0
                            : (size_t)in->topics.items[t].partitions.count;
    size_t topics = in->topics.count < 0 ? 0 : (size_t)in->topics.count;
    state->parts = kp_arena_alloc(arena, state->count * sizeof *state->parts);
    state->response.responses.items = kp_arena_alloc(
        arena, topics * sizeof *state->response.responses.items);
    if (state->parts == NULL || state->response.responses.items == NULL ||
        !key_set_init(&state->seen, arena, state->count, env_random_u64(state->services->env),
                      key_of, state)) {
        request_close_too_large(request);
        return;
    }
    request->state = state;
    request->canceled = client_gone;
    request->released = fetch_released;
    request_steps(request, prepare_next);
}
