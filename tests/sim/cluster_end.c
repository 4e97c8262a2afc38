/* What must be so on every broker in the end; cluster_end.h has the rules. */
#include "tests/sim/cluster_end.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/api/services.h"
#include "broker/config/topic_name.h"
#include "broker/metadata/metadata.h"
#include "broker/partition/partition.h"
#include "tests/sim/applied_state.h"
#include "tests/sim/decode.h"
#include "tests/sim/growth.h"
#include "tests/sim/queues/queues.h"
#include "tests/sim/read_back.h"

/* ---- Everybody has everything ---- */

bool cluster_is_out(const struct cluster *cluster, unsigned place) {
    uint32_t out = nemesis_lost(cluster->nemesis) | nemesis_damaged(cluster->nemesis);
    return (out | growth_removed(cluster->growth)) >> place & 1;
}

/* Enters what the brokers know to be committed. False: one of them is not there, or not with all
 * groups. */
static bool enter_commits(struct cluster *cluster) {
    uint64_t ids[1 + CLUSTER_PARTITIONS_MAX];

    for (unsigned i = 0; i < cluster->count; i++) {
        if (cluster_is_out(cluster, i)) continue;
        size_t n = cluster_groups(cluster, i, ids, 1 + CLUSTER_PARTITIONS_MAX);
        if (!cluster->brokers[i].ready || n != 1 + cluster_replicas(cluster, i, true)) return false;
        for (size_t k = 0; k < n; k++) {
            struct raft_group *group = cluster_group(cluster, i, ids[k]);
            uint64_t applied = raft_group_applied_index(group);
            log_term term = partition_log_term_at(raft_group_log(group), applied);
            if (term == 0) return false; /* the state that it was given reaches beyond its log */
            ledger_committed(cluster->ledger, "a broker", ids[k], applied, term);
        }
    }
    return true;
}

bool cluster_has_converged(struct cluster *cluster) {
    uint64_t ids[1 + CLUSTER_PARTITIONS_MAX];

    if (!enter_commits(cluster)) return false;
    for (unsigned i = 0; i < cluster->count; i++) {
        if (cluster_is_out(cluster, i)) continue;
        if (!cluster_same_metadata(cluster, i)) return false;
        size_t n = cluster_groups(cluster, i, ids, 1 + CLUSTER_PARTITIONS_MAX);
        for (size_t k = 0; k < n; k++)
            if (raft_group_applied_index(cluster_group(cluster, i, ids[k])) <
                ledger_last_committed(cluster->ledger, ids[k]))
                return false;
    }
    return true;
}

/* ---- Reading everything back, from each broker on its own ---- */

struct node_reading {
    struct cluster *cluster;
    int32_t partition;
    int64_t offset; /* the next one */
    bool whole;     /* from its first entry on, where there are share groups */
};

static void take_record(void *arg, int64_t offset, unsigned producer, uint64_t number) {
    struct node_reading *reading = arg;

    history_read(reading->cluster->history, reading->partition, offset, producer, number);
}

static void take_entry(void *arg, struct entry *entry) {
    struct node_reading *reading = arg;
    struct slice raw;

    if (reading->whole)
        queue_replay_entry(queues_book(reading->cluster->queues), reading->partition, entry);
    if (entry->type != ENTRY_BATCHES) return;
    if (entry->base_offset != reading->offset)
        run_fail(reading->cluster->run,
                 "entry %" PRIu64 " of partition %d begins at offset %" PRId64 ", not %" PRId64,
                 entry->index, reading->partition, entry->base_offset, reading->offset);
    int error = entry_raw(entry, NULL, false, &raw);
    if (error != ERR_NONE)
        run_fail(reading->cluster->run, "entry %" PRIu64 " cannot be read (%s)", entry->index,
                 error_phrase(error));
    reading->offset = decode_batches(reading->cluster->run, reading->cluster->history, raw.data,
                                     raw.len, reading->offset, take_record, reading);
    slice_unref(&raw);
}

static int64_t take_batches(void *arg, const struct slice *batches, int64_t from) {
    struct node_reading *reading = arg;

    return decode_batches(reading->cluster->run, reading->cluster->history, batches->data,
                          batches->len, from, take_record, reading);
}

