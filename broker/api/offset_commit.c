/*
 * OffsetCommit (key 8): where a group goes on reading. KIP-211, KIP-320, KIP-345, KIP-516, KIP-848.
 *
 * Happy path: partition after partition, in steps, becomes a record; then the coordinator is found,
 * and all of them are committed as one batch. The offset is not compared with the log: tools commit
 * ahead.
 * Failures are per partition, those of the group repeated for each: UNKNOWN_TOPIC_OR_PARTITION,
 * UNKNOWN_TOPIC_ID (10), OFFSET_METADATA_TOO_LARGE, GROUP_AUTHORIZATION_FAILED,
 * TOPIC_AUTHORIZATION_FAILED, INVALID_COMMIT_OFFSET_SIZE, NOT_COORDINATOR, and those of
 * broker/coordinator/offsets/offset_commit.h. Partitions with an error of their own do not keep the
 * others from being committed.
 */
#include "protocol/messages/offset_commit.h"

#include <string.h>

#include "broker/api/group_request.h"
#include "broker/api/handlers.h"
#include "broker/api/offset_entries.h"
#include "broker/api/services.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum { IDS_VERSION = 10 };

/* One request on its way; in its arena. */
struct committing {
    struct offset_entries entries;
    struct kp_offset_commit_response response;
    int64_t expire_time_ms;
    int32_t topic, of;     /* of the request: where to go on */
    struct kp_string name; /* of that topic */
    struct kp_uuid id;
    int16_t topic_error;
    int16_t group_error;
};

/* ---- Steps ---- */

static const struct metadata_topic *find_topic(const struct committing *state,
                                               const struct kp_offset_commit_request_topic *topic) {
    const struct metadata *metadata = state->entries.services->metadata;
    if (state->entries.request->api_version >= IDS_VERSION)
        return metadata_topic_with_id(metadata, topic->topic_id.bytes);
    return metadata_topic_named(metadata, topic->name.data, (size_t)topic->name.len);
}

/* False: the answer takes more memory than it may. */
static bool begin_topic(struct committing *state,
                        const struct kp_offset_commit_request_topic *topic) {
    struct request *request = state->entries.request;
    struct kp_offset_commit_response_topic *out =
        &state->response.topics.items[state->response.topics.count++];
    kp_set_fallbacks(&kp_offset_commit_response_topic_schema, out);
    out->name = topic->name;
    out->topic_id = topic->topic_id;
    int32_t count = topic->partitions.count < 0 ? 0 : topic->partitions.count;
    out->partitions.items = kp_arena_alloc(&request->arena,
                                           (size_t)count * sizeof *out->partitions.items);
    if (out->partitions.items == NULL) return false;
    out->partitions.count = count;
    const struct metadata_topic *there = find_topic(state, topic);
    bool by_id = request->api_version >= IDS_VERSION;
    state->name = topic->name;
    state->topic_error = 0;
    if (state->group_error != 0)
        state->topic_error = state->group_error;
    else if (there == NULL && by_id)
        state->topic_error = KAFKA_UNKNOWN_TOPIC_ID;
    else if (!authorize(&request->ctx, AUTHORIZE_READ, AUTHORIZE_TOPIC,
                        by_id ? there->name : topic->name.data,
                        by_id ? strlen(there->name) : (size_t)topic->name.len))
        state->topic_error = KAFKA_TOPIC_AUTHORIZATION_FAILED;
    else if (there == NULL)
        state->topic_error = KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    if (state->topic_error != 0) return true;
    memcpy(state->id.bytes, there->id, sizeof state->id.bytes);
    if (by_id) state->name = kp_arena_string(&request->arena, there->name, strlen(there->name));
    return state->name.len >= 0;
}

static int16_t check(const struct committing *state,
                     const struct kp_offset_commit_request_partition *in) {
    if (state->topic_error != 0) return state->topic_error;
    if (state->entries.too_large) return KAFKA_INVALID_COMMIT_OFFSET_SIZE;
    return offset_entry_check(state->entries.services, state->id, in->partition_index,
                              in->committed_metadata);
}

