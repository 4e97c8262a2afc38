/*
 * AlterShareGroupOffsets (key 91): a share group in which nobody is begins elsewhere in partitions,
 * as if it had read nothing of them; one that is not there is made. KIP-932.
 *
 * An offset outside of the log counts as the nearest one in it; one below 0 stands for what
 * share.auto.offset.reset says. Failures: of the whole those of share_change_request.h; of a
 * partition TOPIC_AUTHORIZATION_FAILED, UNKNOWN_TOPIC_OR_PARTITION, COORDINATOR_NOT_AVAILABLE (its
 * leader did not answer: it may have begun there or not), POLICY_VIOLATION (too many groups share
 * the partition).
 */
#include "protocol/messages/alter_share_group_offsets.h"

#include <string.h>

#include "broker/api/handlers.h"
#include "broker/api/share_change_request.h"
#include "protocol/kafka_error.h"

/* One request on its way; in its arena. */
struct altering {
    struct share_change_request change; /* first */
    struct kp_alter_share_group_offsets_response response;
};

static void add_partition(struct altering *state, const struct metadata_topic *topic,
                          const struct kp_alter_share_group_offsets_request_partition *asked,
                          struct kp_alter_share_group_offsets_response_partition *out) {
    struct share_change_part part = {.name = kp_string_of(topic->name),
                                     .partition = asked->partition_index,
                                     .start = asked->start_offset};
    memcpy(part.topic.bytes, topic->id, sizeof part.topic.bytes);
    share_change_add(&state->change, &part,
                     (struct share_change_told){&out->error_code, &out->error_message});
}

/* False: the answer takes more memory than it may. */
static bool add_topic(struct altering *state, struct request *request,
                      const struct kp_alter_share_group_offsets_request_topic *asked,
                      struct kp_alter_share_group_offsets_response_topic *out) {
    int16_t code;
    const struct metadata_topic *topic = share_change_topic(&state->change, asked->topic_name,
                                                            &code);
    out->topic_name = asked->topic_name;
    if (topic != NULL) memcpy(out->topic_id.bytes, topic->id, sizeof out->topic_id.bytes);
    if (asked->partitions.count <= 0) return true;
    if (kp_new_items(&request->arena, &kp_alter_share_group_offsets_response_partition_schema,
                     &out->partitions, asked->partitions.count) == NULL)
        return false;
    for (int32_t p = 0; p < asked->partitions.count; p++) {
        out->partitions.items[p].partition_index = asked->partitions.items[p].partition_index;
        out->partitions.items[p].error_code = code;
        out->partitions.items[p].error_message = share_change_message(code);
        if (topic != NULL)
            add_partition(state, topic, &asked->partitions.items[p], &out->partitions.items[p]);
    }
    return true;
}

static bool prepare(struct share_change_request *change, struct request *request) {
    struct altering *state = (struct altering *)change;
    const struct kp_alter_share_group_offsets_request *in = request->message;
    size_t count = 0;
    for (int32_t t = 0; t < in->topics.count; t++)
        count += 1 + (size_t)in->topics.items[t].partitions.count;
    if (!share_change_room(&state->change, count)) return false;
    if (in->topics.count <= 0 || state->change.too_many) return true;
    if (kp_new_items(&request->arena, &kp_alter_share_group_offsets_response_topic_schema,
                     &state->response.responses, in->topics.count) == NULL)
        return false;
    for (int32_t t = 0; t < in->topics.count; t++)
        if (!add_topic(state, request, &in->topics.items[t], &state->response.responses.items[t]))
            return false;
    return true;
}

void api_alter_share_group_offsets(void *service, struct request *request) {
    const struct kp_alter_share_group_offsets_request *in = request->message;
    struct altering *state = kp_arena_alloc(&request->arena, sizeof *state);
    if (state == NULL) {
        request_close_too_large(request);
        return;
    }
    kp_set_fallbacks(&kp_alter_share_group_offsets_response_schema, &state->response);
    state->change = (struct share_change_request){
        .prepare = prepare,
        .response = &state->response,
        .whole = {&state->response.error_code, &state->response.error_message},
        .topics = &state->response.responses.count};
    share_change_begin(&state->change, service, request, AUTHORIZE_READ, in->group_id);
}
