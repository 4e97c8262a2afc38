/* Random plans, the configurations that were seen, and the looks; moves.h has the rules. */
#include "tests/sim/moves.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/api/services.h"
#include "broker/partition_set/partition_set.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/alter_partition_reassignments.h"
#include "tests/sim/growth.h"
#include "tests/sim/loss/loss.h"

enum {
    CALL_US = 3000000,
    SEEN_MAX = 8,      /* configurations of a partition that are kept: the newest */
    REPLICAS_MAX = 400 /* of a partition, one after the other */
};

/* A configuration that some replica had. */
struct seen {
    uint64_t index;
    uint32_t voters; /* machines, as bits */
};

struct moved_partition {
    struct seen seen[SEEN_MAX]; /* the highest index last */
    unsigned seen_count;
    struct {
        uint64_t replica;
        unsigned place; /* of its broker */
        unsigned life;  /* of that machine's directory, in which it was open; 0: in none yet */
    } replicas[REPLICAS_MAX];
    unsigned replica_count;
    uint64_t open[CLUSTER_BROKERS_MAX]; /* the replica that this process has open; 0: none */
};

struct moves {
    struct kafka_call call;
    struct cluster *cluster;
    struct env_timer *timer;
    uint64_t interval_us;
    bool finished, asks;
    struct moved_partition partitions[CLUSTER_PARTITIONS_MAX];
    unsigned starts[CLUSTER_BROKERS_MAX]; /* which process was looked at last */
};

/* ---- What is seen ---- */

static bool place_of(const struct moved_partition *partition, uint64_t replica, unsigned *place) {
    for (unsigned i = 0; i < partition->replica_count; i++) {
        if (partition->replicas[i].replica != replica) continue;
        *place = partition->replicas[i].place;
        return true;
    }
    return false;
}

static void note_replicas(struct moves *moves, struct moved_partition *partition,
                          const struct metadata_partition *row) {
    unsigned place;

    for (size_t i = 0; i < metadata_member_count(row); i++) {
        const struct metadata_replica *replica = &row->replicas[i];
        if (replica->node == METADATA_NODE_LOST) continue; /* it was seen before */
        if (place_of(partition, replica->replica, &place)) {
            if (place != (unsigned)replica->node - 1)
                run_fail(moves->cluster->run, "replica %" PRIu64 " is on n%u and on n%d",
                         replica->replica, place + 1, replica->node);
            continue;
        }
        if (partition->replica_count == REPLICAS_MAX)
            run_fail(moves->cluster->run, "more replicas than the simulator keeps in mind");
        partition->replicas[partition->replica_count].replica = replica->replica;
        partition->replicas[partition->replica_count++].place = (unsigned)replica->node - 1;
    }
}

static void note_configuration(struct moved_partition *partition,
                               const struct raft_group_configuration *now) {
    struct seen seen = {.index = now->index};
    unsigned place, at;

    for (size_t s = 0; s < now->count; s++)
        if (now->servers[s].voter && place_of(partition, now->servers[s].replica, &place))
            seen.voters |= UINT32_C(1) << place;
    if (now->index == 0) return;
    for (unsigned i = 0; i < partition->seen_count; i++)
        if (partition->seen[i].index == seen.index && partition->seen[i].voters == seen.voters)
            return;
    if (partition->seen_count == SEEN_MAX) {
        if (seen.index < partition->seen[0].index) return;
        memmove(partition->seen, partition->seen + 1, (SEEN_MAX - 1) * sizeof seen);
        partition->seen_count--;
    }
    for (at = partition->seen_count; at > 0 && partition->seen[at - 1].index > seen.index; at--)
        partition->seen[at] = partition->seen[at - 1];
    partition->seen[at] = seen;
    partition->seen_count++;
}

/* What a replica has promised is in one directory, and nowhere else. */
static void note_life(struct moves *moves, struct moved_partition *partition, unsigned place,
                      uint64_t replica) {
    unsigned life = 1 + growth_lives(moves->cluster->growth, place);

    for (unsigned i = 0; i < partition->replica_count; i++) {
        if (partition->replicas[i].replica != replica) continue;
        if (partition->replicas[i].life == 0) partition->replicas[i].life = life;
        if (partition->replicas[i].life != life)
            run_fail(moves->cluster->run,
                     "replica %" PRIu64 " is open on n%u, and its directory was lost", replica,
                     place + 1);
    }
}

