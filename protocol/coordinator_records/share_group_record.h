/*
 * A share group as records: type 11, Kafka's ShareGroupMetadataKey and ShareGroupMetadataValue, and
 * where it has begun, type 15, ShareGroupStatePartitionMetadataKey and Value. Both keys are that of
 * a consumer group.
 */
#ifndef PROTOCOL_COORDINATOR_RECORDS_SHARE_GROUP_RECORD_H
#define PROTOCOL_COORDINATOR_RECORDS_SHARE_GROUP_RECORD_H

#include "protocol/coordinator_records/consumer_group_record.h"

struct kp_share_group_value { /* 11 */
    int32_t epoch;
    int64_t metadata_hash; /* of the topics that it reads; 0: not known */
};

struct kp_share_places_topic {
    struct kp_uuid id;
    struct kp_string name;
    KP_ARRAY_OF(int32_t) partitions;
    KP_ARRAY_OF(int32_t) later; /* ours: of these, those that begin with their first record */
};

struct kp_share_places_gone {
    struct kp_uuid id;
    struct kp_string name;
};

struct kp_share_places_value {                           /* 15 */
    KP_ARRAY_OF(struct kp_share_places_topic) beginning; /* or ending: it may be there or not */
    KP_ARRAY_OF(struct kp_share_places_topic) begun;
    KP_ARRAY_OF(struct kp_share_places_gone) deleting; /* not ours: see `beginning` */
    int64_t metadata; /* ours: the version of the table that had all of these topics; 0: not known
                       */
};

extern const struct kp_schema kp_share_group_value_schema;
extern const struct kp_schema kp_share_places_topic_schema;
extern const struct kp_schema kp_share_places_gone_schema;
extern const struct kp_schema kp_share_places_value_schema;

#endif
