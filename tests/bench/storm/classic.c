/* Join, sync and heartbeat; the leader gives each member one partition, as far as there are any. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/kafka_error.h"
#include "protocol/messages/heartbeat.h"
#include "protocol/messages/join_group.h"
#include "protocol/messages/sync_group.h"
#include "tests/bench/storm/storm.h"

enum { JOIN_VERSION = 7, SYNC_VERSION = 5, BEAT_VERSION = 4, MEMBERS_MAX = 10000, BLOB_MAX = 320 };

static void take_id(struct member *member, struct kp_string id) {
    if (id.len <= 0 || (size_t)id.len >= sizeof member->id) return;
    memcpy(member->id, id.data, (size_t)id.len);
    member->id[id.len] = '\0';
}

static size_t put_i16(uint8_t *at, int16_t value) {
    at[0] = (uint8_t)((uint16_t)value >> 8);
    at[1] = (uint8_t)value;
    return 2;
}

static size_t put_i32(uint8_t *at, int32_t value) {
    put_i16(at, (int16_t)((uint32_t)value >> 16));
    return 2 + put_i16(at + 2, (int16_t)value);
}

static size_t put_topic(uint8_t *at, const char *topic) {
    size_t len = strlen(topic), put = put_i16(at, (int16_t)len);
    memcpy(at + put, topic, len);
    return put + len;
}

/* ---- Join ---- */

void classic_join(struct member *member) {
    const struct storm *storm = member->group->storm;
    uint8_t blob[BLOB_MAX];
    size_t len = put_i16(blob, 1); /* ConsumerProtocolSubscription, version 1 */
    len += put_i32(blob + len, 1);
    len += put_topic(blob + len, storm->topic);
    len += put_i32(blob + len, -1); /* no user data */
    len += put_i32(blob + len, 0);  /* owns nothing */
    struct kp_join_group_request_protocol protocol;
    kp_set_fallbacks(&kp_join_group_request_protocol_schema, &protocol);
    protocol.name = kp_string_of("range");
    protocol.metadata = (struct kp_bytes){.data = blob, .len = (int32_t)len};
    struct kp_join_group_request request;
    kp_set_fallbacks(&kp_join_group_request_schema, &request);
    request.group_id = kp_string_of(member->group->id);
    request.session_timeout_ms = (int32_t)storm->session_ms;
    request.rebalance_timeout_ms = 60000;
    request.member_id = kp_string_of(member->id);
    request.protocol_type = kp_string_of("consumer");
    request.protocols.items = &protocol;
    request.protocols.count = 1;
    member->call.api = kp_api_find(KP_JOIN_GROUP);
    member->call.version = JOIN_VERSION;
    link_ask(&member->link, &member->call, &request);
}

/* ---- Sync ---- */

/* What the leader was told of the members: their ids, until it syncs within the same call. */
static char ids[MEMBERS_MAX][80];
static size_t id_count;

static void joined(struct member *member, const struct kp_join_group_response *response) {
    if (response->error_code == KAFKA_MEMBER_ID_REQUIRED) take_id(member, response->member_id);
    if (member_failed(member, response->error_code)) return;
    take_id(member, response->member_id);
    member->generation = response->generation_id;
    id_count = 0;
    for (int32_t i = 0; i < response->members.count && id_count < MEMBERS_MAX; i++) {
        struct kp_string id = response->members.items[i].member_id;
        if ((size_t)id.len >= sizeof ids[0]) continue;
        memcpy(ids[id_count], id.data, (size_t)id.len);
        ids[id_count++][id.len] = '\0';
    }
    member->leads = id_count > 0;
    member_wants(member, WANTS_SYNC, 0);
}

static struct kp_bytes assignment_of(const struct storm *storm, size_t place, uint8_t *blob) {
    bool has = place < (size_t)storm->partitions;
    size_t len = put_i16(blob, 1);
    len += put_i32(blob + len, has ? 1 : 0);
    if (has) {
        len += put_topic(blob + len, storm->topic);
        len += put_i32(blob + len, 1);
        len += put_i32(blob + len, (int32_t)place);
    }
    len += put_i32(blob + len, -1);
    return (struct kp_bytes){.data = blob, .len = (int32_t)len};
}

void classic_sync(struct member *member) {
    static struct kp_sync_group_request_assignment assignments[MEMBERS_MAX];
    static uint8_t blobs[MEMBERS_MAX][BLOB_MAX];
    const struct storm *storm = member->group->storm;
    struct kp_sync_group_request request;
    kp_set_fallbacks(&kp_sync_group_request_schema, &request);
    request.group_id = kp_string_of(member->group->id);
    request.generation_id = member->generation;
    request.member_id = kp_string_of(member->id);
    request.protocol_type = kp_string_of("consumer");
    request.protocol_name = kp_string_of("range");
    for (size_t i = 0; member->leads && i < id_count; i++) {
        kp_set_fallbacks(&kp_sync_group_request_assignment_schema, &assignments[i]);
        assignments[i].member_id = kp_string_of(ids[i]);
        assignments[i].assignment = assignment_of(storm, i, blobs[i]);
    }
    request.assignments.items = assignments;
    request.assignments.count = member->leads ? (int32_t)id_count : 0;
    member->call.api = kp_api_find(KP_SYNC_GROUP);
    member->call.version = SYNC_VERSION;
    link_ask(&member->link, &member->call, &request);
}

static void synced(struct member *member, const struct kp_sync_group_response *response) {
    struct storm *storm = member->group->storm;
    if (member_failed(member, response->error_code)) return;
    member->in = true;
    group_look(member->group);
    /* Spread, so that what is measured is not one burst every three seconds. */
    member_wants(member, BEATS, 1 + storm_random(storm) % storm->beat_ms);
}

/* ---- Heartbeat ---- */

void classic_beat(struct member *member) {
    const struct storm *storm = member->group->storm;
    struct kp_heartbeat_request request;
    kp_set_fallbacks(&kp_heartbeat_request_schema, &request);
    request.group_id = kp_string_of(storm->bare ? "" : member->group->id);
    request.generation_id = member->generation;
    request.member_id = kp_string_of(member->id);
    member->call.api = kp_api_find(KP_HEARTBEAT);
    member->call.version = BEAT_VERSION;
    link_ask(&member->link, &member->call, &request);
}

static void beaten(struct member *member, const struct kp_heartbeat_response *response) {
    struct storm *storm = member->group->storm;
    int16_t error = response->error_code;
    if (storm->bare && error == KAFKA_INVALID_GROUP_ID) error = KAFKA_NONE;
    if (member_failed(member, error)) return;
    member_beat_done(member, storm->beat_ms);
}

void classic_answered(struct member *member, const void *response, int16_t key) {
    if (key == KP_JOIN_GROUP) joined(member, response);
    if (key == KP_SYNC_GROUP) synced(member, response);
    if (key == KP_HEARTBEAT) beaten(member, response);
}
