/*
 * ListGroups (key 16): the groups that this broker coordinates. KIP-518 (states), KIP-848 (types).
 *
 * Happy path: every coordinator that leads here confirms that it does, and its groups are listed,
 * in steps: those that are there all the time, each as it is then.
 * Failures: COORDINATOR_LOAD_IN_PROGRESS for the whole answer while one is about to lead; one that
 * leads no more is left out, for its groups are listed elsewhere.
 */
#include "protocol/messages/list_groups.h"

#include <string.h>
#include <strings.h>

#include "base/container_of.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/coordinator/coordinators.h"
#include "broker/coordinator/serving/group_coordinator.h"
#include "broker/coordinator/serving/group_listing.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

/* The question to one coordinator. */
struct asked {
    struct coordinator_confirm confirm;
    struct listing *owner;
    struct group_coordinator *coordinator;
    struct group_cursor groups; /* open once it is confirmed */
    struct asked *next;
};

/* A bit for each name that is wanted. */
struct wanted {
    const struct kp_string *filter; /* of the request */
    int32_t count, at;              /* of it: where to go on */
    const char *const *names;       /* of which there are some */
    uint32_t bits;
};

struct listing {
    struct request *request;
    struct kp_list_groups_response response;
    struct wanted states, types;
    int32_t room;         /* of response.groups.items */
    struct asked *asked;  /* all of them */
    struct asked *walked; /* whose groups are listed now; NULL: all are */
    size_t pending;       /* questions, and the asking itself */
    bool too_large;
    bool sees_all; /* by a right on the cluster, whatever those on groups are */
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

/* What is none of the names is no group's. */
static uint32_t bit_of(const struct wanted *wanted, struct kp_string name) {
    for (uint32_t i = 0; wanted->names[i] != NULL; i++)
        if (strlen(wanted->names[i]) == (size_t)name.len &&
            strncasecmp(wanted->names[i], name.data, (size_t)name.len) == 0)
            return UINT32_C(1) << i;
    return 0;
}

/* One element of a filter; false: that was all. A request may have a million. */
static bool read_filter(struct wanted *wanted) {
    if (wanted->at >= wanted->count) return false;
    wanted->bits |= bit_of(wanted, trimmed(wanted->filter[wanted->at++]));
    return true;
}

static bool is_wanted(const struct wanted *wanted, struct kp_string name) {
    return wanted->count <= 0 || (wanted->bits & bit_of(wanted, name)) != 0;
}

/* ---- Listing ---- */

static void list_one(struct listing *state, const struct group_seen *seen) {
    struct request *request = state->request;
    struct kp_list_groups_response *response = &state->response;
    if (!is_wanted(&state->states, seen->state) || !is_wanted(&state->types, seen->type) ||
        !(state->sees_all || authorize_seeing(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_GROUP,
                                              seen->id.data, (size_t)seen->id.len)))
        return;
    struct kp_list_groups_response_group *into = &response->groups.items[response->groups.count++];
    kp_set_fallbacks(&kp_list_groups_response_group_schema, into);
    into->group_id = kp_arena_string(&request->arena, seen->id.data, (size_t)seen->id.len);
    into->protocol_type = kp_arena_string(&request->arena, seen->protocol_type.data,
                                          (size_t)seen->protocol_type.len);
    into->group_state = seen->state;
    into->group_type = seen->type;
    state->too_large = into->group_id.len < 0 || into->protocol_type.len < 0;
}

/* False: that was all. What has come since there was room for all is left out. */
static bool list_next(struct listing *state) {
    struct asked *asked = state->walked;
    if (asked == NULL || state->response.groups.count == state->room) return false;
    const struct group *group = group_cursor_next(&asked->groups);
    struct group_seen seen;
    if (group == NULL)
        state->walked = asked->next;
    else if (group_look(group, &seen))
        list_one(state, &seen);
    return true;
}

static bool list_some(struct request *request) {
    enum { OF_A_STEP = 16 };
    struct listing *state = request->state;
    for (int i = 0; i < OF_A_STEP && !state->too_large; i++) {
        if (read_filter(&state->states) || read_filter(&state->types) || list_next(state)) continue;
        request_respond_kept(request, &state->response);
        return false;
    }
    if (state->too_large) request_close_too_large(request);
    return !state->too_large;
}

/* All are confirmed: room for as many groups as there are. In a step, for many requests may be
 * confirmed at once. */
static bool begin_list(struct request *request) {
    struct listing *state = request->state;
    size_t count = 0;
    for (const struct asked *asked = state->asked; asked != NULL; asked = asked->next)
        if (asked->groups.table != NULL) count += group_count(asked->groups.table);
    state->walked = state->asked;
    state->room = (int32_t)count;
    state->response.groups.items = kp_arena_alloc(&request->arena,
                                                  count * sizeof *state->response.groups.items);
    if (state->response.groups.items == NULL)
        request_close_too_large(request);
    else
        request_steps(request, list_some);
    return false;
}

static void one_is_over(struct listing *state) {
    if (--state->pending > 0) return;
    struct request *request = state->request;
    if (state->too_large)
        request_close_too_large(request);
    else if (state->response.error_code != KAFKA_NONE)
        request_respond(request, &state->response);
    else
        request_steps(request, begin_list);
}

static void confirmed(struct coordinator_confirm *confirm, int16_t error) {
    struct asked *asked = CONTAINER_OF(confirm, struct asked, confirm);
    if (error == KAFKA_NONE)
        group_cursor_open(&asked->groups, group_coordinator_groups(asked->coordinator));
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

/* ---- The request ---- */

static void client_gone(struct request *request) {
    struct listing *state = request->state;
    for (struct asked *asked = state->asked; asked != NULL; asked = asked->next)
        coordinator_confirm_cancel(&asked->confirm);
    request_respond_nothing(request);
}

static void released(struct request *request) {
    struct listing *state = request->state;
    for (struct asked *asked = state->asked; asked != NULL; asked = asked->next)
        group_cursor_close(&asked->groups);
}

void api_list_groups(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_list_groups_request *in = request->message;
    struct listing *state = kp_arena_alloc(&request->arena, sizeof *state);
    if (state == NULL) {
        request_close_too_large(request);
        return;
    }
    *state = (struct listing){
        .request = request,
        .states = {.filter = in->states_filter.items,
                   .count = in->states_filter.count,
                   .names = group_state_names},
        .types = {.filter = in->types_filter.items,
                  .count = in->types_filter.count,
                  .names = group_type_names},
        .sees_all = authorize_seeing(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_CLUSTER, NULL, 0),
        .pending = 1};
    kp_set_fallbacks(&kp_list_groups_response_schema, &state->response);
    state->response.groups.count = 0;
    request->state = state;
    request->canceled = client_gone;
    request->released = released;
    if (coordinators_each(services->group_coordinators, ask_one, state) > 0)
        state->response.error_code = KAFKA_COORDINATOR_LOAD_IN_PROGRESS;
    one_is_over(state);
}
