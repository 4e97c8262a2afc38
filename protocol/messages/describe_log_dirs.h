/*
 * DescribeLogDirs (key 35): the directories of a broker, and how much of each topic lies in them.
 * KIP-113, KIP-784 (3), KIP-827 (4), KIP-1066 (5).
 *
 * Versions 1 to 5. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_DESCRIBE_LOG_DIRS_H
#define PROTOCOL_MESSAGES_DESCRIBE_LOG_DIRS_H

#include "protocol/schema.h"

struct kp_describe_log_dirs_request_topic {
    struct kp_string topic;
    KP_ARRAY_OF(int32_t) partitions;
};

struct kp_describe_log_dirs_request {
    KP_ARRAY_OF(struct kp_describe_log_dirs_request_topic) topics; /* null: all */
};

struct kp_describe_log_dirs_response_partition {
    int32_t partition_index;
    int64_t partition_size; /* bytes */
    int64_t offset_lag;     /* of the log behind the watermark */
    bool is_future_key;     /* moves here from another directory */
};

struct kp_describe_log_dirs_response_topic {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_describe_log_dirs_response_partition) partitions;
};

struct kp_describe_log_dirs_response_directory {
    int16_t error_code;
    struct kp_string log_dir; /* absolute path */
    KP_ARRAY_OF(struct kp_describe_log_dirs_response_topic) topics;
    int64_t total_bytes;  /* 4+; of the file system */
    int64_t usable_bytes; /* 4+; free there */
    bool is_cordoned;     /* 5+; gets no new partitions */
};

struct kp_describe_log_dirs_response {
    int32_t throttle_time_ms;
    int16_t error_code; /* 3+ */
    KP_ARRAY_OF(struct kp_describe_log_dirs_response_directory) results;
};

extern const struct kp_schema kp_describe_log_dirs_request_topic_schema;
extern const struct kp_schema kp_describe_log_dirs_request_schema;
extern const struct kp_schema kp_describe_log_dirs_response_partition_schema;
extern const struct kp_schema kp_describe_log_dirs_response_topic_schema;
extern const struct kp_schema kp_describe_log_dirs_response_directory_schema;
extern const struct kp_schema kp_describe_log_dirs_response_schema;

#endif
