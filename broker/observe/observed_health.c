/*
 * What is not well, with the reasons.
 *
 * Ready never looks at what all brokers can lose at once: then all of them would be taken out of a
 * load balancer together. That every replica here was in sync once since the start makes rolling
 * restarts safe; CATCH_UP_US bounds how long one broken partition can block them.
 */
#include <inttypes.h>

#include "broker/cluster/cluster_record.h"
#include "broker/observe/observer_internal.h"
#include "storage/journal/journal.h"

enum { SYNC_SLOW_US = 5 * 1000 * 1000 };
#define CATCH_UP_US UINT64_C(600000000)

static void add_leaderless(void *snapshot, const struct tally_trouble *trouble) {
    snapshot_unwell(snapshot, HEALTH_CLUSTER, "leaderless", "%s-%" PRId32 " has no leader",
                    trouble->topic, trouble->index);
}

static void add_thin(void *snapshot, const struct tally_trouble *trouble) {
    snapshot_unwell(snapshot, HEALTH_STOPPABLE, "majority",
                    "%s-%" PRId32 " would have %zu of %zu replicas in sync, and needs %zu",
                    trouble->topic, trouble->index, trouble->others, trouble->replicas,
                    trouble->replicas / 2 + 1);
}

static void judge_partitions(struct observer *observer) {
    const struct tally *tally = observer->observed->tally;
    struct snapshot *to = observer->snapshot;
    if (tally == NULL) return;
    size_t count = tally_each_leaderless(tally, SNAPSHOT_REASONS_MAX, add_leaderless, to);
    if (count > SNAPSHOT_REASONS_MAX)
        snapshot_unwell_more(to, HEALTH_CLUSTER, count - SNAPSHOT_REASONS_MAX);
    count = tally_each_thin(tally, SNAPSHOT_REASONS_MAX, add_thin, to);
    if (count > SNAPSHOT_REASONS_MAX)
        snapshot_unwell_more(to, HEALTH_STOPPABLE, count - SNAPSHOT_REASONS_MAX);
}

static void judge_metadata(struct observer *observer) {
    const struct observed *observed = observer->observed;
    const struct cluster_record *cluster = observed->cluster;
    int32_t own = observed->settings->node_id;
    uint32_t voters = cluster->voters, up = 0;
    bool votes = false;
    for (uint32_t i = 0; i < voters && i < cluster->node_count; i++) {
        int32_t node = cluster->nodes[i].node;
        votes = votes || node == own;
        up += node != own && peers_is_up(shard_peers(observed->shard), node);
    }
    if (votes && up < voters / 2 + 1)
        snapshot_unwell(observer->snapshot, HEALTH_STOPPABLE, "metadata",
                        "%" PRIu32 " of %" PRIu32
                        " voters of the metadata would be left, and %" PRIu32 " are needed",
                        up, voters, voters / 2 + 1);
    if (metadata_group_leader(observed->metadata_group) < 0)
        snapshot_unwell(observer->snapshot, HEALTH_CLUSTER, "metadata",
                        "no metadata leader is known here");
    for (size_t i = 0; i < metadata_broker_count(observed->metadata); i++) {
        const struct metadata_broker *broker = metadata_broker_at(observed->metadata, i);
        if (broker->fenced)
            snapshot_unwell(observer->snapshot, HEALTH_CLUSTER, "broker",
                            "broker %" PRId32 " has not been heard of", broker->node);
    }
    if (tally_sums(observer->observed->tally)->below_min_insync > 0)
        snapshot_unwell(observer->snapshot, HEALTH_CLUSTER, "min_insync",
                        "%" PRIu64
                        " partitions led here refuse produce: too few replicas are in sync",
                        tally_sums(observer->observed->tally)->below_min_insync);
}

/* They are behind, and catch up only when somebody does what the log says. */
static void judge_stranded(struct observer *observer) {
    struct shard_stats stats;
    shard_stats_get(observer->observed->shard, &stats);
    if (stats.stranded > 0)
        snapshot_unwell(observer->snapshot, HEALTH_CLUSTER, "stranded",
                        "%" PRIu64
                        " replicas lack the beginning of what this broker leads, and cannot be "
                        "given it; its log says which, and what to do",
                        stats.stranded);
}

static void judge_ready(struct observer *observer) {
    const struct observed *observed = observer->observed;
    struct snapshot *to = observer->snapshot;
    uint64_t age_us = env_now_us(observed->env) - observer->started_us;
    if (observed->stopping)
        snapshot_unwell(to, HEALTH_READY, "stopping", "this broker hands over and stops");
    else if (!observed->registered)
        snapshot_unwell(
            to, HEALTH_READY, "starting",
            "this broker has not joined its cluster yet; its log says for whom it waits");
    if (observed->registered && tally_sums(observer->observed->tally)->behind == 0)
        observer->caught_up = true;
    if (observed->registered && !observer->caught_up && age_us < CATCH_UP_US)
        snapshot_unwell(to, HEALTH_READY, "catching_up",
                        "%" PRIu64 " replicas here are not in sync with their leaders yet",
                        tally_sums(observer->observed->tally)->behind);
    struct journal_stats stats = {0};
    if (observed->store != NULL) journal_stats_get(log_store_journal(observed->store), &stats);
    if (stats.sync_age_us > SYNC_SLOW_US)
        snapshot_unwell(to, HEALTH_READY, "slow_disk",
                        "a write of the journal has taken %" PRIu64 " s so far; look at the disk",
                        stats.sync_age_us / 1000000);
}

static void judge_cluster(struct observer *observer) {
    judge_metadata(observer);
    judge_stranded(observer);
}

void observe_health(struct observer *observer) {
    const struct observed *observed = observer->observed;
    struct snapshot *to = observer->snapshot;
    judge_ready(observer);
    judge_partitions(observer);
    if (observed->cluster != NULL && observed->metadata_group != NULL)
        judge_cluster(observer);
    else
        for (int kind = HEALTH_STOPPABLE; kind < HEALTH_KINDS; kind++)
            snapshot_unwell(to, kind, "starting", "this broker has not joined its cluster");
    snapshot_add(to, METRIC_READY, to->health[HEALTH_READY].ok);
}
