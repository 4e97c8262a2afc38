/*
 * DeleteShareGroupOffsets (key 92): a share group in which nobody is forgets topics; it begins
 * there, if a member reads them, as for the first time. KIP-932.
 *
 * Failures: of the whole those of share_change_request.h; of a topic TOPIC_AUTHORIZATION_FAILED,
 * UNKNOWN_TOPIC_OR_PARTITION (it is not there, or the group never began in it),
 * COORDINATOR_NOT_AVAILABLE (a leader did not answer: some of it may have been forgotten).
 */
#include "protocol/messages/delete_share_group_offsets.h"

#include <string.h>

#include "broker/api/handlers.h"
#include "broker/api/share_change_request.h"
#include "protocol/kafka_error.h"

/* One request on its way; in its arena. */
struct deleting {
    struct share_change_request change; /* first */
    struct kp_delete_share_group_offsets_response response;
};

static void add_topic(struct deleting *state, struct kp_string name,
                      struct kp_delete_share_group_offsets_response_topic *out) {
    const struct metadata_topic *topic = share_change_topic(&state->change, name, &out->error_code);
    out->topic_name = name;
    out->error_message = share_change_message(out->error_code);
    if (topic == NULL) return;
    memcpy(out->topic_id.bytes, topic->id, sizeof out->topic_id.bytes);
    struct share_change_part part = {.topic = out->topic_id, .name = name};
    share_change_add(&state->change, &part,
                     (struct share_change_told){&out->error_code, &out->error_message});
}

static bool prepare(struct share_change_request *change, struct request *request) {
    struct deleting *state = (struct deleting *)change;
    const struct kp_delete_share_group_offsets_request *in = request->message;
    size_t count = in->topics.count > 0 ? (size_t)in->topics.count : 0;
    state->change.change.forgets = true;
    if (!share_change_room(&state->change, count)) return false;
    if (count == 0 || state->change.too_many) return true;
    if (kp_new_items(&request->arena, &kp_delete_share_group_offsets_response_topic_schema,
                     &state->response.responses, in->topics.count) == NULL)
        return false;
    for (size_t t = 0; t < count; t++)
        add_topic(state, in->topics.items[t].topic_name, &state->response.responses.items[t]);
    return true;
}

void api_delete_share_group_offsets(void *service, struct request *request) {
    const struct kp_delete_share_group_offsets_request *in = request->message;
    struct deleting *state = kp_arena_alloc(&request->arena, sizeof *state);
    if (state == NULL) {
        request_close_too_large(request);
        return;
    }
    kp_set_fallbacks(&kp_delete_share_group_offsets_response_schema, &state->response);
    state->change = (struct share_change_request){
        .prepare = prepare,
        .response = &state->response,
        .whole = {&state->response.error_code, &state->response.error_message},
        .topics = &state->response.responses.count};
    share_change_begin(&state->change, service, request, AUTHORIZE_DELETE, in->group_id);
}
