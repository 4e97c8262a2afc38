/*
 * Why a share group is not done with its records, as diagnosis.h says it of groups that commit
 * offsets. A function of the facts alone.
 *
 * Happy path: a group that keeps up, or whose members hold what is left for less than a quarter of
 * the window, has no finding. Failures: where no leader has told, nothing but that is said.
 */
#ifndef WHY_SHARE_DIAGNOSIS_H
#define WHY_SHARE_DIAGNOSIS_H

#include "protocol/messages/partition_traffic.h"
#include "why/diagnosis.h"

struct why_share_partition {
    const char *topic;
    int32_t partition;
    int64_t start;  /* the first record that is not done with; WHY_UNKNOWN: not begun, not known */
    int64_t lag;    /* records that are not done with, held ones with them; WHY_UNKNOWN */
    int64_t age_ms; /* of the first of them; WHY_UNKNOWN */
    /* What its leader told, borrowed; NULL: nothing. */
    const struct kp_partition_traffic_response_partition *told;
};

struct why_share_facts {
    const char *group, *state;
    int64_t window_ms;
    size_t member_count;
    struct why_share_partition *partitions;
    size_t partition_count;
};

/* What the leader told of the group itself; NULL: nothing. */
const struct kp_partition_traffic_response_shared *why_shared(
    const struct why_share_partition *partition);
/* What the leader told of it: start, lag and age. */
void why_share_take_told(struct why_share_partition *partition,
                         const struct kp_partition_traffic_response_partition *told);

void why_share_diagnose(const struct why_share_facts *facts, struct why_diagnosis *diagnosis);

#endif
