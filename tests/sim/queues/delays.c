/* The topic, looks at its replicas, and the end; delays.h has the rules. */
#include "tests/sim/queues/delays.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "broker/delay/delayed.h"
#include "broker/partition/partition_delay.h"
#include "raft-glue/raft_group.h"
#include "tests/sim/cluster_end.h"
#include "tests/sim/queues/delay_reader.h"
#include "tests/sim/queues/delay_sender.h"
#include "tests/sim/queues/known_states.h"
#include "tests/sim/read_back.h"

static const char topic[] = "later";

enum { SET_EVERY = 10 /* looks */, SET_MS = 3000 };

struct delays {
    struct cluster *cluster;
    struct kafka_client *client;
    struct later_book *book;
    struct delay_sender *sender;
    struct delay_reader *reader;
    struct known_states known;
    bool sets_clocks;
};

struct delays *delays_new(struct cluster *cluster, struct env *env, int16_t replicas) {
    struct delays *delays = mem_zalloc(sizeof *delays);
    delays->cluster = cluster;
    delays->sets_clocks = cluster->run->seed % 3 == 0;
    delays->client = kafka_client_new(cluster->run, env, cluster->count, topic, 1, replicas);
    kafka_client_set(delays->client, "delay.enable", "true");
    delays->book = later_book_new(cluster);
    delays->sender = delay_sender_new(cluster, delays->client, delays->book);
    delays->reader = delay_reader_new(cluster, delays->client, delays->book);
    return delays;
}

bool delays_are_made(const struct delays *delays) {
    return kafka_client_ready(delays->client);
}

static uint64_t hash_of(struct delayed *delayed) {
    struct snapshot_bytes bytes = {0};
    struct delayed_walk *walk = delayed_walk_new(delayed);
    while (!delayed_walk_step(walk, &bytes))
        continue;
    delayed_walk_rest(walk, &bytes);
    return known_hash(&bytes);
}

static struct partition *replica(const struct delays *delays, unsigned place) {
    return cluster_is_out(delays->cluster, place)
               ? NULL
               : cluster_partition(delays->cluster, place, topic, 0);
}

static void set_a_clock(struct delays *delays) {
    struct world *world = delays->cluster->run->world;
    unsigned place = (unsigned)world_below(world, delays->cluster->count);
    if (world_below(world, SET_EVERY) > 0) return;
    node_jump_wall_clock(delays->cluster->brokers[place].node,
                         (int64_t)world_below(world, 2 * SET_MS + 1) - SET_MS);
}

void delays_look(struct delays *delays) {
    if (delays->sets_clocks) set_a_clock(delays);
    later_look_at_clocks(delays->book);
    for (unsigned i = 0; i < delays->cluster->count; i++) {
        struct partition *partition = replica(delays, i);
        uint64_t applied = known_applied(partition);
        if (applied == 0) continue;
        struct known_state state = {i, applied, hash_of(partition_delayed(partition))};
        known_note(&delays->known, delays->cluster->run, &state, "delayed records");
    }
}

/* ---- The end ---- */

void delays_finish(struct delays *delays) {
    int64_t ahead_ms = later_clock_ahead_ms(delays->book) + 2 * DELAY_SOON_MS;
    delays->sets_clocks = false;
    delay_sender_finish(delays->sender);
    for (unsigned i = 0; i < delays->cluster->count; i++) {
        struct node *node = delays->cluster->brokers[i].node;
        node_jump_wall_clock(node, ahead_ms - node_wall_offset_ms(node));
    }
}

/* Nothing that waits is due, and all that came has been read. */
static bool is_through(const struct delays *delays, unsigned place) {
    const struct partition *partition = replica(delays, place);
    struct env *env = node_env(delays->cluster->brokers[place].node);
    return delayed_next_due(partition_delayed(partition)) > env_wall_ms(env) &&
           delay_reader_position(delays->reader) >= partition_high_watermark(partition);
}

bool delays_are_done(struct delays *delays) {
    if (!delay_sender_is_done(delays->sender) || !known_are_equal(delays->cluster, topic))
        return false;
    for (unsigned i = 0; i < delays->cluster->count; i++)
        if (!cluster_is_out(delays->cluster, i) && !is_through(delays, i)) return false;
    return true;
}

void delays_describe(struct delays *delays) {
    printf("delayed records: all %s sent, read to %" PRId64,
           delay_sender_is_done(delays->sender) ? "are" : "are not",
           delay_reader_position(delays->reader));
    for (unsigned i = 0; i < delays->cluster->count; i++) {
        struct partition *partition = replica(delays, i);
        if (partition == NULL) continue;
        printf(", n%u: %zu pending, the next in %" PRId64 " ms, applied %" PRIu64
               ", high watermark %" PRId64,
               i + 1, delayed_count(partition_delayed(partition)),
               delayed_next_due(partition_delayed(partition)) -
                   env_wall_ms(node_env(delays->cluster->brokers[i].node)),
               known_applied(partition), partition_high_watermark(partition));
    }
    printf("\n");
}

static void take_entry(void *arg, struct entry *entry) {
    later_replay_entry(arg, entry);
}

void delays_judge(struct delays *delays) {
    struct cluster *cluster = delays->cluster;
    for (unsigned i = 0; i < cluster->count; i++) {
        struct partition *partition = replica(delays, i);
        if (partition == NULL) continue;
        struct raft_group *group = partition_group(partition);
        uint64_t applied = known_applied(partition);
        if (partition_log_first_index(raft_group_log(group)) > 1) continue; /* given as files */
        struct later_pending pending = later_pending_of(partition);
        int64_t read_to = delay_reader_position(delays->reader);
        later_replay_begin(delays->book);
        if (read_back(cluster->run, cluster->brokers[i].node, group, applied, cluster->ledger,
                      take_entry, delays->book))
            later_replay_end(delays->book, &pending, i, read_to);
    }
}
