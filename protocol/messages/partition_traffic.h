/*
 * PartitionTraffic (key 10002, private): what the leader of a partition remembers of what came and
 * who fetched, and how large it is, for lag in seconds, `drave group why` and `drave topic
 * describe`. Framed like Kafka's APIs, so that listeners, and later authentication, cover it. Not
 * advertised by ApiVersions.
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
    struct kp_string share_group; /* of which `shared` is wanted; null: of none */
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

struct kp_partition_traffic_response_writer {
    struct kp_string client_id;
    struct kp_string peer;
    int64_t since_age_ms; /* of its first batch that is remembered, and of its last one */
    int64_t seen_age_ms;
    int64_t batches; /* since then, acknowledged */
    int64_t records;
    int64_t bytes;
};

/* What a share group does there. Ages as above. */
struct kp_partition_traffic_response_shared {
    int64_t start_offset;    /* everything before it is done with */
    int64_t lag_records;     /* that are not done with */
    int64_t acquired;        /* of which members hold so many, */
    int64_t acquired_most;   /* and may hold at most; 0: nobody has read yet, so it is not known */
    int64_t waiting;         /* fetches that wait for a record */
    int64_t retried;         /* that were given before, and may be given again */
    int32_t deliveries;      /* of the record that was given most often, held or not */
    int32_t deliveries_most; /* as often as one may be; 0: not known */
    int64_t lock_left_ms;    /* until the first lock ends; -1: nothing is held */
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
    /* What the leader has of it on its disk; how much of that lies below the log's start, and which
     * broker lacks some of it, so that it stays. -1: not known, none. */
    int64_t size_bytes;
    int64_t pinned_bytes;
    int32_t pinned_by;
    /* Who produced lately. */
    KP_ARRAY_OF(struct kp_partition_traffic_response_writer) writers;
    /* One, if the share group that was asked for has begun there. */
    KP_ARRAY_OF(struct kp_partition_traffic_response_shared) shared;
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
extern const struct kp_schema kp_partition_traffic_response_writer_schema;
extern const struct kp_schema kp_partition_traffic_response_shared_schema;
extern const struct kp_schema kp_partition_traffic_response_partition_schema;
extern const struct kp_schema kp_partition_traffic_response_topic_schema;
extern const struct kp_schema kp_partition_traffic_response_schema;

#endif
