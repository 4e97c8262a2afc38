/*
 * ListTransactions (key 66): the transactions that this broker coordinates. KIP-664, KIP-994
 * (duration), KIP-1152 (pattern).
 *
 * Happy path: the filters are read, then every id of every coordinator that leads here is looked
 * at, all in steps. What is said is what has committed, and needs no confirmation: it is for
 * people. Failures: COORDINATOR_LOAD_IN_PROGRESS for the whole answer while a coordinator is about
 * to lead; INVALID_REGULAR_EXPRESSION, also of one that takes too long for the ids. States that do
 * not exist are named, each once; nothing is in them.
 */
#include "protocol/messages/list_transactions.h"

#include "broker/api/handlers.h"
#include "broker/api/key_set.h"
#include "broker/api/services.h"
#include "broker/coordinator/coordinators.h"
#include "broker/coordinator/regex/topic_regex.h"
#include "broker/coordinator/transaction/transaction_coordinator.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum { OF_A_STEP = 64 };
/* Instructions for one id, and for all: some seconds. */
enum { MATCHING_OF_AN_ID = 1 << 16, MATCHING_OF_ALL = 1 << 28 };

/* The ids of one coordinator. */
struct listed_walk {
    struct transaction_walk *walk;
    struct listed_walk *next;
};

/* One request on its way; in its arena. */
struct listing_transactions {
    const struct broker_services *services;
    struct request *request;
    const struct kp_list_transactions_request *asked;
    struct kp_list_transactions_response response;
    int32_t room;           /* of response.transaction_states.items */
    struct key_set unknown; /* states */
    struct key_set producers;
    int32_t states_at, producers_at;
    uint32_t states; /* a bit for each that is wanted */
    struct topic_regex *pattern;
    uint64_t matching; /* instructions that are left for it */
    struct listed_walk *walks;
    int64_t now_ms;
    bool too_large;
};

/* ---- Filters ---- */

static int state_named(struct kp_string name) {
    for (int i = 0; i < TRANSACTION_STATUSES; i++)
        if (kp_string_is(name, transaction_status_name((enum transaction_status)i))) return i;
    return -1;
}

static struct key key_of_state(const void *owner, size_t place) {
    const struct listing_transactions *listing = owner;
    return (struct key){.text = listing->asked->state_filters.items[place]};
}

static struct key key_of_id(const int64_t *id) {
    return (struct key){.text = {.data = (const char *)id, .len = sizeof *id}};
}

static struct key key_of_producer(const void *owner, size_t place) {
    const struct listing_transactions *listing = owner;
    return key_of_id(&listing->asked->producer_id_filters.items[place]);
}

static void read_next_state(struct listing_transactions *listing) {
    size_t place = (size_t)listing->states_at++;
    struct kp_string name = listing->asked->state_filters.items[place];
    int state = state_named(name);
    if (state >= 0)
        listing->states |= 1u << state;
    else if (key_set_put(&listing->unknown, place) == place)
        listing->response.unknown_state_filters
            .items[listing->response.unknown_state_filters.count++] = name;
}

/* When it takes too long nobody knows. */
static bool matches(struct listing_transactions *listing, struct kp_string id) {
    uint64_t most = listing->matching < MATCHING_OF_AN_ID ? listing->matching : MATCHING_OF_AN_ID;
    uint64_t budget = most;
    bool does = topic_regex_matches(listing->pattern, id.data, (size_t)id.len, &budget);
    listing->matching -= most - budget;
    if (budget == 0) listing->response.error_code = KAFKA_INVALID_REGULAR_EXPRESSION;
    return does;
}

static bool is_wanted(struct listing_transactions *listing, struct kp_string id,
                      const struct transaction_state *state) {
    const struct kp_list_transactions_request *asked = listing->asked;
    if (asked->state_filters.count > 0 && (listing->states & 1u << state->status) == 0)
        return false;
    if (asked->producer_id_filters.count > 0) {
        struct key key = key_of_id(&state->producer_id);
        if (key_set_find(&listing->producers, key) == KEY_NONE) return false;
    }
    if (asked->duration_filter >= 0 && listing->now_ms - state->start_ms <= asked->duration_filter)
        return false;
    if (!authorize_seeing(&listing->request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TRANSACTIONAL_ID,
                          id.data, (size_t)id.len))
        return false;
    return listing->pattern == NULL || matches(listing, id);
}

/* ---- Listing ---- */

static struct kp_list_transactions_response_transaction *new_row(
    struct listing_transactions *listing) {
    struct kp_list_transactions_response *response = &listing->response;
    if (response->transaction_states.count == listing->room) {
        int32_t room = listing->room == 0 ? OF_A_STEP : listing->room * 2;
        struct kp_list_transactions_response_transaction *items = kp_arena_alloc(
            &listing->request->arena, (size_t)room * sizeof *items);
        if (items == NULL) return NULL;
        for (int32_t i = 0; i < listing->room; i++)
            items[i] = response->transaction_states.items[i];
        response->transaction_states.items = items;
        listing->room = room;
    }
    return &response->transaction_states.items[response->transaction_states.count++];
}