/* A replica goes by a plan that is done, in the broker's own table, and by nothing else. */
static void look_at_replica(struct moves *moves, struct sim_broker *broker, int32_t p,
                            const struct metadata_partition *row) {
    struct moved_partition *partition = &moves->partitions[p];
    struct partition *here = partition_set_find_group(broker_services(broker->broker)->partitions,
                                                      row->group);
    const struct metadata_replica *ours = metadata_replica_on(row, (int32_t)broker->place + 1);
    uint64_t before = partition->open[broker->place];

    if (here == NULL && before != 0 && ours != NULL && ours->replica == before)
        run_fail(moves->cluster->run,
                 "n%u has closed replica %" PRIu64
                 " of partition %d, which its table still has there",
                 broker->place + 1, before, p);
    /* Not as the table has it: an earlier one of a partition that came back goes behind that. */
    uint64_t open = here == NULL ? 0 : raft_group_replica(partition_group(here));
    partition->open[broker->place] = open;
    if (here != NULL) note_life(moves, partition, broker->place, open);
}

/* Also of a broker that starts or stops: it may lead. */
static void look_at_configuration(struct moves *moves, const struct sim_broker *broker, int32_t p) {
    const struct broker_services *services = broker_services(broker->broker);
    uint64_t group = moves->cluster->groups[p];
    const struct metadata_partition *row =
        services->metadata == NULL ? NULL : metadata_partition_of_group(services->metadata, group);
    struct partition *here = row == NULL || services->partitions == NULL
                                 ? NULL
                                 : partition_set_find_group(services->partitions, group);
    struct raft_group_configuration now;

    if (here == NULL) return;
    note_replicas(moves, &moves->partitions[p], row);
    raft_group_configuration(partition_group(here), &now);
    note_configuration(&moves->partitions[p], &now);
}

void moves_look(struct moves *moves) {
    struct cluster *cluster = moves->cluster;

    for (unsigned i = 0; i < cluster->count; i++) {
        struct sim_broker *broker = &cluster->brokers[i];
        bool runs = broker->broker != NULL && broker->ready && !broker->stopping;
        for (int32_t p = 0; p < cluster->partitions; p++) {
            if (broker->broker != NULL) look_at_configuration(moves, broker, p);
            const struct metadata_partition *row =
                !runs ? NULL
                      : metadata_partition_of_group(broker_services(broker->broker)->metadata,
                                                    cluster->groups[p]);
            if (broker->starts != moves->starts[i]) moves->partitions[p].open[i] = 0;
            if (row == NULL) {
                moves->partitions[p].open[i] = 0;
                continue;
            }
            look_at_replica(moves, broker, p, row);
        }
        moves->starts[i] = broker->starts;
    }
}

bool moves_is_durable(struct moves *moves, int32_t p, const struct durable_question *question) {
    const struct moved_partition *partition = &moves->partitions[p];
    struct cluster *cluster = moves->cluster;
    /* It may have been there. */
    uint32_t durable = nemesis_lost(cluster->nemesis) | loss_lost(cluster->loss);

    moves_look(moves);
    for (unsigned i = 0; i < cluster->count; i++)
        if (durable_index_has(cluster->brokers[i].durable, question)) durable |= UINT32_C(1) << i;
    for (unsigned i = 0; i < partition->seen_count; i++) {
        int voters = __builtin_popcount(partition->seen[i].voters);
        if (__builtin_popcount(partition->seen[i].voters & durable) * 2 > voters) return true;
    }
    return partition->seen_count == 0;
}

static void describe_group(struct cluster *cluster, unsigned place, int32_t p) {
    struct raft_group *group = cluster_group(cluster, place, cluster->groups[p]);
    struct raft_group_configuration now;

    if (group == NULL) return;
    raft_group_configuration(group, &now);
    printf("  n%u partition %d%s: configuration %" PRIu64 "%s", place + 1, p,
           raft_group_is_leading(group) ? " (leads)" : "", now.index, now.committed ? "" : "?");
    for (size_t i = 0; i < now.count; i++)
        printf(" %" PRIu64 "%s", now.servers[i].replica, now.servers[i].voter ? "" : "-");
    printf("\n");
}

void moves_describe(struct cluster *cluster) {
    for (unsigned i = 0; i < cluster->count; i++) {
        const struct sim_broker *broker = &cluster->brokers[i];
        if (!broker->ready || broker->broker == NULL || broker->stopping) continue;
        for (int32_t p = 0; p < cluster->partitions; p++) {
            const struct metadata_partition *row = metadata_partition_of_group(
                broker_services(broker->broker)->metadata, cluster->groups[p]);
            if (row == NULL) continue;
            printf("  n%u says of partition %d: plan %" PRIu64 ",", i + 1, p, row->plan);
            for (size_t r = 0; r < metadata_member_count(row); r++)
                printf("%s %" PRIu64 "@n%d", r == row->replica_count ? " leaving" : "",
                       row->replicas[r].replica, row->replicas[r].node);
            printf("\n");
            describe_group(cluster, i, p);
        }
    }
}

