/* Epochs, what changes in a session, and the two requests. */
#include "client/sharing/share_session.h"

#include <stdio.h>
#include <string.h>

#include "client/kafka/cluster_view.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/share_acknowledge.h"

enum {
    VERSION_MIN = 1,
    ANSWER_MS = 5000, /* beside what a fetch waits for */
    END_MS = 2000,
    ARENA_MAX = 16 << 20,
    BYTES_MOST = 8 << 20,
    EPOCH_END = -1,
    ACQUIRE_EXACT = 1,
};

void share_session_open(struct share_session *session, int32_t node, const char *host, int port) {
    session->node = node;
    session->port = port;
    snprintf(session->host, sizeof(session->host), "%s", host);
    session->admin = admin_client_new_quiet(session->bootstrap, ANSWER_MS);
}

void share_session_free(struct share_session *session) {
    admin_client_free(session->admin);
    share_places_free(&session->wanted);
    share_places_free(&session->known);
}

/* The connection goes with it: the broker ends a session that it has left. */
static int lose(struct share_session *session, int error) {
    admin_client_free(session->admin);
    session->admin = admin_client_new_quiet(session->bootstrap, ANSWER_MS);
    share_places_clear(&session->known);
    session->epoch = 0;
    return error;
}

static int refuse(struct share_session *session, int16_t code, struct kp_string message,
                  struct kp_arena *arena, struct error_text *why) {
    error_set(why, ERR_AGAIN, "broker %d: %s", (int)session->node,
              message.len > 0 ? cluster_text(arena, message) : kafka_error_message(code));
    return lose(session, ERR_AGAIN);
}

/* Epochs never come to 0 again, which begins a session. */
static void next_epoch(struct share_session *session) {
    session->epoch = session->epoch == INT32_MAX ? 1 : session->epoch + 1;
}

static int ask(struct share_session *session, enum kp_api_key key, uint64_t answer_ms,
               const void *request, struct kp_arena *arena, void *response,
               struct error_text *why) {
    admin_client_renew(session->admin, answer_ms);
    return admin_request_to(session->admin, session->host, session->port, key, VERSION_MIN, request,
                            arena, response, NULL, why);
}

/* ---- Fetching ---- */

/* Each as a topic with one partition: several of one topic may follow each other. */
static bool add_wanted(const struct share_session *session, struct kp_arena *arena,
                       struct kp_share_fetch_request *request) {
    struct kp_share_fetch_request_topic *topics = kp_new_items(
        arena, &kp_share_fetch_request_topic_schema, &request->topics,
        (int32_t)session->wanted.count);
    if (!topics && session->wanted.count > 0) {
        return false;
    }
    request->topics.count = 0;
    for (size_t i = 0; i < session->wanted.count; i++) {
        const struct share_place *place = &session->wanted.items[i];
        if (share_places_have(&session->known, place->topic, place->partition)) {
            continue;
        }
        struct kp_share_fetch_request_topic *topic = &topics[request->topics.count++];
        topic->topic_id = place->topic;
        if (!kp_new_items(arena, &kp_share_fetch_request_partition_schema, &topic->partitions, 1)) {
            return false;
        }
        topic->partitions.items[0].partition_index = place->partition;
    }
    return true;
}

static bool add_forgotten(const struct share_session *session, struct kp_arena *arena,
                          struct kp_share_fetch_request *request) {
    struct kp_share_fetch_request_forgotten_topic *topics = kp_new_items(
        arena, &kp_share_fetch_request_forgotten_topic_schema, &request->forgotten_topics_data,
        (int32_t)session->known.count);
    if (!topics && session->known.count > 0) {
        return false;
    }
    request->forgotten_topics_data.count = 0;
    for (size_t i = 0; i < session->known.count; i++) {
        const struct share_place *place = &session->known.items[i];
        if (!share_places_have(&session->wanted, place->topic, place->partition)) {
            struct kp_share_fetch_request_forgotten_topic *topic =
                &topics[request->forgotten_topics_data.count++];
            topic->topic_id = place->topic;
            topic->partitions.items = &session->known.items[i].partition;
            topic->partitions.count = 1;
        }
    }
    return true;
}

static void know_wanted(struct share_session *session) {
    share_places_clear(&session->known);
    for (size_t i = 0; i < session->wanted.count; i++) {
        share_places_add(&session->known, session->wanted.items[i].topic,
                         session->wanted.items[i].partition);
    }
}

int share_session_fetch(struct share_session *session, const struct share_wants *wants,
                        struct kp_arena *arena, struct kp_share_fetch_response *response,
                        struct error_text *why) {
    struct kp_share_fetch_request request;
    kp_set_fallbacks(&kp_share_fetch_request_schema, &request);
    request.group_id = kp_string_of(session->group);
    request.member_id = kp_string_of(session->member);
    request.share_session_epoch = session->epoch;
    request.max_wait_ms = wants->wait_ms;
    request.min_bytes = 1;
    request.max_bytes = BYTES_MOST;
    request.max_records = request.batch_size = wants->records;
    request.share_acquire_mode = wants->exact ? ACQUIRE_EXACT : 0;
    if (!add_wanted(session, arena, &request) || !add_forgotten(session, arena, &request)) {
        return error_set(why, ERR_TOO_LARGE, "broker %d leads more partitions than fit in memory",
                         (int)session->node);
    }
    int error = ask(session, KP_SHARE_FETCH, (uint64_t)wants->wait_ms + ANSWER_MS, &request, arena,
                    response, why);
    if (error) {
        return lose(session, error);
    }
    if (response->error_code) {
        return refuse(session, response->error_code, response->error_message, arena, why);
    }
    know_wanted(session);
    next_epoch(session);
    return ERR_NONE;
}