static void list(struct listing_transactions *listing, struct kp_string id,
                 const struct transaction_state *state) {
    struct kp_list_transactions_response_transaction *row = new_row(listing);
    if (row != NULL) {
        kp_set_fallbacks(&kp_list_transactions_response_transaction_schema, row);
        row->transactional_id = kp_arena_string(&listing->request->arena, id.data, (size_t)id.len);
        row->producer_id = state->producer_id;
        row->transaction_state = kp_string_of(transaction_status_name(state->status));
    }
    listing->too_large = row == NULL || row->transactional_id.len < 0;
}

/* False: that was all. */
static bool look_at_next(struct listing_transactions *listing) {
    struct kp_string id;
    while (listing->walks != NULL) {
        const struct transaction_state *state = transaction_walk_next(listing->walks->walk, &id);
        if (state != NULL) {
            if (is_wanted(listing, id, state)) list(listing, id, state);
            return true;
        }
        transaction_walk_free(listing->walks->walk);
        listing->walks = listing->walks->next;
    }
    return false;
}

static bool take_next(struct listing_transactions *listing) {
    if (listing->states_at < listing->asked->state_filters.count) {
        read_next_state(listing);
    } else if (listing->producers_at < listing->asked->producer_id_filters.count) {
        key_set_put(&listing->producers, (size_t)listing->producers_at++);
    } else {
        return look_at_next(listing);
    }
    return true;
}

static bool list_next(struct request *request) {
    struct listing_transactions *listing = request->state;
    int most = listing->pattern == NULL ? OF_A_STEP : 1; /* matching takes its time */
    for (int i = 0; i < most && !listing->too_large; i++) {
        bool more = take_next(listing);
        if (listing->response.error_code != KAFKA_NONE)
            listing->response.transaction_states.count = 0;
        else if (more)
            continue;
        request_respond_kept(request, &listing->response);
        return false;
    }
    if (listing->too_large) request_close_too_large(request);
    return !listing->too_large;
}

static void released(struct request *request) {
    struct listing_transactions *listing = request->state;
    topic_regex_free(listing->pattern);
    for (; listing->walks != NULL; listing->walks = listing->walks->next)
        transaction_walk_free(listing->walks->walk);
}

/* ---- Beginning ---- */

static void begin_walk(void *arg, void *state) {
    struct listing_transactions *listing = arg;
    struct listed_walk *walk = kp_arena_alloc(&listing->request->arena, sizeof *walk);
    if (walk == NULL) {
        listing->too_large = true;
        return;
    }
    *walk = (struct listed_walk){transaction_walk_new(state), listing->walks};
    listing->walks = walk;
}

static bool begin_filters(struct listing_transactions *listing) {
    const struct kp_list_transactions_request *asked = listing->asked;
    struct kp_arena *arena = &listing->request->arena;
    uint64_t seed = env_random_u64(listing->services->env);
    size_t states = asked->state_filters.count < 0 ? 0 : (size_t)asked->state_filters.count;
    size_t producers = asked->producer_id_filters.count < 0
                           ? 0
                           : (size_t)asked->producer_id_filters.count;
    listing->response.unknown_state_filters.items = kp_arena_alloc(
        arena, (states + 1) * sizeof *listing->response.unknown_state_filters.items);
    return listing->response.unknown_state_filters.items != NULL &&
           key_set_init(&listing->unknown, arena, states, seed, key_of_state, listing) &&
           key_set_init(&listing->producers, arena, producers, seed, key_of_producer, listing);
}

static int16_t begin_pattern(struct listing_transactions *listing) {
    struct kp_string pattern = listing->asked->transactional_id_pattern;
    struct error_text why;
    if (pattern.len <= 0) return KAFKA_NONE; /* none */
    listing->pattern = topic_regex_new(pattern.data, (size_t)pattern.len, &why);
    return listing->pattern == NULL ? KAFKA_INVALID_REGULAR_EXPRESSION : KAFKA_NONE;
}

void api_list_transactions(void *service, struct request *request) {
    const struct broker_services *services = service;
    struct listing_transactions *listing = kp_arena_alloc(&request->arena, sizeof *listing);
    if (listing == NULL) {
        request_close_too_large(request);
        return;
    }
    *listing = (struct listing_transactions){.services = services,
                                             .request = request,
                                             .asked = request->message,
                                             .matching = MATCHING_OF_ALL,
                                             .now_ms = env_wall_ms(services->env)};
    kp_set_fallbacks(&kp_list_transactions_response_schema, &listing->response);
    request->state = listing;
    request->released = released;
    listing->response.error_code = begin_pattern(listing);
    if (listing->response.error_code != KAFKA_NONE) {
        request_respond(request, &listing->response);
        return;
    }
    if (coordinators_each(services->transaction_coordinators, begin_walk, listing) > 0) {
        listing->response.error_code = KAFKA_COORDINATOR_LOAD_IN_PROGRESS;
        request_respond(request, &listing->response);
        return;
    }
    if (begin_filters(listing) && !listing->too_large)
        request_steps(request, list_next);
    else
        request_close_too_large(request);
}
