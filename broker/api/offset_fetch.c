/*
 * OffsetFetch (key 9): where groups go on reading. KIP-447, KIP-709 (many groups), KIP-848,
 * KIP-516.
 *
 * Happy path: the coordinators of all groups of the request are found and asked at once
 * (broker/coordinator/offsets/offset_fetch.h); when all may be read, group after group and
 * partition after partition is answered, in steps.
 * Failures: per group from version 8 on, before for the whole answer (1: in each partition). A
 * coordinator that is not here, or not any more: where it was the only group, the connection is
 * closed instead, for librdkafka never asks again after NOT_COORDINATOR, but does after that;
 * others look the coordinator up again either way. COORDINATOR_NOT_AVAILABLE is never answered.
 * Invariant: an answer without an error and with the offset -1 is a promise that nothing is
 * committed for that topic. With require_stable an answer without an error is not about to change
 * by a transaction that is open: else UNSTABLE_OFFSET_COMMIT, of that partition.
 *
 * An offset of an older topic of the same name counts as none, and deleted topics are not among
 * "all", once this broker knows that its metadata does not lag behind what was committed.
 */
#include "protocol/messages/offset_fetch.h"

#include <string.h>

#include "base/container_of.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/coordinator/coordinators.h"
#include "broker/coordinator/offsets/offset_fetch.h"
#include "broker/coordinator/serving/group_offsets.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum { TOP_ERROR_VERSION = 2, GROUPS_VERSION = 8, IDS_VERSION = 10 };

/* One group of the request. */
struct fetch_part {
    struct fetching *owner;
    const struct kp_offset_fetch_request_topic *topics;
    int32_t topic_count; /* -1: all */
    struct coordinator_find find;
    struct offset_fetch fetch;
    int16_t error;
    bool asked, metadata_is_new;
    struct kp_offset_fetch_response_group *out;
};

/* One request on its way; in its arena. */
struct fetching {
    const struct broker_services *services;
    struct request *request;
    struct kp_offset_fetch_response response;
    struct fetch_part *parts;
    int32_t count, asked;  /* groups */
    int32_t at;            /* the one that is answered */
    int32_t topic, of;     /* of that group: where to go on */
    uint32_t room;         /* for topics, when all are wanted */
    struct kp_string name; /* of that topic */
    struct kp_uuid id;     /* zero: there is no such topic now */
    int16_t topic_error;
    uint32_t pending;   /* groups that were asked, and the asking itself */
    bool asking, begun; /* still; the answer of the group whose turn it is */
};

/* ---- Asking ---- */

static bool answer_next(struct request *request);

static void one_is_over(struct fetching *state) {
    if (--state->pending > 0) return;
    if (state->request->dead)
        request_respond_nothing(state->request);
    else
        request_steps(state->request, answer_next);
}

static void may_be_read(struct group_call *call) {
    struct fetch_part *part = CONTAINER_OF(call, struct fetch_part, fetch.call);
    part->asked = false;
    part->error = call->error;
    one_is_over(part->owner);
}

static void found(struct coordinator_find *find, void *coordinator, int16_t error) {
    struct fetch_part *part = CONTAINER_OF(find, struct fetch_part, find);
    if (error != 0) {
        part->error = error;
        one_is_over(part->owner);
        return;
    }
    part->asked = true;
    part->metadata_is_new = group_offsets_know_topics(coordinator);
    group_offsets_fetch(coordinator, &part->fetch);
}

static void client_gone(struct request *request) {
    struct fetching *state = request->state;
    if (state->asking) state->pending--;
    state->asking = false;
    for (int32_t i = 0; i < state->asked && state->pending > 0; i++) {
        struct fetch_part *part = &state->parts[i];
        if (part->find.coordinators != NULL) {
            coordinators_find_cancel(&part->find);
            state->pending--;
        } else if (part->asked && group_call_cancel(&part->fetch.call)) {
            part->asked = false;
            state->pending--;
        }
    }
    if (state->pending == 0) request_respond_nothing(request);
}

static void released(struct request *request) {
    struct fetching *state = request->state;
    for (int32_t i = state->at; i < state->asked; i++)
        offset_reader_close(&state->parts[i].fetch.reader);
}

