/*
 * The APIs that are spoken: one row each. What ApiVersions advertises is computed from it.
 *
 * To add an API: its file with structs and schemas, its row here, a golden frame for each version
 * (the test of the golden frames fails without), its handler in broker/api/, its row
 * in docs/protocol.md.
 */
#ifndef PROTOCOL_MESSAGES_API_TABLE_H
#define PROTOCOL_MESSAGES_API_TABLE_H

#include <stddef.h>

#include "base/error.h"
#include "protocol/schema.h"

enum kp_api_key {
    KP_PRODUCE = 0,
    KP_FETCH = 1,
    KP_LIST_OFFSETS = 2,
    KP_METADATA = 3,
    KP_OFFSET_COMMIT = 8,
    KP_OFFSET_FETCH = 9,
    KP_FIND_COORDINATOR = 10,
    KP_JOIN_GROUP = 11,
    KP_HEARTBEAT = 12,
    KP_LEAVE_GROUP = 13,
    KP_SYNC_GROUP = 14,
    KP_DESCRIBE_GROUPS = 15,
    KP_LIST_GROUPS = 16,
    KP_SASL_HANDSHAKE = 17,
    KP_API_VERSIONS = 18,
    KP_CREATE_TOPICS = 19,
    KP_DELETE_TOPICS = 20,
    KP_DELETE_RECORDS = 21,
    KP_INIT_PRODUCER_ID = 22,
    KP_OFFSET_FOR_LEADER_EPOCH = 23,
    KP_ADD_PARTITIONS_TO_TXN = 24,
    KP_ADD_OFFSETS_TO_TXN = 25,
    KP_END_TXN = 26,
    KP_WRITE_TXN_MARKERS = 27,
    KP_TXN_OFFSET_COMMIT = 28,
    KP_DESCRIBE_ACLS = 29,
    KP_CREATE_ACLS = 30,
    KP_DELETE_ACLS = 31,
    KP_DESCRIBE_CONFIGS = 32,
    KP_ALTER_CONFIGS = 33,
    KP_DESCRIBE_LOG_DIRS = 35,
    KP_SASL_AUTHENTICATE = 36,
    KP_CREATE_PARTITIONS = 37,
    KP_DELETE_GROUPS = 42,
    KP_ELECT_LEADERS = 43,
    KP_INCREMENTAL_ALTER_CONFIGS = 44,
    KP_ALTER_PARTITION_REASSIGNMENTS = 45,
    KP_LIST_PARTITION_REASSIGNMENTS = 46,
    KP_OFFSET_DELETE = 47,
    KP_DESCRIBE_CLIENT_QUOTAS = 48,
    KP_ALTER_CLIENT_QUOTAS = 49,
    KP_DESCRIBE_USER_SCRAM_CREDENTIALS = 50,
    KP_ALTER_USER_SCRAM_CREDENTIALS = 51,
    KP_DESCRIBE_QUORUM = 55,
    KP_UPDATE_FEATURES = 57,
    KP_DESCRIBE_CLUSTER = 60,
    KP_DESCRIBE_PRODUCERS = 61,
    KP_UNREGISTER_BROKER = 64,
    KP_DESCRIBE_TRANSACTIONS = 65,
    KP_LIST_TRANSACTIONS = 66,
    KP_CONSUMER_GROUP_HEARTBEAT = 68,
    KP_CONSUMER_GROUP_DESCRIBE = 69,
    KP_LIST_CONFIG_RESOURCES = 74,
    KP_DESCRIBE_TOPIC_PARTITIONS = 75,
    KP_SHARE_GROUP_HEARTBEAT = 76,
    KP_SHARE_GROUP_DESCRIBE = 77,
    KP_SHARE_FETCH = 78,
    KP_SHARE_ACKNOWLEDGE = 79,
    KP_DESCRIBE_SHARE_GROUP_OFFSETS = 90,
    KP_ALTER_SHARE_GROUP_OFFSETS = 91,
    KP_DELETE_SHARE_GROUP_OFFSETS = 92,
    KP_PRIVATE = 10000, /* keys from here on are our own and are not advertised */
    KP_META_QUERY = 10000,
    KP_BROKER_STATUS = 10001,
    KP_PARTITION_TRAFFIC = 10002,
    KP_GROUP_ACTIVITY = 10003,
    KP_ALTER_BROKER = 10005,
    KP_CLIENT_STATUS = 10006,
    KP_LOST_MAJORITIES = 10007,
    KP_DELAYED_RECORDS = 10008,
};

struct kp_api {
    int16_t key;
    const char *name; /* Kafka's: "ListOffsets" */
    /* What ApiVersions says; below `from` only where clients demand it (Produce, KAFKA-18659). */
    int16_t advertised_from;
    int16_t from, to; /* versions that are decoded and answered */
    const struct kp_schema *request, *response;
};

const struct kp_api *kp_api_table(size_t *count); /* in the order of keys */
const struct kp_api *kp_api_find(int key);        /* NULL: not served */
bool kp_api_serves(const struct kp_api *api, int version);
bool kp_api_advertised(const struct kp_api *api); /* by ApiVersions */
/* KIP-482 forms in this version? (Headers: see frame.h.) */
bool kp_api_flexible(const struct kp_api *api, int version);

struct kp_api_versions_response;
/* The answer to ApiVersions: every API that is advertised, without error. False when the arena's
 * limit is passed. */
bool kp_api_versions_fill(struct kp_api_versions_response *response, struct kp_arena *arena);

/* The sentence about a request that is not served (the API at all, or this version of it, with the
 * nearest that is). */
void kp_api_refusal(int key, int version, struct error_text *why);

#endif
