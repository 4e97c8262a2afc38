/*
 * ShareAcknowledge (key 79): what a member of a share group says of records that it holds here.
 *
 * Happy path: the acknowledgements of each partition are taken, all or none; the answer leaves when
 * their outcomes have committed. With the last epoch whatever the member still holds is released.
 * Failures: those of broker/api/share_request.h.
 */
#include "protocol/messages/share_acknowledge.h"

#include "broker/api/handlers.h"
#include "broker/api/share_request.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum { AT_ONCE = 16 }; /* partitions in a step */

/* One request on its way; in its arena. */
struct acknowledging {
    struct share_request share; /* first */
    struct kp_share_acknowledge_response response;
    int32_t topic, partition; /* of the request: how far it is */
};

static void refuse(struct acknowledging *state, int16_t code) {
    state->response.error_code = code;
    request_respond(state->share.request, &state->response);
}

/* ---- The answer ---- */

static void fill_partition(struct share_request *share, const struct share_part *part,
                           struct kp_share_acknowledge_response_partition *out) {
    kp_set_fallbacks(&kp_share_acknowledge_response_partition_schema, out);
    out->partition_index = part->index;
    out->error_code = part->ack_code;
    share_request_hint(share, part, part->ack_code, &out->current_leader);
}

static void respond(struct acknowledging *state) {
    struct kp_share_acknowledge_response *out = &state->response;
    out->acquisition_lock_timeout_ms = (int32_t)state->share.limits.lock_ms;
    out->node_endpoints.items = state->share.hints.items;
    out->node_endpoints.count = state->share.hints.count;
    share_request_leave(&state->share);
    request_respond(state->share.request, out);
}

static bool give_up(struct acknowledging *state) {
    share_request_leave(&state->share);
    request_close_too_large(state->share.request);
    return false;
}

static bool begin_topic(struct acknowledging *state,
                        const struct kp_share_acknowledge_request_topic *topic) {
    struct kp_share_acknowledge_response_topic *answer =
        &state->response.responses.items[state->topic];
    answer->topic_id = topic->topic_id;
    return topic->partitions.count <= 0 ||
           kp_new_items(&state->share.request->arena,
                        &kp_share_acknowledge_response_partition_schema, &answer->partitions,
                        topic->partitions.count) != NULL;
}

static bool fill_next(struct request *request) {
    struct acknowledging *state = request->state;
    const struct kp_share_acknowledge_request *in = request->message;
    for (int i = 0; i < AT_ONCE; i++) {
        if (state->topic >= in->topics.count) {
            respond(state);
            return false;
        }
        const struct kp_share_acknowledge_request_topic *topic = &in->topics.items[state->topic];
        if (state->partition == 0 && !begin_topic(state, topic)) return give_up(state);
        if (state->partition >= topic->partitions.count) {
            state->topic++;
            state->partition = 0;
            continue;
        }
        int32_t p = state->partition++;
        fill_partition(&state->share,
                       share_request_part(&state->share, topic->topic_id,
                                          topic->partitions.items[p].partition_index),
                       &state->response.responses.items[state->topic].partitions.items[p]);
    }
    return true;
}

static void committed(struct share_request *share) {
    struct acknowledging *state = (struct acknowledging *)share;
    const struct kp_share_acknowledge_request *in = share->request->message;
    state->topic = state->partition = 0;
    if (in->topics.count > 0 &&
        kp_new_items(&share->request->arena, &kp_share_acknowledge_response_topic_schema,
                     &state->response.responses, in->topics.count) == NULL)
        give_up(state);
    else
        request_steps(share->request, fill_next);
}

/* ---- The request ---- */

static bool acknowledge(struct share_request *share, struct share_part *part,
                        const struct kp_share_acknowledge_request_partition *asked) {
    int32_t count = asked->acknowledgement_batches.count;
    struct share_ack *acks = kp_arena_alloc(&share->request->arena,
                                            ((size_t)count + 1) * sizeof *acks);
    if (acks == NULL) return false;
    for (int32_t i = 0; i < count; i++) {
        const struct kp_share_acknowledge_request_batch *batch =
            &asked->acknowledgement_batches.items[i];
        acks[i] = (struct share_ack){.at = {batch->first_offset, batch->last_offset},
                                     .types = batch->acknowledge_types.items,
                                     .type_count = (size_t)batch->acknowledge_types.count};
    }
    share_request_acknowledge(part, acks, (size_t)count);
    return true;
}

static void client_gone(struct request *request) {
    struct acknowledging *state = request->state;
    share_request_leave(&state->share);
    request_respond_nothing(request);
}

static size_t count_partitions(const struct kp_share_acknowledge_request *in) {
    size_t count = 0;
    for (int32_t t = 0; t < in->topics.count; t++)
        count += (size_t)in->topics.items[t].partitions.count;
    return count;
}

static bool acknowledge_next(struct request *request) {
    struct acknowledging *state = request->state;
    const struct kp_share_acknowledge_request *in = request->message;
    for (int i = 0; i < AT_ONCE; i++) {
        if (state->topic >= in->topics.count) {
            share_request_commit(&state->share);
            return false;
        }
        const struct kp_share_acknowledge_request_topic *topic = &in->topics.items[state->topic];
        if (state->partition >= topic->partitions.count) {
            state->topic++;
            state->partition = 0;
            continue;
        }
        const struct kp_share_acknowledge_request_partition *asked =
            &topic->partitions.items[state->partition++];
        struct share_part *part = share_request_part(&state->share, topic->topic_id,
                                                     asked->partition_index);
        if (!acknowledge(&state->share, part, asked)) return give_up(state);
    }
    return true;
}

void api_share_acknowledge(void *service, struct request *request) {
    const struct kp_share_acknowledge_request *in = request->message;
    struct acknowledging *state = kp_arena_alloc(&request->arena, sizeof *state);
    struct share_session *session;
    if (state == NULL) {
        request_close_too_large(request);
        return;
    }
    *state = (struct acknowledging){.share = {.services = service,
                                              .request = request,
                                              .committed = committed,
                                              .renews = in->is_renew_ack}};
    kp_set_fallbacks(&kp_share_acknowledge_response_schema, &state->response);
    int16_t code = share_request_may(&state->share, in->group_id);
    if (code == KAFKA_NONE && in->share_session_epoch == SHARE_EPOCH_OPEN)
        code = KAFKA_INVALID_SHARE_SESSION_EPOCH;
    if (code == KAFKA_NONE)
        code = share_request_begin(&state->share, in->group_id, in->member_id,
                                   in->share_session_epoch, count_partitions(in), &session);
    if (code != KAFKA_NONE) {
        refuse(state, code);
        return;
    }
    request->state = state;
    request->canceled = client_gone;
    request_steps(request, acknowledge_next);
}
