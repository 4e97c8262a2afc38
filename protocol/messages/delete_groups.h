/*
 * DeleteGroups (key 42): groups without members go, with their offsets. KIP-229.
 *
 * Versions 0 to 3. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_DELETE_GROUPS_H
#define PROTOCOL_MESSAGES_DELETE_GROUPS_H

#include "protocol/schema.h"

struct kp_delete_groups_request {
    KP_ARRAY_OF(struct kp_string) groups_names;
};

struct kp_delete_groups_response_result {
    struct kp_string group_id;
    int16_t error_code;
    struct kp_string error_message; /* 3+ */
};

struct kp_delete_groups_response {
    int32_t throttle_time_ms;
    KP_ARRAY_OF(struct kp_delete_groups_response_result) results;
};

extern const struct kp_schema kp_delete_groups_request_schema;
extern const struct kp_schema kp_delete_groups_response_result_schema;
extern const struct kp_schema kp_delete_groups_response_schema;

#endif
