/*
 * ListTransactions (key 66): the transactions of this broker as a coordinator. There are no
 * transactions yet, so only the filters have anything to say: states that do not exist are named,
 * each once, and a pattern that is none is refused with INVALID_REGULAR_EXPRESSION. In steps: a
 * request may name many.
 */
#include "protocol/messages/list_transactions.h"

#include "broker/api/handlers.h"
#include "broker/api/key_set.h"
#include "broker/api/services.h"
#include "broker/coordinator/regex/topic_regex.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

/* One request on its way; in its arena. */
struct listing_transactions {
    const struct kp_list_transactions_request *asked;
    struct kp_list_transactions_response response;
    struct key_set seen;
    int32_t at;
};

static bool is_state(struct kp_string name) {
    static const char *const states[] = {"Ongoing",        "PrepareCommit",    "PrepareAbort",
                                         "CompleteCommit", "CompleteAbort",    "Empty",
                                         "Dead",           "PrepareEpochFence"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (kp_string_is(name, states[i])) return true;
    return false;
}

static struct key key_of_state(const void *owner, size_t place) {
    const struct listing_transactions *listing = owner;
    return (struct key){.text = listing->asked->state_filters.items[place]};
}

static bool check_next_state(struct request *request) {
    struct listing_transactions *listing = request->state;
    if (listing->at >= listing->asked->state_filters.count) {
        request_respond_kept(request, &listing->response);
        return false;
    }
    size_t place = (size_t)listing->at++;
    struct kp_string name = listing->asked->state_filters.items[place];
    if (!is_state(name) && key_set_put(&listing->seen, place) == place)
        listing->response.unknown_state_filters
            .items[listing->response.unknown_state_filters.count++] = name;
    return true;
}

static bool is_pattern(struct kp_string pattern) {
    struct error_text why;
    if (pattern.len <= 0) return true; /* none */
    struct topic_regex *regex = topic_regex_new(pattern.data, (size_t)pattern.len, &why);
    topic_regex_free(regex);
    return regex != NULL;
}

void api_list_transactions(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_list_transactions_request *asked = request->message;
    struct kp_arena *arena = &request->arena;
    struct listing_transactions *listing = kp_arena_alloc(arena, sizeof *listing);
    size_t count = asked->state_filters.count < 0 ? 0 : (size_t)asked->state_filters.count;
    *listing = (struct listing_transactions){.asked = asked};
    kp_set_fallbacks(&kp_list_transactions_response_schema, &listing->response);
    if (!is_pattern(asked->transactional_id_pattern)) {
        listing->response.error_code = KAFKA_INVALID_REGULAR_EXPRESSION;
        request_respond(request, &listing->response);
        return;
    }
    listing->response.unknown_state_filters.items = kp_arena_alloc(
        arena, (count + 1) * sizeof *listing->response.unknown_state_filters.items);
    request->state = listing;
    if (listing->response.unknown_state_filters.items != NULL &&
        key_set_init(&listing->seen, arena, count, env_random_u64(services->env), key_of_state,
                     listing))
        request_steps(request, check_next_state);
    else
        request_close_too_large(request);
}
