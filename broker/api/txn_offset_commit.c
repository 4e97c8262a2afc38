/*
 * TxnOffsetCommit (key 28): where a group goes on reading, as part of a producer's transaction.
 * KIP-98, KIP-447, KIP-890.
 *
 * Happy path: partition after partition, in steps, becomes a record; then the coordinator of the
 * group is found, and all of them are written as one batch of the transaction. They are pending
 * until its marker comes.
 * Failures are per partition, those of the transaction and of the group repeated for each:
 * TRANSACTIONAL_ID_AUTHORIZATION_FAILED, GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED,
 * UNKNOWN_TOPIC_OR_PARTITION, INVALID_GROUP_ID, OFFSET_METADATA_TOO_LARGE,
 * INVALID_COMMIT_OFFSET_SIZE, NOT_COORDINATOR, and those of
 * broker/coordinator/offsets/offset_commit.h. Partitions with an error of their own do not keep the
 * others from being committed.
 */
#include "protocol/messages/txn_offset_commit.h"

#include <string.h>

#include "broker/api/group_request.h"
#include "broker/api/handlers.h"
#include "broker/api/offset_entries.h"
#include "broker/api/services.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum { ABORTABLE_VERSION = 4, ADDS_VERSION = 5 };

/* One request on its way; in its arena. */
struct committing {
    struct offset_entries entries;
    struct kp_txn_offset_commit_response response;
    struct coordinator_transaction transaction;
    int32_t topic, of; /* of the request: where to go on */
    struct kp_uuid id; /* of that topic */
    int16_t topic_error;
    int16_t not_allowed, group_error; /* of all; the second where there is such a partition */
};

/* ---- Steps ---- */

/* False: the answer takes more memory than it may. */
static bool begin_topic(struct committing *state,
                        const struct kp_txn_offset_commit_request_topic *topic) {
    struct request *request = state->entries.request;
    struct kp_txn_offset_commit_response_topic *out =
        &state->response.topics.items[state->response.topics.count++];
    kp_set_fallbacks(&kp_txn_offset_commit_response_topic_schema, out);
    out->name = topic->name;
    int32_t count = topic->partitions.count < 0 ? 0 : topic->partitions.count;
    if (kp_new_items(&request->arena, &kp_txn_offset_commit_response_partition_schema,
                     &out->partitions, count) == NULL)
        return false;
    const struct metadata_topic *there = metadata_topic_named(
        state->entries.services->metadata, topic->name.data, (size_t)topic->name.len);
    state->topic_error = state->not_allowed;
    if (state->topic_error != 0) return true;
    if (!authorize(&request->ctx, AUTHORIZE_READ, AUTHORIZE_TOPIC, topic->name.data,
                   (size_t)topic->name.len))
        state->topic_error = KAFKA_TOPIC_AUTHORIZATION_FAILED;
    else if (there == NULL)
        state->topic_error = KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    else
        memcpy(state->id.bytes, there->id, sizeof state->id.bytes);
    return true;
}

static int16_t check(const struct committing *state,
                     const struct kp_txn_offset_commit_request_partition *in) {
    if (state->topic_error != 0) return state->topic_error;
    if (state->entries.too_large) return KAFKA_INVALID_COMMIT_OFFSET_SIZE;
    int16_t error = offset_entry_check(state->entries.services, state->id, in->partition_index,
                                       in->committed_metadata);
    bool is_there = error != KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    return is_there && state->group_error != 0 ? state->group_error : error;
}

static void add_partition(struct committing *state, struct kp_string topic,
                          const struct kp_txn_offset_commit_request_partition *in,
                          struct kp_txn_offset_commit_response_partition *out) {
    out->partition_index = in->partition_index;
    out->error_code = check(state, in);
    if (out->error_code != 0) return;
    struct committed_offset offset = {
        .offset = in->committed_offset,
        .commit_time_ms = state->entries.now_ms,
        .expire_time_ms = -1,
        .topic_id = state->id,
        .partition = in->partition_index,
        .leader_epoch = in->committed_leader_epoch,
        .metadata = in->committed_metadata.data,
        .metadata_len = in->committed_metadata.len < 0 ? 0 : in->committed_metadata.len,
    };
    offset_entries_add(&state->entries, topic, &offset, &out->error_code);
}

