/*
 * ListPartitionReassignments (key 46): the partitions whose replicas are being moved. KIP-455. At
 * any broker, from its table.
 *
 * Happy path: what is asked for is taken down first, all plans or those that are named, and each
 * topic of it is listed in a step. Replicas are those that are to be and behind them those that are
 * to go; adding are those that came with a plan that is not done. Failures: what is named and is
 * not moved, or does not exist, is left out, and so is a topic of which nothing is left.
 */
#include "protocol/messages/list_partition_reassignments.h"

#include <stdlib.h>

#include <string.h>

#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

/* One request; all of it lies in its arena. */
struct listing {
    struct request *request;
    const struct metadata *metadata;
    uint64_t *groups; /* with a plan, those of one topic together; one may be done meanwhile */
    size_t count, at;
    struct kp_list_partition_reassignments_response response;
};

/* ---- What is asked for ---- */

static int compare_groups(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void take_all(struct listing *listing) {
    for (size_t i = 0; i < metadata_plan_count(listing->metadata); i++)
        listing->groups[listing->count++] = metadata_plan_at(listing->metadata, i)->group;
    if (listing->count > 1)
        qsort(listing->groups, listing->count, sizeof *listing->groups, compare_groups);
}

static void take_named(struct listing *listing,
                       const struct kp_list_partition_reassignments_request *asked) {
    for (int32_t t = 0; t < asked->topics.count; t++) {
        const struct kp_list_partition_reassignments_request_topic *one = &asked->topics.items[t];
        const struct metadata_topic *topic = metadata_topic_named(listing->metadata, one->name.data,
                                                                  (size_t)one->name.len);
        for (int32_t p = 0; topic != NULL && p < one->partition_indexes.count; p++) {
            const struct metadata_partition *partition = metadata_partition_at(
                topic, one->partition_indexes.items[p]);
            if (partition != NULL && partition->plan != 0)
                listing->groups[listing->count++] = partition->group;
        }
    }
}

static size_t most_groups(const struct listing *listing,
                          const struct kp_list_partition_reassignments_request *asked) {
    size_t most = 0;
    if (asked->topics.count < 0) return metadata_plan_count(listing->metadata);
    for (int32_t t = 0; t < asked->topics.count; t++)
        most += (size_t)asked->topics.items[t].partition_indexes.count;
    return most;
}

/* ---- The answer ---- */

/* A broker comes or goes. Where only the directory of one was replaced, none does. */
static bool is_reassigned(const struct metadata_partition *partition) {
    for (size_t i = 0; i < metadata_member_count(partition); i++)
        if (partition->replicas[i].node != METADATA_NODE_LOST &&
            (partition->replicas[i].joining || i >= partition->replica_count))
            return true;
    return false;
}

static const struct metadata_partition *moved(const struct listing *listing, size_t at) {
    const struct metadata_partition *partition = metadata_partition_of_group(listing->metadata,
                                                                             listing->groups[at]);
    return partition != NULL && partition->plan != 0 && is_reassigned(partition) ? partition : NULL;
}

static bool fill_partition(struct kp_arena *arena, const struct metadata_partition *partition,
                           struct kp_list_partition_reassignments_response_partition *into) {
    size_t all = metadata_member_count(partition);
    int32_t *nodes = kp_arena_alloc(arena, 3 * all * sizeof *nodes);
    if (nodes == NULL) return false;
    into->partition_index = partition->index;
    into->replicas.items = nodes;
    into->adding_replicas.items = nodes + all;
    into->removing_replicas.items = nodes + 2 * all;
    for (size_t i = 0; i < all; i++) {
        const struct metadata_replica *replica = &partition->replicas[i];
        if (replica->node == METADATA_NODE_LOST) continue;
        into->replicas.items[into->replicas.count++] = replica->node;
        if (i >= partition->replica_count)
            into->removing_replicas.items[into->removing_replicas.count++] = replica->node;
        else if (replica->joining)
            into->adding_replicas.items[into->adding_replicas.count++] = replica->node;
    }
    return true;
}

/* Those that follow and are of the same topic. */
static size_t run_of(const struct listing *listing, const struct metadata_topic *topic) {
    size_t end = listing->at;
    while (end < listing->count) {
        const struct metadata_partition *partition = moved(listing, end);
        if (partition == NULL || partition->topic != topic) break;
        end++;
    }
    return end - listing->at;
}

/* False: the arena's limit is passed. */
static bool fill_topic(struct listing *listing, const struct metadata_topic *topic) {
    struct kp_arena *arena = &listing->request->arena;
    size_t count = run_of(listing, topic);
    struct kp_list_partition_reassignments_response_topic *into =
        &listing->response.topics.items[listing->response.topics.count++];
    struct kp_list_partition_reassignments_response_partition *rows = kp_new_items(
        arena, &kp_list_partition_reassignments_response_partition_schema, &into->partitions,
        (int32_t)count);
    into->name = kp_arena_string(arena, topic->name, strlen(topic->name));
    if (rows == NULL || into->name.data == NULL) return false;
    for (size_t i = 0; i < count; i++)
        if (!fill_partition(arena, moved(listing, listing->at + i), &rows[i])) return false;
    listing->at += count;
    return true;
}

static bool fill_next(struct request *request) {
    struct listing *listing = request->state;
    if (listing->at == listing->count) {
        request_respond_kept(request, &listing->response);
        return false;
    }
    const struct metadata_partition *partition = moved(listing, listing->at);
    if (partition == NULL) {
        listing->at++;
    } else if (!fill_topic(listing, partition->topic)) {
        request_close_too_large(request);
        return false;
    }
    return true;
}

void api_list_partition_reassignments(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_list_partition_reassignments_request *asked = request->message;
    struct kp_arena *arena = &request->arena;
    struct listing *listing = kp_arena_alloc(arena, sizeof *listing);
    if (listing == NULL) {
        request_close_too_large(request);
        return;
    }
    *listing = (struct listing){.request = request, .metadata = services->metadata};
    kp_set_fallbacks(&kp_list_partition_reassignments_response_schema, &listing->response);
    listing->response.error_message = KP_NULL_STRING;
    request->state = listing;
    if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_CLUSTER, NULL, 0)) {
        listing->response.error_code = KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        request_respond_kept(request, &listing->response);
        return;
    }
    size_t most = most_groups(listing, asked);
    listing->groups = kp_arena_alloc(arena, (most + 1) * sizeof *listing->groups);
    listing->response.topics.items = kp_arena_alloc(
        arena, (most + 1) * sizeof *listing->response.topics.items);
    if (listing->groups == NULL || listing->response.topics.items == NULL) {
        request_close_too_large(request);
        return;
    }
    if (asked->topics.count < 0)
        take_all(listing);
    else
        take_named(listing, asked);
    request_steps(request, fill_next);
}
