/*
 * DescribeShareGroupOffsets (key 90): where share groups begin to read in partitions, and how many
 * records lie before them. KIP-932, KIP-1226.
 *
 * Happy path: one group after the other: its coordinator is found, confirms that it led when it was
 * asked, and knows where the group has begun, if all is asked for; the leaders of the partitions
 * tell the rest. What has not begun, or is not there, is no error: it begins at -1. Failures: of a
 * group UNSUPPORTED_VERSION, GROUP_AUTHORIZATION_FAILED, NOT_COORDINATOR, INVALID_REQUEST (more
 * than SHARING_ORDER_MOST are named; all that there is may be more); of a partition
 * TOPIC_AUTHORIZATION_FAILED, and COORDINATOR_NOT_AVAILABLE, when its leader did not answer. Topics
 * that the client may not see are left out of all that there is. More than GROUPS_MOST groups
 * close the connection.
 */
#include "protocol/messages/describe_share_group_offsets.h"

#include <string.h>

#include "base/container_of.h"
#include "broker/api/group_walk.h"
#include "broker/api/handlers.h"
#include "broker/coordinator/share/share_group.h"
#include "broker/metadata/metadata_features.h"
#include "broker/sharing/sharing_exchange.h"
#include "protocol/kafka_error.h"

enum { GROUPS_MOST = 20000 }; /* room for the answers of all is made at once */

/* One request on its way; in its arena. */
struct describing {
    struct group_walk walk; /* first */
    struct kp_describe_share_group_offsets_response response;
    struct sharing_order order; /* of the group at hand */
    struct sharing_ask *asks;
    struct kp_describe_share_group_offsets_response_partition **told; /* of each ask */
    size_t count;
    void (*walk_canceled)(struct request *request);
};

/* ---- What is asked of whom ---- */

static bool may_see(const struct describing *state, struct kp_string topic) {
    return authorize(&state->walk.request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, topic.data,
                     (size_t)topic.len);
}

static struct kp_describe_share_group_offsets_response_topic *new_topic(
    struct describing *state, struct kp_describe_share_group_offsets_response_group *into,
    struct kp_string name, int32_t partitions) {
    struct kp_describe_share_group_offsets_response_topic *topic =
        &into->topics.items[into->topics.count];
    topic->topic_name = name;
    if (kp_new_items(&state->walk.request->arena,
                     &kp_describe_share_group_offsets_response_partition_schema, &topic->partitions,
                     partitions) == NULL &&
        partitions > 0) {
        state->walk.too_large = true;
        return NULL;
    }
    into->topics.count++;
    return topic;
}

/* `topic` NULL: there is none of that name. */
static void add_partition(struct describing *state, const struct metadata_topic *topic,
                          int32_t index,
                          struct kp_describe_share_group_offsets_response_partition *into) {
    const struct metadata_partition *partition = topic == NULL
                                                     ? NULL
                                                     : metadata_partition_at(topic, index);
    into->partition_index = index;
    into->start_offset = -1;
    if (partition == NULL) return;
    state->asks[state->count] = (struct sharing_ask){.partition = partition->group};
    state->told[state->count++] = into;
}

static void add_named(struct describing *state,
                      const struct kp_describe_share_group_offsets_request_topic *asked,
                      struct kp_describe_share_group_offsets_response_group *into) {
    const struct metadata_topic *topic = metadata_topic_named(
        state->walk.services->metadata, asked->topic_name.data, (size_t)asked->topic_name.len);
    bool seen = may_see(state, asked->topic_name);
    struct kp_describe_share_group_offsets_response_topic *out = new_topic(
        state, into, asked->topic_name, asked->partitions.count);
    if (out == NULL) return;
    if (seen && topic != NULL) memcpy(out->topic_id.bytes, topic->id, sizeof out->topic_id.bytes);
    for (int32_t p = 0; p < asked->partitions.count; p++) {
        add_partition(state, seen ? topic : NULL, asked->partitions.items[p],
                      &out->partitions.items[p]);
        if (seen) continue;
        out->partitions.items[p].error_code = KAFKA_TOPIC_AUTHORIZATION_FAILED;
        out->partitions.items[p].error_message = kp_string_of(
            "The client is not authorized to describe the topic.");
    }
}