static void add_partition(struct committing *state,
                          const struct kp_offset_commit_request_partition *in,
                          struct kp_offset_commit_response_partition *out) {
    kp_set_fallbacks(&kp_offset_commit_response_partition_schema, out);
    out->partition_index = in->partition_index;
    out->error_code = check(state, in);
    if (out->error_code != 0) return;
    struct committed_offset offset = {
        .offset = in->committed_offset,
        .commit_time_ms = state->entries.now_ms,
        .expire_time_ms = state->expire_time_ms,
        .topic_id = state->id,
        .partition = in->partition_index,
        .leader_epoch = in->committed_leader_epoch,
        .metadata = in->committed_metadata.data,
        .metadata_len = in->committed_metadata.len < 0 ? 0 : in->committed_metadata.len,
    };
    offset_entries_add(&state->entries, state->name, &offset, &out->error_code);
}

static bool gather_next(struct request *request) {
    const struct kp_offset_commit_request *in = request->message;
    struct committing *state = request->state;
    if (state->topic >= in->topics.count) {
        offset_entries_commit(&state->entries);
        return false;
    }
    const struct kp_offset_commit_request_topic *topic = &in->topics.items[state->topic];
    if (state->of == 0 && !begin_topic(state, topic)) {
        request_close_too_large(request);
        return false;
    }
    if (state->of >= topic->partitions.count) {
        state->topic++;
        state->of = 0;
        return true;
    }
    add_partition(state, &topic->partitions.items[state->of],
                  &state->response.topics.items[state->topic].partitions.items[state->of]);
    state->of++;
    return true;
}

/* ---- Beginning ---- */

static int64_t expiry(int64_t now_ms, int64_t retention_ms) {
    int64_t expire_time_ms;
    if (retention_ms == -1) return -1;
    if (__builtin_add_overflow(now_ms, retention_ms, &expire_time_ms))
        return retention_ms < 0 ? 0 : INT64_MAX;
    return expire_time_ms < 0 ? 0 : expire_time_ms;
}

/* The empty id is a group's; one that is longer than a string of a record is none's. */
static int16_t check_group(const struct request *request, struct kp_string group) {
    if (group.len > INT16_MAX) return KAFKA_INVALID_GROUP_ID;
    bool may = authorize(&request->ctx, AUTHORIZE_READ, AUTHORIZE_GROUP, group.data,
                         (size_t)group.len);
    return may ? 0 : KAFKA_GROUP_AUTHORIZATION_FAILED;
}

static bool prepare(struct committing *state) {
    const struct kp_offset_commit_request *in = state->entries.request->message;
    struct kp_arena *arena = &state->entries.request->arena;
    size_t topics = in->topics.count < 0 ? 0 : (size_t)in->topics.count, count = 0;
    for (size_t t = 0; t < topics; t++)
        count += in->topics.items[t].partitions.count < 0
                     ? 0
                     : (size_t)in->topics.items[t].partitions.count;
    kp_set_fallbacks(&kp_offset_commit_response_schema, &state->response);
    state->response.topics.items = kp_arena_alloc(arena,
                                                  topics * sizeof *state->response.topics.items);
    return state->response.topics.items != NULL && offset_entries_open(&state->entries, count);
}

void api_offset_commit(void *service, struct request *request) {
    const struct kp_offset_commit_request *in = request->message;
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
    state->entries.commit.group_id = in->group_id;
    state->entries.commit.member_id = in->member_id;
    state->entries.commit.instance_id = in->group_instance_id;
    state->entries.commit.client_host = group_request_host(request);
    state->entries.commit.generation = in->generation_id_or_member_epoch;
    state->entries.commit.version = request->api_version;
    state->expire_time_ms = expiry(state->entries.now_ms, in->retention_time_ms);
    state->group_error = check_group(request, in->group_id);
    request_steps(request, gather_next);
}
