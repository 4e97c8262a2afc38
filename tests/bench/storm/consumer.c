/* The one request of KIP-848: joins, owns, gives back, goes on. */
#include <stdio.h>
#include <string.h>

#include "protocol/kafka_error.h"
#include "protocol/messages/consumer_group_heartbeat.h"
#include "tests/bench/storm/storm.h"

enum { VERSION = 1, AT_ONCE_MS = 1 };

/* Everything in the first one, after an error, and when something was given; else what changed. */
void consumer_beat(struct member *member) {
    struct storm *storm = member->group->storm;
    struct kp_consumer_group_heartbeat_request request;
    struct kp_consumer_group_heartbeat_topic_partitions owned;
    struct kp_string topic = kp_string_of(storm->topic);
    bool full = member->phase == WANTS_JOIN || member->full;
    kp_set_fallbacks(&kp_consumer_group_heartbeat_request_schema, &request);
    kp_set_fallbacks(&kp_consumer_group_heartbeat_topic_partitions_schema, &owned);
    if (member->id[0] == '\0')
        snprintf(member->id, sizeof member->id, "%016llx%016llx",
                 (unsigned long long)storm_random(storm), (unsigned long long)storm_random(storm));
    request.group_id = kp_string_of(storm->bare ? "" : member->group->id);
    request.member_id = kp_string_of(member->id);
    request.member_epoch = member->generation;
    request.subscribed_topic_names.count = -1;
    request.topic_partitions.count = -1;
    if (full) {
        request.rebalance_timeout_ms = 60000;
        request.subscribed_topic_names.items = &topic;
        request.subscribed_topic_names.count = 1;
    }
    if (full) {
        owned.topic_id = member->topic_id;
        owned.partitions.items = member->owned;
        owned.partitions.count = member->owned_count;
        request.topic_partitions.items = &owned;
        request.topic_partitions.count = member->owned_count > 0 ? 1 : 0;
    }
    member->call.api = kp_api_find(KP_CONSUMER_GROUP_HEARTBEAT);
    member->call.version = VERSION;
    link_ask(&member->link, &member->call, &request);
}

/* True: it is not what the member owned; a request with everything is answered with everything. */
static bool take_assignment(struct member *member,
                            const struct kp_consumer_group_heartbeat_response *response) {
    int32_t before[OWNED_MAX], count = member->owned_count;
    memcpy(before, member->owned, sizeof before);
    member->owned_count = 0;
    for (int32_t t = 0; t < response->assignment->topic_partitions.count; t++) {
        const struct kp_consumer_group_heartbeat_topic_partitions *topic =
            &response->assignment->topic_partitions.items[t];
        member->topic_id = topic->topic_id;
        for (int32_t p = 0; p < topic->partitions.count && member->owned_count < OWNED_MAX; p++)
            member->owned[member->owned_count++] = topic->partitions.items[p];
    }
    return count != member->owned_count ||
           memcmp(before, member->owned, (size_t)count * sizeof before[0]) != 0;
}

void consumer_answered(struct member *member, const void *message) {
    const struct kp_consumer_group_heartbeat_response *response = message;
    struct storm *storm = member->group->storm;
    if (storm->bare && response->error_code == KAFKA_INVALID_REQUEST) {
        member_beat_done(member, storm->beat_ms);
        return;
    }
    if (member_failed(member, response->error_code)) return;
    bool changed = member->generation != response->member_epoch || response->assignment != NULL;
    member->generation = response->member_epoch;
    member->in = true;
    uint64_t in_ms = (uint64_t)response->heartbeat_interval_ms;
    if (in_ms > storm->beat_ms) in_ms = storm->beat_ms;
    if (!changed) {
        member_beat_done(member, in_ms);
        return;
    }
    bool given = response->assignment != NULL && take_assignment(member, response);
    group_look(member->group);
    member_beat_done(member, given ? AT_ONCE_MS : in_ms);
    if (given) member->full = true; /* the next one says what it owns now */
}