static void ask(struct fetching *state, struct fetch_part *part) {
    struct request *request = state->request;
    struct kp_string id = part->fetch.group_id;
    if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_GROUP, id.data, (size_t)id.len)) {
        part->error = KAFKA_GROUP_AUTHORIZATION_FAILED;
        return;
    }
    state->pending++;
    part->find.done = found;
    part->fetch.call.done = may_be_read;
    coordinators_find(state->services->group_coordinators, id.data, (size_t)id.len, &part->find);
}

static struct fetch_part *begin_part(struct fetching *state, int32_t place) {
    const struct kp_offset_fetch_request *in = state->request->message;
    bool one = state->request->api_version < GROUPS_VERSION;
    const struct kp_offset_fetch_request_group *of = one ? NULL : &in->groups.items[place];
    struct fetch_part *part = &state->parts[place];
    part->owner = state;
    part->topics = one ? in->topics.items : of->topics.items;
    part->topic_count = one ? in->topics.count : of->topics.count;
    part->fetch.group_id = one ? in->group_id : of->group_id;
    part->fetch.member_id = one ? KP_NULL_STRING : of->member_id;
    part->fetch.member_epoch = one ? -1 : of->member_epoch;
    part->out = &state->response.groups.items[place];
    kp_set_fallbacks(&kp_offset_fetch_response_group_schema, part->out);
    part->out->group_id = part->fetch.group_id;
    return part;
}

static bool ask_next(struct request *request) {
    struct fetching *state = request->state;
    if (state->asked < state->count) {
        ask(state, begin_part(state, state->asked++));
        return true;
    }
    state->asking = false;
    one_is_over(state);
    return false;
}

/* ---- Answering: topics by name or id ---- */

static bool may_describe(const struct request *request, struct kp_string topic) {
    return authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, topic.data,
                     (size_t)topic.len);
}

static const struct metadata_topic *find_topic(const struct fetching *state,
                                               const struct kp_offset_fetch_request_topic *topic) {
    const struct metadata *metadata = state->services->metadata;
    if (state->request->api_version >= IDS_VERSION)
        return metadata_topic_with_id(metadata, topic->topic_id.bytes);
    return metadata_topic_named(metadata, topic->name.data, (size_t)topic->name.len);
}

static void set_id(struct fetching *state, const struct metadata_topic *topic) {
    state->id = (struct kp_uuid){{0}};
    if (topic != NULL) memcpy(state->id.bytes, topic->id, sizeof state->id.bytes);
}

static bool begin_topic(struct fetching *state, const struct kp_offset_fetch_request_topic *topic,
                        struct kp_offset_fetch_response_topic *out) {
    struct kp_arena *arena = &state->request->arena;
    bool by_id = state->request->api_version >= IDS_VERSION;
    const struct metadata_topic *there = find_topic(state, topic);
    int32_t count = topic->partition_indexes.count < 0 ? 0 : topic->partition_indexes.count;
    kp_set_fallbacks(&kp_offset_fetch_response_topic_schema, out);
    out->name = topic->name;
    out->topic_id = topic->topic_id;
    out->partitions.items = kp_arena_alloc(arena, (size_t)count * sizeof *out->partitions.items);
    if (out->partitions.items == NULL) return false;
    out->partitions.count = count;
    state->name = topic->name;
    if (by_id && there != NULL)
        state->name = kp_arena_string(arena, there->name, strlen(there->name));
    state->topic_error = 0;
    if (by_id && there == NULL)
        state->topic_error = KAFKA_UNKNOWN_TOPIC_ID;
    else if (!may_describe(state->request, state->name))
        state->topic_error = KAFKA_TOPIC_AUTHORIZATION_FAILED;
    set_id(state, there);
    return state->name.len >= 0;
}

/* Whether it was committed for the topic that is meant, and not for an older one of that name. */
static bool counts(const struct fetching *state, const struct fetch_part *part,
                   const struct committed_offset *offset) {
    if (kp_uuid_is_zero(offset->topic_id) || kp_uuid_is_zero(state->id)) return true;
    if (kp_uuid_equal(offset->topic_id, state->id)) return true;
    return state->request->api_version < IDS_VERSION && !part->metadata_is_new;
}