/* What a replica has of a partition. False: more of it was cleaned meanwhile. */
static bool read_replica(struct cluster *cluster, unsigned place, int32_t p,
                         struct raft_group *group) {
    struct sim_broker *broker = &cluster->brokers[place];
    struct partition_log *log = raft_group_log(group);
    int64_t start = partition_log_start_offset(log);
    /* What lies below is there for consumers only, cleaned or about to be. */
    log_index cleaned = partition_log_first_index(log) - 1;
    struct node_reading reading = {.cluster = cluster,
                                   .partition = p,
                                   .offset = partition_log_offset_behind(log, cleaned),
                                   .whole = cluster->queues != NULL && cleaned == 0};
    char who[16];
    history_started(cluster->history, p, start, "a replica");
    run_count(cluster->run, RARE_PREFIXES_DROPPED, start > 0);
    run_count(cluster->run, RARE_CLEANED, start < reading.offset);
    history_final_start(cluster->history, p,
                        partition_start_offset(cluster_partition(cluster, place, cluster_topic, p)),
                        "a replica");
    snprintf(who, sizeof who, "n%u", place + 1);

    if (reading.whole) queue_replay_begin(queues_book(cluster->queues), p);
    history_replica_begin(cluster->history, p);
    read_back_batches(cluster->run, broker->node, group, start, reading.offset, take_batches,
                      &reading);
    bool all = partition_log_first_index(log) == cleaned + 1 &&
               read_back(cluster->run, broker->node, group, raft_group_applied_index(group),
                         cluster->ledger, take_entry, &reading);
    if (!all) return false;
    history_replica_end(cluster->history, p, who);
    if (reading.whole)
        queue_replay_end(queues_book(cluster->queues),
                         cluster_partition(cluster, place, cluster_topic, p), p, place);
    if (reading.offset < history_end(cluster->history, p))
        run_fail(cluster->run,
                 "n%u has offsets up to %" PRId64 " of partition %d, but %" PRId64 " are known",
                 place + 1, reading.offset, p, history_end(cluster->history, p));
    return true;
}

static void read_broker(struct cluster *cluster, unsigned place) {
    struct sim_broker *broker = &cluster->brokers[place];
    struct raft_group *group = cluster_group(cluster, place, METADATA_GROUP);

    if (!read_back(cluster->run, broker->node, group, raft_group_applied_index(group),
                   cluster->ledger, NULL, NULL))
        run_fail(cluster->run, "n%u has cleaned its metadata", place + 1);
    for (int32_t p = 0; p < cluster->partitions; p++) {
        group = cluster_group(cluster, place, cluster->groups[p]);
        if (group == NULL) continue; /* it is elsewhere, as cluster_has_converged has seen */
        while (!read_replica(cluster, place, p, group))
            ; /* nobody writes any more, so it is cleaned once or twice */
    }
}

/* Every replica has applied the same entries: it must know the same, of producers and of consumer
 * groups. */
static void compare_states(struct cluster *cluster, const char *topic, int32_t p) {
    struct slice first = {0};
    unsigned of = 0;

    for (unsigned i = 0; i < cluster->count; i++) {
        if (cluster_is_out(cluster, i)) continue;
        struct partition *partition = cluster_partition(cluster, i, topic, p);
        if (partition == NULL) continue;
        struct slice state = partition_applied_state(partition);
        if (first.data == NULL) {
            first = state;
            of = i;
            continue;
        }
        if (!applied_states_equal(&state, &first))
            run_fail(cluster->run, "n%u and n%u know different things by partition %d of %s",
                     of + 1, i + 1, p, topic);
        slice_unref(&state);
    }
    slice_unref(&first);
}

/* Whether that broker is to have a replica of that partition: some come later than the topic, and
 * some are drained. */
static bool has_offsets(struct cluster *cluster, unsigned place, int32_t p) {
    const struct sim_broker *broker = &cluster->brokers[place];
    if (broker->broker == NULL || !broker->ready) return true;
    const struct metadata_topic *topic = metadata_topic_named(
        broker_services(broker->broker)->metadata, TOPIC_CONSUMER_OFFSETS,
        strlen(TOPIC_CONSUMER_OFFSETS));
    return topic == NULL || metadata_replica_on(&topic->partitions[p], (int32_t)place + 1) != NULL;
}

/* Whether all brokers that are to have them have applied equally much of the groups of consumers.
 */
bool cluster_offsets_have_converged(struct cluster *cluster) {
    for (int32_t p = 0; p < CLUSTER_OFFSETS_PARTITIONS; p++) {
        uint64_t first = 0;
        for (unsigned i = 0; i < cluster->count; i++) {
            if (cluster_is_out(cluster, i) || !has_offsets(cluster, i, p)) continue;
            struct partition *partition = cluster_partition(cluster, i, TOPIC_CONSUMER_OFFSETS, p);
            uint64_t applied = partition == NULL
                                   ? 0
                                   : raft_group_applied_index(partition_group(partition));
            if (first == 0) first = applied;
            if (applied != first || applied == 0) return false;
        }
    }
    return true;
}

void cluster_compare_partitions(struct cluster *cluster) {
    for (int32_t p = 0; p < cluster->partitions; p++)
        compare_states(cluster, cluster_topic, p);
}

void cluster_compare_offsets(struct cluster *cluster) {
    for (int32_t p = 0; p < CLUSTER_OFFSETS_PARTITIONS; p++)
        compare_states(cluster, TOPIC_CONSUMER_OFFSETS, p);
}

void cluster_read_brokers(struct cluster *cluster) {
    for (unsigned i = 0; i < cluster->count; i++)
        if (!cluster_is_out(cluster, i)) read_broker(cluster, i);
}
