/* Requests in the order of the group's offsets, whose answers are joined with them by a search that
 * goes on where it found the last one. */
#include "client/kafka/group_traffic.h"

#include <string.h>

#include "base/mem.h"

enum { ASK_MS = 2000, PARTITIONS_AT_ONCE = 1000 };

/* ---- Leaders ---- */

/* leaders[i]: of view->offsets[i]; -1: none is known. */
static void find_leaders(const struct kp_metadata_response *metadata, const struct group_view *view,
                         int32_t *leaders) {
    const struct kp_metadata_response_topic *topic = NULL;
    for (size_t i = 0; i < view->offset_count; i++) {
        const struct group_offset *one = &view->offsets[i];
        if (i == 0 || strcmp(one->topic, one[-1].topic) != 0) {
            topic = cluster_find_topic(metadata, one->topic);
        }
        const struct kp_metadata_response_partition *found = cluster_find_partition(topic,
                                                                                    one->partition);
        leaders[i] = found ? found->leader_id : -1;
    }
}

/* What one of them is asked: its partitions. False: the arena's limit is passed. */
static bool fill_traffic(struct kp_arena *arena, const struct group_view *view,
                         const int32_t *leaders, int32_t leader,
                         struct kp_partition_traffic_request *request) {
    struct kp_partition_traffic_request_topic *topics = kp_new_items(
                                                  arena, &kp_partition_traffic_request_topic_schema,
                                                  &request->topics, (int32_t)view->offset_count),
                                              *topic = NULL;
    KP_ARRAY_OF(struct kp_partition_traffic_request_partition) partitions;
    if (!topics || !kp_new_items(arena, &kp_partition_traffic_request_partition_schema, &partitions,
                                 (int32_t)view->offset_count)) {
        return false;
    }
    request->topics.count = 0;
    struct kp_partition_traffic_request_partition *next = partitions.items;
    for (size_t i = 0; i < view->offset_count; i++) {
        const struct group_offset *one = &view->offsets[i];
        if (leaders[i] != leader) {
            continue;
        }
        if (!topic || strcmp(topic->name.data, one->topic) != 0) {
            topic = &topics[request->topics.count++];
            topic->name = kp_string_of(one->topic);
            topic->partitions.items = next;
        }
        topic->partitions.count++;
        next->partition_index = one->partition;
        next->offset = one->committed;
        next++;
    }
    return request->topics.count > 0;
}

/* Place of that partition, searched from *at on; offset_count: it is not there. */
static size_t find_place(const struct group_view *view, struct kp_string topic, int32_t partition,
                         size_t *at) {
    for (size_t seen = 0; seen < view->offset_count; seen++) {
        const struct group_offset *one = &view->offsets[*at];
        if (one->partition == partition && kp_string_is(topic, one->topic)) {
            return *at;
        }
        *at = (*at + 1) % view->offset_count;
    }
    return view->offset_count;
}

static void take_traffic(const struct group_view *view,
                         const struct kp_partition_traffic_response *response,
                         const struct kp_partition_traffic_response_partition **seen) {
    size_t at = 0;
    for (int32_t t = 0; t < response->topics.count; t++) {
        const struct kp_partition_traffic_response_topic *topic = &response->topics.items[t];
        for (int32_t p = 0; p < topic->partitions.count; p++) {
            const struct kp_partition_traffic_response_partition *one = &topic->partitions.items[p];
            size_t place = find_place(view, topic->name, one->partition_index, &at);
            if (place < view->offset_count && one->error_code == 0) {
                seen[place] = one;
            }
        }
    }
}

const struct kp_partition_traffic_response_partition **group_ask_traffic(
    const struct invocation *in, struct kp_arena *arena, const struct group_view *view,
    const struct group_windows *windows) {
    struct admin_client *admin = admin_client_new_quiet(in->bootstrap, ASK_MS);
    struct kp_metadata_response metadata;
    struct error_text why = {""};
    size_t count = view->offset_count;
    const struct kp_partition_traffic_response_partition **seen = kp_arena_alloc(
        arena, (count + 1) * sizeof(*seen));
    int32_t *leaders = mem_alloc((count + 1) * sizeof(*leaders));
    memset(seen, 0, (count + 1) * sizeof(*seen));
    bool known = count > 0 && cluster_ask(admin, arena, NULL, &metadata, &why) == ERR_NONE;
    if (known) {
        find_leaders(&metadata, view, leaders);
    }
    for (int32_t b = 0; known && b < metadata.brokers.count; b++) {
        const struct kp_metadata_response_broker *broker = &metadata.brokers.items[b];
        struct kp_partition_traffic_request request;
        struct kp_partition_traffic_response response;
        kp_set_fallbacks(&kp_partition_traffic_request_schema, &request);
        request.short_ms = windows->short_ms;
        request.long_ms = windows->long_ms;
        if (strcmp(view->type, "share") == 0) {
            request.share_group = kp_string_of(view->group);
        }
        if (fill_traffic(arena, view, leaders, broker->node_id, &request) &&
            admin_request_to(admin, cluster_text(arena, broker->host), broker->port,
                             KP_PARTITION_TRAFFIC, 0, &request, arena, &response, NULL,
                             &why) == ERR_NONE) {
            take_traffic(view, &response, seen);
        }
    }
    mem_free(leaders);
    admin_client_free(admin);
    return seen;
}

