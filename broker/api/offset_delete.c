/*
 * OffsetDelete (key 47): offsets of a group go. KIP-496.
 *
 * Happy path: what is named is gathered in steps; then part after part of it, of a thousand
 * partitions, is handed to the coordinator, which takes back in one batch what is there.
 * Failures: of the group on top: INVALID_GROUP_ID, GROUP_AUTHORIZATION_FAILED, GROUP_ID_NOT_FOUND,
 * NON_EMPTY_GROUP (members that are no consumers), NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE; of a
 * partition: UNKNOWN_TOPIC_OR_PARTITION, TOPIC_AUTHORIZATION_FAILED, GROUP_SUBSCRIBED_TO_TOPIC. An
 * offset that is not there is no error. After an error on top some may be gone.
 */
#include "protocol/messages/offset_delete.h"

#include "base/container_of.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/coordinator/coordinators.h"
#include "broker/coordinator/offsets/offset_delete.h"
#include "broker/coordinator/serving/group_offsets.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

/* One request on its way; in its arena. */
struct deleting {
    const struct broker_services *services;
    struct request *request;
    struct kp_offset_delete_response response;
    struct offset_delete_entry *entries;
    size_t count, at;  /* entries; those that were handed on */
    int32_t topic, of; /* of the request: where to go on */
    int16_t topic_error;
    struct coordinator_find find;
    struct offset_delete call;
    enum { GATHERS, FINDS, DELETES } doing;
};

static void respond(struct deleting *state, int16_t error) {
    state->response.error_code = error;
    if (error != 0) state->response.topics.count = 0;
    request_respond_kept(state->request, &state->response);
}

/* ---- Part after part ---- */

static void found(struct coordinator_find *find, void *coordinator, int16_t error) {
    struct deleting *state = CONTAINER_OF(find, struct deleting, find);
    if (error != 0) {
        respond(state, error);
        return;
    }
    state->doing = DELETES;
    group_offsets_delete(coordinator, &state->call);
}

static void next_part(struct deleting *state) {
    const struct kp_offset_delete_request *in = state->request->message;
    size_t left = state->count - state->at;
    if (left == 0) {
        respond(state, 0);
        return;
    }
    state->call.entries = state->entries + state->at;
    size_t most = offset_delete_most(in->group_id);
    state->call.count = left < most ? left : most;
    state->doing = FINDS;
    coordinators_find(state->services->group_coordinators, in->group_id.data,
                      (size_t)in->group_id.len, &state->find);
}

static void deleted(struct group_call *call) {
    struct deleting *state = CONTAINER_OF(call, struct deleting, call.call);
    /* The part before may have taken the last offset, and with it a group of nothing else. */
    bool has_gone = call->error == KAFKA_GROUP_ID_NOT_FOUND && state->at > 0;
    state->at += state->call.count;
    if (call->error != 0)
        respond(state, has_gone ? 0 : call->error);
    else if (state->request->dead)
        request_respond_nothing(state->request);
    else
        next_part(state);
}

static void client_gone(struct request *request) {
    struct deleting *state = request->state;
    if (state->doing == DELETES && !group_call_cancel(&state->call.call))
        return; /* it is being written, and ends as always */
    coordinators_find_cancel(&state->find);
    request_respond_nothing(request);
}

/* ---- Gathering ---- */

/* False: the answer takes more memory than it may. */
static bool begin_topic(struct deleting *state,
                        const struct kp_offset_delete_request_topic *topic) {
    struct request *request = state->request;
    struct kp_offset_delete_response_topic *out =
        &state->response.topics.items[state->response.topics.count++];
    kp_set_fallbacks(&kp_offset_delete_response_topic_schema, out);
    out->name = topic->name;
    bool may = authorize(&request->ctx, AUTHORIZE_READ, AUTHORIZE_TOPIC, topic->name.data,
                         (size_t)topic->name.len);
    state->topic_error = may ? 0 : KAFKA_TOPIC_AUTHORIZATION_FAILED;
    int32_t count = topic->partitions.count < 0 ? 0 : topic->partitions.count;
    out->partitions.items = kp_arena_alloc(&request->arena,
                                           (size_t)count * sizeof *out->partitions.items);
    out->partitions.count = out->partitions.items == NULL ? 0 : count;
    return out->partitions.items != NULL;
}

static void add_partition(struct deleting *state,
                          const struct kp_offset_delete_request_topic *topic, int32_t partition,
                          struct kp_offset_delete_response_partition *out) {
    const struct metadata_topic *there = metadata_topic_named(
        state->services->metadata, topic->name.data, (size_t)topic->name.len);
    kp_set_fallbacks(&kp_offset_delete_response_partition_schema, out);
    out->partition_index = partition;
    out->error_code = state->topic_error;
    if (out->error_code == 0 && (there == NULL || metadata_partition_at(there, partition) == NULL))
        out->error_code = KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    if (out->error_code != 0) return;
    state->entries[state->count++] = (struct offset_delete_entry){topic->name, partition,
                                                                  &out->error_code};
}

static bool gather_next(struct request *request) {
    const struct kp_offset_delete_request *in = request->message;
    struct deleting *state = request->state;
    if (state->topic >= in->topics.count) {
        next_part(state);
        return false;
    }
    const struct kp_offset_delete_request_topic *topic = &in->topics.items[state->topic];
    if (state->of == 0 && !begin_topic(state, topic)) {
        request_close_too_large(request);
        return false;
    }
    if (state->of < topic->partitions.count) {
        add_partition(state, topic, topic->partitions.items[state->of].partition_index,
                      &state->response.topics.items[state->topic].partitions.items[state->of]);
        state->of++;
    } else {
        state->topic++;
        state->of = 0;
    }
    return true;
}

/* ---- Beginning ---- */

static int16_t check_group(const struct request *request, struct kp_string group) {
    if (group.len == 0) return KAFKA_INVALID_GROUP_ID;
    if (!authorize(&request->ctx, AUTHORIZE_DELETE, AUTHORIZE_GROUP, group.data, (size_t)group.len))
        return KAFKA_GROUP_AUTHORIZATION_FAILED;
    return 0;
}

static bool prepare(struct deleting *state) {
    const struct kp_offset_delete_request *in = state->request->message;
    struct kp_arena *arena = &state->request->arena;
    size_t topics = in->topics.count < 0 ? 0 : (size_t)in->topics.count, count = 0;
    for (size_t t = 0; t < topics; t++)
        count += in->topics.items[t].partitions.count < 0
                     ? 0
                     : (size_t)in->topics.items[t].partitions.count;
    kp_set_fallbacks(&kp_offset_delete_response_schema, &state->response);
    state->entries = kp_arena_alloc(arena, count * sizeof *state->entries);
    state->response.topics.items = kp_arena_alloc(arena,
                                                  topics * sizeof *state->response.topics.items);
    return state->entries != NULL && state->response.topics.items != NULL;
}

void api_offset_delete(void *service, struct request *request) {
    const struct kp_offset_delete_request *in = request->message;
    struct deleting *state = kp_arena_alloc(&request->arena, sizeof *state);
    if (state == NULL) {
        request_close_too_large(request);
        return;
    }
    *state = (struct deleting){.services = service, .request = request};
    request->state = state;
    if (!prepare(state)) {
        request_close_too_large(request);
        return;
    }
    state->call.group_id = in->group_id;
    state->call.call.done = deleted;
    state->find.done = found;
    int16_t error = check_group(request, in->group_id);
    if (error != 0) {
        respond(state, error);
        return;
    }
    request->canceled = client_gone;
    request_steps(request, gather_next);
}
