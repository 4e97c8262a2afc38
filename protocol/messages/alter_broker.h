/*
 * AlterBroker (key 10005, private): who belongs to the cluster, for `drave broker`. Framed like
 * Kafka's APIs, so that listeners, and later authentication, cover it. Not advertised by
 * ApiVersions.
 */
#ifndef PROTOCOL_MESSAGES_ALTER_BROKER_H
#define PROTOCOL_MESSAGES_ALTER_BROKER_H

#include "protocol/schema.h"

/* Numbers stay. */
enum kp_broker_change {
    KP_BROKER_ADD = 1, /* one that waits to be admitted belongs to the cluster from now on */
    KP_BROKER_DRAIN,   /* it gets no new replicas, and those that it has go */
    KP_BROKER_UNDRAIN, /* it is as any other again */
    KP_BROKER_REMOVE,  /* it belongs to the cluster no more, nor ever again */
    KP_BROKER_REPLACE, /* an empty directory that waits takes the place of its lost one */
    KP_BROKER_VOTERS,  /* no broker: those that `voters` names vote on the metadata, no others */
    /* Of a lost majority (`drave recover`): */
    KP_BROKER_LOSE,       /* its directory is lost for good, and nothing has its place yet */
    KP_METADATA_RECOVER,  /* the broker that is asked leads the metadata alone; its log ends with
                             `entry` */
    KP_PARTITION_RECOVER, /* that group goes on with that replica alone; likewise */
};

struct kp_alter_broker_request {
    int32_t broker_id;
    int8_t change; /* enum kp_broker_change */
    int32_t timeout_ms;
    bool validate_only; /* says whether it would be done */
    bool accept_loss;   /* of KP_BROKER_REPLACE: of partitions with no majority without it */
    KP_ARRAY_OF(int32_t) voters; /* of KP_BROKER_VOTERS */
    int64_t group, replica;      /* of KP_PARTITION_RECOVER */
    int64_t entry_term, entry_index;
    /* Of both: those that the plan goes on without. Refused, if one of them is connected. */
    KP_ARRAY_OF(int32_t) lost;
    /* Of KP_PARTITION_RECOVER: those that answer, and cannot open their replica. */
    KP_ARRAY_OF(int32_t) unread;
};

struct kp_alter_broker_response {
    int16_t error_code;
    struct kp_string error_message; /* null: done */
};

extern const struct kp_schema kp_alter_broker_request_schema;
extern const struct kp_schema kp_alter_broker_response_schema;

#endif