static bool gather_next(struct request *request) {
    const struct kp_txn_offset_commit_request *in = request->message;
    struct committing *state = request->state;
    if (state->topic >= in->topics.count) {
        offset_entries_commit(&state->entries);
        return false;
    }
    const struct kp_txn_offset_commit_request_topic *topic = &in->topics.items[state->topic];
    if (state->of == 0 && !begin_topic(state, topic)) {
        request_close_too_large(request);
        return false;
    }
    if (state->of >= topic->partitions.count) {
        state->topic++;
        state->of = 0;
        return true;
    }
    add_partition(state, topic->name, &topic->partitions.items[state->of],
                  &state->response.topics.items[state->topic].partitions.items[state->of]);
    state->of++;
    return true;
}

/* ---- Beginning ---- */

static int16_t check_allowed(const struct request *request) {
    const struct kp_txn_offset_commit_request *in = request->message;
    if (!authorize(&request->ctx, AUTHORIZE_WRITE, AUTHORIZE_TRANSACTIONAL_ID,
                   in->transactional_id.data, (size_t)in->transactional_id.len))
        return KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    bool may = authorize(&request->ctx, AUTHORIZE_READ, AUTHORIZE_GROUP, in->group_id.data,
                         (size_t)in->group_id.len);
    return may ? 0 : KAFKA_GROUP_AUTHORIZATION_FAILED;
}

/* One that is longer than a string of a record is none's. */
static bool is_group_id(struct kp_string group) {
    return group.len > 0 && group.len <= INT16_MAX;
}

static size_t count_of(int32_t count) {
    return count < 0 ? 0 : (size_t)count;
}

static bool prepare(struct committing *state) {
    const struct kp_txn_offset_commit_request *in = state->entries.request->message;
    struct kp_arena *arena = &state->entries.request->arena;
    size_t topics = count_of(in->topics.count), count = 0;
    for (size_t t = 0; t < topics; t++)
        count += count_of(in->topics.items[t].partitions.count);
    kp_set_fallbacks(&kp_txn_offset_commit_response_schema, &state->response);
    state->response.topics.items = kp_arena_alloc(arena,
                                                  topics * sizeof *state->response.topics.items);
    return state->response.topics.items != NULL && offset_entries_open(&state->entries, count);
}

static void fill(struct committing *state) {
    const struct kp_txn_offset_commit_request *in = state->entries.request->message;
    int16_t version = state->entries.request->api_version;
    state->entries.commit.group_id = in->group_id;
    state->entries.commit.member_id = in->member_id;
    state->entries.commit.instance_id = in->group_instance_id;
    state->entries.commit.client_host = group_request_host(state->entries.request);
    state->entries.commit.generation = in->generation_id_or_member_epoch;
    state->entries.commit.version = version;
    state->entries.commit.transaction = &state->transaction;
    state->transaction = (struct coordinator_transaction){.producer_id = in->producer_id,
                                                          .producer_epoch = in->producer_epoch,
                                                          .transactional_id = in->transactional_id,
                                                          .knows_abortable = version >=
                                                                             ABORTABLE_VERSION,
                                                          .adds = version >= ADDS_VERSION};
    state->not_allowed = check_allowed(state->entries.request);
    if (!is_group_id(in->group_id)) state->group_error = KAFKA_INVALID_GROUP_ID;
}

void api_txn_offset_commit(void *service, struct request *request) {
    struct committing *state = kp_arena_alloc(&request->arena, sizeof *state);
    if (state == NULL) {
        request_close_too_large(request);
        return;
    }
    *state = (struct committing){
        .entries = {.services = service, .request = request, .response = &state->response}};
    if (!prepare(state)) {
        request_close_too_large(request);
        return;
    }
    fill(state);
    request_steps(request, gather_next);
}
