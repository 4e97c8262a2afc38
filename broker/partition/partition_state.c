/*
 * What a partition is at the moment: whether it leads, its ends, who is in sync.
 */
#include "broker/partition/partition_internal.h"

#include "base/mem.h"
#include "base/mutant.h"
#include "protocol/kafka_error.h"

enum {
    PUT_OFF_MOST_MS = 30 * 1000,
    PUT_OFF_HELD_MS = 5 * 1000, /* for records that members of share groups hold */
    PAUSE_MS = 2 * 1000,        /* until it is asked again, and some */
};

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

void partition_take_members(struct partition *partition, const struct raft_group_member *members,
                            size_t n) {
    CHECK(n > 0 && n <= 64); /* partitions_make_sense, nodes_make_sense (broker/metadata) */
    mem_free(partition->members);
    partition->members = mem_alloc(n * sizeof *partition->members);
    for (size_t i = 0; i < n; i++)
        partition->members[i] = members[i];
    partition->member_count = n;
}

void partition_set_members(struct partition *partition, const struct raft_group_member *members,
                           size_t n) {
    partition_take_members(partition, members, n);
    raft_group_set_members(partition->group, members, n);
    partition_note_moved(partition);
    if (!partition->leading) return;
    partition->in_sync = partition_in_sync_now(partition);
    partition->events->in_sync_changed(partition->arg, partition);
}

replica_id partition_replica(const struct partition *partition) {
    return partition->replica;
}

uint64_t partition_in_sync_now(const struct partition *partition) {
    uint64_t in_sync = 0;
    for (size_t i = 0; i < partition->member_count; i++) {
        if (raft_group_member_in_sync(partition->group, partition->members[i].replica))
            in_sync |= UINT64_C(1) << i;
    }
    return in_sync;
}

/* As Kafka 4: never more than all; a newcomer that is still copied to does not vote, and is none of
 * them. */
int32_t partition_in_sync_wanted(const struct partition *partition) {
    size_t wanted = (size_t)partition->settings.min_insync_replicas,
           voters = raft_group_voter_count(partition->group);
    if (voters > partition->member_count) voters = partition->member_count;
    return (int32_t)(wanted < voters ? wanted : voters);
}

int32_t partition_in_sync_count(const struct partition *partition) {
    return partition->leading ? (int32_t)__builtin_popcountll(partition_in_sync_now(partition)) : 0;
}

void partition_set_settings(struct partition *partition,
                            const struct partition_settings *settings) {
    partition->settings = *settings;
    partition_apply_settings(partition);
    partition_note_moved(partition);
}

void partition_count_expiring(struct partition *partition, bool expires) {
    partition->counts->expiring += (uint64_t)expires - (uint64_t)partition->expires;
    partition->expires = expires;
}

void partition_apply_settings(struct partition *partition) {
    const struct partition_settings *settings = &partition->settings;
    partition_count_expiring(partition, settings->message_ttl_ms >= 0);
    partition_log_set_segment_bytes(raft_group_log(partition->group), settings->segment_bytes);
    int64_t roll_ms = settings->segment_ms;
    /* Only a sealed segment is cleaned. */
    if (settings->cleanup_compact && settings->max_compaction_lag_ms < roll_ms)
        roll_ms = settings->max_compaction_lag_ms;
    partition_log_roll_at_age(raft_group_log(partition->group), (uint64_t)roll_ms,
                              (uint64_t)settings->segment_jitter_ms);
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

const char *partition_topic(const struct partition *partition) {
    return partition->topic;
}

int32_t partition_index(const struct partition *partition) {
    return partition->index;
}

bool partition_is_leading(const struct partition *partition) {
    return partition->leading;
}

bool partition_puts_off_handover(struct partition *partition) {
    uint64_t now_ms = env_now_ms(partition->env);
    bool anew = partition->put_off_last_ms == 0 ||
                now_ms - partition->put_off_last_ms >= PUT_OFF_MOST_MS;
    bool unsettled = appliers_unsettled(partition), held = shares_held(partition->shares) > 0;
    if (!unsettled && !held) {
        partition->put_off_last_ms = 0;
        return false;
    }
    if (anew) partition->put_off_ms = now_ms;
    partition->put_off_last_ms = now_ms;
    uint64_t most_ms = unsettled ? PUT_OFF_MOST_MS : PUT_OFF_HELD_MS;
    bool puts_off = now_ms - partition->put_off_ms < most_ms;
    if (puts_off && held) shares_pause(partition->shares, PAUSE_MS);
    return puts_off;
}

bool partition_is_electing(const struct partition *partition) {
    bool electing;
    partition_leadership(partition, -1, &electing);
    return electing;
}

uint32_t partition_leader_epoch(const struct partition *partition) {
    return partition->leading ? partition->epoch : raft_group_term(partition->group);
}

void partition_note_moved(struct partition *partition) {
    if (partition->moved || partition->events->moved == NULL) return;
    partition->moved = true;
    partition->events->moved(partition->arg, partition);
}

void partition_note_fetched(struct partition *partition, uint64_t records, uint64_t bytes) {
    partition->flow.fetched_records += records;
    partition->flow.fetched_bytes += bytes;
    partition_note_moved(partition);
}

struct partition_flow partition_take_flow(struct partition *partition) {
    struct partition_flow flow = partition->flow;
    partition->flow = (struct partition_flow){0};
    partition->moved = false;
    return flow;
}

int64_t partition_high_watermark(const struct partition *partition) {
    return partition->high_watermark;
}

kafka_offset partition_stable_offset(const struct partition *partition) {
    kafka_offset open = producer_state_first_open(partition->producers),
                 start = partition_start_offset(partition);
    if (MUTANT(MUTANT_STABLE_IS_WATERMARK)) open = -1;
    if (open < 0 || open > partition->high_watermark) return partition->high_watermark;
    return open > start ? open : start;
}

int64_t partition_start_offset(const struct partition *partition) {
    kafka_offset first = partition_log_start_offset(raft_group_log(partition->group));
    return partition->log_start > first ? partition->log_start : first;
}
