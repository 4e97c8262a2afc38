/*
 * DelayedRecords (key 10008, private): what waits for its time in a partition (decision 99), as its
 * leader knows it: for `drave delay`. Framed like Kafka's APIs, so that listeners and logins cover
 * it. Not advertised by ApiVersions.
 *
 * Version 0. A page tells of some records, in the order of their offsets, and how many it has
 * looked at fit; what is behind it is asked for by its end.
 */
#ifndef PROTOCOL_MESSAGES_DELAYED_RECORDS_H
#define PROTOCOL_MESSAGES_DELAYED_RECORDS_H

#include "protocol/schema.h"

struct kp_delayed_records_request {
    struct kp_string topic;
    int32_t partition_index;
    int64_t after;       /* only offsets above it; -1: all */
    int64_t due_before;  /* ms since 1970; only what is due before it. INT64_MAX: all */
    struct kp_bytes key; /* only what has this key; null: all */
    int32_t records_max; /* of which the page tells; a broker may tell fewer. 0: it only counts */
};

struct kp_delayed_records_response_record {
    int64_t offset;
    int64_t due; /* and timestamp: ms since 1970 */
    int64_t timestamp;
    struct kp_bytes key; /* its beginning */
    int32_t key_size;    /* of the whole, and of the value; -1: null */
    int32_t value_size;
};

struct kp_delayed_records_response {
    int16_t error_code;
    struct kp_string error_message;
    int64_t high_watermark;
    int64_t count; /* of all that wait, and the memory that they take */
    int64_t bytes;
    int64_t next_due; /* of the first that is not on its way; -1: there is none */
    int64_t matched;  /* among those at which the page looked */
    KP_ARRAY_OF(struct kp_delayed_records_response_record) records;
    int64_t next_after; /* the `after` of the next page; -1: that is all */
};

extern const struct kp_schema kp_delayed_records_request_schema;
extern const struct kp_schema kp_delayed_records_response_schema;
extern const struct kp_schema kp_delayed_records_response_record_schema;

#endif
