/*
 * What a partition is at the moment: whether it leads, its ends, who is in sync.
 */
#include "broker/partition/partition_internal.h"

#include "protocol/kafka_error.h"

int16_t partition_leadership(const struct partition *partition, int32_t leader_epoch,
                             bool *electing) {
    *electing = false;
    if (partition->closed)
        return partition->deleted ? KAFKA_UNKNOWN_TOPIC_OR_PARTITION : KAFKA_NOT_LEADER_OR_FOLLOWER;
    if (!partition->leading) {
        *electing = raft_group_leader(partition->group) == partition->replica;
        return KAFKA_NOT_LEADER_OR_FOLLOWER;
    }
    /* KIP-320: a client that knows another leader epoch is told which of us is behind. */
    if (leader_epoch < 0 || (uint32_t)leader_epoch == partition->epoch) return KAFKA_NONE;
    return (uint32_t)leader_epoch < partition->epoch ? KAFKA_FENCED_LEADER_EPOCH
                                                     : KAFKA_UNKNOWN_LEADER_EPOCH;
}

uint64_t partition_in_sync_now(const struct partition *partition) {
    uint64_t in_sync = 0;
    for (size_t i = 0; i < partition->member_count; i++) {
        if (raft_group_member_in_sync(partition->group, partition->members[i].replica))
            in_sync |= UINT64_C(1) << i;
    }
    return in_sync;
}

int32_t partition_in_sync_count(const struct partition *partition) {
    return partition->leading ? (int32_t)__builtin_popcountll(partition_in_sync_now(partition)) : 0;
}

void partition_set_settings(struct partition *partition,
                            const struct partition_settings *settings) {
    partition->settings = *settings;
}

const struct producer_state *partition_producers(const struct partition *partition) {
    return partition->producers;
}

struct traffic *partition_traffic(struct partition *partition) {
    return &partition->traffic;
}

struct raft_group *partition_group(struct partition *partition) {
    return partition->group;
}

int32_t partition_index(const struct partition *partition) {
    return partition->index;
}

bool partition_is_leading(const struct partition *partition) {
    return partition->leading;
}

bool partition_is_electing(const struct partition *partition) {
    bool electing;
    partition_leadership(partition, -1, &electing);
    return electing;
}

uint32_t partition_leader_epoch(const struct partition *partition) {
    return partition->leading ? partition->epoch : raft_group_term(partition->group);
}

int64_t partition_high_watermark(const struct partition *partition) {
    return partition->high_watermark;
}

int64_t partition_start_offset(const struct partition *partition) {
    kafka_offset first = partition_log_start_offset(raft_group_log(partition->group));
    return partition->log_start > first ? partition->log_start : first;
}