/* False: the answer takes more memory than it may. */
static bool tell(struct fetching *state, const struct committed_offset *offset,
                 struct kp_offset_fetch_response_partition *out) {
    out->committed_offset = offset->offset;
    out->committed_leader_epoch = offset->leader_epoch;
    if (offset->metadata_len > 0)
        out->metadata = kp_arena_string(&state->request->arena, offset->metadata,
                                        (size_t)offset->metadata_len);
    return out->metadata.len >= 0;
}

/* It may be another one in a moment, for somebody who wants to hear nothing but the last word. */
static bool is_unstable(const struct fetching *state, const struct fetch_part *part,
                        struct kp_string topic, int32_t partition) {
    const struct kp_offset_fetch_request *in = state->request->message;
    return in->require_stable && offset_reader_is_pending(&part->fetch.reader, topic, partition);
}

static bool answer_partition(struct fetching *state, const struct fetch_part *part,
                             int32_t partition, struct kp_offset_fetch_response_partition *out) {
    kp_set_fallbacks(&kp_offset_fetch_response_partition_schema, out);
    out->partition_index = partition;
    out->committed_offset = -1;
    out->committed_leader_epoch = -1;
    out->metadata = kp_string_of("");
    out->error_code = state->topic_error;
    if (state->topic_error != 0) return true;
    if (is_unstable(state, part, state->name, partition)) {
        out->error_code = KAFKA_UNSTABLE_OFFSET_COMMIT;
        return true;
    }
    const struct committed_offset *offset = offset_reader_find(&part->fetch.reader, state->name,
                                                               partition);
    return offset == NULL || !counts(state, part, offset) || tell(state, offset, out);
}

/* One partition, or one topic that has no more; 1: more to do, 0: the group is answered, -1: too
 * large. */
static int answer_named(struct fetching *state, struct fetch_part *part) {
    if (state->topic >= part->topic_count) return 0;
    const struct kp_offset_fetch_request_topic *topic = &part->topics[state->topic];
    if (state->of == 0) {
        part->out->topics.count = state->topic + 1;
        if (!begin_topic(state, topic, &part->out->topics.items[state->topic])) return -1;
    }
    if (state->of >= topic->partition_indexes.count) {
        state->topic++;
        state->of = 0;
        return 1;
    }
    int32_t partition = topic->partition_indexes.items[state->of];
    struct kp_offset_fetch_response_partition *out =
        &part->out->topics.items[state->topic].partitions.items[state->of++];
    return answer_partition(state, part, partition, out) ? 1 : -1;
}

/* ---- Answering: all ---- */

static bool topic_counts(struct fetching *state, const struct fetch_part *part,
                         struct kp_string name) {
    const struct metadata_topic *there = metadata_topic_named(state->services->metadata, name.data,
                                                              (size_t)name.len);
    bool by_id = state->request->api_version >= IDS_VERSION;
    set_id(state, there);
    if (there == NULL && (part->metadata_is_new || by_id)) return false;
    return authorize_seeing(&state->request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, name.data,
                            (size_t)name.len);
}

static bool answer_table(struct fetching *state, const struct fetch_part *part,
                         const struct topic_offsets *topic,
                         struct kp_offset_fetch_response_topic *out) {
    struct kp_arena *arena = &state->request->arena;
    struct kp_string name = topic_offsets_name(topic);
    out->name = kp_arena_string(arena, name.data, (size_t)name.len);
    out->topic_id = state->id;
    if (out->name.len < 0 || kp_new_items(arena, &kp_offset_fetch_response_partition_schema,
                                          &out->partitions, (int32_t)topic->table.count) == NULL)
        return false;
    out->partitions.count = 0;
    for (uint32_t i = 0; i < topic->table.count; i++) {
        const struct committed_offset *offset = &topic->table.items[i];
        if (!counts(state, part, offset)) continue;
        struct kp_offset_fetch_response_partition *one =
            &out->partitions.items[out->partitions.count++];
        one->partition_index = offset->partition;
        if (is_unstable(state, part, name, offset->partition)) {
            one->committed_offset = one->committed_leader_epoch = -1;
            one->metadata = kp_string_of("");
            one->error_code = KAFKA_UNSTABLE_OFFSET_COMMIT;
        } else if (!tell(state, offset, one)) {
            return false;
        }
    }
    return true;
}

