/*
 * ListGroups (key 16): the groups that this broker coordinates. KIP-518 (states), KIP-848 (types).
 *
 * Happy path: every coordinator that leads here confirms that it does, and its groups are listed.
 * Failures: COORDINATOR_LOAD_IN_PROGRESS for the whole answer while one is about to lead; one that
 * leads no more is left out, for its groups are listed elsewhere.
 */
#include "protocol/messages/list_groups.h"

#include <strings.h>

#include "base/container_of.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/coordinator/coordinators.h"
#include "broker/coordinator/serving/group_coordinator.h"
#include "broker/coordinator/serving/group_listing.h"
#include "protocol/kafka_error.h"

/* The question to one coordinator. */
struct asked {
    struct coordinator_confirm confirm;
    struct listing *owner;
    struct group_coordinator *coordinator;
    struct asked *next;
};

struct listing {
    struct request *request;
    struct kp_list_groups_response response;
    int32_t room; /* of response.groups.items */
    struct asked *asked;
    size_t pending; /* questions, and the asking itself */
    bool too_large;
};

/* ---- Filters ---- */

static struct kp_string trimmed(struct kp_string text) {
    while (text.len > 0 && text.data[0] == ' ') {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && text.data[text.len - 1] == ' ')
        text.len--;
    return text;
}

static bool is_wanted(const struct kp_string *filter, int32_t count, struct kp_string value) {
    for (int32_t i = 0; i < count; i++) {
        struct kp_string wanted = trimmed(filter[i]);
        if (wanted.len == value.len && strncasecmp(wanted.data, value.data, (size_t)value.len) == 0)
            return true;
    }
    return count <= 0;
}

/* ---- Listing ---- */

static struct kp_list_groups_response_group *new_group(struct listing *state) {
    struct kp_list_groups_response *response = &state->response;
    if (response->groups.count == state->room) {
        int32_t room = state->room == 0 ? 64 : state->room * 2;
        struct kp_list_groups_response_group *items = kp_arena_alloc(&state->request->arena,
                                                                     (size_t)room * sizeof *items);
        if (items == NULL) return NULL;
        for (int32_t i = 0; i < response->groups.count; i++)
            items[i] = response->groups.items[i];
        response->groups.items = items;
        state->room = room;
    }
    return &response->groups.items[response->groups.count++];
}

static void list_one(void *arg, const struct group_seen *seen) {
    struct listing *state = arg;
    struct request *request = state->request;
    const struct kp_list_groups_request *in = request->message;
    if (state->too_large ||
        !is_wanted(in->states_filter.items, in->states_filter.count, seen->state) ||
        !is_wanted(in->types_filter.items, in->types_filter.count, seen->type) ||
        !authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_GROUP, seen->id.data,
                   (size_t)seen->id.len))
        return;
    struct kp_list_groups_response_group *into = new_group(state);
    if (into == NULL) {
        state->too_large = true;
        return;
    }
    kp_set_fallbacks(&kp_list_groups_response_group_schema, into);
    into->group_id = kp_arena_string(&request->arena, seen->id.data, (size_t)seen->id.len);
    into->protocol_type = kp_arena_string(&request->arena, seen->protocol_type.data,
                                          (size_t)seen->protocol_type.len);
    into->group_state = seen->state;
    into->group_type = seen->type;
    state->too_large = into->group_id.len < 0 || into->protocol_type.len < 0;
}

static void one_is_over(struct listing *state) {
    if (--state->pending > 0) return;
    struct request *request = state->request;
    if (state->response.error_code != KAFKA_NONE) state->response.groups.count = 0;
    if (state->too_large)
        request_close_too_large(request);
    else
        request_respond_kept(request, &state->response);
}

static void confirmed(struct coordinator_confirm *confirm, int16_t error) {
    struct asked *asked = CONTAINER_OF(confirm, struct asked, confirm);
    if (error == KAFKA_NONE) group_coordinator_list(asked->coordinator, list_one, asked->owner);
    one_is_over(asked->owner);
}

static void ask_one(void *arg, void *state) {
    struct listing *listing = arg;
    struct asked *asked = kp_arena_alloc(&listing->request->arena, sizeof *asked);
    if (asked == NULL) {
        listing->too_large = true;
        return;
    }
    *asked = (struct asked){
        .confirm.done = confirmed, .owner = listing, .coordinator = state, .next = listing->asked};
    listing->asked = asked;
    listing->pending++;
    coordinator_log_confirm(group_coordinator_groups(asked->coordinator)->log, &asked->confirm);
}

static void client_gone(struct request *request) {
    struct listing *state = request->state;
    for (struct asked *asked = state->asked; asked != NULL; asked = asked->next)
        coordinator_confirm_cancel(&asked->confirm);
    request_respond_nothing(request);
}

void api_list_groups(void *service, struct request *request) {
    const struct broker_services *services = service;
    struct listing *state = kp_arena_alloc(&request->arena, sizeof *state);
    if (state == NULL) {
        request_close_too_large(request);
        return;
    }
    *state = (struct listing){.request = request, .pending = 1};
    kp_set_fallbacks(&kp_list_groups_response_schema, &state->response);
    state->response.groups.count = 0;
    request->state = state;
    request->canceled = client_gone;
    if (coordinators_each(services->group_coordinators, ask_one, state) > 0)
        state->response.error_code = KAFKA_COORDINATOR_LOAD_IN_PROGRESS;
    one_is_over(state);
}
