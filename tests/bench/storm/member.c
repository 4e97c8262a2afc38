/*
 * A member from its first question to its last: coordinator, group, heartbeats, and back again when
 * the coordinator is gone. The errors of both protocols are taken as clients take them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/container_of.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/consumer_group_heartbeat.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/frame.h"
#include "protocol/messages/heartbeat.h"
#include "protocol/messages/join_group.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/sync_group.h"
#include "tests/bench/storm/storm.h"

enum { LOOKUP_VERSION = 3, COMMIT_VERSION = 9 };

void member_wants(struct member *member, enum phase phase, uint64_t in_ms) {
    member->phase = phase;
    timer_heap_set(&member->group->storm->timers, &member->timer, storm_now_us() / 1000 + in_ms);
    if (in_ms > 0) return;
    timer_heap_remove(&member->group->storm->timers, &member->timer);
    member_act(member);
}

/* ---- The coordinator ---- */

static void ask_coordinator(struct member *member) {
    struct storm *storm = member->group->storm;
    struct kp_find_coordinator_request request;
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = kp_string_of(member->group->id);
    size_t first = (size_t)(member - storm->members) + member->tries++;
    for (size_t i = 0; i < storm->broker_count; i++) {
        struct broker *broker = &storm->brokers[(first + i) % storm->broker_count];
        if (broker->down) continue;
        if (broker->asked.fd < 0) link_open(&broker->asked, storm, broker->port);
        member->call.api = kp_api_find(KP_FIND_COORDINATOR);
        member->call.version = LOOKUP_VERSION;
        storm->counts.lookups++;
        link_ask(&broker->asked, &member->call, &request);
        return;
    }
    member_wants(member, WANTS_COORDINATOR, RETRY_MS);
}

static void lost_coordinator(struct member *member, uint64_t in_ms) {
    if (member->phase != WANTS_COORDINATOR)
        member->after_lookup = member->phase == WANTS_SYNC ? WANTS_JOIN : member->phase;
    member->full = true;
    member_wants(member, WANTS_COORDINATOR, in_ms);
}

static void found(struct member *member, const struct kp_find_coordinator_response *response) {
    if (response->error_code != KAFKA_NONE) {
        member_wants(member, WANTS_COORDINATOR, RETRY_MS);
        return;
    }
    uint16_t port = (uint16_t)response->port;
    struct storm *storm = member->group->storm;
    for (size_t i = 0; i < storm->broker_count; i++)
        if (storm->brokers[i].port == port && storm->brokers[i].down) {
            member_wants(member, WANTS_COORDINATOR, RETRY_MS); /* it is not reached: as clients */
            return;
        }
    if (member->link.fd >= 0 && member->link.port != port) {
        /* Nobody waits on it but perhaps a commit, which is cut. */
        link_close(&member->link);
    }
    member->group->port = port;
    if (member->link.fd < 0) link_open(&member->link, storm, port);
    member_wants(member, member->after_lookup, 0);
}

void member_cut(struct member *member, struct call *call) {
    struct storm *storm = member->group->storm;
    storm->counts.cut++;
    if (call == &member->commit) return;
    if (call->api->key == KP_FIND_COORDINATOR)
        member_wants(member, WANTS_COORDINATOR, 1); /* another broker knows it, too */
    else
        lost_coordinator(member, 1);
}

void member_alone(struct member *member) {
    if (!member->call.under_way && member->phase != WANTS_COORDINATOR) lost_coordinator(member, 1);
}

/* ---- Errors ---- */

void member_rejoins(struct member *member, bool with_id) {
    struct storm *storm = member->group->storm;
    member->in = false;
    if (member->group->stable) {
        member->group->stable = false;
        storm->stable--;
    }
    if (storm->consumer)
        member->generation = 0;
    else if (!with_id)
        member->id[0] = '\0';
    member->owned_count = 0;
    member_wants(member, WANTS_JOIN, 0);
}

bool member_failed(struct member *member, int16_t error) {
    struct counts *counts = &member->group->storm->counts;
    if (error == KAFKA_NONE) return false;
    counts->errors[error > 0 && error < ERRORS_MAX ? error : ERRORS_MAX]++;
    switch (error) {
    case KAFKA_COORDINATOR_LOAD_IN_PROGRESS: member_wants(member, member->phase, RETRY_MS); break;
    case KAFKA_COORDINATOR_NOT_AVAILABLE:
    case KAFKA_NOT_COORDINATOR: lost_coordinator(member, RETRY_MS); break;
    case KAFKA_MEMBER_ID_REQUIRED: /* the id was taken by who calls */
    case KAFKA_REBALANCE_IN_PROGRESS:
    case KAFKA_ILLEGAL_GENERATION: member_rejoins(member, true); break;
    default: member_rejoins(member, false); break;
    }
    return true;
}

/* ---- Answers ---- */