bool moves_are_done(struct cluster *cluster) {
    if (cluster->moves->asks) return false; /* the last plan may not be there yet */
    for (unsigned i = 0; i < cluster->count; i++) {
        const struct sim_broker *broker = &cluster->brokers[i];
        if (growth_removed(cluster->growth) >> i & 1) continue;
        if (!broker->ready || broker->broker == NULL || broker->stopping) return false;
        if (metadata_plan_count(broker_services(broker->broker)->metadata) > 0) return false;
    }
    return true;
}

/* ---- The client ---- */

static void later(struct moves *moves) {
    struct world *world = moves->cluster->run->world;
    env_timer_start(moves->timer,
                    moves->interval_us / 2 + world_below(world, moves->interval_us + 1));
}

static void answered(struct kafka_call *call, int error, const void *answer) {
    struct moves *moves = CONTAINER_OF(call, struct moves, call);
    const struct kp_alter_partition_reassignments_response *response = answer;

    moves->asks = false;
    later(moves);
    if (error != ERR_NONE) {
        run_count(moves->cluster->run, RARE_UNKNOWN_RESULTS, 1);
        return;
    }
    int16_t code = response->responses.items[0].partitions.items[0].error_code;
    run_count(moves->cluster->run, RARE_PLANS, code == KAFKA_NONE);
    if (code != KAFKA_NONE && code != KAFKA_NO_REASSIGNMENT_IN_PROGRESS &&
        code != KAFKA_UNKNOWN_TOPIC_OR_PARTITION && code != KAFKA_INVALID_REPLICA_ASSIGNMENT &&
        !kafka_error_retriable(code))
        run_fail(moves->cluster->run, "a plan for partition %d is answered with %s",
                 response->responses.items[0].partitions.items[0].partition_index,
                 kafka_error_name(code));
}

/* Some brokers, in some order; where directories are lost, never on too few. */
static int32_t draw_nodes(struct moves *moves, int32_t *nodes) {
    struct world *world = moves->cluster->run->world;
    int32_t count = (int32_t)moves->cluster->count, wanted = 1 + (int32_t)world_below(world, 4);

    if (moves->cluster->growing) wanted = 3;

    for (int32_t i = 0; i < count; i++)
        nodes[i] = i + 1;
    for (int32_t i = count - 1; i > 0; i--) {
        int32_t other = (int32_t)world_below(world, (uint64_t)i + 1), node = nodes[i];
        nodes[i] = nodes[other];
        nodes[other] = node;
    }
    return wanted < count ? wanted : count;
}

static void ask(struct moves *moves) {
    struct kp_alter_partition_reassignments_request request;
    struct kp_alter_partition_reassignments_request_topic topic;
    struct kp_alter_partition_reassignments_request_partition partition;
    struct cluster *cluster = moves->cluster;
    struct world *world = cluster->run->world;
    int32_t nodes[CLUSTER_BROKERS_MAX];

    kp_set_fallbacks(&kp_alter_partition_reassignments_request_schema, &request);
    kp_set_fallbacks(&kp_alter_partition_reassignments_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_alter_partition_reassignments_request_partition_schema, &partition);
    partition.partition_index = (int32_t)world_below(world, (uint64_t)cluster->partitions);
    if (world_below(world, 5) > 0) {
        partition.replicas.items = nodes;
        partition.replicas.count = draw_nodes(moves, nodes);
    }
    topic.name = kp_string_of(kafka_client_topic(cluster->client));
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = 2000;
    moves->call.done = answered;
    moves->asks = true;
    kafka_link_call(kafka_client_link(cluster->client, -1), &moves->call,
                    KP_ALTER_PARTITION_REASSIGNMENTS,
                    kafka_client_version(cluster->client, KP_ALTER_PARTITION_REASSIGNMENTS, 0),
                    &request, CALL_US);
}

static void step(void *arg) {
    struct moves *moves = arg;

    if (moves->finished) return;
    if (kafka_client_ready(moves->cluster->client))
        ask(moves);
    else
        later(moves);
}

struct moves *moves_new(struct cluster *cluster) {
    struct moves *moves = mem_zalloc(sizeof *moves);

    moves->cluster = cluster;
    /* Most plans are replaced in the middle, or most come to their end. */
    moves->interval_us = 100000 +
                         world_below(cluster->run->world,
                                     world_below(cluster->run->world, 2) == 0 ? 500000 : 5000000);
    moves->timer = env_timer_new(kafka_client_env(cluster->client), step, moves);
    later(moves);
    return moves;
}

void moves_finish(struct moves *moves) {
    moves->finished = true;
}
