/* What a ShareFetch changes of its session, and what it says of records that its member holds: some
 * partitions in each step. */
#include "broker/api/share_fetch_internal.h"
#include "protocol/kafka_error.h"

enum { AT_ONCE = 16 }; /* partitions in a step */

static bool acknowledge(struct share_request *share, struct share_part *part,
                        const struct kp_share_fetch_request_partition *asked) {
    int32_t count = asked->acknowledgement_batches.count;
    struct share_ack *acks = kp_arena_alloc(&share->request->arena,
                                            ((size_t)count + 1) * sizeof *acks);
    if (acks == NULL) return false;
    for (int32_t i = 0; i < count; i++) {
        const struct kp_share_fetch_request_batch *batch = &asked->acknowledgement_batches.items[i];
        acks[i] = (struct share_ack){.at = {batch->first_offset, batch->last_offset},
                                     .types = batch->acknowledge_types.items,
                                     .type_count = (size_t)batch->acknowledge_types.count};
    }
    share_request_acknowledge(part, acks, (size_t)count);
    return true;
}

/* A partition that the request names: the session has it from now on, and what it says of records
 * is taken. */
static enum share_naming take_named(struct fetching *state, struct share_session *session,
                                    struct kp_uuid topic,
                                    const struct kp_share_fetch_request_partition *asked,
                                    int16_t *code) {
    struct share_request *share = &state->share;
    *code = share_session_put(share->services, session, topic, asked->partition_index);
    if (*code != KAFKA_NONE) return SHARE_NAMING_REFUSED;
    if (asked->acknowledgement_batches.count == 0 ||
        acknowledge(share, share_request_part(share, topic, asked->partition_index), asked))
        return SHARE_NAMING_MORE;
    return SHARE_NAMING_TOO_LARGE;
}

/* What is fetched: the partitions of the session. */
static void list_parts(struct fetching *state, const struct share_session *session) {
    for (size_t i = 0; i < session->count; i++)
        if (!session->places[i].forgotten)
            share_request_part(&state->share, session->places[i].topic, session->places[i].index);
    state->first = (size_t)(uint32_t)session->epoch;
}

static void next_topic(struct fetching *state) {
    state->topic++;
    state->partition = 0;
}

/* False: all are forgotten. */
static bool forget_one(struct fetching *state, struct share_session *session) {
    const struct kp_share_fetch_request *in = state->share.request->message;
    if (state->topic >= in->forgotten_topics_data.count) return false;
    const struct kp_share_fetch_request_forgotten_topic *topic =
        &in->forgotten_topics_data.items[state->topic];
    if (state->partition < topic->partitions.count)
        share_session_forget(session, topic->topic_id, topic->partitions.items[state->partition++]);
    else
        next_topic(state);
    return true;
}

static enum share_naming take_one(struct fetching *state, struct share_session *session,
                                  int16_t *code) {
    const struct kp_share_fetch_request *in = state->share.request->message;
    if (state->topic >= in->topics.count) {
        state->forgetting = true;
        state->topic = state->partition = 0;
        return SHARE_NAMING_MORE;
    }
    const struct kp_share_fetch_request_topic *topic = &in->topics.items[state->topic];
    if (state->partition < topic->partitions.count)
        return take_named(state, session, topic->topic_id,
                          &topic->partitions.items[state->partition++], code);
    next_topic(state);
    return SHARE_NAMING_MORE;
}

enum share_naming share_fetch_name_some(struct fetching *state, int16_t *code) {
    struct share_session *session = share_sessions_numbered(state->share.services->share_sessions,
                                                            state->share.session);
    *code = KAFKA_SHARE_SESSION_NOT_FOUND; /* it has ended meanwhile */
    if (session == NULL) return SHARE_NAMING_REFUSED;
    for (int i = 0; i < AT_ONCE; i++) {
        if (state->forgetting && !forget_one(state, session)) {
            if (state->share.epoch != SHARE_EPOCH_CLOSE) list_parts(state, session);
            return SHARE_NAMING_DONE;
        }
        enum share_naming so_far = state->forgetting ? SHARE_NAMING_MORE
                                                     : take_one(state, session, code);
        if (so_far != SHARE_NAMING_MORE) return so_far;
    }
    return SHARE_NAMING_MORE;
}