/* One of those in which the group has begun. */
static void add_begun(struct describing *state, const struct share_topic *begun,
                      struct kp_describe_share_group_offsets_response_group *into) {
    const struct metadata_topic *topic = metadata_topic_with_id(state->walk.services->metadata,
                                                                begun->id.bytes);
    int32_t count = 0;
    for (int32_t p = 0; p < begun->count; p++)
        count += begun->stages[p] == SHARE_BEGUN;
    if (topic == NULL || count == 0 || !may_see(state, kp_string_of(topic->name))) return;
    struct kp_string name = kp_arena_string(&state->walk.request->arena, topic->name,
                                            strlen(topic->name));
    struct kp_describe_share_group_offsets_response_topic *out = new_topic(state, into, name,
                                                                           count);
    if (out == NULL) return;
    out->topic_id = begun->id;
    int32_t at = 0;
    for (int32_t p = 0; p < begun->count; p++)
        if (begun->stages[p] == SHARE_BEGUN)
            add_partition(state, topic, p, &out->partitions.items[at++]);
}

/* Room for so many topics and partitions. */
static bool make_room(struct describing *state, size_t topics, size_t partitions,
                      struct kp_describe_share_group_offsets_response_group *into) {
    struct kp_arena *arena = &state->walk.request->arena;
    state->count = 0;
    state->asks = kp_arena_alloc(arena, (partitions + 1) * sizeof *state->asks);
    state->told = kp_arena_alloc(arena, (partitions + 1) * sizeof *state->told);
    bool fits = state->asks != NULL && state->told != NULL &&
                kp_new_items(arena, &kp_describe_share_group_offsets_response_topic_schema,
                             &into->topics, (int32_t)topics + 1) != NULL;
    into->topics.count = 0;
    state->walk.too_large = state->walk.too_large || !fits;
    return fits;
}

static void list_begun(struct describing *state, const struct group *row,
                       struct kp_describe_share_group_offsets_response_group *into) {
    if (row == NULL || row->share == NULL) return;
    const struct share_places *places = &row->share->places;
    if (!make_room(state, places->count, share_places_count(places, SHARE_BEGUN), into)) return;
    for (size_t i = 0; i < places->count; i++)
        add_begun(state, &places->topics[i], into);
}

static void list_named(struct describing *state,
                       const struct kp_describe_share_group_offsets_request_group *in,
                       struct kp_describe_share_group_offsets_response_group *into) {
    size_t topics = (size_t)in->topics.count, partitions = 0;
    for (size_t t = 0; t < topics; t++)
        partitions += (size_t)in->topics.items[t].partitions.count;
    if (topics + partitions > SHARING_ORDER_MOST) {
        into->error_code = KAFKA_INVALID_REQUEST;
        into->error_message = kp_string_of("That is more than is described at once; ask in parts.");
        return;
    }
    if (!make_room(state, topics, partitions, into)) return;
    for (size_t t = 0; t < topics; t++)
        add_named(state, &in->topics.items[t], into);
}

/* ---- What they say ---- */

static void client_gone(struct request *request) {
    struct describing *state = request->state;
    sharing_order_cancel(&state->order);
    request_respond_nothing(request);
}

