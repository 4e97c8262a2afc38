/*
 * What brokers remember beside a group's offsets: the leaders of its partitions of what came and
 * who fetched, its coordinator of members, rebalances and commits.
 *
 * Happy path: one request to each leader, one to the coordinator. Failures: a broker that does not
 * serve the request (an older drave, another program), does not answer, or leads no more: what it
 * would have said is not known, and nothing is said of it. Everything lives in the arena.
 */
#ifndef CLIENT_KAFKA_GROUP_TRAFFIC_H
#define CLIENT_KAFKA_GROUP_TRAFFIC_H

#include "client/kafka/group_view.h"
#include "protocol/messages/group_activity.h"
#include "protocol/messages/partition_traffic.h"

/* The two windows of rates, ms. */
struct group_windows {
    int64_t short_ms, long_ms;
};

/* seen[i]: of view->offsets[i]; NULL: not known. An array in the arena. Of a group of type "share"
 * with what it does there. */
const struct kp_partition_traffic_response_partition **group_ask_traffic(
    const struct invocation *in, struct kp_arena *arena, const struct group_view *view,
    const struct group_windows *windows);

/* NULL: not known. `committed[i]`, an array in the arena, is of view->offsets[i], NULL likewise. */
const struct kp_group_activity_response *group_ask_activity(
    const struct invocation *in, struct kp_arena *arena, const struct group_view *view,
    const struct group_windows *windows,
    const struct kp_group_activity_response_partition ***committed);

/* arrived_seconds, of a group whose lag is measured. */
void group_measure_arrivals(const struct invocation *in, struct kp_arena *arena,
                            struct group_view *view);

#endif
