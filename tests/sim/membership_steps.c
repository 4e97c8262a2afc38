/* The sum; membership_steps.h says of what. */
#include "tests/sim/membership_steps.h"

#include "broker/metadata/metadata_roster.h"
#include "raft-glue/raft_group.h"

static uint64_t mix(uint64_t sum, uint64_t value) {
    return (sum ^ value) * UINT64_C(0x100000001b3);
}

uint64_t membership_steps(struct cluster *cluster, unsigned place, const struct metadata *metadata,
                          uint64_t sum) {
    uint64_t ids[1 + CLUSTER_PARTITIONS_MAX];
    size_t n = cluster_groups(cluster, place, ids, 1 + CLUSTER_PARTITIONS_MAX);

    sum = mix(sum, place);
    for (size_t k = 0; k < n; k++) {
        struct raft_group_configuration now;
        raft_group_configuration(cluster_group(cluster, place, ids[k]), &now);
        sum = mix(mix(mix(sum, ids[k]), now.index), now.committed);
    }
    for (size_t i = 0; metadata != NULL && i < metadata_roster_count(metadata); i++) {
        const struct roster_broker *row = metadata_roster_at(metadata, i);
        sum = mix(mix(sum, row->replica), (uint64_t)row->votes * 2 + row->draining);
    }
    return metadata == NULL ? sum : mix(sum, metadata_plan_count(metadata));
}
