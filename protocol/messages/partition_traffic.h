/*
 * PartitionTraffic (key 10002, private): what the leader of a partition remembers of what came and
 * who fetched, for lag in seconds and for `drave group why`. Framed like Kafka's APIs, so that
 * listeners, and later authentication, cover it. Not advertised by ApiVersions.
 *
 * Version 0. Ages are ms before the answer. -1 stands for what is not known.
 */
#ifndef PROTOCOL_MESSAGES_PARTITION_TRAFFIC_H
#define PROTOCOL_MESSAGES_PARTITION_TRAFFIC_H

#include "protocol/schema.h"

struct kp_partition_traffic_request_partition {
    int32_t partition_index;
    int64_t offset; /* of which record the age is asked */
};

struct kp_partition_traffic_request_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_partition_traffic_request_partition) partitions;
};

struct kp_partition_traffic_request {
    int64_t short_ms; /* the two windows of rates */
    int64_t long_ms;
    KP_ARRAY_OF(struct kp_partition_traffic_request_topic) topics;
};

struct kp_partition_traffic_response_reader {
    struct kp_string client_id;
    struct kp_string peer; /* address and port */
    int64_t offset;        /* that it fetched from last */
    int64_t furthest;      /* that it ever fetched from */
    int64_t seen_age_ms;   /* of its last fetch */
    int64_t moved_age_ms;  /* since when it has come no further */
    int32_t again;         /* how often since then it was given what it had been given */
};

struct kp_partition_traffic_response_partition {
    int32_t partition_index;
    int16_t error_code;
    int64_t log_start_offset;
    int64_t high_watermark;
    int64_t arrived_age_ms; /* since the record at the offset came; -1: none is there yet */
    bool arrived_at_least;  /* it is older than that */
    int64_t produced_short; /* thousandths of records a second */
    int64_t produced_long;
    KP_ARRAY_OF(struct kp_partition_traffic_response_reader) readers;
};

struct kp_partition_traffic_response_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_partition_traffic_response_partition) partitions;
};

struct kp_partition_traffic_response {
    KP_ARRAY_OF(struct kp_partition_traffic_response_topic) topics;
};

extern const struct kp_schema kp_partition_traffic_request_partition_schema;
extern const struct kp_schema kp_partition_traffic_request_topic_schema;
extern const struct kp_schema kp_partition_traffic_request_schema;
extern const struct kp_schema kp_partition_traffic_response_reader_schema;
extern const struct kp_schema kp_partition_traffic_response_partition_schema;
extern const struct kp_schema kp_partition_traffic_response_topic_schema;
extern const struct kp_schema kp_partition_traffic_response_schema;

#endif