static void ordered(struct sharing_order *order) {
    struct describing *state = CONTAINER_OF(order, struct describing, order);
    state->walk.request->canceled = state->walk_canceled;
    for (size_t i = 0; i < order->count; i++) {
        struct kp_describe_share_group_offsets_response_partition *into = state->told[i];
        if (order->answers[i].code != KAFKA_NONE) {
            into->error_code = KAFKA_COORDINATOR_NOT_AVAILABLE;
            into->error_message = kp_string_of("The leader of the partition did not answer.");
        } else if (order->answers[i].start >= 0) {
            into->start_offset = order->answers[i].start;
            into->leader_epoch = order->answers[i].epoch;
            into->lag = order->answers[i].lag;
        }
    }
    group_walk_next(&state->walk);
}

/* False: it goes on when they have answered. */
static bool ask(struct describing *state) {
    struct request *request = state->walk.request;
    size_t size = (state->count + 1) * sizeof(struct sharing_answer);
    if (state->walk.too_large || state->count == 0) return true;
    state->order = (struct sharing_order){.what = SHARING_LOOK,
                                          .group = state->walk.ids[state->walk.at],
                                          .asks = state->asks,
                                          .answers = kp_arena_alloc(&request->arena, size),
                                          .count = state->count,
                                          .timeout_ms = SHARING_ORDER_MS,
                                          .done = ordered};
    state->walk.too_large = state->order.answers == NULL;
    if (state->walk.too_large) return true;
    state->walk_canceled = request->canceled;
    request->canceled = client_gone;
    sharing_order_begin(state->walk.services->sharing_exchange, &state->order);
    return false;
}

static bool describe_one(struct group_walk *walk, struct group_coordinator *coordinator,
                         int16_t error) {
    struct describing *state = (struct describing *)walk;
    const struct kp_describe_share_group_offsets_request *in = walk->request->message;
    const struct kp_describe_share_group_offsets_request_group *asked = &in->groups.items[walk->at];
    struct kp_describe_share_group_offsets_response_group *into =
        &state->response.groups.items[walk->at];
    into->group_id = asked->group_id;
    into->error_code = error;
    state->count = 0;
    if (error != KAFKA_NONE || asked->group_id.len == 0) return true;
    if (asked->topics.count < 0)
        list_begun(state, group_find(group_coordinator_groups(coordinator), asked->group_id), into);
    else
        list_named(state, asked, into);
    return ask(state);
}

void api_describe_share_group_offsets(void *service, struct request *request) {
    const struct kp_describe_share_group_offsets_request *in = request->message;
    const struct broker_services *services = service;
    int32_t count = in->groups.count > 0 ? in->groups.count : 0;
    if (count > GROUPS_MOST) {
        request_close_because(request, "it names more than %d groups at once; ask in parts",
                              GROUPS_MOST);
        return;
    }
    struct describing *state = kp_arena_alloc(&request->arena, sizeof *state);
    struct kp_string *ids = kp_arena_alloc(&request->arena, ((size_t)count + 1) * sizeof *ids);
    bool fits = state != NULL && ids != NULL;
    if (fits) kp_set_fallbacks(&kp_describe_share_group_offsets_response_schema, &state->response);
    if (!fits ||
        (kp_new_items(&request->arena, &kp_describe_share_group_offsets_response_group_schema,
                      &state->response.groups, count) == NULL &&
         count > 0)) {
        request_close_too_large(request);
        return;
    }
    bool served = metadata_feature_level(services->metadata, FEATURE_SHARE_VERSION) >= 1;
    for (int32_t g = 0; g < count; g++) {
        ids[g] = state->response.groups.items[g].group_id = in->groups.items[g].group_id;
        if (!served) state->response.groups.items[g].error_code = KAFKA_UNSUPPORTED_VERSION;
    }
    if (!served) {
        request_respond(request, &state->response);
        return;
    }
    state->walk = (struct group_walk){.ids = ids,
                                      .count = count,
                                      .operation = AUTHORIZE_DESCRIBE,
                                      .confirms = true,
                                      .look = describe_one,
                                      .end = group_walk_respond,
                                      .response = &state->response};
    group_walk_begin(&state->walk, service, request);
}
