/*
 * LostMajorities (key 10007, private): the groups of which a broker has a replica, and is connected
 * to no majority of those that vote: what it has of them, for `drave recover`; and those that it
 * cannot open. Framed like Kafka's
 * APIs, so that listeners, and later authentication, cover it. Not advertised by ApiVersions.
 *
 * Version 0. A page tells of some partitions; what is behind them is asked for by its place. The
 * metadata comes with the first page, as group 0 of no topic.
 */
#ifndef PROTOCOL_MESSAGES_LOST_MAJORITIES_H
#define PROTOCOL_MESSAGES_LOST_MAJORITIES_H

#include "protocol/schema.h"

struct kp_lost_majorities_request {
    /* Where the page begins: the topic made by that command of the metadata, or the next; and that
     * partition of it. 0, 0: the beginning. */
    int64_t from_topic;
    int32_t from_partition;
};

struct kp_lost_majorities_response_voter {
    int64_t replica;
    int32_t broker_id; /* -1: of a directory that is lost, or not known here */
};

struct kp_lost_majorities_response_group {
    int64_t group;
    struct kp_string topic; /* "" of the metadata */
    int32_t partition;
    int64_t replica; /* ours */
    /* The last entry of the log, and what is known of commits: of what is here, and as the last
     * leader told it. */
    int64_t last_term, last_index, commit_index, commit_heard;
    int64_t log_start_offset, high_watermark, log_end_offset;
    int8_t in_sync; /* as the last leader said: 1, 0; -1 not known here */
    bool chosen;    /* the metadata says that it goes on with this replica */
    bool closed;    /* it has a replica and cannot open it, so it knows nothing of all that. Also of
                       groups that have a majority, for nobody knows */
    KP_ARRAY_OF(struct kp_lost_majorities_response_voter) voters;
};

struct kp_lost_majorities_response {
    int16_t error_code;
    struct kp_string error_message;
    int32_t node_id, metadata_leader; /* -1: none is known */
    KP_ARRAY_OF(struct kp_lost_majorities_response_group) groups;
    int64_t next_topic; /* -1: that is all */
    int32_t next_partition;
};

extern const struct kp_schema kp_lost_majorities_request_schema;
extern const struct kp_schema kp_lost_majorities_response_schema;
extern const struct kp_schema kp_lost_majorities_response_group_schema;
extern const struct kp_schema kp_lost_majorities_response_voter_schema;

#endif