/* One topic; as answer_named. */
static int answer_all(struct fetching *state, struct fetch_part *part) {
    const struct topic_offsets *topic = offset_reader_next(&part->fetch.reader);
    /* What came while we read has no place, and needs none. */
    if (topic == NULL || (uint32_t)part->out->topics.count == state->room) return 0;
    if (!topic_counts(state, part, topic_offsets_name(topic))) return 1;
    struct kp_offset_fetch_response_topic *out =
        &part->out->topics.items[part->out->topics.count++];
    kp_set_fallbacks(&kp_offset_fetch_response_topic_schema, out);
    if (!answer_table(state, part, topic, out)) return -1;
    if (out->partitions.count == 0) part->out->topics.count--;
    return 1;
}

/* ---- Answering: groups ---- */

/* Version 1 has no other place for it. */
static int answer_error_in_partitions(struct fetching *state, struct fetch_part *part) {
    int32_t topic = state->topic, of = state->of;
    int more = answer_named(state, part);
    if (more == 1 && state->topic == topic)
        part->out->topics.items[topic].partitions.items[of].error_code = part->error;
    return more;
}

static bool begin_group(struct fetching *state, struct fetch_part *part) {
    bool all = part->topic_count < 0;
    state->room = all ? offset_reader_topics(&part->fetch.reader) : (uint32_t)part->topic_count;
    state->begun = true;
    part->out->topics.items = kp_arena_alloc(&state->request->arena,
                                             state->room * sizeof *part->out->topics.items);
    return part->out->topics.items != NULL;
}

static int answer_group(struct fetching *state, struct fetch_part *part) {
    bool in_partitions = state->request->api_version < TOP_ERROR_VERSION;
    part->out->error_code = part->error;
    if (part->error != 0 && !in_partitions) {
        part->out->topics.count = 0;
        return 0;
    }
    if (!state->begun && !begin_group(state, part)) return -1;
    if (part->error != 0) return answer_error_in_partitions(state, part);
    return part->topic_count < 0 ? answer_all(state, part) : answer_named(state, part);
}

static bool respond(struct fetching *state) {
    struct kp_offset_fetch_response *response = &state->response;
    if (state->request->api_version < GROUPS_VERSION) {
        response->topics.items = response->groups.items->topics.items;
        response->topics.count = response->groups.items->topics.count;
        response->error_code = response->groups.items->error_code;
    }
    request_respond_kept(state->request, response);
    return false;
}

static bool answer_next(struct request *request) {
    struct fetching *state = request->state;
    if (state->at == state->count) return respond(state);
    struct fetch_part *part = &state->parts[state->at];
    if (part->error == 0 && !offset_reader_is_open(&part->fetch.reader))
        part->error = KAFKA_NOT_COORDINATOR; /* the replica has gone meanwhile */
    if (part->error == KAFKA_NOT_COORDINATOR && state->count == 1) {
        request_close_connection(request);
        return false;
    }
    int more = answer_group(state, part);
    if (more < 0) {
        request_close_too_large(request);
        return false;
    }
    if (more == 0) { /* closed one by one: there may be very many */
        offset_reader_close(&part->fetch.reader);
        state->at++;
        state->topic = state->of = 0;
        state->begun = false;
    }
    return true;
}

void api_offset_fetch(void *service, struct request *request) {
    const struct kp_offset_fetch_request *in = request->message;
    struct kp_arena *arena = &request->arena;
    int32_t count = request->api_version < GROUPS_VERSION ? 1 : in->groups.count;
    if (count < 0) count = 0;
    struct fetching *state = kp_arena_alloc(arena, sizeof *state);
    struct fetch_part *parts = kp_arena_alloc(arena, (size_t)count * sizeof *parts);
    struct kp_offset_fetch_response_group *groups = kp_arena_alloc(arena,
                                                                   (size_t)count * sizeof *groups);
    if (state == NULL || parts == NULL || groups == NULL) {
        request_close_too_large(request);
        return;
    }
    *state = (struct fetching){
        .services = service, .request = request, .parts = parts, .pending = 1, .asking = true};
    kp_set_fallbacks(&kp_offset_fetch_response_schema, &state->response);
    state->response.groups.items = groups;
    state->response.groups.count = count;
    state->count = count;
    request->state = state;
    request->released = released;
    request->canceled = client_gone;
    request_steps(request, ask_next);
}