void group_measure_arrivals(const struct invocation *in, struct kp_arena *arena,
                            struct group_view *view) {
    const struct group_windows none = {0, 0};
    const struct kp_partition_traffic_response_partition **seen = group_ask_traffic(in, arena, view,
                                                                                    &none);
    for (size_t i = 0; i < view->offset_count; i++) {
        struct group_offset *one = &view->offsets[i];
        if (one->lag_records == 0) {
            one->arrived_seconds = 0;
        } else if (one->lag_records > 0 && seen[i] && seen[i]->arrived_age_ms >= 0) {
            one->arrived_seconds = (double)seen[i]->arrived_age_ms / 1000;
            one->arrived_at_least = seen[i]->arrived_at_least;
        }
    }
}

/* ---- The coordinator ---- */

/* From offset `from` on, so many. */
static bool fill_activity(struct kp_arena *arena, const struct group_view *view, size_t from,
                          size_t count, struct kp_group_activity_request *request) {
    struct kp_group_activity_request_topic *topics = kp_new_items(
                                               arena, &kp_group_activity_request_topic_schema,
                                               &request->topics, (int32_t)count),
                                           *topic = NULL;
    int32_t *partitions = kp_arena_alloc(arena, (count + 1) * sizeof(*partitions));
    if ((!topics && count > 0) || !partitions) {
        return false;
    }
    request->topics.count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct group_offset *one = &view->offsets[from + i];
        if (!topic || strcmp(topic->name.data, one->topic) != 0) {
            topic = &topics[request->topics.count++];
            topic->name = kp_string_of(one->topic);
            topic->partitions.items = &partitions[i];
        }
        topic->partitions.count++;
        partitions[i] = one->partition;
    }
    return true;
}

static void take_activity(const struct group_view *view,
                          const struct kp_group_activity_response *response,
                          const struct kp_group_activity_response_partition **committed) {
    size_t at = 0;
    for (int32_t t = 0; t < response->topics.count; t++) {
        const struct kp_group_activity_response_topic *topic = &response->topics.items[t];
        for (int32_t p = 0; p < topic->partitions.count; p++) {
            const struct kp_group_activity_response_partition *one = &topic->partitions.items[p];
            size_t place = find_place(view, topic->name, one->partition_index, &at);
            /* what was committed for a topic that is gone counts as none */
            if (place < view->offset_count && view->offsets[place].committed >= 0) {
                committed[place] = one;
            }
        }
    }
}

/* The coordinator as the description found it; NULL: no answer. */
static const struct kp_group_activity_response *ask_coordinator(
    struct admin_client *admin, struct kp_arena *arena,
    const struct kp_metadata_response_broker *broker, struct kp_group_activity_request *request) {
    struct kp_group_activity_response *response = kp_arena_alloc(arena, sizeof(*response));
    struct error_text why = {""};
    if (!response ||
        admin_request_to(admin, cluster_text(arena, broker->host), broker->port, KP_GROUP_ACTIVITY,
                         0, request, arena, response, NULL, &why) != ERR_NONE) {
        return NULL;
    }
    return response->error_code == 0 ? response : NULL;
}

const struct kp_group_activity_response *group_ask_activity(
    const struct invocation *in, struct kp_arena *arena, const struct group_view *view,
    const struct group_windows *windows,
    const struct kp_group_activity_response_partition ***committed) {
    struct admin_client *admin = admin_client_new_quiet(in->bootstrap, ASK_MS);
    struct kp_metadata_response metadata;
    struct error_text why = {""};
    const struct kp_group_activity_response *first = NULL, *answer = NULL;
    size_t room = (view->offset_count + 1) * sizeof(**committed), from = 0;
    *committed = kp_arena_alloc(arena, room);
    memset(*committed, 0, room);
    const struct kp_metadata_response_broker *broker =
        cluster_ask(admin, arena, NULL, &metadata, &why) == ERR_NONE
            ? cluster_broker(&metadata, view->coordinator)
            : NULL;
    do {
        size_t left = view->offset_count - from;
        size_t count = left < PARTITIONS_AT_ONCE ? left : PARTITIONS_AT_ONCE;
        struct kp_group_activity_request request;
        kp_set_fallbacks(&kp_group_activity_request_schema, &request);
        request.group_id = kp_string_of(view->group);
        request.short_ms = windows->short_ms;
        request.long_ms = windows->long_ms;
        answer = broker && fill_activity(arena, view, from, count, &request)
                     ? ask_coordinator(admin, arena, broker, &request)
                     : NULL;
        if (answer) {
            take_activity(view, answer, *committed);
            first = first ? first : answer;
        }
        from += count;
    } while (answer && from < view->offset_count);
    admin_client_free(admin);
    return answer ? first : NULL;
}