/* ---- Acknowledging ---- */

static bool same_place(const struct share_range *a, const struct share_range *b) {
    return a->partition == b->partition && kp_uuid_equal(a->topic, b->topic);
}

/* Ranges of a partition stand together. */
static bool add_outcomes(const struct share_outcomes *outcomes, struct kp_arena *arena,
                         struct kp_share_acknowledge_request *request) {
    KP_ARRAY_OF(struct kp_share_acknowledge_request_batch) batches;
    struct kp_share_acknowledge_request_topic *topics = kp_new_items(
        arena, &kp_share_acknowledge_request_topic_schema, &request->topics,
        (int32_t)outcomes->count);
    if (!topics || !kp_new_items(arena, &kp_share_acknowledge_request_batch_schema, &batches,
                                 (int32_t)outcomes->count)) {
        return false;
    }
    request->topics.count = 0;
    for (size_t i = 0; i < outcomes->count; i++) {
        struct share_range *range = &outcomes->items[i];
        if (i == 0 || !same_place(range, range - 1)) {
            struct kp_share_acknowledge_request_topic *topic = &topics[request->topics.count++];
            topic->topic_id = range->topic;
            if (!kp_new_items(arena, &kp_share_acknowledge_request_partition_schema,
                              &topic->partitions, 1)) {
                return false;
            }
            topic->partitions.items[0].partition_index = range->partition;
            topic->partitions.items[0].acknowledgement_batches.items = &batches.items[i];
            topic->partitions.items[0].acknowledgement_batches.count = 0;
        }
        topics[request->topics.count - 1].partitions.items[0].acknowledgement_batches.count++;
        batches.items[i].first_offset = range->first;
        batches.items[i].last_offset = range->last;
        batches.items[i].acknowledge_types.items = &range->outcome;
        batches.items[i].acknowledge_types.count = 1;
    }
    return true;
}

static uint64_t accepted_in(const struct share_outcomes *outcomes, struct kp_uuid topic,
                            int32_t partition) {
    uint64_t count = 0;
    for (size_t i = 0; i < outcomes->count; i++) {
        const struct share_range *range = &outcomes->items[i];
        if (range->outcome == SHARE_ACCEPT && range->partition == partition &&
            kp_uuid_equal(range->topic, topic)) {
            count += (uint64_t)(range->last - range->first) + 1;
        }
    }
    return count;
}

/* A partition's outcomes count all, or none of them. */
static uint64_t count_refused(const struct kp_share_acknowledge_response *response,
                              const struct share_outcomes *outcomes, struct error_text *why) {
    uint64_t refused = 0;
    for (int32_t t = 0; t < response->responses.count; t++) {
        const struct kp_share_acknowledge_response_topic *topic = &response->responses.items[t];
        for (int32_t p = 0; p < topic->partitions.count; p++) {
            const struct kp_share_acknowledge_response_partition *one = &topic->partitions.items[p];
            if (one->error_code) {
                refused += accepted_in(outcomes, topic->topic_id, one->partition_index);
                error_set(why, ERR_DENIED, "%s", kafka_error_message(one->error_code));
            }
        }
    }
    return refused;
}

int share_session_acknowledge(struct share_session *session, const struct share_outcomes *outcomes,
                              struct kp_arena *arena, uint64_t *refused, struct error_text *why) {
    struct kp_share_acknowledge_request request;
    struct kp_share_acknowledge_response response;
    kp_set_fallbacks(&kp_share_acknowledge_request_schema, &request);
    request.group_id = kp_string_of(session->group);
    request.member_id = kp_string_of(session->member);
    request.share_session_epoch = session->epoch;
    if (!add_outcomes(outcomes, arena, &request)) {
        return lose(session, error_set(why, ERR_TOO_LARGE, "more was fetched than fits in memory"));
    }
    int error = ask(session, KP_SHARE_ACKNOWLEDGE, ANSWER_MS, &request, arena, &response, why);
    if (error) {
        return lose(session, error);
    }
    if (response.error_code) {
        return refuse(session, response.error_code, response.error_message, arena, why);
    }
    next_epoch(session);
    *refused = count_refused(&response, outcomes, why);
    return ERR_NONE;
}

void share_session_end(struct share_session *session) {
    struct kp_share_acknowledge_request request;
    struct kp_share_acknowledge_response response;
    struct kp_arena arena;
    struct error_text why = {""};
    if (session->epoch == 0) {
        return;
    }
    kp_arena_init(&arena, ARENA_MAX);
    kp_set_fallbacks(&kp_share_acknowledge_request_schema, &request);
    request.group_id = kp_string_of(session->group);
    request.member_id = kp_string_of(session->member);
    request.share_session_epoch = EPOCH_END;
    ask(session, KP_SHARE_ACKNOWLEDGE, END_MS, &request, &arena, &response, &why);
    kp_arena_close(&arena);
    lose(session, ERR_NONE); /* also when it did not answer */
}
