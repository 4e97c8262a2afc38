/*
 * ListGroups (key 16): the groups of this coordinator. KIP-518 (4), KIP-848 (5).
 *
 * Versions 0 to 5. Numbers in comments are versions; fields that a version lacks have their
 * fallback.
 */
#ifndef PROTOCOL_MESSAGES_LIST_GROUPS_H
#define PROTOCOL_MESSAGES_LIST_GROUPS_H

#include "protocol/schema.h"

struct kp_list_groups_request {
    KP_ARRAY_OF(struct kp_string) states_filter; /* 4+; empty: all */
    KP_ARRAY_OF(struct kp_string) types_filter;  /* 5+; empty: all */
};

struct kp_list_groups_response_group {
    struct kp_string group_id;
    struct kp_string protocol_type;
    struct kp_string group_state; /* 4+ */
    struct kp_string group_type;  /* 5+ */
};

struct kp_list_groups_response {
    int32_t throttle_time_ms; /* 1+ */
    int16_t error_code;
    KP_ARRAY_OF(struct kp_list_groups_response_group) groups;
};

extern const struct kp_schema kp_list_groups_request_schema;
extern const struct kp_schema kp_list_groups_response_group_schema;
extern const struct kp_schema kp_list_groups_response_schema;

#endif