void member_beat_done(struct member *member, uint64_t in_ms) {
    struct storm *storm = member->group->storm;
    uint64_t now_us = storm_now_us(), took_us = now_us - member->call.sent_us;
    if (took_us > storm->beat_worst_us) storm->beat_worst_us = took_us;
    storm->counts.beats++;
    if (member->back_us == 0) member->back_us = now_us;
    member->hears_us = now_us;
    member->full = false;
    member_wants(member, BEATS, storm->flat_out ? 0 : in_ms);
}

static void commit_done(struct storm *storm, const struct call *call,
                        const struct kp_offset_commit_response *response) {
    int16_t error = KAFKA_NONE;
    for (int32_t t = 0; t < response->topics.count; t++)
        for (int32_t p = 0; p < response->topics.items[t].partitions.count; p++)
            if (response->topics.items[t].partitions.items[p].error_code != KAFKA_NONE)
                error = response->topics.items[t].partitions.items[p].error_code;
    if (error != KAFKA_NONE) {
        storm->counts.errors[error > 0 && error < ERRORS_MAX ? error : ERRORS_MAX]++;
        return;
    }
    storm->counts.commits++;
    if (storm->commit_count < storm->commit_room)
        storm->commit_us[storm->commit_count++] = storm_now_us() - call->sent_us;
}

void member_answered(struct call *call, const uint8_t *frame, size_t len) {
    static union {
        struct kp_find_coordinator_response find;
        struct kp_join_group_response join;
        struct kp_sync_group_response sync;
        struct kp_heartbeat_response beat;
        struct kp_offset_commit_response commit;
        struct kp_consumer_group_heartbeat_response consumer;
    } response;
    struct member *member = call->member;
    struct kp_arena arena;
    kp_arena_init(&arena, 64 << 20);
    int error = kp_response_decode(call->api, call->version, call->correlation, frame, len, &arena,
                                   &response);
    if (error != 0) {
        fprintf(stderr, "storm: %s was answered with bytes that make no sense\n", call->api->name);
        exit(1);
    }
    switch (call->api->key) {
    case KP_FIND_COORDINATOR: found(member, &response.find); break;
    case KP_OFFSET_COMMIT: commit_done(member->group->storm, call, &response.commit); break;
    case KP_CONSUMER_GROUP_HEARTBEAT: consumer_answered(member, &response); break;
    default: classic_answered(member, &response, call->api->key); break;
    }
    kp_arena_close(&arena);
}

/* ---- What it does ---- */

void member_act(struct member *member) {
    bool consumer = member->group->storm->consumer;
    if (member->call.under_way) return;
    if (member->phase != WANTS_COORDINATOR && member->link.fd < 0) {
        lost_coordinator(member, 0);
        return;
    }
    switch (member->phase) {
    case WANTS_COORDINATOR: ask_coordinator(member); break;
    case WANTS_JOIN:
        member->group->storm->counts.joins++;
        if (consumer)
            consumer_beat(member);
        else
            classic_join(member);
        break;
    case WANTS_SYNC: classic_sync(member); break;
    case BEATS:
        if (consumer)
            consumer_beat(member);
        else
            classic_beat(member);
        break;
    }
}

void member_commit(struct member *member) {
    const struct storm *storm = member->group->storm;
    static struct kp_offset_commit_request_partition partitions[OWNED_MAX];
    struct kp_offset_commit_request_topic topic;
    struct kp_offset_commit_request request;
    if (!member->in || member->link.fd < 0 || member->commit.under_way) return;
    kp_set_fallbacks(&kp_offset_commit_request_schema, &request);
    kp_set_fallbacks(&kp_offset_commit_request_topic_schema, &topic);
    for (int32_t p = 0; p < storm->partitions; p++) {
        kp_set_fallbacks(&kp_offset_commit_request_partition_schema, &partitions[p]);
        partitions[p].partition_index = p;
        partitions[p].committed_offset = (int64_t)member->commit.correlation;
        partitions[p].committed_metadata = kp_string_of("");
    }
    topic.name = kp_string_of(storm->topic);
    topic.partitions.items = partitions;
    topic.partitions.count = storm->partitions;
    request.group_id = kp_string_of(member->group->id);
    request.generation_id_or_member_epoch = member->generation;
    request.member_id = kp_string_of(member->id);
    request.topics.items = &topic;
    request.topics.count = 1;
    member->commit.api = kp_api_find(KP_OFFSET_COMMIT);
    member->commit.version = COMMIT_VERSION;
    link_ask(&member->link, &member->commit, &request);
}

/* ---- The group ---- */

/* Stable: everybody is in, in one generation, and owns all partitions together (KIP-848). */
void group_look(struct group *group) {
    struct storm *storm = group->storm;
    int32_t owned = 0;
    bool stable = true;
    for (size_t i = 0; stable && i < storm->group_size; i++) {
        const struct member *member = &group->members[i];
        stable = member->in && member->generation == group->members[0].generation;
        owned += member->owned_count;
    }
    if (storm->consumer && owned != storm->partitions) stable = false;
    if (stable == group->stable) return;
    group->stable = stable;
    storm->stable += stable ? 1 : (size_t)-1;
}
