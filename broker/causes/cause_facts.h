/*
 * What a coordinator knows of a group that lags, in the terms of why/facts.h, and which partitions
 * its leaders are to be asked about; of a share group in those of why/share_diagnosis.h.
 *
 * Happy path: cause_facts_take of a group of a coordinator that leads. Failures: false where the
 * arena's limit is passed. Invariants: CAUSE_PARTITIONS partitions and CAUSE_MEMBERS members of a
 * group are looked at, the others are left out; texts live in the arena; what leaders know is
 * unknown yet.
 */
#ifndef BROKER_CAUSES_CAUSE_FACTS_H
#define BROKER_CAUSES_CAUSE_FACTS_H

#include "broker/coordinator/group/group.h"
#include "broker/metadata/metadata.h"
#include "why/share_diagnosis.h"

enum { CAUSE_PARTITIONS = 500, CAUSE_MEMBERS = 200, CAUSE_WINDOW_MS = 60 * 1000 };

/* Room for what a leader tells of a share group in a partition. */
struct cause_told {
    struct kp_partition_traffic_response_partition partition;
    struct kp_partition_traffic_response_shared shared;
};

struct cause_facts {
    struct why_facts facts;
    uint64_t *partitions; /* the Raft group of each partition of the facts; 0: it is gone */
    /* Of a share group, whose partitions are those of the facts, place by place; its `group` NULL:
     * it is none. */
    struct why_share_facts shared;
    struct cause_told *told;
};

/* Outside of turns of the group, which may be gone when it returns. */
bool cause_facts_take(struct cause_facts *into, struct kp_arena *arena, struct group *group,
                      const struct metadata *metadata);

#endif
